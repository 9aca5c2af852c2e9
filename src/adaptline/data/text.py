"""Text as filters and matchers compare it: folding, words, n-grams, Jaccard similarity.

Knows strings only, of any script. Knows nothing of rows, of languages or of who compares what.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from adaptline.data import folding

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

Gram = Literal["char", "word"]

# What ends a word besides white space: the punctuation of ASCII, Latin-1, Arabic, Devanagari, the General Punctuation
# block (its zero-width joiners at 200C and 200D stay inside words), CJK and the full-width forms. Said by listing what
# is no word, because Python's \w lacks the vowel signs of Indic scripts and would cut their words into pieces.
_NO_WORD = (
    r"\s!-/:-@\[-^`{-~\u00a1-\u00a9\u00ab-\u00b1\u00b4\u00b6-\u00b8\u00bb\u00bf\u00d7\u00f7\u060c\u061b\u061f\u066a-\u066d\u06d4"
    r"\u0964\u0965\u2000-\u200b\u200e-\u206f\u3000-\u3004\u3008-\u3020\u3030\u30fb\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
)
_WORD = re.compile(rf"[^{_NO_WORD}]+(?:['\u2019][^{_NO_WORD}]+)*")


def fold(text: str) -> str:
    """The text without what a reader would call mere form: compatibility variants, case and runs of white space.

    Normalised (NFKC), each code point folded by itself as folding.py says, then every run of white space one space and
    none at the ends.
    """
    if text.isascii():
        return " ".join(text.lower().split())
    return " ".join(unicodedata.normalize("NFKC", text).translate(folding.translation()).split())


def words(text: str) -> list[str]:
    """The words of a text in order: runs of anything but white space and punctuation, apostrophes inside them kept.

    A script without spaces between words (Chinese, Japanese, Thai) gives one word per run.
    """
    return _WORD.findall(text)


def tokens(text: str) -> list[str]:
    """The words that n-grams are made of: runs of letters, marks, digits and underscores.

    A letter of a script that is written without spaces (Han, kana, Thai, Lao, Myanmar, Khmer) is one by itself.
    """
    return _tokens().findall(text)


@lru_cache(maxsize=1)
def _tokens() -> re.Pattern[str]:
    kind = folding.tables().kind
    word, alone = (_ranges(np.flatnonzero(kind == of)) for of in (folding.WORD, folding.ALONE))
    return re.compile(f"[{word}]+|[{alone}]")


def _ranges(codes: npt.NDArray[np.int64]) -> str:
    """Code points as what stands between the brackets of a regular expression."""
    runs = np.split(codes, np.flatnonzero(np.diff(codes) != 1) + 1)
    return "".join(f"\\U{run[0]:08x}-\\U{run[-1]:08x}" for run in runs)


def grams(text: str, kind: Gram = "char", size: int = 5) -> list[str]:
    """The n-grams of a text in order, repeats included.

    A text of fewer than `size` characters (or words) has one n-gram: itself, or all its words. So every text has one,
    and two short texts are the same or have nothing in common.
    """
    if kind == "char":
        return [text[at : at + size] for at in range(len(text) - size + 1)] or [text]
    found = tokens(text)
    return [" ".join(found[at : at + size]) for at in range(len(found) - size + 1)] or [" ".join(found) or text]


def jaccard(one: AbstractSet[str], other: AbstractSet[str]) -> float:
    """The size of the intersection over that of the union; 0.0 where both are empty."""
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared) if shared else 0.0
