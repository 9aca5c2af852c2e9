"""A text as recognisers read it: each character one character, digits of any script as ASCII, and the words around a place.

Knows characters and places. Knows nothing of kinds of personal data.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

Span = tuple[int, int]

# A number begins and ends where no letter, digit, sign or decimal point of a longer one touches it.
HEAD = r"(?<![\w.+/])(?<!\w-)"
TAIL = r"(?!\w|[.-]\w)"

_BEFORE, _AFTER = 48, 24  # how many characters away a word still tells what a number is
_TAG = re.compile(r"<[A-Z_]{2,20}>")  # what a mask leaves names a kind, too, and must tell nothing of its neighbours
_PERHAPS_OTHER = re.compile("[\xa0\u0660-\U0010ffff]")  # the table has nothing else; Latin, Greek, Cyrillic texts pass
_LONG_RUN = re.compile(r"[0-9]{40,}")  # no number of any kind is as long


@lru_cache(maxsize=1)
def _table() -> dict[int, str]:
    """Code point -> the ASCII character that it stands for: digits, full-width forms, spaces and hyphens."""
    table = {ord(c): str(unicodedata.decimal(c)) for c in map(chr, range(0x80, 0x20000)) if c.isdecimal()}
    table |= {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    table |= dict.fromkeys((0xA0, *range(0x2000, 0x200B), 0x202F, 0x3000), " ")
    return table | dict.fromkeys((*range(0x2010, 0x2016), 0x2212, 0xFE63), "-")


def as_ascii(text: str) -> str:
    """The text with digits, full-width forms, spaces and hyphens as ASCII has them: a character for each of the text's."""
    return text if text.isascii() or not _PERHAPS_OTHER.search(text) else text.translate(_table())


class Page:
    """A text with its places. Runs of digits that are too long for a number are none.

    `plain` is what as_ascii gives. With `trusting`, every place is near every word.
    """

    def __init__(self, plain: str, *, trusting: bool = False) -> None:
        self.plain = _LONG_RUN.sub(lambda run: "x" * len(run[0]), plain)
        self.trusting = trusting
        self._words: dict[re.Pattern[str], bool] = {}

    def near(self, words: re.Pattern[str], start: int, end: int) -> bool:
        """Whether one of the words stands shortly before or after a place."""
        if self.trusting:
            return True
        if words not in self._words:
            self._words[words] = words.search(self.plain) is not None
        if not self._words[words]:
            return False
        around = (self.plain[max(0, start - _BEFORE) : start], self.plain[end : end + _AFTER])
        return any(words.search(_TAG.sub(" ", part)) for part in around)


@dataclass(frozen=True)
class Shape:
    """One way to write one kind: an expression, a further check of what it fits, and the words that a weak one needs.

    `words` are needed always; `bare_words` where the value has no separator.
    """

    pattern: re.Pattern[str]
    holds: Callable[[str], bool] = bool
    words: re.Pattern[str] | None = None
    bare_words: re.Pattern[str] | None = None

    def find(self, page: Page) -> Iterator[Span]:
        """Places in the page's text, from left to right."""
        for match in self.pattern.finditer(page.plain):
            value = match[0]
            if self.holds(value):
                words = self.words or (self.bare_words if value.isalnum() else None)
                if words is None or page.near(words, *match.span()):
                    yield match.span()


def each_of(*shapes: Shape) -> Callable[[Page], Iterable[Span]]:
    """A recogniser of all of these shapes."""
    return lambda page: (span for shape in shapes for span in shape.find(page))


def word(*names: str) -> re.Pattern[str]:
    """An expression for any of these words (themselves expressions), in any case.

    Letters beside a name make it another word; an underscore does not, so that names in code and of columns count.
    """
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(names)})(?![^\W\d_])", re.IGNORECASE)


def digits_of(value: str) -> str:
    """The digits of a value, without what separates them."""
    return re.sub(r"[^0-9]", "", value)


def compact(value: str) -> str:
    """Letters and digits of a value, in capitals."""
    return re.sub(r"[^0-9A-Za-z]", "", value).upper()
