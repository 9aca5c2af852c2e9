"""Known answers and symmetries of compare. What its intervals cover is in test_compare_coverage.py."""

from __future__ import annotations

import math

import numpy as np
import pytest
from comparing import draw, pair
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from adaptline.errors import UserError
from adaptline.evals.compare import compare, holm, interval
from adaptline.evals.variance import Scores


def binary(right: int, items: int) -> Scores:
    return np.array([[1.0] * right + [0.0] * (items - right)])


# ---- one seed: items only ----


def test_continuous_scores_of_one_seed_give_the_paired_t_test() -> None:
    first, second = draw(0, (1, 400), 0.1), draw(1, (1, 400))
    expected = stats.ttest_rel(first[0], second[0])
    found = compare({"A": first, "B": second}).of("A", "B")
    assert found.p == pytest.approx(expected.pvalue, rel=1e-3)
    low, high = expected.confidence_interval()
    sign = 1 if found.first == "A" else -1
    assert sorted([sign * found.low, sign * found.high]) == pytest.approx([low, high], abs=1e-4)


def test_rare_discordant_items_give_the_adjusted_wald_interval() -> None:
    """6 items that only A got, none that only B got, 994 the same: Bonett and Price (2012), equation 2, with t for z."""
    found = pair(binary(906, 1000), binary(900, 1000))
    middle = 6 / 1002
    width = stats.t.ppf(0.975, 999) * math.sqrt((8 / 1002 - middle**2) / 1002)
    assert (found.low, found.high) == pytest.approx((middle - width, middle + width), rel=0.01)
    assert found.mean == pytest.approx(0.006)


@pytest.mark.parametrize(("only_first", "only_second"), [(4, 0), (5, 0), (6, 0), (8, 1), (12, 3), (20, 8), (40, 20)])
def test_p_of_one_seed_is_near_the_exact_test_of_mcnemar(only_first: int, only_second: int) -> None:
    first, second = np.ones((1, 300)), np.ones((1, 300))
    second[0, :only_first] = 0
    first[0, only_first : only_first + only_second] = 0
    exact = stats.binomtest(only_first, only_first + only_second).pvalue
    assert pair(first, second).p == pytest.approx(exact, rel=0.35)


def test_one_seed_says_that_seeds_were_not_measured() -> None:
    found = pair(draw(0, (1, 50), 2.0), draw(1, (1, 50)))
    assert found.better
    assert found.degrees == (49, 0)
    assert "variation over seeds is not measured" in found.verdict


def test_one_seed_against_three_borrows_their_variation() -> None:
    many, single = draw(0, (3, 60), 1.0), draw(1, (1, 60))
    found = pair(many, single)
    assert found.seeds == (3, 1)
    assert found.degrees == pytest.approx((59, 2))
    assert found.verdict.endswith("; B has one seed: its variation over seeds is taken to be that of the others")


# ---- several seeds: two-way ----


def test_items_that_are_hard_for_both_cancel() -> None:
    hard = draw(0, (1, 200)) * 10
    first, second = draw(1, (3, 200)) + hard, draw(2, (3, 200)) + hard
    plain = pair(first - hard, second - hard)
    found = pair(first, second)
    assert (found.low, found.high) == pytest.approx((plain.low, plain.high), rel=1e-6)
    assert interval(first).high - interval(first).low > 5 * (found.high - found.low)


def test_variation_over_seeds_widens_the_interval() -> None:
    first, second = draw(1, (3, 500)), draw(2, (3, 500))
    shift = np.array([[-0.3], [0.0], [0.3]])
    steady, varying = pair(first, second), pair(first + shift, second)
    assert varying.high - varying.low > 2 * (steady.high - steady.low)


# ---- nothing varies ----


@pytest.mark.parametrize("seeds", [1, 2, 3])
@pytest.mark.parametrize("value", [0.0, 1.0, 0.4, 7.0, -2.0])
def test_equal_scores_show_no_difference_and_no_certainty(seeds: int, value: float) -> None:
    same = np.full((seeds, 50), value)
    found = pair(same, same.copy())
    assert not found.better
    assert (found.mean, found.p) == (0, 1)
    assert found.low < 0 < found.high
    assert found.verdict.startswith("no difference shown between A and B")


def test_no_error_in_n_items_is_no_proof_of_none() -> None:
    """The rule of three: 3 in 100 cannot be ruled out."""
    alone = interval(np.ones((2, 100)))
    assert alone.high == 1
    assert alone.low == pytest.approx(0.955, abs=0.01)


def test_two_items_prove_nothing_however_clear() -> None:
    assert not pair(np.ones((3, 2)), np.zeros((3, 2))).better


def test_a_constant_difference_on_many_items_is_shown() -> None:
    found = pair(np.full((3, 60), 0.9), np.full((3, 60), 0.6))
    assert found.better
    assert found.low < 0.3 < found.high


# ---- many systems ----


def test_holm_is_that_of_the_textbook() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
    assert holm([0.6, 0.9]) == [1.0, 1.0]


def test_all_pairs_are_in_the_family() -> None:
    systems = {name: draw(index, (1, 100)) for index, name in enumerate("ABCDE")}
    found = compare(systems)
    assert len(found.differences) == 10
    assert [pair.p_corrected for pair in found.differences] == holm([pair.p for pair in found.differences])
    alone = pair(systems["A"], systems["B"], confidence=1 - 0.05 / 10)
    among = found.of("A", "B")
    assert (among.low, among.high) == pytest.approx((alone.low, alone.high))
    assert "10 pairs together" in among.verdict


def test_the_leader_comes_first_and_its_rivals_follow() -> None:
    systems = {"bad": draw(0, (2, 80), -1), "good": draw(1, (2, 80), 1), "middle": draw(2, (2, 80))}
    found = compare(systems)
    assert list(found.systems) == ["good", "middle", "bad"]
    assert found.leader == "good"
    assert [(p.first, p.second) for p in found.differences] == [("good", "middle"), ("good", "bad"), ("middle", "bad")]
    assert all(p.mean >= 0 for p in found.differences)


def test_the_interval_of_the_chosen_is_corrected_for_the_choice() -> None:
    systems = {name: draw(index, (2, 80)) for index, name in enumerate("ABCD")}
    found, wide = compare(systems), compare(systems, confidence=1 - 0.05 / 4)
    leader = wide.systems[wide.leader]
    assert (found.chosen.low, found.chosen.high) == pytest.approx((leader.low, leader.high))
    assert (found.chosen.mean, found.chosen.confidence) == (leader.mean, 0.95)


def test_a_noisy_system_is_judged_by_its_own_seeds() -> None:
    steady = {name: np.tile(draw(index, (1, 80)), (3, 1)) for index, name in enumerate("ABC")}
    noisy = draw(7, (1, 80)) + np.array([[-0.3], [0.0], [0.3]])
    found = compare({**steady, "noisy": noisy})
    own = interval(noisy)
    assert (found.systems["noisy"].low, found.systems["noisy"].high) == (own.low, own.high)


def test_a_system_of_one_seed_borrows_the_variation_of_the_others() -> None:
    items = draw(1, (1, 200))
    noisy = items + np.array([[-0.5], [0.0], [0.5]])
    found = compare({"single": items + 1.0, "noisy": noisy})
    alone = interval(items + 1.0)
    own = found.systems["single"]
    assert own.high - own.low > 2 * (alone.high - alone.low)
    assert found.chosen.high - found.chosen.low > own.high - own.low


def test_an_interval_corrected_for_no_choice_is_the_plain_one() -> None:
    systems = {"A": draw(0, (2, 80))}
    alone = compare({"A": systems["A"]})
    assert (alone.chosen.low, alone.chosen.high) == pytest.approx((alone.systems["A"].low, alone.systems["A"].high))


@pytest.mark.slow
def test_the_interval_of_the_chosen_of_twelve_equals_holds_the_truth() -> None:
    """Twelve candidates that are right in 80 % of cases; the interval for the leader alone misses far too often.

    With ten seeds each: three say so little of the seeds' variance that any interval is wide enough for the choice, too.
    """
    random = np.random.default_rng(0)
    repeats, corrected, alone = 400, 0, 0
    for _ in range(repeats):
        found = compare({str(name): (random.random((10, 400)) < 0.8).astype(float) for name in range(12)})
        own = found.systems[found.leader]
        corrected += found.chosen.low <= 0.8 <= found.chosen.high
        alone += own.low <= 0.8 <= own.high
    assert corrected / repeats >= 0.93
    assert alone / repeats < 0.9, "a simulation that cannot tell the two apart shows nothing"


def test_equal_means_keep_the_order_that_they_were_given_in() -> None:
    same = draw(0, (2, 30))
    assert compare({"Z": same, "A": same}).leader == "Z"


def test_one_system_has_nothing_to_be_compared_with() -> None:
    found = compare({"A": draw(0, (2, 30))})
    assert found.differences == ()
    assert found.systems["A"].seeds == 2


# ---- mistakes ----


@pytest.mark.parametrize(
    ("systems", "message"),
    [
        ({}, "nothing to compare"),
        ({"A": np.ones((2, 5)), "B": np.ones((2, 6))}, "not scored on the same items"),
        ({"A": np.ones((2, 1))}, "at least two items"),
        ({"A": np.ones((0, 5))}, "at least two items and one seed"),
        ({"A": np.array([[1.0, math.nan]])}, "items without a score"),
        ({"A": np.array([[1.0, math.inf]])}, "items without a score"),
    ],
)
def test_what_cannot_be_compared_is_said(systems: dict[str, Scores], message: str) -> None:
    with pytest.raises(UserError, match=message):
        compare(systems)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0, -0.1])
def test_a_confidence_lies_between_0_and_1(confidence: float) -> None:
    with pytest.raises(UserError, match="confidence"):
        compare({"A": np.ones((2, 5))}, confidence=confidence)


# ---- properties ----

scores = hnp.arrays(float, (3, 12), elements=st.integers(-8, 8).map(lambda value: value / 4))
bits = hnp.arrays(float, (2, 15), elements=st.sampled_from([0.0, 1.0]))


@settings(max_examples=50, deadline=None)
@given(scores, scores, st.permutations(range(12)), st.permutations(range(3)))
def test_the_order_of_items_and_seeds_does_not_matter(
    first: Scores, second: Scores, items: list[int], seeds: list[int]
) -> None:
    found, moved = pair(first, second), pair(first[:, items][seeds], second[:, items])
    assert (moved.mean, moved.low, moved.high, moved.p) == pytest.approx(
        (found.mean, found.low, found.high, found.p), abs=1e-6
    ) or abs(found.mean) < 1e-9  # of equal means, either may be called the first


@settings(max_examples=50, deadline=None)
@given(bits, bits)
def test_p_and_interval_agree(first: Scores, second: Scores) -> None:
    """The interval of confidence 1 - p ends at zero."""
    found = pair(first, second)
    if 1e-6 < found.p < 0.99:
        edge = pair(first, second, confidence=1 - found.p)
        assert edge.low == pytest.approx(0, abs=1e-6)


@settings(max_examples=50, deadline=None)
@given(bits, bits)
def test_shares_stay_within_their_scale(first: Scores, second: Scores) -> None:
    found = pair(first, second)
    assert -1 <= found.low <= found.mean + 1e-12
    assert found.low <= found.high <= 1
    alone = interval(first)
    assert 0 <= alone.low <= alone.mean <= alone.high <= 1


def rows_of(*columns: tuple[float, float, float]) -> Scores:
    """Three seeds with the given items, and zeros for the rest of twelve."""
    made = np.zeros((3, 12))
    made[:, : len(columns)] = np.array(columns).T
    return made


@settings(max_examples=30, deadline=None)
@given(scores, scores, st.sampled_from([0.01, 3.0, 100.0]), st.sampled_from([0.0, 5.0, -40.0]))
@example(rows_of((0.25, 1, 0.5)), rows_of((0.25, 2, -0.5), (0, -1.25, 0)), 0.01, 0.0)  # equal but for rounding
def test_the_unit_of_a_score_does_not_matter(first: Scores, second: Scores, factor: float, shift: float) -> None:
    found, scaled = pair(first - 9, second - 9), pair((first - 9) * factor + shift, (second - 9) * factor + shift)
    assert scaled.mean == pytest.approx(found.mean * factor, abs=1e-9 * factor)
    if abs(found.mean) > 1e-9:
        assert scaled.p == pytest.approx(found.p, rel=1e-3, abs=1e-9)
