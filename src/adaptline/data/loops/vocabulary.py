"""The words of texts as numbers, text by text, without Python strings. Compiled by numba.

Knows texts in UTF-8. Knows nothing of what is counted of their words.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from adaptline.data import folding
from adaptline.data.folding import ALONE, WORD
from adaptline.data.loops.compiling import compiled
from adaptline.data.loops.shingles import Bytes, Codes, Hashes, fold, word_grams

Counts = npt.NDArray[np.int64]


def word_numbers(data: Bytes, offsets: Counts) -> tuple[Hashes, Counts]:
    """Every word of every text as a number, in order, and how many each text has. The same words as text.tokens(text.fold(...)).

    Args:
        data: normalised texts, one after another in UTF-8.
        offsets: where each begins, with the end of the last.
    """
    tables, counts = folding.tables_for(data), np.zeros(len(offsets) - 1, np.int64)
    codes = np.empty(int(np.diff(offsets).max(initial=0)) + 64, np.int32)
    out = np.empty(len(data) // 2 + 64, np.uint64)
    done = total = 0
    while True:
        done, total = _number_all(data, offsets, done, total, tables, codes, out, counts)
        if done == len(counts):
            return out[:total], counts
        codes = np.empty(2 * len(codes), np.int32)  # a text that folds to more than it was, or to more words than usual
        out = np.concatenate([out[:total], np.empty(len(out) + len(codes), np.uint64)])


@compiled
def _number_all(
    data: Bytes, offsets: Counts, first: int, total: int, tables: Any, codes: Codes, out: Hashes, counts: Counts
) -> tuple[int, int]:
    """The words of texts from the `first` on, into `out` from `total` on.

    Returns:
        How many texts are done, all or up to one for which there is no room; and how many words there are so far.
    """
    kind = tables.kind
    for text in range(first, len(offsets) - 1):
        count = fold(data, offsets[text], offsets[text + 1], tables, codes)
        if count < 0 or total + count + 1 > len(out):
            return text, total
        has_words = False
        for at in range(count):
            is_a = kind[codes[at]] if codes[at] < len(kind) else 0
            if is_a in (ALONE, WORD):
                has_words = True
                break
        if has_words:  # a text without any is one n-gram, itself, and no word
            counts[text] = word_grams(codes, count, 1, kind, out[total:])
            total += counts[text]
    return len(offsets) - 1, total
