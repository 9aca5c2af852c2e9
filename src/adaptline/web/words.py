"""How numbers are written for a person: digits, units, signs.

Knows that a number may be missing or endless. Knows nothing of pages and of texts.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

NOTHING = "\u2013"
_NARROW = "\u202f"  # narrow no-break space, between a number and its unit (SI brochure, 5.4.3)
_MINUS = "\u2212"
_TIMES = "\u00d7"


def known(value: Any) -> TypeGuard[float]:
    """Whether it is a number that was measured: not None, not NaN."""
    return isinstance(value, int | float) and not math.isnan(value)


def count(value: float | None) -> str:
    """A whole number with thousands separated."""
    return _typeset(f"{value:,.0f}") if known(value) and math.isfinite(value) else number(value)


def hundredths(value: float | None) -> str:
    """Two decimals, whatever the size: for numbers between -1 and 1."""
    return _typeset(f"{round(value, 2) + 0.0:.2f}") if known(value) and math.isfinite(value) else number(value)


def number(value: float | None) -> str:
    """Three significant digits; whole numbers in full; very large and small ones as a power of ten."""
    if not known(value):
        return NOTHING
    if math.isinf(value):
        return "∞" if value > 0 else f"{_MINUS}∞"
    size = abs(value)
    if value == int(value) and size < 1e9:  # noqa: PLR2004 - beyond it nobody reads every digit
        return count(value)
    if not 1e-3 <= size < 1e6:  # noqa: PLR2004 - the usual range of plain notation
        digits, power = f"{value:.2e}".split("e")
        raised = str(int(power)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
        return _typeset(f"{digits} {_TIMES} 10{raised}")
    decimals = max(0, 2 - math.floor(math.log10(size)))
    return _typeset(f"{value:,.{decimals}f}")


def share(value: float | None) -> str:
    """A fraction of one as a percentage with one decimal; what is not quite 0 % or 100 % never reads as if it were."""
    if not known(value) or math.isinf(100 * value):
        return number(value)
    if 0 < value < 0.0005:  # noqa: PLR2004 - would round to 0.0 %
        return f"<{_NARROW}0.1{_NARROW}%"
    if 0.9995 <= value < 1:  # noqa: PLR2004 - would round to 100.0 %
        return f">{_NARROW}99.9{_NARROW}%"
    percent = f"{100 * value:,.1f}".removesuffix(".0") if value in (0, 1) else f"{100 * value:,.1f}"
    return _typeset(f"{percent}{_NARROW}%")


def plain(value: float | None, unit: str = "number") -> str:
    """A value that somebody chose, such as a bound or a tick: no more digits than it has, up to six."""
    if not known(value) or math.isinf(100 * value):
        return number(value)
    scaled, sign = (100 * value, f"{_NARROW}%") if unit == "share" else (value, "")
    if scaled and not 1e-4 <= abs(scaled) < 1e9:  # noqa: PLR2004 - the usual range of plain notation
        return number(value)
    written = f"{float(f'{scaled:.6g}'):,.10f}".rstrip("0").rstrip(".")
    return _typeset(f"{written}{sign}")


def fraction(some: float | None, whole: float | None) -> float | None:
    """`some` of `whole`; of nothing there is no fraction."""
    return some / whole if known(some) and known(whole) and whole else None


def part(some: float | None, whole: float | None) -> str:
    """`some` as a percentage of `whole`."""
    return share(fraction(some, whole))


def seconds(value: float | None) -> str:
    """A duration: milliseconds under a second, then seconds, minutes and hours."""
    if not known(value) or math.isinf(value) or value < 0:
        return number(value)
    if value < 1:
        return f"{1000 * value:.0f}{_NARROW}ms" if value else f"0{_NARROW}s"
    if value < 100:  # noqa: PLR2004 - as long as seconds are the natural unit
        return f"{value:.1f}{_NARROW}s" if value < 10 else f"{value:.0f}{_NARROW}s"  # noqa: PLR2004 - three digits at most
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:  # noqa: PLR2004 - minutes of an hour
        return f"{minutes}{_NARROW}min {rest:02d}{_NARROW}s"
    return f"{minutes // 60:,}{_NARROW}h {minutes % 60:02d}{_NARROW}min"


def milliseconds(value: float | None) -> str:
    """A time that is nearly always under a second: one decimal below 100 ms."""
    if not known(value) or math.isinf(value):
        return number(value)
    return f"{value:,.{1 if value < 100 else 0}f}{_NARROW}ms"  # noqa: PLR2004 - three digits


def size(value: float | None) -> str:
    """Bytes with decimal prefixes (SI): 1 MB is 1,000,000 bytes."""
    if not known(value) or math.isinf(value) or value < 0:
        return number(value)
    for unit, bytes_of in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= bytes_of:
            return f"{value / bytes_of:,.{1 if value < 100 * bytes_of else 0}f}{_NARROW}{unit}"
    return f"{count(value)}{_NARROW}bytes"


UNITS: dict[str, Callable[[float | None], str]] = {
    "count": count,
    "share": share,
    "seconds": seconds,
    "bytes": size,
    "number": number,
}


def quantity(value: float | str | None, unit: str = "number") -> str:
    """A value in its unit; words as they are."""
    return value if isinstance(value, str) else UNITS.get(unit, number)(value)


def difference(value: float | None, unit: str = "number") -> str:
    """A difference with its sign; of two shares, in percentage points."""
    if not known(value):
        return NOTHING
    written = _typeset(f"{100 * value:,.1f}") if unit == "share" and math.isfinite(100 * value) else number(value)
    return f"+{written}" if value > 0 and written.strip("0.") else written


def p_value(value: float | None) -> str:
    """A probability with three decimals, or that it is smaller."""
    if not known(value) or not 0 <= value <= 1:
        return number(value)
    return f"<{_NARROW}0.001" if value < 0.001 else f"{value:.3f}"  # noqa: PLR2004 - the customary smallest p to write out


def moment(value: datetime | None) -> str:
    """A date and time of day with its zone."""
    return NOTHING if value is None else f"{value.day} {value:%B %Y, %H:%M} {value.tzname() or ''}".rstrip()


def plural(many: int | None, one: str, more: str = "") -> str:
    """A count with its noun: 1 row, 2 rows."""
    return f"{count(many)} {one if many == 1 else more or one + 's'}"


def compact(value: float | None) -> str:
    """A count that has to fit beside an axis: millions and billions with two or three digits."""
    if not known(value) or abs(value) < 1e6 or math.isinf(value):  # noqa: PLR2004 - until there every digit fits
        return plain(value)
    big, sign = (1e9, "B") if abs(value) >= 1e9 else (1e6, "M")  # noqa: PLR2004 - a thousand millions
    return _typeset(f"{value / big:,.3g}{_NARROW}{sign}")


def _typeset(written: str) -> str:
    """With a true minus sign, and none before a zero."""
    return written.replace("-", _MINUS if re.search(r"[1-9]", written) else "", 1)
