"""Signatures of n-gram sets: minima whose share of agreement estimates the Jaccard similarity. Compiled by numba.

Knows n-grams as numbers. Knows nothing of texts, or of what is done with signatures.

Fast Similarity Sketching (Dahlgaard, Knudsen, Thorup, 2017, https://arxiv.org/abs/1704.04370): each n-gram falls into one bin
a round, until every bin has a minimum. A long text needs one round, where MinHash computes as many hashes of each n-gram as
there are minima; a short one needs a few more, and has minima as independent as MinHash's.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from adaptline.data import folding
from adaptline.data.loops.compiling import compiled
from adaptline.data.loops.shingles import Bytes, Codes, Hashes, char_grams, fold, mix, word_grams

Signature = npt.NDArray[np.uint16]

_NONE = np.uint64(0xFFFFFFFFFFFFFFFF)
_LOW = np.uint64(0xFFFFFFFF)
_HALF, _TOP_16 = np.uint64(32), np.uint64(48)
_STEP = np.uint64(0x9E3779B97F4A7C15)


def signatures(
    data: Bytes, offsets: npt.NDArray[np.int64], *, words: bool, size: int, permutations: int, seed: int
) -> npt.NDArray[np.uint16]:
    """The signature of each text: (texts, permutations).

    Args:
        data: normalised texts, one after another in UTF-8.
        offsets: where each begins, with the end of the last.
        words: n-grams of words, else of characters.
        size: words or characters in one n-gram.
        permutations: minima in a signature.
        seed: chooses the hash functions.
    """
    out = np.empty((len(offsets) - 1, permutations), np.uint16)
    tables = folding.tables_for(data)
    longest = int(np.diff(offsets).max(initial=0))
    room, done = longest + 64, 0
    minima = np.empty(permutations, np.uint64)
    while True:
        codes, grams, hashes = np.empty(room, np.int32), np.empty(room, np.uint64), np.empty(room, np.uint64)
        done = _sign_all(data, offsets, done, tables, words, size, seed, codes, grams, hashes, minima, out)
        if done == len(out):
            return out
        room *= 2  # a text that folds to more than it was


@compiled
def sign(grams: Hashes, count: int, seed: int, hashes: Hashes, minima: Hashes, out: Signature) -> None:
    """Fills `out` with the low 16 bits of each minimum (Li and Koenig: b-bit minwise hashing, 2010).

    Args:
        grams: the n-grams as numbers; repeats change nothing.
        count: how many there are, at least 1.
        seed: chooses the hash functions.
        hashes: room for as many numbers as there are n-grams.
        minima: room for as many numbers as `out` has.
        out: the signature.
    """
    bins = len(out)
    minima[:] = _NONE
    empty = bins
    for turn in range(2 * bins):
        salt = mix(np.uint64(seed) * _STEP + np.uint64(turn))
        for at in range(count):  # apart from what follows, so that it becomes vector instructions
            hashes[at] = mix(grams[at] ^ salt)
        for hashed in hashes[:count]:
            place = (hashed >> _HALF) * np.uint64(bins) >> _HALF if turn < bins else np.uint64(turn - bins)
            value = np.uint64(turn) << _HALF | hashed & _LOW
            if value < minima[place]:
                if minima[place] == _NONE:
                    empty -= 1
                minima[place] = value
        if not empty:
            break
    for place in range(bins):
        out[place] = np.uint16(mix(minima[place]) >> _TOP_16)


@compiled
def _sign_all(
    data: Bytes,
    offsets: npt.NDArray[np.int64],
    first: int,
    tables: Any,
    words: bool,
    size: int,
    seed: int,
    codes: Codes,
    grams: Hashes,
    hashes: Hashes,
    minima: Hashes,
    out: npt.NDArray[np.uint16],
) -> int:
    """The signatures of texts from the `first` on, into `out` (texts, minima); see `signatures`.

    Returns:
        How many are done: all, or up to a text for which `codes`, `grams` and `hashes` are too short.
    """
    for text in range(first, len(offsets) - 1):
        count = fold(data, offsets[text], offsets[text + 1], tables, codes)
        if count < 0:
            return text
        count = word_grams(codes, count, size, tables.kind, grams) if words else char_grams(codes, count, size, grams)
        sign(grams, count, seed, hashes, minima, out[text])
    return len(offsets) - 1
