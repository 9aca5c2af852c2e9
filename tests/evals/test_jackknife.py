from __future__ import annotations

import statistics

import numpy as np
import pytest

from adaptline.evals.jackknife import of_sums, pseudo_values


def ratio(sums: list[int]) -> float:
    return sums[0] / sums[1]


def test_the_mean_is_the_score_of_the_set() -> None:
    counts = [[1, 4], [3, 5], [0, 2], [2, 2]]
    values = of_sums(counts, ratio)
    assert statistics.fmean(values) == pytest.approx(6 / 13)
    without = [(6 - hit) / (13 - count) for hit, count in counts]
    expected = [6 / 13 + 3 * (statistics.fmean(without) - rest) for rest in without]
    assert values == pytest.approx(expected)


def test_a_mean_has_the_items_as_its_values() -> None:
    """Of a score that is a mean of items, the pseudo-values are the items' own."""
    assert of_sums([[1, 1], [0, 1], [1, 1]], ratio) == pytest.approx([1, 0, 1])


def test_an_item_alone_has_the_score() -> None:
    assert of_sums([[1, 2]], ratio) == [0.5]
    assert pseudo_values(0.25, np.zeros(1)) == [0.25]


def test_the_spread_tells_how_sure_the_score_is() -> None:
    """The standard error of the ratio of two sums, against redrawing the items."""
    draw = np.random.default_rng(0)
    counts = np.stack([draw.binomial(12, 0.3, 400), draw.integers(12, 30, 400)], 1)
    values = np.array(of_sums(counts.tolist(), ratio))
    error = values.std(ddof=1) / 20
    redrawn = [ratio(counts[draw.integers(0, 400, 400)].sum(0).tolist()) for _ in range(2000)]
    assert error == pytest.approx(np.std(redrawn), rel=0.1)
