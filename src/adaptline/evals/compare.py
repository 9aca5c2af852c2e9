"""Is one system better than another? Paired on the same items, over seeds, corrected for how many were compared.

Knows arrays of scores (seeds, items) and nothing of models, tasks or files. A metric of the whole set enters as one
value per item whose mean is the score of the set (its jackknife values, as `macro_f1` gives them).

A score is taken as `system + item + system x item + seed + seed x item`. Items are drawn once and shared by all
systems, so what an item does to every system cancels. Seeds belong to one system each and are independent. The
variance of a difference of two means over S seeds and n items then has two parts, each estimated by mean squares of
the two-way analysis of variance and never negative:

    items:  [var over items of the paired differences of item means  -  sum of MS(seed x item) / S] / n
    seeds:  sum over both systems of  var over seeds of the system's mean / S

Two or three seeds say little of the second part, so two things are done about it.

A system's variance over seeds is averaged with that of all systems compared, which together count as two more seeds
(as in Smyth 2004, with a fixed weight), and the sum gets Satterthwaite's degrees of freedom f, which count what each
system contributed: they are few where one system varies much more than the rest.

One Student t for both parts would go wrong where it matters: a seed part that is small by chance brings many degrees
of freedom with it, and over many systems with two seeds such tests call equal systems different far too often. So each
part keeps its own quantile, weighted by its share of the variance (Cochran 1964, Biometrika 51), and the interval is
never narrower than what the items alone give:

    half width = [t(n - 1) * items + t(f) * seeds] / sqrt(items + seeds)

In simulations (`tests/evals/test_compare_coverage.py`) 95 % intervals of a difference hold the truth in 94 to 98 % of
cases with three to five seeds, in 97 to 99 % and more with two, and in 93 % where seeds swing widely close to the end
of the scale. Three seeds are the least worth their computation. A system's own mean is judged by its own seeds alone:
with three that do not vary at all, such an interval holds the truth in 99 % and more.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from adaptline.errors import UserError

Scores = NDArray[np.float64]

_LEAST_P = 1e-100  # where the search for a p-value ends
_FEWEST_ITEMS = 2  # one item has no variance
_BORROWED = 2.0  # degrees of freedom that the seeds of all systems add to those of one


@dataclass(frozen=True)
class Interval:
    """The mean of one system and where it lies, on its own: not corrected for other systems."""

    mean: float
    low: float
    high: float
    confidence: float
    seeds: int
    items: int


@dataclass(frozen=True)
class Difference:
    """`first` minus `second`, the one with the higher mean first, in the metric's own units.

    Attributes:
        first: the system with the higher mean.
        second: the other one.
        mean: difference of the two means over seeds and items.
        low: lower end of the interval.
        high: upper end. All intervals of a comparison hold together with its confidence (Bonferroni).
        p: two-sided, for this pair alone.
        p_corrected: the same after Holm's correction over all pairs.
        degrees: degrees of freedom of the items' and of the seeds' part; the latter is 0 where no seed varied.
        seeds: how many seeds each system has.
        items: how many items.
        better: whether `first` was shown to be better, at the comparison's confidence.
        verdict: the same in words.
    """

    first: str
    second: str
    mean: float
    low: float
    high: float
    p: float
    p_corrected: float
    degrees: tuple[float, float]
    seeds: tuple[int, int]
    items: int
    better: bool
    verdict: str


@dataclass(frozen=True)
class Comparison:
    """Systems in order of their means, the best first, and the differences of all pairs.

    Attributes:
        systems: name -> its mean with the interval for it alone.
        differences: of all pairs.
        confidence: of the differences together, of each system alone, and of `chosen`.
        chosen: the leader's mean with an interval corrected for choosing it among all systems by that mean
            (Bonferroni). The leader's interval in `systems` holds the truth too seldom, as the luckiest lead.
    """

    systems: dict[str, Interval]
    differences: tuple[Difference, ...]
    confidence: float
    chosen: Interval

    @property
    def leader(self) -> str:
        """The system with the highest mean; the earliest of equals."""
        return next(iter(self.systems))

    def of(self, first: str, second: str) -> Difference:
        """The difference of two systems, whichever of them is ahead."""
        return next(pair for pair in self.differences if {pair.first, pair.second} == {first, second})


Ends = TypeVar("Ends", Interval, Difference)


@dataclass(frozen=True)
class _System:
    profile: Scores  # (items,) mean over seeds
    mean: float
    seeds: int
    residual: float  # mean square of seed x item
    of_seeds: Scores  # (systems,) what the seeds of each system tell of the variance of this one's mean
    degrees: Scores  # (systems,) degrees of freedom of these


@dataclass(frozen=True)
class _Spread:
    """The variance of a mean, in parts with their degrees of freedom."""

    items_alone: float  # as if seeds did not vary; what seed x item adds is in it
    items: float
    items_degrees: float
    seeds: float
    seeds_degrees: float

    def half_width(self, alpha: float) -> float:
        """Half the width of the two-sided interval that misses with probability alpha."""
        of_items = _quantile(self.items_degrees, alpha)
        alone = of_items * math.sqrt(self.items_alone)
        if not self.seeds:
            return alone
        weighted = of_items * self.items + _quantile(self.seeds_degrees, alpha) * self.seeds
        return max(alone, weighted / math.sqrt(self.items + self.seeds))

    def p_value(self, estimate: float) -> float:
        """The alpha at which the interval about the estimate ends at zero, by bisection of its logarithm."""
        low, high = math.log(_LEAST_P), 0.0
        while high - low > 1e-9:  # relative precision of p  # noqa: PLR2004 - used once
            middle = (low + high) / 2
            low, high = (middle, high) if self.half_width(math.exp(middle)) > abs(estimate) else (low, middle)
        return min(1.0, math.exp(high))


def interval(scores: Scores, *, confidence: float = 0.95) -> Interval:
    """The mean of one system over seeds and items, with the interval for new seeds and new items.

    A symmetric interval covers far too little near the ends of a scale. So scores within [0, 1] get the interval of
    Agresti and Coull (1998) with as many items as the two-way variance is worth (Kish 1965); others a symmetric one.

    Args:
        scores: (seeds, items). With one seed the interval is for new items only.
        confidence: the share of such intervals that hold the true mean.

    Raises:
        UserError: fewer than two items, or a score that is no number.
    """
    return _interval(_systems({"the system": scores})["the system"], confidence, bounded=_bounded(scores))


def compare(
    systems: Mapping[str, Scores], *, confidence: float = 0.95, bounds: Sequence[float] | None = None
) -> Comparison:
    """All pairs of systems on the same items.

    The leader is found in the same data that judge it, so every pair is in the family that p-values and intervals are
    corrected for. The variation over seeds of a system with a single seed is taken to be that of the others; where all
    have a single seed, it is not measured. The verdicts say so.

    Args:
        systems: name -> scores (seeds, items). All have the same items in the same order; seeds may differ in number.
        confidence: of all intervals together; 1 - confidence bounds the chance of any wrong "is better".
        bounds: the lowest and highest mean that there can be: no interval reaches beyond. Scores of single items may
            (jackknife values), so they do not tell.

    Raises:
        UserError: no systems, other items, fewer than two items, or a score that is no number.
    """
    if not systems:
        raise UserError("nothing to compare")
    if len({scores.shape[1:] for scores in systems.values()}) > 1:
        counts = ", ".join(f"{name}: {scores.shape[-1]}" for name, scores in systems.items())
        raise UserError(
            f"the systems were not scored on the same items ({counts})", do="Evaluate them on the same task."
        )
    parts = _systems(systems)
    order = sorted(parts, key=lambda name: -parts[name].mean)
    pairs = list(combinations(order, 2))
    alpha = _alpha(confidence) / max(1, len(pairs))
    points = all(0 <= part.mean <= 1 for part in parts.values())
    drafts = [_clipped(_difference(first, second, systems, parts, alpha), _apart(bounds)) for first, second in pairs]
    corrected = holm([draft.p for draft in drafts])
    judged = [
        replace(draft, p_corrected=p, better=bool(p <= 1 - confidence and draft.mean > 0))
        for draft, p in zip(drafts, corrected, strict=True)
    ]
    worded = tuple(replace(pair, verdict=_verdict(pair, confidence, len(pairs), points=points)) for pair in judged)
    alone = {name: _clipped(_own(name, systems, parts, confidence), bounds) for name in order}
    leader = order[0]
    wide = _clipped(_own(leader, systems, parts, 1 - _alpha(confidence) / len(order)), bounds)
    return Comparison(alone, worded, confidence, replace(wide, confidence=confidence))


def _own(name: str, systems: Mapping[str, Scores], parts: Mapping[str, _System], confidence: float) -> Interval:
    """A system's own mean, judged by its own seeds: a noisy one would borrow too small a variance from steady ones.

    One with a single seed has no variance of its own, and borrows.
    """
    if len(systems[name]) > 1:
        return interval(systems[name], confidence=confidence)
    return _interval(parts[name], confidence, bounded=_bounded(systems[name]))


def _clipped(found: Ends, bounds: Sequence[float] | None) -> Ends:
    return found if bounds is None else replace(found, low=max(found.low, bounds[0]), high=min(found.high, bounds[1]))


def _apart(bounds: Sequence[float] | None) -> tuple[float, float] | None:
    """How far two means can lie apart, in either direction."""
    return None if bounds is None else (bounds[0] - bounds[1], bounds[1] - bounds[0])


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's (1979) corrected p-values, in the order given: they bound the chance of any wrong claim in the family."""
    corrected = [0.0] * len(p_values)
    reached = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        reached = max(reached, min(1.0, p_values[index] * (len(p_values) - rank)))
        corrected[index] = reached
    return corrected


def _alpha(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise UserError(f"confidence is {confidence:g}", do="It lies between 0 and 1: 0.95.")
    return 1 - confidence


def _systems(systems: Mapping[str, Scores]) -> dict[str, _System]:
    squares = [_mean_squares(name, scores) for name, scores in systems.items()]
    between, residual = np.array(squares).T
    seeds = np.array([len(scores) for scores in systems.values()], dtype=float)
    degrees = seeds - 1
    of_all = degrees / max(1.0, degrees.sum())
    weights = (np.diag(degrees) + _BORROWED * of_all) / (degrees + _BORROWED)[:, None]  # (system, whose seeds)
    of_seeds = weights * between / seeds[:, None]
    residual = np.where(degrees > 0, residual, of_all @ residual)
    return {
        name: _System(scores.mean(axis=0), float(scores.mean()), len(scores), float(residual[i]), of_seeds[i], degrees)
        for i, (name, scores) in enumerate(systems.items())
    }


def _mean_squares(name: str, scores: Scores) -> tuple[float, float]:
    """The variance over seeds of the mean over items, and the mean square of seed x item."""
    if scores.ndim != 2:  # noqa: PLR2004 - seeds and items
        raise ValueError(f"scores of {name} have shape {scores.shape}, not (seeds, items)")
    seeds, items = scores.shape
    if seeds < 1 or items < _FEWEST_ITEMS:
        raise UserError(
            f"{name} has {items} items with {seeds} seeds; a comparison needs at least two items and one seed"
        )
    if not np.isfinite(scores).all():
        raise UserError(f"{name} has items without a score", do="Every item needs a finite score from every seed.")
    if seeds == 1:
        return 0.0, 0.0
    means = scores.mean(axis=1)
    rest = scores - scores.mean(axis=0) - means[:, None] + means.mean()
    return float(means.var(ddof=1)), float((rest**2).sum()) / ((seeds - 1) * (items - 1))


def _spread(systems: Sequence[_System], alone: float) -> _Spread:
    """The variance of one system's mean, or of the difference of two; `alone` is what items alone show of it."""
    items = len(systems[0].profile)
    noise = sum(system.residual / system.seeds for system in systems) / items
    of_seeds, degrees = sum(system.of_seeds for system in systems), systems[0].degrees
    seeds = float(np.sum(of_seeds))
    uncertainty = float(np.sum(of_seeds**2 / np.maximum(1, degrees)))
    if not uncertainty:  # one seed each, or seeds that never vary
        return _Spread(alone, alone, items - 1, 0.0, 0.0)
    return _Spread(alone, max(0.0, alone - noise), items - 1, seeds, seeds**2 / uncertainty)


def _interval(system: _System, confidence: float, *, bounded: bool) -> Interval:
    items = len(system.profile)
    spread = _spread([system], float(system.profile.var(ddof=1)) / items)
    half = spread.half_width(_alpha(confidence))
    low, high = system.mean - half, system.mean + half
    if bounded:
        low, high = _within_scale(system.mean, half, _quantile(items - 1, _alpha(confidence)), items)
    return Interval(system.mean, low, high, confidence, system.seeds, items)


def _difference(
    first: str, second: str, systems: Mapping[str, Scores], parts: Mapping[str, _System], alpha: float
) -> Difference:
    one, other = parts[first], parts[second]
    bounded = _bounded(systems[first]) and _bounded(systems[second])
    span = 1.0 if bounded else _span(systems[first], systems[second])
    middle, alone = _middle_and_variance(one.profile - other.profile, span)
    spread = _spread([one, other], alone)
    half = spread.half_width(alpha)
    low, high = middle - half, middle + half
    if bounded:
        low, high = max(-1.0, low), min(1.0, high)
    return Difference(
        first=first,
        second=second,
        mean=one.mean - other.mean,
        low=low,
        high=high,
        p=spread.p_value(middle),
        p_corrected=1.0,
        degrees=(spread.items_degrees, spread.seeds_degrees),
        seeds=(one.seeds, other.seeds),
        items=systems[first].shape[1],
        better=False,
        verdict="",
    )


def _middle_and_variance(profile: Scores, span: float) -> tuple[float, float]:
    """The mean difference and its variance over items, with two more items where many differ by the same amount.

    With a few discordant items, or none, the sample variance is far too small. So an item is added on either side, as
    large as the differences that are there and weighted by the share of the items that are all the same. For scores
    of 0 and 1 that seldom differ this is the adjusted Wald interval of Bonett and Price (2012); continuous scores are
    left as they are.
    """
    in_spans = (profile / span).round(10)  # so that what is equal but for the rounding of floats counts as equal
    unequal = profile[in_spans != 0]
    weight, size = 1.0, span
    if len(unequal):
        _, counts = np.unique(in_spans, return_counts=True)
        weight, size = int(counts.max()) / len(profile), math.sqrt(float((unequal**2).mean()))
    total = len(profile) + 2 * weight
    middle = float(profile.sum()) / total
    squares = float(((profile - middle) ** 2).sum()) + 2 * weight * (size**2 + middle**2)
    return middle, squares / (total - 1) / total


def _within_scale(mean: float, half: float, quantile: float, items: int) -> tuple[float, float]:
    """Agresti and Coull's interval for a share, with the number of items that the symmetric half width is worth."""
    binomial = mean * (1 - mean)
    seen = half > 0 and binomial > 0
    ratio = half**2 / binomial if seen else quantile**2 / items  # of the squared quantile to the number of items
    middle = (mean + ratio / 2) / (1 + ratio)
    reach = math.sqrt(middle * (1 - middle) * ratio / (1 + ratio))
    return max(0.0, middle - reach), min(1.0, middle + reach)


def _bounded(scores: Scores) -> bool:
    return bool(scores.min() >= 0 and scores.max() <= 1)


def _span(*scores: Scores) -> float:
    """How far apart two scores can be, as far as the data tell."""
    low, high = min(part.min() for part in scores), max(part.max() for part in scores)
    return float(high - low) or abs(float(high)) or 1.0


def _quantile(degrees: float, alpha: float) -> float:
    """The two-sided quantile of Student's t."""
    from scipy import special  # noqa: PLC0415 - costs 0.1 s, and planning a run imports this module

    return -float(special.stdtrit(degrees, alpha / 2))


def _verdict(pair: Difference, confidence: float, pairs: int, *, points: bool) -> str:
    scale, unit = (100.0, " points") if points else (1.0, "")
    low, high, mean = pair.low * scale, pair.high * scale, pair.mean * scale
    width = (high - low) / 2
    decimals = min(6, max(1, 1 - math.floor(math.log10(width)))) if width else 1
    together = "" if pairs == 1 else f", {pairs} pairs together"
    numbers = f"{100 * confidence:g} % interval {low:.{decimals}f} to {high:.{decimals}f}{together}"
    p = "corrected p < 0.001" if pair.p_corrected < 0.001 else f"corrected p = {pair.p_corrected:.2g}"  # noqa: PLR2004
    if not pair.better:
        words = (
            f"no difference shown between {pair.first} and {pair.second} ({mean:+.{decimals}f}{unit}, {numbers}, {p})"
        )
    elif low > 0:
        words = f"{pair.first} is better than {pair.second} by {mean:.{decimals}f}{unit} ({numbers}, {p})"
    else:  # Holm's test is sharper than the intervals that hold together
        words = f"{pair.first} is better than {pair.second} ({p}), but by how much is open ({mean:.{decimals}f}{unit}, {numbers})"
    return words + _seeds_in_words(pair)


def _seeds_in_words(pair: Difference) -> str:
    words = seeds_in_words(dict(zip((pair.first, pair.second), pair.seeds, strict=True)))
    return f"; {words}" if words else ""


def seeds_in_words(seeds: Mapping[str, int]) -> str:
    """What must be said of a claim about systems with so many seeds each; nothing where all have two or more."""
    single = [name for name, count in seeds.items() if count == 1]
    if len(single) == len(seeds):
        return "one seed each: variation over seeds is not measured and may undo this"
    if not single:
        return ""
    has, its = ("has", "its") if len(single) == 1 else ("have", "their")
    return f"{', '.join(single)} {has} one seed: {its} variation over seeds is taken to be that of the others"
