"""What the intervals of compare cover, and how often equal systems are called different: by simulation.

Every bound leaves three standard errors of the simulation. What is less careful is run beside it, to show that these
simulations can tell: a bootstrap of items, and one Student t with Satterthwaite's degrees of freedom for everything.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from adaptline.evals.compare import compare, holm, interval
from adaptline.evals.metrics.macro_f1 import macro_f1
from adaptline.evals.variance import Scores

pytestmark = pytest.mark.slow

Draw = Callable[[np.random.Generator, tuple[float, ...], int, int, float], list[Scores]]

REPEATS = 500
SLACK = 3 * math.sqrt(0.95 * 0.05 / REPEATS)  # three standard errors: 0.029
SHARES = {"interaction": (0.5, 0.3, 0.2), "residual": (0.3, 0.0, 0.7)}  # of item, system x item, seed x item


def latent(
    random: np.random.Generator, systems: int, seeds: int, items: int, swing: float, shares: tuple[float, float, float]
) -> list[Scores]:
    """Standard normal item effects, shared and own, plus seeds with standard deviation `swing`."""
    item, own, rest = (math.sqrt(share) for share in shares)
    shared = item * random.standard_normal(items)
    return [
        shared
        + own * random.standard_normal(items)
        + swing * random.standard_normal((seeds, 1))
        + rest * random.standard_normal((seeds, items))
        for _ in range(systems)
    ]


def shares_right(
    random: np.random.Generator, rates: tuple[float, ...], seeds: int, items: int, swing: float, kind: str = "residual"
) -> list[Scores]:
    """Scores of 0 and 1 whose expectation over seeds and items is the rate."""
    latents = latent(random, len(rates), seeds, items, swing, SHARES[kind])
    return [
        (z > -stats.norm.ppf(rate) * math.sqrt(1 + swing**2)).astype(float)
        for z, rate in zip(latents, rates, strict=True)
    ]


def continuous(
    random: np.random.Generator, means: tuple[float, ...], seeds: int, items: int, swing: float, kind: str = "residual"
) -> list[Scores]:
    return [z + m for z, m in zip(latent(random, len(means), seeds, items, swing, SHARES[kind]), means, strict=True)]


def coverage(
    draw: Callable[..., list[Scores]], truth: tuple[float, float], seeds: int, items: int, swing: float, kind: str
) -> tuple[float, float, float]:
    """Shares of simulations: difference covered, first system's mean covered, difference claimed (p <= 0.05)."""
    random = np.random.default_rng([seeds, items, round(1000 * swing), round(1000 * truth[0]), round(1000 * truth[1])])
    of_difference = of_mean = claimed = 0
    for _ in range(REPEATS):
        first, second = draw(random, truth, seeds, items, swing, kind)
        found = compare({"A": first, "B": second})
        pair = found.differences[0]
        expected = truth[0] - truth[1] if pair.first == "A" else truth[1] - truth[0]
        of_difference += pair.low <= expected <= pair.high
        claimed += pair.better
        alone = interval(first)
        of_mean += alone.low <= truth[0] <= alone.high
    return of_difference / REPEATS, of_mean / REPEATS, claimed / REPEATS


@pytest.mark.parametrize("kind", list(SHARES))
@pytest.mark.parametrize("swing", [0.0, 0.1, 0.3])
@pytest.mark.parametrize("items", [50, 200, 1000])
@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_intervals_of_continuous_scores_cover_what_they_say(seeds: int, items: int, swing: float, kind: str) -> None:
    difference, mean, _ = coverage(continuous, (0.3, 0.0), seeds, items, swing, kind)
    assert difference >= 0.95 - SLACK
    assert mean >= 0.95 - SLACK
    if seeds > 2:  # two seeds leave almost everything open
        assert difference <= 0.98 + SLACK / 2


@pytest.mark.parametrize("truth", [(0.85, 0.85), (0.9, 0.8), (0.98, 0.98), (0.98, 0.94)])
@pytest.mark.parametrize("swing", [0.0, 0.1])
@pytest.mark.parametrize("items", [50, 200, 1000])
@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_intervals_of_right_and_wrong_cover_what_they_say(
    seeds: int, items: int, swing: float, truth: tuple[float, float]
) -> None:
    difference, mean, claimed = coverage(shares_right, truth, seeds, items, swing, "interaction")
    assert difference >= 0.95 - SLACK
    assert mean >= 0.95 - SLACK
    if truth[0] == truth[1]:
        assert claimed <= 0.05 + SLACK
    if seeds > 2 and items >= 200 and truth[0] < 0.95:
        assert difference <= 0.98 + SLACK / 2


@pytest.mark.parametrize("truth", [(0.85, 0.85), (0.9, 0.8), (0.98, 0.98), (0.98, 0.94)])
@pytest.mark.parametrize("items", [50, 200, 1000])
def test_one_seed_covers_for_new_items(items: int, truth: tuple[float, float]) -> None:
    difference, mean, _ = coverage(shares_right, truth, 1, items, 0.0, "interaction")
    assert difference >= 0.95 - SLACK
    assert mean >= 0.95 - SLACK


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_one_wild_and_one_steady_system_are_compared_fairly(seeds: int) -> None:
    random = np.random.default_rng(seeds)
    covered = 0
    for _ in range(2 * REPEATS):
        wild = continuous(random, (0.0,), seeds, 200, 0.3)[0]
        steady = continuous(random, (0.0,), seeds, 200, 0.0)[0]
        pair = compare({"A": wild, "B": steady}).differences[0]
        covered += pair.low <= 0 <= pair.high
    assert covered / (2 * REPEATS) >= 0.95 - SLACK


@pytest.mark.parametrize("draw", [shares_right, continuous])
def test_a_bootstrap_of_items_covers_far_too_little(draw: Callable[..., list[Scores]]) -> None:
    """The contrast: 3 seeds that vary, their mean taken for the truth, items resampled."""
    random = np.random.default_rng(7)
    truth, covered, ours = (0.8, 0.8), 0, 0
    for _ in range(200):
        first, second = draw(random, truth, 3, 200, 0.3)
        difference = first.mean(axis=0) - second.mean(axis=0)
        means = difference[random.integers(0, 200, (400, 200))].mean(axis=1)
        low, high = np.quantile(means, [0.025, 0.975])
        covered += low <= 0 <= high
        ours += compare({"A": first, "B": second}).differences[0].p > 0.05
    assert covered / 200 < 0.7
    assert ours / 200 >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / 200)


# ---- many systems ----


def one_t_for_everything(systems: dict[str, Scores]) -> bool:
    """Whether the plain way, each pair's own Satterthwaite t and Holm, claims any difference."""
    p_values = []
    names = list(systems)
    for i, name in enumerate(names):
        for rival in names[i + 1 :]:
            pair = (systems[name], systems[rival])
            seeds, items = pair[0].shape
            difference = pair[0].mean(axis=0) - pair[1].mean(axis=0)
            parts = [s.mean(axis=1).var(ddof=1) / seeds for s in pair]
            rest = [((s - s.mean(axis=0) - s.mean(axis=1)[:, None] + s.mean()) ** 2).sum() for s in pair]
            noise = sum(rest) / ((seeds - 1) * (items - 1)) / seeds / items
            own = max(0.0, difference.var(ddof=1) / items - noise)
            variance = own + sum(parts)
            degrees = variance**2 / (own**2 / (items - 1) + sum(part**2 for part in parts) / (seeds - 1))
            p_values.append(2 * stats.t.sf(abs(difference.mean()) / math.sqrt(variance), degrees))
    return min(holm(p_values)) <= 0.05


FAMILIES = 150


@pytest.mark.parametrize("swing", [0.0, 0.1, 0.3])
@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize("count", [5, 12])
def test_among_many_equal_systems_wrong_claims_are_as_rare_as_promised(count: int, seeds: int, swing: float) -> None:
    """Any wrong "is better" among all pairs, the leader's included, in at most 5 % of families."""
    random = np.random.default_rng([count, seeds, round(10 * swing)])
    wrong = missed = 0
    for _ in range(FAMILIES):
        drawn = shares_right(random, (0.85,) * count, seeds, 200, swing, "interaction")
        found = compare({f"system {index}": scores for index, scores in enumerate(drawn)})
        wrong += any(pair.better for pair in found.differences)
        missed += any(pair.low > 0 or pair.high < 0 for pair in found.differences)
    bound = 0.05 + 3 * math.sqrt(0.05 * 0.95 / FAMILIES)
    assert wrong / FAMILIES <= bound
    assert missed / FAMILIES <= bound


def test_one_wild_system_among_steady_ones_makes_no_false_claims() -> None:
    random = np.random.default_rng(3)
    wrong = 0
    for _ in range(FAMILIES):
        drawn = continuous(random, (0.0,) * 7, 3, 200, 0.0, "interaction")
        wild = continuous(random, (0.0,), 3, 200, 0.3, "interaction")[0]
        found = compare({"wild": wild, **{f"steady {index}": scores for index, scores in enumerate(drawn)}})
        wrong += any(pair.better for pair in found.differences)
    assert wrong / FAMILIES <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / FAMILIES)


def test_one_t_for_everything_calls_equal_systems_different() -> None:
    """The contrast: why the parts of the variance have their own quantiles."""
    random = np.random.default_rng(4)
    plain = ours = 0
    for _ in range(60):
        drawn = continuous(random, (0.0,) * 12, 2, 200, 0.3, "interaction")
        systems = {f"system {index}": scores for index, scores in enumerate(drawn)}
        plain += one_t_for_everything(systems)
        ours += any(pair.better for pair in compare(systems).differences)
    assert plain >= 9
    assert ours <= 6


@pytest.mark.parametrize("seeds", [3, 5])
def test_a_difference_worth_finding_is_found(seeds: int) -> None:
    """Being careful must not make blind: 6 systems, one 8 points better, seeds that vary by about one point."""
    random = np.random.default_rng(seeds)
    hits = 0
    for _ in range(60):
        drawn = shares_right(random, (0.9, 0.82, 0.82, 0.82, 0.82, 0.82), seeds, 1000, 0.05, "interaction")
        found = compare({f"system {index}": scores for index, scores in enumerate(drawn)})
        hits += sum(pair.better for pair in found.differences if pair.first == "system 0") == 5
    assert hits / 60 >= {3: 0.5, 5: 0.9}[seeds]


# ---- macro-F1 ----


def confused(
    random: np.random.Generator, truth: np.ndarray, right: np.ndarray, seeds: int, labels: int
) -> list[list[str]]:
    """Predictions per seed: an item is right with its label's chance, partly the same over seeds."""
    hard = random.standard_normal(len(truth))
    runs = []
    for _ in range(seeds):
        z = math.sqrt(0.6) * hard + math.sqrt(0.4) * random.standard_normal(len(truth))
        hit = z < stats.norm.ppf(right[truth])
        other = (truth + random.integers(1, labels, len(truth))) % labels
        runs.append(np.where(hit, truth, other).astype(str).tolist())
    return runs


def expected_macro_f1(right: np.ndarray) -> float:
    """Of infinitely many items with equally frequent labels, wrong answers spread evenly."""
    wrong = (1 - right) / (len(right) - 1)
    predicted = right + wrong.sum() - wrong
    return float((2 * right / (1 + predicted)).mean())


@pytest.mark.parametrize(("labels", "items"), [(5, 50), (5, 200), (5, 1000), (30, 1000)])
@pytest.mark.parametrize("seeds", [1, 3])
def test_macro_f1_by_its_jackknife_values_covers_like_a_mean(labels: int, items: int, seeds: int) -> None:
    """Ten items per label are enough; the bound is a point lower than for a true mean."""
    random = np.random.default_rng([labels, items, seeds])
    repeats = 300
    rights = [np.linspace(0.7, 0.95, labels), np.linspace(0.6, 0.95, labels)]
    expected = [expected_macro_f1(right) for right in rights]
    of_difference = of_mean = 0
    for _ in range(repeats):
        truth = random.integers(0, labels, items)
        references = [[label] for label in truth.astype(str).tolist()]
        first, second = (
            np.array([macro_f1(run, references) for run in confused(random, truth, right, seeds, labels)])
            for right in rights
        )
        pair = compare({"A": first, "B": second}).of("A", "B")
        sign = 1 if pair.first == "A" else -1
        of_difference += pair.low <= sign * (expected[0] - expected[1]) <= pair.high
        alone = interval(first)
        of_mean += alone.low <= expected[0] <= alone.high
    slack = 3 * math.sqrt(0.94 * 0.06 / repeats)
    assert of_difference / repeats >= 0.94 - slack
    assert of_mean / repeats >= 0.94 - slack
