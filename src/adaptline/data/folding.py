"""What a text is compared by: its code points without case and compatibility variants, as tables for fast loops.

Knows Unicode as this Python has it. Knows nothing of n-grams.

A text is normalised first (NFKC); then each code point is folded by itself, so that a table does it: Unicode's compatibility
caseless matching (The Unicode Standard, section 3.13, D146), but that an accent after a letter whose capital has no accented
form stays a code point of its own.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

GAP, WORD, ALONE, WHITE = 0, 1, 2, 3  # kinds of code points: punctuation, part of a word, a word by itself, white space

_LIMIT = 0x33480  # beyond stand variation selectors, private use and what is not assigned: each folds to itself, a gap
_ASCII = 128
_SURROGATES = range(0xD800, 0xE000)
# Scripts written without spaces between words: Thai, Lao, Myanmar, Khmer, the kana, Han with its extensions.
_UNSPACED = (
    *((0x0E00, 0x0F00), (0x1000, 0x10A0), (0x1780, 0x1800), (0x3040, 0x3100), (0x31F0, 0x3200), (0x3400, 0x4DC0)),
    *((0x4E00, 0xA000), (0xF900, 0xFB00), (0x20000, _LIMIT)),
)
_ALONE = frozenset(chain.from_iterable(range(low, high) for low, high in _UNSPACED))
_BLOCK = 256  # code points; the surrogates are whole blocks
_LENGTH_BITS = 5  # no code point folds to more than 18


class Tables(NamedTuple):
    """By code point: `folded`, or where it is negative -(start << 5 | length) of a piece of `pieces`; and its `kind`."""

    folded: npt.NDArray[np.int32]
    kind: npt.NDArray[np.uint8]
    pieces: npt.NDArray[np.int32]


@lru_cache(maxsize=1)
def tables() -> Tables:
    """The tables for all of Unicode; made once, in a tenth of a second."""
    return _made(_LIMIT)


def tables_for(data: npt.NDArray[np.uint8]) -> Tables:
    """The tables that texts in UTF-8 need."""
    return ascii_tables() if not data.size or data.max() < _ASCII else tables()


@lru_cache(maxsize=1)
def ascii_tables() -> Tables:
    """The tables for texts of ASCII alone."""
    return _made(_ASCII)


@lru_cache(maxsize=1)
def translation() -> dict[int, str]:
    """The same folding for str.translate, of the code points that change."""
    return {
        code: found for code in range(_LIMIT) if code not in _SURROGATES and (found := folded(chr(code))) != chr(code)
    }


def normalised(texts: pa.Array) -> pa.Array:
    """Texts in NFKC, in which most are already: only those that are not are written anew. Nulls stay."""
    strange = pc.fill_null(pc.invert(pc.string_is_ascii(texts)), False).to_numpy(zero_copy_only=False)
    rows = np.flatnonzero(strange)
    given = texts.take(pa.array(rows)).to_pylist()
    changed = [
        (row, text) for row, text in zip(rows, given, strict=True) if not unicodedata.is_normalized("NFKC", text)
    ]
    if not changed:
        return texts
    mask = np.zeros(len(texts), np.bool_)
    mask[[row for row, _ in changed]] = True
    return pc.replace_with_mask(texts, mask, pa.array([unicodedata.normalize("NFKC", text) for _, text in changed]))


def folded(character: str) -> str:
    """What one character folds to."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", character).casefold())


def kind_of(character: str) -> int:
    """A character's kind. Marks are parts of words, as the vowel signs of Indic scripts are."""
    if character.isspace():
        return WHITE
    if character != "_" and unicodedata.category(character)[0] not in "LNM":
        return GAP
    return ALONE if ord(character) in _ALONE else WORD


def _made(limit: int) -> Tables:
    found = np.arange(limit, dtype=np.int32)
    kind = np.zeros(limit, np.uint8)
    pieces: list[int] = []
    for code in chain.from_iterable(
        _strange(range(at, min(at + _BLOCK, limit)), kind) for at in range(0, limit, _BLOCK)
    ):
        codes = [ord(character) for character in folded(chr(code))]
        kind[code] = kind_of(chr(code))
        if len(codes) == 1:
            found[code] = codes[0]
        else:  # none at all for a few that are to be ignored
            found[code] = -((len(pieces) + 1) << _LENGTH_BITS | len(codes))
            pieces += codes
    return Tables(found, kind, np.array([0, *pieces], np.int32))


def _strange(block: range, kind: npt.NDArray[np.uint8]) -> range:
    """The code points of a block, unless all are letters that fold to themselves, as half of them do (Han, Hangul): their kinds are set.

    What is normalised has no part that is not (Unicode Standard Annex 15, section 9.4), so a block is asked at once.
    """
    if block.start in _SURROGATES:
        return range(0)
    text = "".join(map(chr, block))
    if not (text.isalpha() and text == text.casefold() and unicodedata.is_normalized("NFKC", text)):
        return block
    kind[block.start : block.stop] = WORD
    for low, high in _UNSPACED:
        kind[max(low, block.start) : max(low, min(high, block.stop), block.start)] = ALONE
    return range(0)
