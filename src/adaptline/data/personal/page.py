"""A text as recognisers read it: each character one character, digits of any script as ASCII, and the words around a place.

Knows characters and places. Knows nothing of kinds of personal data.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain

Span = tuple[int, int]

# A number begins and ends where no letter, digit, sign or decimal point of a longer one touches it.
HEAD = r"(?<![\w.+/])(?<!\w-)"
TAIL = r"(?!\w|[.-]\w)"

_BEFORE, _AFTER = 48, 24  # how many characters away a word still tells what a number is
_TAG = re.compile(r"<[A-Z_]{2,20}>")  # what a mask leaves names a kind, too, and must tell nothing of its neighbours
_PERHAPS_OTHER = re.compile("[\xa0\u0660-\U0010ffff]")  # the table has nothing else; Latin, Greek, Cyrillic texts pass
_NO_DIGIT = re.compile("[^0-9]")
_LONG_RUN = re.compile(r"[0-9]{40,}")  # no number of any kind is as long
_FEW_DIGITS = re.compile(r"[0-9](?:[ .\-/+()A-Za-z]{0,3}[0-9]){3}")  # every national number has four that stand so
_MORE = re.compile(r"(?:[ .\-/+()A-Za-z]{0,3}[0-9])*+")
_LETTERS_BEFORE, _LETTERS_AFTER = (
    9,
    13,
)  # what may stand around a number's digits, and what must be seen to know that it ends


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
        self._words: dict[int, bool] = {}  # by identity: to hash an expression takes as long as the expression
        self._numbers: dict[int, list[Span]] = {}

    def numbers_of(self, digits: int) -> list[Span]:
        """Where national numbers of so many digits or more may stand, with what may belong to them on both sides."""
        if digits not in self._numbers:
            self._numbers[digits] = [span for span, count in self._counted if count >= digits]
        return self._numbers[digits]

    @cached_property
    def _counted(self) -> list[tuple[Span, int]]:
        """Stretches of digits near each other, wide enough to see what they begin and end with; and how many digits."""
        counted: list[tuple[Span, int]] = []
        at = 0
        while first := _FEW_DIGITS.search(self.plain, at):
            rest = _MORE.match(self.plain, first.end())
            at = rest.end() if rest else first.end()
            digits = sum(map(str.isdigit, self.plain[first.start() : at]))
            start, end = max(0, first.start() - _LETTERS_BEFORE), at + _LETTERS_AFTER
            if counted and start < counted[-1][0][1]:
                (start, _), before = counted.pop()
                digits = max(digits, before)
            counted.append(((start, end), digits))
        return counted

    def has(self, words: re.Pattern[str]) -> bool:
        """Whether one of the words stands anywhere in the text."""
        if id(words) not in self._words:
            self._words[id(words)] = self.trusting or words.search(self.plain) is not None
        return self._words[id(words)]

    def near(self, words: re.Pattern[str], start: int, end: int) -> bool:
        """Whether one of the words stands shortly before or after a place."""
        if self.trusting or not self.has(words):
            return self.trusting
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

    def find(self, page: Page, digits: int) -> Iterator[Span]:
        """Places in the page's text, from left to right, among numbers of so many digits or more."""
        matches = (self.pattern.finditer(page.plain, *span) for span in page.numbers_of(digits))
        for match in chain.from_iterable(matches):
            words = self.words or (self.bare_words if match[0].isalnum() else None)
            # Whether the text has such a word at all is known at once, and most texts have not: that goes first.
            may = words is None or page.has(words)
            if may and self.holds(match[0]) and (words is None or page.near(words, *match.span())):
                yield match.span()


def each_of(digits: int, *shapes: Shape) -> Callable[[Page], Iterable[Span]]:
    """A recogniser of all of these shapes, which have as many digits at the least."""
    return lambda page: (span for shape in shapes for span in shape.find(page, digits))


def word(*names: str, inside: Sequence[str] = ()) -> re.Pattern[str]:
    """An expression for any of these words (themselves expressions), in any case.

    Letters beside a name make it another word; an underscore does not, so that names in code and of columns count. Where
    words are written without spaces or with endings, letters beside one say nothing: `inside` are those names.
    """
    apart = rf"(?<![^\W_])(?:{'|'.join(names)})(?![^\W\d_])"
    return re.compile(rf"(?=[^\W\d_])(?:{'|'.join([apart, *inside])})", re.IGNORECASE)  # no word begins with a digit


def pattern(form: str, flags: int = 0) -> re.Pattern[str]:
    """An expression for a number of this form that is no piece of a longer one."""
    return re.compile(f"{HEAD}(?:{form}){TAIL}", re.ASCII | flags)


def digits_of(value: str) -> str:
    """The digits of a value, without what separates them."""
    return _NO_DIGIT.sub("", value)


def compact(value: str) -> str:
    """Letters and digits of a value, in capitals."""
    return re.sub(r"[^0-9A-Za-z]", "", value).upper()
