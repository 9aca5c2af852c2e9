"""Scores of a whole corpus by sacrebleu, as one value per item whose mean is the corpus score.

Knows sacrebleu's metrics: their counts per item and how a score is made of a sum of counts. Knows nothing of how they
count. sacrebleu itself is given by the caller, who imports it when it is used: curation works without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any, Literal

import numpy as np

from adaptline.evals.answers import References, refuse_unanswerable

Case = Literal["cased", "lower"]

_PERFECT = 100 - 1e-9  # by its logarithms, a perfect BLEU is 100.00000000000004


def jackknife(metric: Any, predictions: Sequence[str], references: References) -> list[float]:
    """The corpus score as one value per item.

    An item's value is the corpus score plus what leaving the item out takes from it, times the number of items less one,
    centred (Tukey's pseudo-values, moved so that their mean is the corpus score itself and not its bias-corrected
    form). Single values may lie outside the scale. A single item has the score itself.

    Args:
        metric: BLEU or CHRF of sacrebleu.metrics.
        predictions: one per item.
        references: at least one per item, not everywhere equally many.

    Raises:
        UserError: no items, or an item without a reference.
    """
    refuse_unanswerable(type(metric).__name__, references)
    if len(predictions) != len(references):
        raise ValueError(f"{len(predictions)} predictions for {len(references)} items")
    # Counting is public only for a whole corpus at once, which would be once per item to leave out.
    counts = np.array(metric._extract_corpus_statistics(predictions, list(zip_longest(*references))))  # noqa: SLF001
    total = counts.sum(axis=0)
    whole = _score(metric, total.tolist())
    if len(counts) == 1:
        return [whole]
    without = np.array([_score(metric, rest) for rest in (total - counts).tolist()])
    values: list[float] = (whole + (len(counts) - 1) * (without.mean() - without)).tolist()
    return values


def _score(metric: Any, counts: list[int]) -> float:
    score = float(metric._compute_score_from_stats(counts).score)  # noqa: SLF001 - as above
    return 100.0 if score > _PERFECT else score


def signature(metric: Any, name: str, references: References) -> str:
    """What sacrebleu's command line calls such a score. Raises UserError as `jackknife` does."""
    refuse_unanswerable(name, references)
    counts = {len(accepted) for accepted in references}
    metric.num_refs = counts.pop() if len(counts) == 1 else -1  # sacrebleu's word for a number that varies
    return f"{name}|{metric.get_signature()}"
