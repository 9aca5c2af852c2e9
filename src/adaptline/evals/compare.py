"""Is one system better than another? Paired on the same items, over seeds, corrected for how many were compared.

Knows arrays of scores (seeds, items) and nothing of models, tasks or files. A metric of the whole set enters as one
value per item whose mean is the score of the set (its jackknife values, as `macro_f1` gives them).

How a mean and a difference vary is told in variance.py. In simulations (`tests/evals/test_compare_coverage.py`) 95 %
intervals of a difference hold the truth in 94 to 98 % of cases with three to five seeds, in 97 to 99 % and more with two,
and in 93 % where seeds swing widely close to the end of the scale. Three seeds are the least worth their computation. A
system's own mean is judged by its own seeds alone: with three that do not vary at all, such an interval holds the truth
in 99 % and more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TypeVar

from adaptline.errors import UserError
from adaptline.evals import variance
from adaptline.evals.variance import Scores
from adaptline.evals.wording import verdict


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
    return _interval(
        variance.systems({"the system": scores})["the system"], confidence, bounded=variance.bounded(scores)
    )


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
    parts = variance.systems(systems)
    order = sorted(parts, key=lambda name: -parts[name].mean)
    pairs = list(combinations(order, 2))
    alpha = variance.alpha(confidence) / max(1, len(pairs))
    points = all(0 <= part.mean <= 1 for part in parts.values())
    drafts = [_clipped(_difference(first, second, systems, parts, alpha), _apart(bounds)) for first, second in pairs]
    corrected = holm([draft.p for draft in drafts])
    judged = [
        replace(draft, p_corrected=p, better=bool(p <= 1 - confidence and draft.mean > 0))
        for draft, p in zip(drafts, corrected, strict=True)
    ]
    worded = tuple(replace(pair, verdict=verdict(pair, confidence, len(pairs), points=points)) for pair in judged)
    alone = {name: _clipped(_own(name, systems, parts, confidence), bounds) for name in order}
    leader = order[0]
    wide = _clipped(_own(leader, systems, parts, 1 - variance.alpha(confidence) / len(order)), bounds)
    return Comparison(alone, worded, confidence, replace(wide, confidence=confidence))


def _own(name: str, systems: Mapping[str, Scores], parts: Mapping[str, variance.System], confidence: float) -> Interval:
    """A system's own mean, judged by its own seeds: a noisy one would borrow too small a variance from steady ones.

    One with a single seed has no variance of its own, and borrows.
    """
    if len(systems[name]) > 1:
        return interval(systems[name], confidence=confidence)
    return _interval(parts[name], confidence, bounded=variance.bounded(systems[name]))


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


def _interval(system: variance.System, confidence: float, *, bounded: bool) -> Interval:
    items = len(system.profile)
    spread = variance.spread([system], float(system.profile.var(ddof=1)) / items)
    half = spread.half_width(variance.alpha(confidence))
    low, high = system.mean - half, system.mean + half
    if bounded:
        low, high = variance.within_scale(
            system.mean, half, variance.quantile(items - 1, variance.alpha(confidence)), items
        )
    return Interval(system.mean, low, high, confidence, system.seeds, items)


def _difference(
    first: str, second: str, systems: Mapping[str, Scores], parts: Mapping[str, variance.System], alpha: float
) -> Difference:
    one, other = parts[first], parts[second]
    bounded = variance.bounded(systems[first]) and variance.bounded(systems[second])
    span = 1.0 if bounded else variance.span(systems[first], systems[second])
    middle, alone = variance.middle_and_variance(one.profile - other.profile, span)
    spread = variance.spread([one, other], alone)
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
