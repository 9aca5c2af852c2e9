"""How much of one text stands in another: shared n-grams of pairs of texts, counted by a loop that numba compiles.

Knows n-grams as numbers. Knows nothing of prompts or answers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from adaptline.data import folding
from adaptline.data.loops.compiling import compiled
from adaptline.data.loops.shingles import Bytes, Codes, Hashes, char_grams, fold, word_grams

Offsets = npt.NDArray[np.int64]
Texts = tuple[Bytes, Offsets]
_FOLDED = 18  # code points that one may fold to, at most


def shares(part: Texts, whole: Texts, *, words: bool, size: int) -> npt.NDArray[np.float64]:
    """Of each pair the share, 0 to 1, of the first text's n-grams that stand in the second; NaN where the first is empty.

    An n-gram counts as often as it occurs in the first text.

    Args:
        part: normalised texts, one after another in UTF-8, and where each begins, with the end of the last.
        whole: as many others.
        words: n-grams of words, else of characters.
        size: words or characters in one n-gram.
    """
    out = np.empty(len(part[1]) - 1, np.float64)
    tables = folding.tables_for(np.concatenate([part[0], whole[0]]))
    longest = int(max(np.diff(part[1]).max(initial=0), np.diff(whole[1]).max(initial=0)))
    room, done = longest + 64, 0
    while done < len(out):
        buffers = np.empty(room, np.int32), np.empty(room, np.uint64), np.empty(room, np.uint64)
        done = _all_shares(*part, *whole, done, tables, words, size, *buffers, out)
        room = min(room * 2, longest * _FOLDED + 64)  # a text that folds to more than it was
    return out


@compiled
def _all_shares(
    data: Bytes,
    offsets: Offsets,
    other_data: Bytes,
    other_offsets: Offsets,
    first: int,
    tables: Any,
    words: bool,
    size: int,
    codes: Codes,
    grams: Hashes,
    others: Hashes,
    out: npt.NDArray[np.float64],
) -> int:
    """The shares of pairs from the `first` on. Returns how many are done: all, or up to one that needs longer buffers."""
    for pair in range(first, len(out)):
        length = fold(other_data, other_offsets[pair], other_offsets[pair + 1], tables, codes)
        if length < 0:
            return pair
        found = (
            word_grams(codes, length, size, tables.kind, others) if words else char_grams(codes, length, size, others)
        )
        length = fold(data, offsets[pair], offsets[pair + 1], tables, codes)
        if length < 0:
            return pair
        if length == 0:
            out[pair] = np.nan
            continue
        count = word_grams(codes, length, size, tables.kind, grams) if words else char_grams(codes, length, size, grams)
        known = np.sort(others[:found])
        shared = 0
        for gram in grams[:count]:
            place = np.searchsorted(known, gram)
            shared += place < found and known[place] == gram
        out[pair] = shared / count
    return len(out)
