"""What a linear model sees of a text: hashed words, pairs of words and n-grams of characters inside words. Compiled by numba.

Knows folded code points and hashing. Knows nothing of weights. The features are those of fastText (Joulin et al., 2016,
https://arxiv.org/abs/1607.01759) with characters as in Bojanowski et al., 2016 (https://arxiv.org/abs/1607.04606), each a
number below 2^bits; two of them may share one, as in Weinberger et al., "Feature Hashing for Large Scale Multitask
Learning", 2009.

Words that people write so that no list finds them are put together again: "f*ck" and "sh!t" are one word each, "f u c k" and
"f.u.c.k" too, and "fuuuuck" has two u. A number is a number, whichever it is.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from adaptline.data import folding
from adaptline.data.folding import ALONE, GAP, WORD
from adaptline.data.loops.compiling import compiled
from adaptline.data.loops.shingles import Bytes, Codes, fold, mix

Offsets = npt.NDArray[np.int64]
Features = npt.NDArray[np.uint32]

_FNV = np.uint64(0x100000001B3)  # the prime of the Fowler-Noll-Vo hash
_ODD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio
_EDGE = 3  # stands before and after a word: no text has it, for it is a control character
_SPACE, _ZERO, _NINE = 32, 48, 57
_EXCLAMATION, _DOLLAR, _ASTERISK, _AT = 33, 36, 42, 64  # stand for letters
_LONGEST_MASK, _LONGEST_RUN = 3, 2
_LEAST_SPACED = 3  # letters with a gap after each are a word: "f u c k", but not "I a"


class Shape(NamedTuple):
    """Which features there are: n-grams of `low` to `high` characters, and words beside them; numbers below 2^bits."""

    low: int
    high: int
    bits: int


@compiled
def split(codes: Codes, count: int, kind: Bytes, letters: Codes, ends: Offsets) -> int:
    """The words of folded code points. Returns how many there are.

    Word i is letters[ends[i] + 1 : ends[i + 1]], and letters[ends[i]] the edge before it.
    """
    at, size, words = 0, 1, 0
    ends[0], letters[0] = 0, _EDGE
    while at < count:
        is_a = _kind(codes, at, kind)
        if is_a not in (WORD, ALONE):
            at += 1
            continue
        alone = at + 1 < count and _kind(codes, at + 1, kind) != WORD  # most words are longer, and cost no more look
        spaced = _spaced(codes, at, count, kind) if alone else 0
        if spaced >= _LEAST_SPACED:
            for place in range(spaced):
                letters[size + place] = codes[at + 2 * place]
            size += spaced
            at += 2 * spaced - 1
        elif is_a == ALONE:
            letters[size] = codes[at]
            size, at = size + 1, at + 1
        else:
            size, at = _word(codes, at, count, kind, letters, size)
        words += 1
        ends[words], letters[size] = size, _EDGE
        size += 1
    return words


@compiled
def _kind(codes: Codes, at: int, kind: Bytes) -> Any:
    return kind[codes[at]] if codes[at] < len(kind) else GAP


@compiled
def _is_letter(codes: Codes, at: int, kind: Bytes) -> bool:
    return _kind(codes, at, kind) == WORD and not _ZERO <= codes[at] <= _NINE


@compiled
def _spaced(codes: Codes, at: int, count: int, kind: Bytes) -> int:
    """How many letters stand from here on with one gap between each and the next, no other letter beside any."""
    if at and _kind(codes, at - 1, kind) == WORD:
        return 0
    found = 0
    while at < count and _is_letter(codes, at, kind):
        if at + 1 < count and _kind(codes, at + 1, kind) == WORD:
            break  # the beginning of a longer word
        found += 1
        at += 2
    return found


@compiled
def _word(codes: Codes, at: int, count: int, kind: Bytes, letters: Codes, size: int) -> tuple[int, int]:
    """Copies a word with the marks inside it. Returns the end of the letters, and where it ends in the codes."""
    numbers, start = True, size
    within = at  # where the word is known to go on
    while at < count:
        code = codes[at]
        if at >= within and (code >= len(kind) or kind[code] != WORD):
            within = at if code == _SPACE else _past_masks(codes, at, count, kind)
            if within == at:
                break
        numbers &= _ZERO <= code <= _NINE
        if size - start < _LONGEST_RUN or letters[size - 1] != code or letters[size - 2] != code:
            letters[size] = code
            size += 1
        at += 1
    if numbers:
        letters[start] = _ZERO
        size = start + 1
    return size, at


@compiled
def _past_masks(codes: Codes, at: int, count: int, kind: Bytes) -> int:
    """Where a word goes on after marks that stand for letters; `at` itself where it does not."""
    end = at
    while end < count and end - at < _LONGEST_MASK and _is_mask(codes[end]):
        end += 1
    return end if end < count and _kind(codes, end, kind) == WORD else at


@compiled
def _is_mask(code: int) -> bool:
    return code in (_EXCLAMATION, _DOLLAR, _ASTERISK, _AT)


@compiled
def features(letters: Codes, ends: Offsets, first: int, last: int, shape: Any, out: Features) -> int:
    """The features of the words from `first` to before `last`, repeats included. Returns how many there are."""
    shift = np.uint64(64 - shape.bits)
    found = 0
    before: Any = np.uint64(0)
    for word in range(first, last):
        start, stop = ends[word], ends[word + 1]  # where its edges stand
        for at in range(start, stop):
            most = min(shape.high, stop - start if at == start else stop + 1 - at)  # the whole word is a feature anyway
            gram: Any = np.uint64(2)
            for place in range(at, at + most):
                gram = (gram ^ np.uint64(letters[place])) * _FNV
                if place - at >= shape.low - 1:
                    out[found] = (gram * _ODD) >> shift
                    found += 1
        whole: Any = np.uint64(1)
        for at in range(start + 1, stop):
            whole = (whole ^ np.uint64(letters[at])) * _FNV
        out[found] = mix(whole) >> shift
        found += 1
        if word > first:
            out[found] = mix(before * _ODD + whole) >> shift
            found += 1
        before = whole
    return found


def of_texts(data: Bytes, offsets: Offsets, shape: Shape) -> tuple[Features, Offsets]:
    """The features of all texts one after another, and where those of each begin, with the end of the last.

    Args:
        data: normalised texts, one after another in UTF-8.
        offsets: where each begins, with the end of the last.
        shape: which features.
    """
    tables = folding.tables_for(data)
    found, ends = [], [0]
    rooms = room_for(offsets, shape)
    for text in range(len(offsets) - 1):
        while (size := _of_text(data, offsets[text], offsets[text + 1], tables, shape, *rooms)) < 0:
            rooms = tuple(np.empty(2 * len(room), room.dtype) for room in rooms)  # type: ignore[assignment]
        found.append(rooms[-1][:size].copy())
        ends.append(ends[-1] + size)
    return np.concatenate([*found, np.empty(0, np.uint32)]), np.array(ends, np.int64)


def room_for(offsets: Offsets, shape: Shape) -> tuple[Codes, Codes, Offsets, Features]:
    """Room for the codes, letters, ends of words and features of the longest text."""
    longest = int(np.diff(offsets).max(initial=0)) + 64
    letters = 2 * longest + 1  # an edge beside each, where every letter is a word
    return (
        np.empty(longest, np.int32),
        np.empty(letters, np.int32),
        np.empty(longest + 1, np.int64),
        np.empty(letters * (shape.high - shape.low + 1) + 2 * longest, np.uint32),
    )


@compiled
def _of_text(
    data: Bytes,
    start: int,
    end: int,
    tables: Any,
    shape: Any,
    codes: Codes,
    letters: Codes,
    ends: Offsets,
    out: Features,
) -> int:
    count = fold(data, start, end, tables, codes)
    if count < 0:
        return -1
    size: int = features(letters, ends, 0, split(codes, count, tables.kind, letters, ends), shape, out)
    return size
