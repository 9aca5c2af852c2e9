"""Agreement of two judges: kappa against a published table, and an interval that holds for few rows."""

from __future__ import annotations

import numpy as np
import pytest

from adaptline.data.agreement import agreement


def judges(both_keep: int, both_drop: int, first_only: int, second_only: int) -> tuple[np.ndarray, np.ndarray]:
    counts = [both_keep, both_drop, first_only, second_only]
    return np.repeat([False, True, True, False], counts), np.repeat([False, True, False, True], counts)


def test_kappa_is_cohens() -> None:
    # 20 yes-yes, 15 no-no, 5 and 10 mixed: the worked example of "Cohen's kappa" in textbooks, 0.4
    found = agreement(*judges(20, 15, 5, 10))
    assert found.kappa == pytest.approx(0.4)
    assert found.share == pytest.approx(0.7)
    assert (found.rows, found.both_keep, found.both_drop, found.first_only, found.second_only) == (50, 20, 15, 5, 10)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0.4 < found.high


@pytest.mark.parametrize("counts", [(0, 0, 0, 0), (9, 0, 0, 0)])
def test_without_two_kinds_of_verdicts_there_is_no_kappa(counts: tuple[int, int, int, int]) -> None:
    found = agreement(*judges(*counts))
    assert (found.kappa, found.low, found.high) == (None, None, None)
    assert found.share == (1.0 if sum(counts) else None)


def test_judges_who_never_differ_are_not_certain_to_agree() -> None:
    few, many = agreement(*judges(6, 4, 0, 0)), agreement(*judges(600, 400, 0, 0))
    assert few.kappa == many.kappa == 1.0
    assert few.low is not None
    assert many.low is not None
    assert few.low < 0.8
    assert many.low > 0.98


def test_the_interval_holds_the_truth_nineteen_times_of_twenty_for_thirty_rows() -> None:
    shares = np.array([0.5, 0.3, 0.12, 0.08])
    chance = 0.42 * 0.38 + 0.58 * 0.62
    truth = (0.8 - chance) / (1 - chance)
    draws = np.random.default_rng(1).multinomial(30, shares, 400)
    found = [agreement(*judges(*map(int, draw))) for draw in draws]
    held = np.mean([one.low is not None and one.high is not None and one.low <= truth <= one.high for one in found])
    assert 0.92 <= held <= 0.99
