"""Is one system better than another? Paired on the same items, over seeds, corrected for how many were compared.

Knows arrays of scores (seeds, items) and nothing of models, tasks or files. A metric of the whole set enters as one
value per item whose mean is the set's score (its influence values, as `macro_f1` gives them).

A score is taken as `system + item + system x item + seed + seed x item`. Items are drawn once and shared by all
systems, so what an item does to every system cancels. Seeds belong to one system each and are independent. The
variance of a difference of two means over S seeds and n items then has two parts, each estimated by mean squares of
the two-way analysis of variance and never negative:

    items:  [var over items of the paired differences of item means  -  sum of MS(seed x item) / S] / n
    seeds:  sum over both systems of  var over seeds of the system's mean / S

Two or three seeds estimate the second part badly. One Student t with Satterthwaite's degrees of freedom for the sum
then goes wrong where it matters: a seed part that is small by chance also reports many degrees of freedom, and over
twenty systems with two seeds such tests called equal systems different in up to half of the simulated comparisons. So
each part keeps its own t quantile (Banerjee 1961, whose intervals never cover less than they say):

    half width^2 = t(n - 1)^2 * items + t(f)^2 * seeds,      f: Satterthwaite's degrees of freedom of the seed part

and it is never less than what the items alone give. `tests/evals/test_compare_coverage.py` holds the coverage.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from adaptline.errors import UserError

Scores = NDArray[np.float64]

_LEAST_P = 1e-100  # where the search for a p-value ends
_FEWEST_ITEMS = 2  # one item has no variance


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
    """Systems in order of their means, the best first, and the differences of all pairs."""

    systems: dict[str, Interval]
    differences: tuple[Difference, ...]
    confidence: float

    @property
    def leader(self) -> str:
        """The system with the highest mean; the earliest of equals."""
        return next(iter(self.systems))

    def of(self, first: str, second: str) -> Difference:
        """The difference of two systems, whichever of them is ahead."""
        return next(pair for pair in self.differences if {pair.first, pair.second} == {first, second})


@dataclass(frozen=True)
class _System:
    profile: Scores  # (items,) mean over seeds
    mean: float
    seeds: int
    between: float  # variance over seeds of the mean over items
    residual: float  # mean square of seed x item


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
        of_seeds = _quantile(self.seeds_degrees, alpha) if self.seeds else 0.0
        both = math.hypot(of_items * math.sqrt(self.items), of_seeds * math.sqrt(self.seeds))
        return max(of_items * math.sqrt(self.items_alone), both)

    def p_value(self, estimate: float) -> float:
        """The alpha at which the interval about the estimate ends at zero, by bisection of its logarithm."""
        low, high = math.log(_LEAST_P), 0.0
        while high - low > 1e-9:  # relative precision of p  # noqa: PLR2004 - used once
            middle = (low + high) / 2
            low, high = (middle, high) if self.half_width(math.exp(middle)) > abs(estimate) else (low, middle)
        return min(1.0, math.exp(high))


def interval(scores: Scores, *, confidence: float = 0.95) -> Interval:
    """The mean of one system over seeds and items, with the interval for new seeds and new items.

    Scores within [0, 1] get Wilson's interval (1927) with the effective number of items that the two-way variance
    implies (Kish 1965), since a symmetric one covers far too little near 0 and 1; others get a symmetric one.

    Args:
        scores: (seeds, items). With one seed the interval is for new items only.
        confidence: the share of such intervals that hold the true mean.

    Raises:
        UserError: fewer than two items, or a score that is no number.
    """
    system = _system("the system", scores)
    spread = _spread([system], system.profile)
    half = spread.half_width(1 - confidence)
    low, high = system.mean - half, system.mean + half
    if _bounded(scores):
        binomial = system.mean * (1 - system.mean)
        if half == 0 or binomial == 0:  # no variance was seen: as many items as there are
            ratio = _quantile(spread.items_degrees, 1 - confidence) ** 2 / scores.shape[1]
        else:
            ratio = half**2 / binomial
        middle, reach = system.mean + ratio / 2, math.sqrt(ratio * binomial + ratio**2 / 4)
        low, high = (middle - reach) / (1 + ratio), (middle + reach) / (1 + ratio)
    return Interval(system.mean, low, high, confidence, *scores.shape)


def compare(systems: Mapping[str, Scores], *, confidence: float = 0.95) -> Comparison:
    """All pairs of systems on the same items.

    The leader is found in the same data that judge it, so every pair is in the family that p-values and intervals are
    corrected for. Where one of two systems has a single seed, its variation over seeds is taken to be the other's;
    where both have, it is not measured. The verdicts say so.

    Args:
        systems: name -> scores (seeds, items). All have the same items in the same order; seeds may differ in number.
        confidence: of all intervals together; 1 - confidence bounds the chance of any wrong "is better".

    Raises:
        UserError: no systems, other items, fewer than two items, or a score that is no number.
    """
    if not systems:
        raise UserError("nothing to compare")
    if len({scores.shape[1:] for scores in systems.values()}) > 1:
        counts = ", ".join(f"{name}: {scores.shape[-1]}" for name, scores in systems.items())
        raise UserError(f"the systems were not scored on the same items ({counts})", do="Evaluate them on the same task.")
    parts = {name: _system(name, scores) for name, scores in systems.items()}
    order = sorted(parts, key=lambda name: -parts[name].mean)
    pairs = list(combinations(order, 2))
    alpha = (1 - confidence) / max(1, len(pairs))
    points = all(0 <= part.mean <= 1 for part in parts.values())
    drafts = [_difference(first, second, systems, parts, alpha) for first, second in pairs]
    corrected = holm([draft.p for draft in drafts])
    judged = [
        replace(draft, p_corrected=p, better=bool(p <= 1 - confidence and draft.mean > 0))
        for draft, p in zip(drafts, corrected, strict=True)
    ]
    worded = tuple(replace(pair, verdict=_verdict(pair, confidence, len(pairs), points=points)) for pair in judged)
    return Comparison({name: interval(systems[name], confidence=confidence) for name in order}, worded, confidence)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's (1979) corrected p-values, in the order given: they bound the chance of any wrong claim in the family."""
    corrected = [0.0] * len(p_values)
    reached = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        reached = max(reached, min(1.0, p_values[index] * (len(p_values) - rank)))
        corrected[index] = reached
    return corrected


def _system(name: str, scores: Scores) -> _System:
    if scores.ndim != 2:  # noqa: PLR2004 - seeds and items
        raise ValueError(f"scores of {name} have shape {scores.shape}, not (seeds, items)")
    seeds, items = scores.shape
    if seeds < 1 or items < _FEWEST_ITEMS:
        raise UserError(f"{name} has {items} items with {seeds} seeds; a comparison needs at least two items and one seed")
    if not np.isfinite(scores).all():
        raise UserError(f"{name} has items without a score", do="Every item needs a finite score from every seed.")
    profile, means = scores.mean(axis=0), scores.mean(axis=1)
    if seeds == 1:
        return _System(profile, float(means[0]), 1, math.nan, math.nan)
    rest = scores - profile - means[:, None] + means.mean()
    residual = float((rest**2).sum()) / ((seeds - 1) * (items - 1))
    return _System(profile, float(means.mean()), seeds, float(means.var(ddof=1)), residual)


def _spread(systems: Sequence[_System], profile: Scores) -> _Spread:
    """The variance of the mean of an item profile that is one system's, or the difference of two."""
    items = len(profile)
    alone = float(profile.var(ddof=1)) / items
    measured = [system for system in systems if system.seeds > 1]
    if not measured:
        return _Spread(alone, alone, items - 1, 0.0, 0.0)
    noise = seeds = uncertainty = 0.0
    for source in measured:
        borrowers = [system for system in systems if system is source or system.seeds == 1]
        share = sum(1 / system.seeds for system in borrowers)
        noise += source.residual * share / items
        seeds += source.between * share
        uncertainty += (source.between * share) ** 2 / (source.seeds - 1)
    degrees = seeds**2 / uncertainty if uncertainty else 0.0
    return _Spread(alone, max(0.0, alone - noise), items - 1, seeds, degrees)


def _difference(
    first: str, second: str, systems: Mapping[str, Scores], parts: Mapping[str, _System], alpha: float
) -> Difference:
    one, other = parts[first], parts[second]
    bounded = _bounded(systems[first]) and _bounded(systems[second])
    profile = one.profile - other.profile
    profile = _with_rare_differences(profile, 1.0 if bounded else _span(systems[first], systems[second]))
    spread = _spread([one, other], profile)
    middle, half = float(profile.mean()), spread.half_width(alpha)
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


def _with_rare_differences(profile: Scores, span: float) -> Scores:
    """Two more items, one for either side, where most items show no difference.

    With a few discordant items, or none, their sample variance is far too small. For scores of 0 and 1 and one seed
    this is the adjusted Wald interval of Bonett and Price (2012); the size of the two follows the differences that
    are there, and the fewer items are exactly equal the less they count, so continuous scores are left as they are.
    """
    unequal = profile[profile != 0]
    size = math.sqrt(float((unequal**2).mean()) * (1 - len(unequal) / len(profile))) if len(unequal) else span
    return np.append(profile, [size, -size]) if size else profile


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
        words = f"no difference shown between {pair.first} and {pair.second} ({mean:+.{decimals}f}{unit}, {numbers}, {p})"
    elif low > 0:
        words = f"{pair.first} is better than {pair.second} by {mean:.{decimals}f}{unit} ({numbers}, {p})"
    else:  # Holm's test is sharper than the intervals that hold together
        words = f"{pair.first} is better than {pair.second} ({p}), but by how much is open ({mean:.{decimals}f}{unit}, {numbers})"
    return words + _seeds_in_words(pair)


def _seeds_in_words(pair: Difference) -> str:
    single = [name for name, seeds in zip((pair.first, pair.second), pair.seeds, strict=True) if seeds == 1]
    if len(single) == 2:  # noqa: PLR2004 - both
        return "; one seed each: variation over seeds is not measured and may undo this"
    return f"; {single[0]} has one seed: its variation over seeds is taken to be the other's" if single else ""
