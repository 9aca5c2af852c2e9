"""What every drawing is made of: SVG elements, scales and their ticks. Knows nothing of any chart."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeGuard

from markupsafe import Markup

from adaptline.web import words

if TYPE_CHECKING:
    from collections.abc import Iterable


def element(name: str, *inside: str | Markup, **attributes: str | float) -> Markup:
    """An SVG element. Text and attributes are escaped; an underscore in an attribute's name stands for a hyphen."""
    written = Markup("").join(
        Markup(' %s="%s"') % (key.rstrip("_").replace("_", "-"), f"{value:.6g}" if isinstance(value, float) else value)
        for key, value in attributes.items()
    )
    return Markup("<%s%s>%s</%s>") % (name, written, Markup("").join(inside), name)


@dataclass(frozen=True)
class Scale:
    """Maps numbers onto 0 to 100 percent of a width; `log` maps their logarithms."""

    low: float
    high: float
    log: bool = False

    def fraction(self, value: float) -> float:
        """Where a value lies between the ends: 0 to 1, and never outside."""
        low, high, at = (self._bent(end) for end in (self.low, self.high, value))
        return min(1.0, max(0.0, (at - low) / (high - low))) if 0 < high - low < math.inf else 0.5

    def percent(self, value: float) -> str:
        """The same as an SVG length."""
        return f"{100 * self.fraction(value):.2f}%"

    def ticks(self, most: int = 5) -> list[float]:
        """Round numbers between the ends, at most about `most`."""
        return _powers(self.low, self.high, most) if self.log else _round_steps(self.low, self.high, most)

    def _bent(self, value: float) -> float:
        return math.log10(max(value, 1e-300)) if self.log else value


def drawable(value: float | None) -> TypeGuard[float]:
    """Whether a value has a place on a scale: measured, and not endless."""
    return words.known(value) and math.isfinite(value)


def finite(values: Iterable[float | None]) -> list[float]:
    """The values that can be drawn."""
    return [value for value in values if drawable(value)]


def scale_of(values: Iterable[float | None], margin: float = 0.0) -> Scale | None:
    """A linear scale over the values that can be drawn, wider by a share on both sides; None if there are none."""
    placed = finite(values)
    if not placed:
        return None
    low, high = min(placed), max(placed)
    spread = high - low or abs(high) * 0.1 or 1.0
    room = spread * (margin if high > low else 0.5)
    return Scale(low - room, high + room)


def _round_steps(low: float, high: float, most: int) -> list[float]:
    if not 1e-300 < high - low < math.inf:  # noqa: PLR2004 - so near or far apart that steps between cannot be computed
        return [low]
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next((power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999), power * 10)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(index * step, 12 - math.floor(math.log10(step))) + 0.0 for index in range(first, last + 1)]


def _powers(low: float, high: float, most: int) -> list[float]:
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    powers = [10.0**power for power in range(first, last + 1)]
    return powers[:: max(1, math.ceil(len(powers) / most))] or [low, high]
