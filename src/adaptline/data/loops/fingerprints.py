"""Whole texts as 128-bit numbers: texts that have the same one are the same. One loop that numba compiles.

Knows UTF-8 and folding. Knows nothing of rows. The hash is BLAKE3's first half, so nobody makes two texts with one number.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from blake3 import blake3

from adaptline.data import folding
from adaptline.data.loops.compiling import compiled
from adaptline.data.loops.shingles import Bytes, Codes, fold

WIDTH = 16  # bytes
Offsets = npt.NDArray[np.int64]

_ROOM = 1 << 18  # code points that are folded before they are hashed


def fingerprints(data: Bytes, offsets: Offsets, *, folded: bool) -> Bytes:
    """(texts, WIDTH) bytes: of each text's folded code points as 32-bit numbers, the low byte first, or of its own bytes.

    Args:
        data: texts, one after another in UTF-8; normalised (folding.normalised) where they are folded.
        offsets: where each begins, with the end of the last.
        folded: without case, compatibility variants and runs of white space.
    """
    if not folded:
        return _hashed(data, offsets)
    tables = folding.tables_for(data)
    codes = np.empty(max(int(np.diff(offsets).max(initial=0)) + 64, _ROOM), np.int32)
    ends = np.zeros(len(offsets), np.int64)
    parts, done = [np.empty((0, WIDTH), np.uint8)], 0
    while done < len(offsets) - 1:
        first, done = done, _fold_some(data, offsets, done, tables, codes, ends)
        if done == first:  # a text that folds to more than it was
            codes = np.empty(2 * len(codes), np.int32)
        parts.append(_hashed(codes.view(np.uint8), 4 * ends[: done - first + 1]))
    return np.concatenate(parts)


def _hashed(data: Bytes, offsets: Offsets) -> Bytes:
    view = memoryview(np.ascontiguousarray(data))  # type: ignore[arg-type]
    found = b"".join(blake3(view[start:end]).digest(WIDTH) for start, end in pairwise(offsets.tolist()))
    return np.frombuffer(found, np.uint8).reshape(-1, WIDTH)


@compiled
def _fold_some(data: Bytes, offsets: Offsets, first: int, tables: Any, codes: Codes, ends: Offsets) -> int:
    """Folds texts from the `first` on into `codes` while they fit; `ends` says where each ends. Returns the next one."""
    at = 0
    for text in range(first, len(offsets) - 1):
        count = fold(data, offsets[text], offsets[text + 1], tables, codes[at:])
        if count < 0:
            return text
        at += count
        ends[text - first + 1] = at
    return len(offsets) - 1
