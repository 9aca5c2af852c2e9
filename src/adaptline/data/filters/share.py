"""How much of a text is characters of one kind. Knows Unicode's categories; nothing of words or languages."""

from __future__ import annotations

import sys
import unicodedata
from functools import cache
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from adaptline.core.registry import filter

# General categories (Unicode Standard, section 4.5). Marks are letters here: the vowel signs of Indic scripts are marks.
_CATEGORIES = {"upper": ("Lu", "Lt"), "digit": ("Nd",), "letter": ("L", "M"), "symbol": ("P", "S")}
_CHUNK = 1 << 22  # characters looked at together, which bounds what they take of memory


@filter(version=1, gives="number", bounds=(0, 1))
def share(texts: pa.StringArray, *, of: Literal["upper", "digit", "letter", "symbol", "white"]) -> pa.Array:
    """The share of a text's characters that are of a kind, 0 to 1. Bound it with min and max.

    Args:
        texts: one text per row; a null one and one without characters have no score.
        of: "upper" (capitals), "digit" (decimal ones of any script), "letter" (letters and marks), "symbol" (punctuation
            and symbols) or "white" (white space).

    Returns:
        float64 per text.
    """
    given = [text or "" for text in texts.to_pylist()]
    shares: list[float | None] = []
    for part in _parts(given):
        sizes = np.array([len(text) for text in part], np.int64)
        codes = np.frombuffer("".join(part).encode("utf-32-le"), np.uint32)
        counts = np.concatenate([[0], np.cumsum(_of_kind(of)[codes], dtype=np.int64)])
        ends = np.cumsum(sizes)
        found = counts[ends] - counts[ends - sizes]
        shares += [count / size if size else None for count, size in zip(found.tolist(), sizes.tolist(), strict=True)]
    return pa.array(shares, pa.float64())


def _parts(texts: list[str]) -> list[list[str]]:
    """Texts in order, some at a time: about _CHUNK characters, or one that is longer."""
    parts: list[list[str]] = [[]]
    room = _CHUNK
    for text in texts:
        if room < len(text) and parts[-1]:
            parts.append([])
            room = _CHUNK
        parts[-1].append(text)
        room -= len(text)
    return parts


@cache
def _of_kind(of: str) -> npt.NDArray[np.bool_]:
    """By code point, whether it is of the kind; made once, in about a tenth of a second."""
    every = map(chr, range(sys.maxunicode + 1))
    if of == "white":
        return np.fromiter((one.isspace() for one in every), np.bool_)
    return np.fromiter((unicodedata.category(one).startswith(_CATEGORIES[of]) for one in every), np.bool_)
