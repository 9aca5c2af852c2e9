"""What a comparison claims, in words: who is better by how much and how sure that is, or that no difference was shown.

Knows numbers. Knows nothing of how they were computed (compare.py).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adaptline.evals.compare import Difference


def verdict(pair: Difference, confidence: float, pairs: int, *, points: bool) -> str:
    """A difference as a sentence; `pairs` have intervals that hold together, `points` says that scores are shares."""
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
