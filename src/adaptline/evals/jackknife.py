"""Scores of a whole set as one value per item, so that they are compared as scores of items are.

Knows numbers. The values' mean is the score of the set, and their spread tells how sure that score is (Tukey 1958; Efron
and Stein 1981).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray


def pseudo_values(score: float, change: NDArray[np.float64]) -> list[float]:
    """Tukey's pseudo-values, moved so that their mean is the score itself and not its bias-corrected form.

    Args:
        score: of the whole set.
        change: for each item, what leaving it out adds to the score.
    """
    values: list[float] = (score + (len(change) - 1) * (change.mean() - change)).tolist()
    return values


def of_sums(statistics: Sequence[Sequence[int]], score: Callable[[list[int]], float]) -> list[float]:
    """One value per item of a score that follows from sums of counts over all items, as BLEU does.

    Args:
        statistics: counts of each item, (items, counts).
        score: of the sums of the counts.
    """
    counts = np.asarray(statistics, dtype=np.int64)
    total = counts.sum(0)
    whole = score(total.tolist())
    if len(counts) == 1:
        return [whole]
    without = np.array([score(rest) for rest in (total - counts).tolist()])
    return pseudo_values(whole, without - whole)
