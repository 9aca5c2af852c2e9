"""How a text is set: its quotes, dashes, spaces, capitals and punctuation, each made plainer on request.

Knows characters of any script, and Markdown's code between fences or backticks, which it leaves as it is (what is indented
alone is text to it). Knows nothing of words, languages or mojibake.
What is done may show code that was none before (a fence, once the mark before it is gone), so a caller goes on until
nothing changes.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Callable
from functools import lru_cache

# Fenced code blocks and code spans (CommonMark 0.31, sections 4.5 and 6.1); a block that is not closed goes to the end. A line
# that closes one holds the fence alone; behind one that opens a block of backticks there is none.
_CODE = (
    r"(?P<code>^[ \t]*+(?:"
    r"(?P<ticks>`{3,}+)[^`\n]*+$(?s:.*?)(?:^[ \t]*+(?P=ticks)`*+[ \t\r]*+$|\Z)|"
    r"(?P<tildes>~{3,}+)(?s:.*?)(?:^[ \t]*+(?P=tildes)~*+[ \t\r]*+$|\Z)"
    r")|`[^`\n]++`)"
)
_ANY_CODE = re.compile(_CODE, re.MULTILINE)
# Low and high ones, and primes that stand in for them; guillemets and corner brackets are their languages' own.
_QUOTES = str.maketrans(
    dict.fromkeys("\u201c\u201d\u201e\u201f\u2033", '"') | dict.fromkeys("\u2018\u2019\u201a\u201b\u2032", "'")
)
# As Moses' normalize-punctuation.perl (Koehn et al. 2007) has it: a dash between clauses keeps its spaces, or gets some.
_SHORT_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d", "-"))
_LONG_DASH = re.compile(r"(?<![^\S\n])[^\S\n]*+[\u2014\u2015]++[^\S\n]*+")
_SPACES = re.compile(rf"{_CODE}|(?<=\S)[^\S\n]{{2,}}+(?=\S)|\n{{3,}}+", re.MULTILINE)
_APOSTROPHES, _SEPARATORS = "'\u2019", ".,:/-\u066b\u066c"  # stay inside a word; inside a number


def straight_quotes(text: str) -> str:
    """Curly and low quotation marks and apostrophes as ' and ". Guillemets and corner brackets stay."""
    return text if text.isascii() else _outside_code(text, lambda piece: piece.translate(_QUOTES))


def plain_dashes(text: str) -> str:
    """Hyphens, en dashes and minus signs as a hyphen; a long dash as a hyphen between spaces."""
    return text if text.isascii() else _outside_code(text, _with_plain_dashes)


def single_spaces(text: str) -> str:
    """White space between words as one space, empty lines as one. Indentation stays."""
    return _SPACES.sub(lambda found: found["code"] or ("\n\n" if found[0][0] == "\n" else " "), text)


def lower_case(text: str) -> str:
    """Small letters, by Unicode's mapping that knows no language (a Turkish dotless i is not made)."""
    return _outside_code(text, str.lower)


def without_punctuation(text: str) -> str:
    """No punctuation (Unicode's categories P), one space where it stood between words.

    An apostrophe inside a word, and what parts the digits of a number, date or time, stay. Symbols ($, +, =) stay, too.
    """
    return _punctuation().sub(_without, text)


def _outside_code(text: str, change: Callable[[str], str]) -> str:
    if "`" not in text and "~~~" not in text:
        return change(text)
    parts, done = [], 0
    for code in _ANY_CODE.finditer(text):
        parts += [change(text[done : code.start()]), code[0]]
        done = code.end()
    return "".join([*parts, change(text[done:])])


def _with_plain_dashes(text: str) -> str:
    return _LONG_DASH.sub(" - ", text.translate(_SHORT_DASHES))


@lru_cache(maxsize=1)
def _punctuation() -> re.Pattern[str]:
    """Code, or a run of punctuation with the spaces around it. The sign before U+FE0F is half of an emoji, as of #."""
    signs = "".join(
        re.escape(sign) for sign in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(sign)[0] == "P"
    )
    return re.compile(rf"{_CODE}|(?<![^\S\n])[^\S\n]*+(?:[{signs}](?!\ufe0f)[^\S\n]*+)++", re.MULTILINE)


def _without(found: re.Match[str]) -> str:
    if found["code"]:
        return found[0]
    text, sign = found.string, found[0]
    before, after = text[max(found.start() - 1, 0) : found.start()], text[found.end() : found.end() + 1]
    if (sign in _APOSTROPHES and before.isalnum() and after.isalnum()) or (
        sign in _SEPARATORS and before.isdigit() and after.isdigit()
    ):
        return sign
    return " " if before.strip() and after.strip() else ""
