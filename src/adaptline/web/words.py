"""How numbers and foreign texts are written for a person.

Knows digits, units, what is invisible in Unicode and how two texts are set beside each other. Knows nothing of pages: only `excerpt` and `compared`
return markup, because a control character and a difference have to stand out from what surrounds them.
"""

from __future__ import annotations

import difflib
import math
import os.path
import re
import unicodedata
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeGuard

from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

NOTHING = "–"
EXCERPT_CHARS = 400
PROSE_CHARS = 4000
_NARROW = "\u202f"  # narrow no-break space, between a number and its unit (SI brochure, 5.4.3)
_MINUS = "\u2212"
_LEAD_CHARS = 60  # how much of what two texts share is shown before their first difference
_JOINERS = "\u200c\u200d"  # meaningful in emoji, Persian and Indic scripts
_INVISIBLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # Unicode general categories without a glyph of their own


def known(value: Any) -> TypeGuard[float]:
    """Whether it is a number that was measured: not None, not NaN."""
    return isinstance(value, int | float) and not math.isnan(value)


def count(value: float | None) -> str:
    """A whole number with thousands separated."""
    return f"{value:,.0f}".replace("-", _MINUS) if known(value) and math.isfinite(value) else number(value)


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
        return f"{digits} × 10{raised}".replace("-", _MINUS)
    decimals = max(0, 2 - math.floor(math.log10(size)))
    return f"{value:,.{decimals}f}".replace("-", _MINUS)


def share(value: float | None) -> str:
    """A fraction of one as a percentage with one decimal; what is not quite 0 % or 100 % never reads as if it were."""
    if not known(value) or math.isinf(value):
        return number(value)
    if 0 < value < 0.0005:  # noqa: PLR2004 - would round to 0.0 %
        return f"<{_NARROW}0.1{_NARROW}%"
    if 0.9995 <= value < 1:  # noqa: PLR2004 - would round to 100.0 %
        return f">{_NARROW}99.9{_NARROW}%"
    percent = f"{100 * value:,.1f}".removesuffix(".0") if value in (0, 1) else f"{100 * value:,.1f}"
    return f"{percent}{_NARROW}%".replace("-", _MINUS)


def plain(value: float | None, unit: str = "number") -> str:
    """A value that somebody chose, such as a bound or a tick: no more digits than it has, up to six."""
    if not known(value) or math.isinf(value):
        return number(value)
    scaled, sign = (100 * value, f"{_NARROW}%") if unit == "share" else (value, "")
    if scaled and not 1e-4 <= abs(scaled) < 1e9:  # noqa: PLR2004 - the usual range of plain notation
        return number(value)
    written = f"{float(f'{scaled:.6g}'):,.10f}".rstrip("0").rstrip(".")
    return f"{written}{sign}".replace("-", _MINUS)


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


def size(value: float | None) -> str:
    """Bytes with decimal prefixes (SI): 1 MB is 1,000,000 bytes."""
    if not known(value) or math.isinf(value):
        return number(value)
    for unit, bytes_of in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= bytes_of:
            return f"{value / bytes_of:,.{1 if value < 100 * bytes_of else 0}f}{_NARROW}{unit}"
    return f"{value:,.0f}{_NARROW}bytes"


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
    written = f"{100 * value:+,.1f}" if unit == "share" and math.isfinite(value) else number(value)
    signed = written if written[0] in f"+-{_MINUS}0" else f"+{written}"
    return signed.replace("-", _MINUS)


def p_value(value: float | None) -> str:
    """A probability with three decimals, or that it is smaller."""
    if not known(value):
        return NOTHING
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
    return f"{value / big:,.3g}{_NARROW}{sign}".replace("-", _MINUS)


def brief(text: str, chars: int) -> str:
    """A name for a place with little room."""
    return visible(text if len(text) <= chars else _cut(text, chars - 1) + "…")


def visible(text: str, chars: int = EXCERPT_CHARS) -> str:
    """A text on which nothing is hidden: what has no glyph of its own by its code point; cut if long."""
    return "".join(piece for piece, _ in _pieces(_cut(text, chars))) + _rest(text, chars)


def excerpt(text: str | None, chars: int = EXCERPT_CHARS) -> Markup:
    """The beginning of a row's text, its line ends kept, hidden characters shown, and how long it is in full if it was cut."""
    if text is None:
        return Markup('<span class="quiet">no text</span>')
    if not text.strip():
        kind = f"only white space, {plural(len(text), 'character')}" if text else "empty text"
        return Markup('<span class="quiet">{}</span>').format(kind)
    return _marked_up(_cut(text, chars)) + _tail(text, chars)


def compared(before: str | None, after: str | None, chars: int = EXCERPT_CHARS) -> tuple[Markup, Markup]:
    """Two texts with the words marked in which they differ; what both begin with is left out if it would fill the excerpt."""
    if not before or not after or not before.strip() or not after.strip():
        return excerpt(before, chars), excerpt(after, chars)
    shared = len(os.path.commonprefix([before, after]))
    skipped = max(0, shared - _LEAD_CHARS) if shared > chars - 2 * _LEAD_CHARS else 0
    old, new = (re.findall(r"\w+|\s+|[^\w\s]", _cut(text[skipped:], chars)) for text in (before, after))
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    sides: tuple[list[Markup], list[Markup]] = ([], [])
    for what, old_from, old_to, new_from, new_to in matcher.get_opcodes():
        for side, words in zip(sides, (old[old_from:old_to], new[new_from:new_to]), strict=True):
            if words:
                pattern = Markup("{}") if what == "equal" else Markup("<mark>{}</mark>")
                side.append(pattern.format(_marked_up("".join(words))))
    lead = Markup('<span class="quiet">… </span>') if skipped else Markup("")
    left, right = (lead + Markup("").join(side) for side in sides)
    return left + _tail(before, chars, skipped), right + _tail(after, chars, skipped)


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """The text in runs: (what to write, "") for what can be seen, (a stand-in, its name) for a hidden character, repeated or not."""
    for (hidden, which), run in groupby(text, _hidden_character):
        characters = list(run)
        if not hidden:
            yield "".join(characters), ""
            continue
        code, times = f"U+{ord(which):04X}", f" × {len(characters)}" if len(characters) > 1 else ""
        yield f"⟨{code}{times}⟩", f"{code} {unicodedata.name(which, 'control character').lower()}"


def _hidden_character(character: str) -> tuple[bool, str]:
    """Whether a character has no look of its own, and which it is if so."""
    seen = character in "\n\t" or character in _JOINERS or unicodedata.category(character) not in _INVISIBLE
    return (False, "") if seen else (True, character)


def _marked_up(text: str) -> Markup:
    return Markup("").join(
        Markup('<span class="hidden-character" title="{}">{}</span>').format(name, piece) if name else piece
        for piece, name in _pieces(text)
    )


def _cut(text: str, chars: int) -> str:
    """The first characters of a text, without tearing marks or joined emoji from what they belong to."""
    if len(text) <= chars:
        return text
    end = chars
    while end > chars - 20 and (unicodedata.category(text[end])[0] == "M" or "\u200d" in text[end - 1 : end + 1]):
        end -= 1
    return text[:end]


def _rest(text: str, chars: int) -> str:
    return f"… ({plural(len(text), 'character')} in all)" if len(text) > chars else ""


def _tail(text: str, chars: int, skipped: int = 0) -> Markup:
    if len(text) - skipped <= chars and not skipped:
        return Markup("")
    dots = "… " if len(text) - skipped > chars else " "
    return Markup('<span class="quiet">{}({} in all)</span>').format(dots, plural(len(text), "character"))
