"""n-grams of texts as 64-bit numbers, straight from Arrow's bytes: loops that numba compiles, without Python strings.

Knows UTF-8, the tables of folding.py and hashing. Knows nothing of signatures or of what n-grams are for. The same n-grams as
`text.grams(text.fold(...))`, each as a number; that two of them get the same number has a chance of 2^-64.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from adaptline.data.folding import ALONE, GAP, WHITE, WORD
from adaptline.data.loops.compiling import compiled

Bytes = npt.NDArray[np.uint8]
Codes = npt.NDArray[np.int32]
Hashes = npt.NDArray[np.uint64]

_SPACE = 32
_ONE_BYTE, _TWO_BYTES, _THREE_BYTES = 0x80, 0xE0, 0xF0  # below it, a first byte of UTF-8 begins so many (RFC 3629)
_ODD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio (Knuth, The Art of Computer Programming, 6.4)
_FNV = np.uint64(0x100000001B3)  # the prime of the Fowler-Noll-Vo hash
_ONE = np.uint64(1)


@compiled
def mix(x: Any) -> Any:
    """SplitMix64's finaliser (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014)."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@compiled
def decode(data: Bytes, at: int) -> tuple[Any, int]:
    """The code point that begins at a byte of valid UTF-8, and where the next begins."""
    first = data[at]
    if first < _ONE_BYTE:
        return np.int32(first), at + 1
    if first < _TWO_BYTES:
        return np.int32(first & 0x1F) << 6 | np.int32(data[at + 1] & 0x3F), at + 2
    if first < _THREE_BYTES:
        code = np.int32(first & 0x0F) << 12 | np.int32(data[at + 1] & 0x3F) << 6 | np.int32(data[at + 2] & 0x3F)
        return code, at + 3
    code = np.int32(first & 0x07) << 18 | np.int32(data[at + 1] & 0x3F) << 12
    return code | np.int32(data[at + 2] & 0x3F) << 6 | np.int32(data[at + 3] & 0x3F), at + 4


@compiled
def fold(data: Bytes, start: int, end: int, tables: Any, out: Codes) -> int:  # noqa: C901 - a function called for each code point costs four times this
    """The code points of data[start:end], which is UTF-8, folded; every run of white space one space, none at the ends.

    Returns:
        How many there are; -1 where `out` is too short for them.
    """
    folded, kind, pieces = tables.folded, tables.kind, tables.pieces
    at, count, gap = start, 0, False
    while at < end:
        first = data[at]
        if first < _ONE_BYTE:  # folds to one code point of its own kind: nearly all bytes of most texts
            at += 1
            if kind[first] == WHITE:
                gap = count > 0
                continue
            if count + 2 > len(out):
                return -1
            if gap:
                out[count] = _SPACE
                count += 1
                gap = False
            out[count] = folded[first]
            count += 1
            continue
        code, at = decode(data, at)
        to: Any = folded[code] if code < len(folded) else code
        length, piece = 1, 0
        if to < 0:
            length, piece = (-to) & 31, (-to) >> 5
        if count + length + 1 > len(out):
            return -1
        for i in range(length):
            one = pieces[piece + i] if piece else to
            if one < len(kind) and kind[one] == WHITE:
                gap = count > 0
            else:
                if gap:
                    out[count] = _SPACE
                    count += 1
                    gap = False
                out[count] = one
                count += 1
    return count


@compiled
def char_grams(codes: Codes, count: int, size: int, out: Hashes) -> int:
    """A number for each n-gram of code points, in order, repeats included; a shorter text has one. Returns how many."""
    top: Any = _ONE  # what the oldest code point is multiplied by
    for _ in range(size):
        top *= _ODD
    rolled, found = np.uint64(0), 0
    for at in range(count):
        rolled = rolled * _ODD + np.uint64(codes[at]) + _ONE
        if at >= size:
            rolled -= (np.uint64(codes[at - size]) + _ONE) * top
        if at >= size - 1:
            out[found] = mix(rolled)
            found += 1
    if count < size:
        out[0] = mix(mix(rolled + _FNV) + np.uint64(count + 1))  # mix(0) is 0: without the prime, "" would be "\0"
        found = 1
    return found


@compiled
def word_grams(codes: Codes, count: int, size: int, kind: Bytes, out: Hashes) -> int:
    """The same for n-grams of words; a text without any has one, itself."""
    words, at = 0, 0
    while at < count:
        is_a = kind[codes[at]] if codes[at] < len(kind) else GAP
        word: Any = np.uint64(0)
        if is_a == ALONE:
            word = (word ^ np.uint64(codes[at])) * _FNV
            at += 1
        elif is_a == WORD:
            while at < count and codes[at] < len(kind) and kind[codes[at]] == WORD:
                word = (word ^ np.uint64(codes[at])) * _FNV
                at += 1
        else:
            at += 1
            continue
        out[words] = mix(word)
        words += 1
    if not words:
        whole = np.uint64(count + 1)
        for code in codes[:count]:
            whole = mix(whole ^ np.uint64(code))
        out[0] = whole
        return 1
    grams = max(words - size + 1, 1)
    for gram in range(grams):
        joined = np.uint64(min(words, size))
        for part in range(gram, min(gram + size, words)):
            joined = (joined ^ (joined >> np.uint64(31))) * _ODD + out[part]
        out[gram] = mix(joined)
    return grams
