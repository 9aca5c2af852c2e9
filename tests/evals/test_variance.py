"""The variance of a mean and of a difference: as it is written out, and as textbooks have it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from comparing import draw, pair
from scipy import stats

from adaptline.evals.compare import compare
from adaptline.evals.variance import Scores


def mean_squares(scores: Scores) -> tuple[float, float]:
    """Variance over seeds of the means, and the mean square of seed x item, written out."""
    seeds, items = scores.shape
    grand = sum(sum(row) for row in scores) / seeds / items
    rows = [sum(row) / items for row in scores]
    columns = [sum(scores[:, i]) / seeds for i in range(items)]
    squares = sum((scores[s, i] - rows[s] - columns[i] + grand) ** 2 for s in range(seeds) for i in range(items))
    return sum((row - grand) ** 2 for row in rows) / (seeds - 1), squares / ((seeds - 1) * (items - 1))


def by_hand(first: Scores, second: Scores, alpha: float) -> tuple[float, float, float]:
    """Middle, half width and degrees of the seeds' part."""
    items, counts = first.shape[1], (len(first), len(second))
    difference = first.mean(axis=0) - second.mean(axis=0)
    (v, r), (w, q) = mean_squares(first), mean_squares(second)
    of_all = [(count - 1) / (sum(counts) - 2) for count in counts]
    first_weight = (counts[0] - 1 + 2 * of_all[0]) / (counts[0] + 1) / counts[0] + 2 * of_all[0] / (
        counts[1] + 1
    ) / counts[1]
    second_weight = (counts[1] - 1 + 2 * of_all[1]) / (counts[1] + 1) / counts[1] + 2 * of_all[1] / (
        counts[0] + 1
    ) / counts[0]
    moderated = [first_weight * v, second_weight * w]
    degrees = sum(moderated) ** 2 / sum(part**2 / (n - 1) for n, part in zip(counts, moderated, strict=True))
    alone = float(difference.var(ddof=1)) / items
    part, seeds = max(0.0, alone - (r / counts[0] + q / counts[1]) / items), sum(moderated)
    of_items, of_seeds = stats.t.isf(alpha / 2, items - 1), stats.t.isf(alpha / 2, degrees)
    half = max(of_items * math.sqrt(alone), (of_items * part + of_seeds * seeds) / math.sqrt(part + seeds))
    return float(difference.mean()), half, degrees


@pytest.mark.parametrize(("seeds", "others"), [(2, 2), (3, 3), (2, 5), (4, 3)])
def test_the_interval_is_that_of_the_mean_squares_written_out(seeds: int, others: int) -> None:
    first = draw(1, (seeds, 90), 1.5) + draw(2, (seeds, 1)) * 0.1
    second = draw(3, (others, 90)) + draw(4, (others, 1)) * 0.3
    found = pair(first, second)
    middle, half, degrees = by_hand(first, second, 0.05)
    assert found.first == "A"
    assert (found.low, found.high) == pytest.approx((middle - half, middle + half), abs=3e-3)
    assert found.degrees == pytest.approx((89, degrees))


def test_where_seeds_are_all_there_is_two_systems_get_the_test_of_welch() -> None:
    """Many items that all say the same: the seeds' means are the data."""
    noise = draw(9, (1, 20_000)) * 1e-3
    first = np.array([[0.5], [0.7], [0.9]]) + noise
    second = np.array([[0.2], [0.25], [0.6]]) + noise
    expected = stats.ttest_ind(first.mean(axis=1), second.mean(axis=1), equal_var=False)
    found = pair(first, second)
    assert found.p == pytest.approx(expected.pvalue, rel=0.01)
    assert found.degrees[1] == pytest.approx(expected.df)


def test_other_systems_tell_how_much_seeds_vary() -> None:
    """The same pair is judged more surely among steady systems than among varying ones, and never as if alone."""
    first, second = draw(1, (2, 300), 0.3), draw(2, (2, 300))
    swing = np.array([[-1.0], [1.0]])
    width = {}
    for name, scale in (("steady", 0.0), ("varying", 1.0)):
        others = {f"{name} {index}": draw(10 + index, (2, 300)) + scale * swing for index in range(4)}
        found = compare({"A": first, "B": second, **others}).of("A", "B")
        width[name] = found.high - found.low
        assert found.degrees[1] <= 6
    assert width["varying"] > 2 * width["steady"]


def test_the_interval_is_never_narrower_than_items_alone_give() -> None:
    """Seeds that agree by chance must not make up for few items."""
    first, second = draw(1, (2, 40)), draw(2, (2, 40))
    agreed = np.array([[0.0], [1e-6]])
    first, second = (scores - scores.mean(axis=1, keepdims=True) + agreed for scores in (first, second))
    found = pair(first, second)
    difference = first.mean(axis=0) - second.mean(axis=0)
    alone = stats.t.ppf(0.975, 39) * difference.std(ddof=1) / math.sqrt(40)
    assert (found.high - found.low) / 2 == pytest.approx(alone, rel=0.01)


def test_a_flat_list_of_scores_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="not \\(seeds, items\\)"):
        compare({"A": np.ones(5)})
