"""How much of a text its repeated runs of words are: loops that numba compiles, straight from Arrow's bytes.

Knows UTF-8, white space and hashing. Knows nothing of bounds. Runs of words are compared as 64-bit numbers; that two different
ones of a text get the same has a chance of 2^-64 a pair.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from adaptline.data import folding
from adaptline.data.folding import WHITE
from adaptline.data.loops.compiling import compiled
from adaptline.data.loops.shingles import Bytes, Hashes, decode, mix

Offsets = npt.NDArray[np.int64]
Shares = npt.NDArray[np.float64]

TOP, COPIED = (
    (2, 3, 4),
    (5, 6, 7, 8, 9, 10),
)  # words in a run: of the most frequent one, of those that stood there before
_LAST_TOP, _LONGEST = TOP[-1], COPIED[-1]
_FNV = np.uint64(0x100000001B3)  # the prime of the Fowler-Noll-Vo hash
_ODD = np.uint64(0x9E3779B97F4A7C15)


def shares(data: Bytes, offsets: Offsets) -> Shares:
    """The shares of the characters of words that lie in repeated n-grams of words, 0 to 1: (texts, 9).

    Words are runs of anything but white space. The columns are for n = 2, 3, 4 the occurrences of the most frequent
    n-gram, the first of equals, 0 where none occurs twice; for n = 5 to 10 all n-grams that stood there before. A
    character counts once, however many of them it lies in.

    Args:
        data: texts, one after another in UTF-8.
        offsets: where each begins, with the end of the last.
    """
    out = np.zeros((len(offsets) - 1, len(TOP) + len(COPIED)), np.float64)
    words = int(np.diff(offsets).max(initial=0)) // 2 + 1
    slots = 1 << max(int(2 * words).bit_length(), 4)
    room = np.empty(words, np.uint64), np.empty(words, np.int64), np.empty(slots, np.uint64), np.empty(slots, np.int64)
    _all_shares(data, offsets, folding.tables_for(data).kind, *room, out)
    return out


@compiled
def _all_shares(
    data: Bytes,
    offsets: Offsets,
    kind: Bytes,
    words: Hashes,
    sizes: Offsets,
    keys: Hashes,
    counts: Offsets,
    out: Shares,
) -> None:
    for text in range(len(out)):
        count = _words(data, offsets[text], offsets[text + 1], kind, words, sizes)
        total = sizes[:count].sum()
        slots = 16
        while slots < 2 * count:
            slots *= 2
        for size in range(2, min(count, _LONGEST + 1)):  # of a single n-gram none is another
            keys[:slots] = 0
            grams = count - size + 1
            if size <= _LAST_TOP:
                covered = _top(words, sizes, grams, size, keys[:slots], counts[:slots])
            else:
                covered = _copied(words, sizes, grams, size, keys[:slots])
            out[text, size - 2] = covered / total


@compiled
def _words(data: Bytes, start: int, end: int, kind: Bytes, words: Hashes, sizes: Offsets) -> int:
    """A number and the characters of each word. Returns how many words there are."""
    at, count, size = start, 0, 0
    word: Any = np.uint64(0)
    while at < end:
        code, at = decode(data, at)
        if code < len(kind) and kind[code] == WHITE:
            if size:
                words[count], sizes[count] = mix(word), size
                count += 1
            word, size = np.uint64(0), 0
        else:
            word = mix((word ^ np.uint64(code + 1)) * _FNV)
            size += 1
    if size:
        words[count], sizes[count] = mix(word), size
        count += 1
    return count


@compiled
def _gram(words: Hashes, at: int, size: int) -> Any:
    """The n-gram at a word as a number, never 0."""
    joined: Any = np.uint64(size)
    for word in words[at : at + size]:
        joined = (joined ^ (joined >> np.uint64(31))) * _ODD + word
    return mix(joined) | np.uint64(1)


@compiled
def _slot(keys: Hashes, gram: Any) -> Any:
    """Where a number stands in a table, or is to stand: linear probing, 0 is empty."""
    last = np.uint64(len(keys) - 1)
    slot: Any = (gram >> np.uint64(1)) & last
    while keys[slot] != 0 and keys[slot] != gram:
        slot = (slot + np.uint64(1)) & last
    return np.int64(slot)


@compiled
def _cover(sizes: Offsets, at: int, size: int, done: int) -> int:
    """The characters of the words of an n-gram that lie from `done` on."""
    covered = 0
    for word in range(max(at, done), at + size):
        covered += sizes[word]
    return covered


@compiled
def _top(words: Hashes, sizes: Offsets, grams: int, size: int, keys: Hashes, counts: Offsets) -> int:
    """The characters in all occurrences of the most frequent n-gram, if it occurs twice."""
    highest = 1
    for at in range(grams):
        gram = _gram(words, at, size)
        slot = _slot(keys, gram)
        counts[slot] = counts[slot] + 1 if keys[slot] else 1
        keys[slot] = gram
        highest = max(highest, counts[slot])
    if highest == 1:
        return 0
    top: Any = np.uint64(0)
    covered, done = 0, 0
    for at in range(grams):
        gram = _gram(words, at, size)
        if not top and counts[_slot(keys, gram)] == highest:
            top = gram
        if gram == top:
            covered += _cover(sizes, at, size, done)
            done = at + size
    return covered


@compiled
def _copied(words: Hashes, sizes: Offsets, grams: int, size: int, keys: Hashes) -> int:
    """The characters in all n-grams that stood there before."""
    covered, done = 0, 0
    for at in range(grams):
        gram = _gram(words, at, size)
        slot = _slot(keys, gram)
        if keys[slot]:
            covered += _cover(sizes, at, size, done)
            done = at + size
        keys[slot] = gram
    return covered
