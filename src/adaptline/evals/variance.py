"""How far a mean of scores, or the difference of two, may lie from the truth: over items, and over seeds.

Knows arrays of scores (seeds, items). Knows nothing of which systems are compared, nor of what is claimed of them.

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
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adaptline.errors import UserError

Scores = NDArray[np.float64]

_LEAST_P = 1e-100  # where the search for a p-value ends
_FEWEST_ITEMS = 2  # one item has no variance
_BORROWED = 2.0  # degrees of freedom that the seeds of all systems add to those of one


@dataclass(frozen=True)
class System:
    """What the scores of one system say of its mean."""

    profile: Scores  # (items,) mean over seeds
    mean: float
    seeds: int
    residual: float  # mean square of seed x item
    of_seeds: Scores  # (systems,) what the seeds of each system tell of the variance of this one's mean
    degrees: Scores  # (systems,) degrees of freedom of these


@dataclass(frozen=True)
class Spread:
    """The variance of a mean, in parts with their degrees of freedom."""

    items_alone: float  # as if seeds did not vary; what seed x item adds is in it
    items: float
    items_degrees: float
    seeds: float
    seeds_degrees: float

    def half_width(self, alpha: float) -> float:
        """Half the width of the two-sided interval that misses with probability alpha."""
        of_items = quantile(self.items_degrees, alpha)
        alone = of_items * math.sqrt(self.items_alone)
        if not self.seeds:
            return alone
        weighted = of_items * self.items + quantile(self.seeds_degrees, alpha) * self.seeds
        return max(alone, weighted / math.sqrt(self.items + self.seeds))

    def p_value(self, estimate: float) -> float:
        """The alpha at which the interval about the estimate ends at zero, by bisection of its logarithm."""
        low, high = math.log(_LEAST_P), 0.0
        while high - low > 1e-9:  # relative precision of p  # noqa: PLR2004 - used once
            middle = (low + high) / 2
            low, high = (middle, high) if self.half_width(math.exp(middle)) > abs(estimate) else (low, middle)
        return min(1.0, math.exp(high))


def alpha(confidence: float) -> float:
    """How often intervals of this confidence may miss. Raises UserError for a confidence beyond 0 and 1."""
    if not 0 < confidence < 1:
        raise UserError(f"confidence is {confidence:g}", do="It lies between 0 and 1: 0.95.")
    return 1 - confidence


def systems(scores_of: Mapping[str, Scores]) -> dict[str, System]:
    """Name -> what its scores (seeds, items) say of its mean, where each borrows of the others how seeds vary.

    Raises:
        UserError: fewer than two items, or a score that is no number.
    """
    squares = [_mean_squares(name, scores) for name, scores in scores_of.items()]
    between, residual = np.array(squares).T
    seeds = np.array([len(scores) for scores in scores_of.values()], dtype=float)
    degrees = seeds - 1
    of_all = degrees / max(1.0, degrees.sum())
    weights = (np.diag(degrees) + _BORROWED * of_all) / (degrees + _BORROWED)[:, None]  # (system, whose seeds)
    of_seeds = weights * between / seeds[:, None]
    residual = np.where(degrees > 0, residual, of_all @ residual)
    return {
        name: System(scores.mean(axis=0), float(scores.mean()), len(scores), float(residual[i]), of_seeds[i], degrees)
        for i, (name, scores) in enumerate(scores_of.items())
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


def spread(systems: Sequence[System], alone: float) -> Spread:
    """The variance of one system's mean, or of the difference of two; `alone` is what items alone show of it."""
    items = len(systems[0].profile)
    noise = sum(system.residual / system.seeds for system in systems) / items
    of_seeds, degrees = sum(system.of_seeds for system in systems), systems[0].degrees
    seeds = float(np.sum(of_seeds))
    uncertainty = float(np.sum(of_seeds**2 / np.maximum(1, degrees)))
    if not uncertainty:  # one seed each, or seeds that never vary
        return Spread(alone, alone, items - 1, 0.0, 0.0)
    return Spread(alone, max(0.0, alone - noise), items - 1, seeds, seeds**2 / uncertainty)


def middle_and_variance(profile: Scores, span: float) -> tuple[float, float]:
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


def within_scale(mean: float, half: float, quantile: float, items: int) -> tuple[float, float]:
    """Agresti and Coull's interval for a share, with the number of items that the symmetric half width is worth."""
    binomial = mean * (1 - mean)
    seen = half > 0 and binomial > 0
    ratio = half**2 / binomial if seen else quantile**2 / items  # of the squared quantile to the number of items
    middle = (mean + ratio / 2) / (1 + ratio)
    reach = math.sqrt(middle * (1 - middle) * ratio / (1 + ratio))
    return max(0.0, middle - reach), min(1.0, middle + reach)


def quantile(degrees: float, alpha: float) -> float:
    """The two-sided quantile of Student's t."""
    from scipy import special  # noqa: PLC0415 - costs 0.1 s, and planning a run imports this module

    return -float(special.stdtrit(degrees, alpha / 2))


def bounded(scores: Scores) -> bool:
    """Whether all scores are shares."""
    return bool(scores.min() >= 0 and scores.max() <= 1)


def span(*scores: Scores) -> float:
    """How far apart two scores can be, as far as the data tell."""
    low, high = min(part.min() for part in scores), max(part.max() for part in scores)
    return float(high - low) or abs(float(high)) or 1.0
