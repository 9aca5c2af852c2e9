"""What a report shows of scores: how those of a filter are spread, and which of them its bounds drop.

Knows names and types only, as view.py does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Limit:
    """A bound of a numeric score, as the recipe names it (min or max), and how many rows it dropped, if that is known."""

    name: str
    value: float
    dropped: int | None = None


@dataclass(frozen=True)
class Histogram:
    """How a numeric score is spread: `counts[i]` rows between `edges[i]` and `edges[i + 1]` (one more edge than counts).

    `scale` "log" needs positive edges. Rows under a limit named "min" or over one named "max" are drawn as dropped.
    """

    method: str
    meaning: str
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    limits: tuple[Limit, ...] = ()
    unjudged: int = 0
    scale: Literal["linear", "log"] = "linear"


@dataclass(frozen=True)
class LabelCount:
    """Rows with one label as their score, and whether the recipe keeps them."""

    label: str
    rows: int
    kept: bool = True


@dataclass(frozen=True)
class LabelChart:
    """How a label score is spread, all labels, most frequent first."""

    method: str
    meaning: str
    labels: tuple[LabelCount, ...]
    unjudged: int = 0
