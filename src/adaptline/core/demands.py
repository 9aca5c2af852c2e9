"""What a parameter's annotation demands of its value besides a type, so that a recipe is refused before any work.

    rank: Annotated[int, at_least(1)] = 8
    share: Annotated[dict[str, float], Demand(sums_to_one, "together 1")]
    format: Annotated[str, "format"]      a string instead of a demand: the name of a method of that kind

Knows values. Knows nothing of recipes or of what a value is for.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from adaptline.errors import UserError


@dataclass(frozen=True)
class Demand:
    """Stands inside Annotated. `holds` tells whether a value of the right type fits; `words` complete "must be a number"."""

    holds: Callable[[Any], bool]
    words: str


@dataclass(frozen=True)
class Leave:
    """Stands inside Annotated, too: what a value may be although values of its type may not."""

    words: str


EMPTY_FILES = Leave("empty files")  # a file that people write to has nothing in it at first


def at_least(low: float) -> Demand:
    """A finite number from `low` on."""
    return Demand(lambda value: low <= value < math.inf, f"of at least {low:g}")


def above(low: float) -> Demand:
    """A finite number above `low`."""
    return Demand(lambda value: low < value < math.inf, f"above {low:g}")


def between(low: float, high: float, *, low_too: bool = True, high_too: bool = True) -> Demand:
    """A number from `low` to `high`, each included unless it is said that it is not."""

    def holds(value: Any) -> bool:
        return bool((low <= value if low_too else low < value) and (value <= high if high_too else value < high))

    ends = f"{low:g}", f"{high:,}" if isinstance(high, int) else f"{high:g}"
    return Demand(holds, f"{'from' if low_too else 'above'} {ends[0]} {'to' if high_too else 'to below'} {ends[1]}")


def needs(*packages: str, extra: str) -> None:
    """Raises UserError where a package of an extra is not installed, before work that needs it. Imports none."""
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise UserError(f"a need of {package}, which is not installed", do=f"pip install 'adaptline[{extra}]'")
