"""What rules of quality measure of a text: its lines, paragraphs and copies, and which of several bounds it breaks first.

Knows strings and bounds. Knows nothing of whose rules they are, or of what becomes of a text that breaks one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from adaptline.errors import UserError

FINE = "fine"  # the label of a text that breaks no rule
ELLIPSES = ("...", "\u2026")
# Full stops, exclamation and question marks of scripts: ASCII, ellipsis, Armenian, Arabic, Urdu, Devanagari, Ethiopic,
# Myanmar, Khmer, CJK and its full-width forms.
SENTENCE_MARKS = (
    ".!?\u2026\u0589\u061f\u06d4\u0964\u0965\u1362\u1367\u104a\u104b\u17d4\u17d5\u3002\uff01\uff0e\uff1f\uff61"
)
CLOSING_QUOTES = '"\u201d\u00bb\u300d\u300f'
_PARAGRAPHS = re.compile(r"\n\s*\n")


class Measured(NamedTuple):
    """A value beside what it must be: low <= value <= high, or low < value < high where the bounds are `outside`."""

    rule: str
    value: float
    unit: str
    low: float = -math.inf
    high: float = math.inf
    outside: bool = False  # whether the bounds themselves are out

    @property
    def is_broken(self) -> bool:
        """Whether the value is out of bounds."""
        inside = self.low < self.value < self.high if self.outside else self.low <= self.value <= self.high
        return not inside

    @property
    def because(self) -> str:
        """The value and its bounds, in words."""
        above, below = ("above", "below") if self.outside else ("at least", "at most")
        ends = [f"{above} {_number(self.low)}"] if self.low > -math.inf else []
        ends += [f"{below} {_number(self.high)}"] if self.high < math.inf else []
        return f"{_number(self.value)} {self.unit}, not {' and '.join(ends)}"


def labels(rules: Sequence[str]) -> Callable[[], list[str]]:
    """All labels of a set of rules, as the registry asks for them."""
    return lambda: [FINE, *rules]


def labelled(texts: pa.Array, measure: Callable[[str], Iterable[Measured]]) -> pa.StructArray:
    """Per text the first rule that it breaks.

    Args:
        texts: strings.
        measure: what is measured of a text, rule by rule; nothing is measured after the first broken one.

    Returns:
        Per text `score`, "fine" or the rule's name, null for a null text; and `because`, the value and its bounds, null
        where no rule is broken.
    """
    return verdicts([None if text is None else first_broken(measure(text)) for text in texts.to_pylist()])


def first_broken(measured: Iterable[Measured]) -> tuple[str, str | None]:
    """The name of the first broken rule, and why; "fine" and None where there is none."""
    return next(((one.rule, one.because) for one in measured if one.is_broken), (FINE, None))


def verdicts(found: Sequence[tuple[str, str | None] | None]) -> pa.StructArray:
    """Labels with their reasons as `score` and `because`; None has neither."""
    columns = [pa.array([one and one[place] for one in found], pa.string()) for place in (0, 1)]
    return pa.StructArray.from_arrays(columns, names=["score", "because"])


def refuse_empty_range(name: str, low: Any, other: str, high: Any) -> None:
    """Raises UserError for a lower bound that is above the upper one."""
    if low > high:
        raise UserError(f"{name} = {low:g} and {other} = {high:g}: nothing lies between", do="Swap them.")


def lines(text: str) -> list[str]:
    """The lines of a text, without white space at their ends; blank ones are left out. Only a line feed ends a line."""
    return [line for piece in text.split("\n") if (line := piece.strip())]


def paragraphs(text: str) -> list[str]:
    """What stands between blank lines, without white space at its ends."""
    return [paragraph for piece in _PARAGRAPHS.split(text) if (paragraph := piece.strip())]


def copies(pieces: Sequence[str]) -> tuple[int, int]:
    """How many pieces stood there before, and the characters in those; the first of equals is no copy."""
    seen: set[str] = set()
    again = [piece for piece in pieces if piece in seen or seen.add(piece)]  # type: ignore[func-returns-value]
    return len(again), sum(map(len, again))


def share(part: float, whole: float) -> float:
    """Part / whole; 0.0 of nothing."""
    return part / whole if whole else 0.0


def share_of_lines(pieces: Sequence[str], fits: Callable[[str], bool]) -> float:
    """The share of lines that fit, 0 to 1."""
    return share(sum(map(fits, pieces)), len(pieces))


def ends_sentence(line: str) -> bool:
    """Whether a line ends in a mark that ends sentences, or in a closing quotation mark."""
    return line.endswith(_ENDS)


_ENDS = tuple(SENTENCE_MARKS + CLOSING_QUOTES)


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
