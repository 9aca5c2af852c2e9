"""Whole texts as 128-bit numbers, and whether two are the same. Loops that numba compiles.

Knows UTF-8, folding and hashing. Knows nothing of rows. The hash is quick, not cryptographic: who wants to can make two texts
with one fingerprint, so what has one is compared.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from adaptline.data import folding
from adaptline.data.loops.compiling import compiled
from adaptline.data.loops.shingles import Bytes, Codes, fold, mix

Offsets = npt.NDArray[np.int64]

_PRIME, _OTHER_PRIME = np.uint64(0x100000001B3), np.uint64(0x9FB21C651E98DF25)


def fingerprints(data: Bytes, offsets: Offsets, *, folded: bool) -> npt.NDArray[np.uint64]:
    """Two numbers a text: (texts, 2).

    Args:
        data: texts, one after another in UTF-8; normalised (folding.normalised) where they are folded.
        offsets: where each begins, with the end of the last.
        folded: of the folded text, else of its bytes.
    """
    out = np.empty((len(offsets) - 1, 2), np.uint64)
    tables = folding.tables_for(data)
    room, done = int(np.diff(offsets).max(initial=0)) + 64, 0
    while True:
        done = _all_prints(data, offsets, done, tables, folded, np.empty(room, np.int32), out)
        if done == len(out):
            return out
        room *= 2  # a text that folds to more than it was


def same(data: Bytes, offsets: Offsets, pairs: npt.NDArray[np.int64], *, folded: bool) -> npt.NDArray[np.bool_]:
    """Of pairs of texts (pairs, 2), whether both are the same; as `fingerprints`."""
    out = np.zeros(len(pairs), np.bool_)
    tables = folding.tables_for(data)
    room, done = int(np.diff(offsets).max(initial=0)) + 64, 0
    while True:
        done = _all_same(data, offsets, pairs, done, tables, folded, np.empty((2, room), np.int32), out)
        if done == len(out):
            return out
        room *= 2


@compiled
def _codes(data: Bytes, start: int, end: int, tables: Any, folded: bool, out: Codes) -> int:
    """A text as numbers: code points, or bytes. Returns how many, -1 where `out` is too short."""
    if folded:
        count: int = fold(data, start, end, tables, out)
        return count
    for at in range(start, end):
        out[at - start] = data[at]
    return end - start


@compiled
def _all_prints(
    data: Bytes, offsets: Offsets, first: int, tables: Any, folded: bool, codes: Codes, out: npt.NDArray[np.uint64]
) -> int:
    for text in range(first, len(out)):
        count = _codes(data, offsets[text], offsets[text + 1], tables, folded, codes)
        if count < 0:
            return text
        one: Any = mix(np.uint64(count))
        two: Any = ~one
        for code in codes[:count]:
            one = (one ^ np.uint64(code)) * _PRIME
            two = (two + np.uint64(code)) * _OTHER_PRIME
        out[text, 0], out[text, 1] = mix(one), mix(two)
    return len(out)


@compiled
def _all_same(
    data: Bytes,
    offsets: Offsets,
    pairs: npt.NDArray[np.int64],
    first: int,
    tables: Any,
    folded: bool,
    codes: npt.NDArray[np.int32],
    out: npt.NDArray[np.bool_],
) -> int:
    for pair in range(first, len(pairs)):
        one, two = pairs[pair]
        count = _codes(data, offsets[one], offsets[one + 1], tables, folded, codes[0])
        other = _codes(data, offsets[two], offsets[two + 1], tables, folded, codes[1])
        if count < 0 or other < 0:
            return pair
        out[pair] = count == other
        for at in range(count):
            if not out[pair] or codes[0, at] != codes[1, at]:
                out[pair] = False
                break
    return len(out)
