"""The kept text that is most like a given one, among those that share a bucket with it. Loops that numba compiles.

Knows n-grams as numbers, signatures and buckets. Knows nothing of shards or of why a row takes part.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from adaptline.data import folding
from adaptline.data.loops.compiling import compiled
from adaptline.data.loops.shingles import Bytes, Codes, Hashes, char_grams, fold, mix, word_grams

BUCKET_ROWS = 128  # kept rows that one bucket remembers
CANDIDATES = 16  # kept rows that one row's n-grams are compared with

# A candidate whose signature has fewer equal minima than this many standard deviations below the threshold's mean is
# passed over. At the threshold itself that happens to 3 pairs in 100,000.
_DEVIATIONS = 4.0
_SLICE = 1 << 16  # rows walked in one call
_FNV = np.uint64(0x100000001B3)  # the prime of the Fowler-Noll-Vo hash

Numbers = npt.NDArray[np.int32]


class Rows(NamedTuple):
    """Rows that share a bucket with another, in order. Legend: R rows, W of them worth comparing, B bands, P minima."""

    buckets: Numbers  # (R, B): the number of its bucket in each band, -1 where it is alone
    number: Numbers  # (R,): which it is of those that are worth comparing, -1 where it is not
    data: Bytes  # the texts of those, one after another, in UTF-8
    offsets: npt.NDArray[np.int64]  # (W + 1,)
    signatures: npt.NDArray[np.uint16]  # (W, P)


class Found(NamedTuple):
    """What became of each row: `of` is the row that it is dropped for, -1 where it is kept."""

    of: Numbers
    similarity: npt.NDArray[np.float64]
    in_part: npt.NDArray[np.bool_]  # compared with fewer kept rows than there were


def least_equal(threshold: float, minima: int) -> int:
    """How many minima of two texts agree at least, where the texts are as alike as the threshold asks."""
    spread = math.sqrt(minima * threshold * (1 - threshold))
    return math.floor(minima * threshold - _DEVIATIONS * spread)


def worth_comparing(
    buckets: Numbers, signatures: npt.NDArray[np.uint16], threshold: float, fresh: int = 0
) -> tuple[npt.NDArray[np.bool_], Numbers]:
    """Which rows have any other that `walk` may compare with them, as far as buckets and signatures tell: most have none.

    Args:
        buckets: (R, B), as of Rows.
        signatures: (R, P).
        threshold: that of the walk.
        fresh: that of the walk.

    Returns:
        Per row whether it has; and the first row of its group. What becomes of a row depends on its group alone.
    """
    count, bands = buckets.shape
    found, groups = np.zeros(count, np.bool_), np.arange(count, dtype=np.int32)
    if count:
        lists = _lists(int(buckets.max()) + 1, count * bands)
        seen = np.full(count, -1, np.int32)
        least = least_equal(threshold, signatures.shape[1])
        _worth_comparing(buckets, signatures, least, lists, seen, found, groups, fresh)
        _flatten(groups)
    return found, groups


def walk(rows: Rows, threshold: float, *, words: bool, size: int, fresh: int = 0) -> Found:
    """Walks the rows in order: each is dropped for the most similar kept row that reaches the threshold, or kept.

    Args:
        rows: the rows.
        threshold: the true Jaccard similarity of two sets of n-grams from which one is dropped for the other.
        words: n-grams of words, else of characters.
        size: words or characters in one n-gram.
        fresh: the first row that is not known to be kept.
    """
    count, bands = rows.buckets.shape
    found = Found(np.full(count, -1, np.int32), np.zeros(count), np.zeros(count, np.bool_))
    if not count:
        return found
    lists = _lists(int(rows.buckets.max()) + 1, count * bands)
    twins = 1 << (2 * count).bit_length()
    memory = _Memory(
        lists=lists,
        seen=np.full(count, -1, np.int32),
        sizes=np.zeros(len(rows.signatures), np.int32),
        twin_keys=np.zeros(twins, np.uint64),
        twin_rows=np.full(twins, -1, np.int32),
    )
    tables = folding.tables_for(rows.data)
    longest = int(np.diff(rows.offsets).max(initial=0))
    room, row, least = 2 * longest + 64, 0, least_equal(threshold, rows.signatures.shape[1])
    scratch = _scratch(room)
    while row < count:
        end = min(row + _SLICE, count)
        row = _walk(rows, threshold, least, words, size, tables, memory, scratch, found, row, end, fresh)
        if row < end:  # a text that folds to more than it was
            room *= 2
            scratch = _scratch(room)
    return found


class _Lists(NamedTuple):
    """Rows by bucket, as lists of their places in the table of buckets."""

    head: Numbers
    tail: Numbers
    held: Numbers  # how many there would be, of which BUCKET_ROWS are
    next: Numbers


def _lists(buckets: int, places: int) -> _Lists:
    return _Lists(
        head=np.full(buckets, -1, np.int32),
        tail=np.full(buckets, -1, np.int32),
        held=np.zeros(buckets, np.int32),
        next=np.full(places, -1, np.int32),
    )


class _Memory(NamedTuple):
    """Kept rows by bucket, and by their whole text."""

    lists: _Lists
    seen: Numbers  # by row: the row that met it last
    sizes: Numbers  # by number: how many different n-grams it has
    twin_keys: Hashes
    twin_rows: Numbers


class _Scratch(NamedTuple):
    """Room for the n-grams of two texts, and a hash set of those of the first; a slot counts where its stamp is now's."""

    codes: Codes
    grams: Hashes
    keys: Hashes
    stamps: Numbers
    hits: Numbers
    clock: Numbers  # of stamps and of hits


def _scratch(room: int) -> _Scratch:
    slots = 1 << (2 * room).bit_length()
    return _Scratch(
        codes=np.empty(room, np.int32),
        grams=np.empty(room, np.uint64),
        keys=np.empty(slots, np.uint64),
        stamps=np.zeros(slots, np.int32),
        hits=np.zeros(slots, np.int32),
        clock=np.zeros(2, np.int32),
    )


@compiled
def _walk(
    rows: Any,
    threshold: float,
    least: int,
    words: bool,
    size: int,
    tables: Any,
    memory: Any,
    scratch: Any,
    found: Any,
    first: int,
    end: int,
    fresh: int,
) -> int:
    """Rows first to end; stops early at one for which the scratch is too short. Returns where it stopped."""
    chosen = np.empty(CANDIDATES + 1, np.int32)
    agreeing = np.empty(CANDIDATES + 1, np.int32)
    for row in range(first, end):
        own = rows.number[row]
        if own < 0:
            _enter(rows.buckets, memory.lists, row)
            continue
        count = fold(rows.data, rows.offsets[own], rows.offsets[own + 1], tables, scratch.codes)
        if count < 0:
            return row
        key = _key(scratch.codes, count)
        slot = _slot(memory, key)
        twin = memory.twin_rows[slot]
        grams = (
            word_grams(scratch.codes, count, size, tables.kind, scratch.grams)
            if words
            else char_grams(scratch.codes, count, size, scratch.grams)
        )
        mask = _fill(scratch, grams, memory.sizes, own)
        if row < fresh:
            _enter(rows.buckets, memory.lists, row)
            memory.twin_keys[slot], memory.twin_rows[slot] = key, row
            continue
        candidates = _candidates(rows, memory, row, least, chosen, agreeing, found.in_part)
        if twin >= 0:
            chosen[0], candidates = twin, 1  # nothing can be more alike
        best, of = threshold, -1
        for number in range(candidates):
            other = chosen[number]
            its = rows.number[other]
            smaller = min(memory.sizes[own], memory.sizes[its])
            larger = max(memory.sizes[own], memory.sizes[its])
            if smaller / larger < best:
                continue  # not even if the one held all of the other
            count = fold(rows.data, rows.offsets[its], rows.offsets[its + 1], tables, scratch.codes)
            grams = (
                word_grams(scratch.codes, count, size, tables.kind, scratch.grams)
                if words
                else char_grams(scratch.codes, count, size, scratch.grams)
            )
            shared = _shared(scratch, grams, mask)
            similarity = shared / (memory.sizes[own] + memory.sizes[its] - shared)
            if similarity > best or (of < 0 and similarity == best):
                best, of = similarity, other
        if of >= 0:
            found.of[row], found.similarity[row] = of, best
        else:
            _enter(rows.buckets, memory.lists, row)
            memory.twin_keys[slot], memory.twin_rows[slot] = key, row
    return end


@compiled
def _key(codes: Any, count: int) -> Any:
    """A number for a whole text; what has the same one is compared."""
    key: Any = np.uint64(count)
    for at in range(count):
        key = (key ^ np.uint64(codes[at])) * _FNV
    return mix(key)


@compiled
def _slot(memory: Any, key: Any) -> Any:
    """Where a text stands among the kept ones, or is to stand: a free slot."""
    slot: Any = np.int64(key & np.uint64(len(memory.twin_keys) - 1))
    while memory.twin_rows[slot] >= 0 and memory.twin_keys[slot] != key:
        slot = (slot + 1) & (len(memory.twin_keys) - 1)
    return slot


@compiled
def _fill(scratch: Any, grams: int, sizes: Any, number: int) -> int:
    """Puts n-grams into the hash set and counts them; returns the mask of its slots."""
    mask = 1
    while mask < 2 * grams:
        mask *= 2
    mask -= 1
    scratch.clock[0] += 1
    stamp, size = scratch.clock[0], 0
    for at in range(grams):
        key = scratch.grams[at]
        slot = np.int64(key & np.uint64(mask))
        while scratch.stamps[slot] == stamp and scratch.keys[slot] != key:
            slot = (slot + 1) & mask
        if scratch.stamps[slot] != stamp:
            scratch.stamps[slot], scratch.keys[slot] = stamp, key
            size += 1
    sizes[number] = size
    return mask


@compiled
def _shared(scratch: Any, grams: int, mask: int) -> int:
    """How many different n-grams are in the hash set."""
    scratch.clock[1] += 1
    stamp, hit, shared = scratch.clock[0], scratch.clock[1], 0
    for at in range(grams):
        key = scratch.grams[at]
        slot = np.int64(key & np.uint64(mask))
        while scratch.stamps[slot] == stamp and scratch.keys[slot] != key:
            slot = (slot + 1) & mask
        if scratch.stamps[slot] == stamp and scratch.hits[slot] != hit:
            scratch.hits[slot] = hit
            shared += 1
    return shared


@compiled
def _candidates(rows: Any, memory: Any, row: int, least: int, chosen: Any, agreeing: Any, in_part: Any) -> int:
    """The kept rows to compare n-grams with, in order: those whose signatures agree best, if they agree enough."""
    bands, held = rows.buckets.shape[1], 0
    for band in range(bands):
        bucket = rows.buckets[row, band]
        if bucket < 0:
            continue
        if memory.lists.held[bucket] > BUCKET_ROWS:
            in_part[row] = True
        place = memory.lists.head[bucket]
        while place >= 0:
            other = place // bands
            place = memory.lists.next[place]
            if memory.seen[other] == row or rows.number[other] < 0:
                continue
            memory.seen[other] = row
            equal = _equal(rows.signatures, rows.number[row], rows.number[other])
            if equal < least:
                continue
            at = held  # ordered by agreement, the earliest of equals first; what falls off the end is not compared
            while at > 0 and (agreeing[at - 1] < equal or (agreeing[at - 1] == equal and chosen[at - 1] > other)):
                chosen[at], agreeing[at] = chosen[at - 1], agreeing[at - 1]
                at -= 1
            chosen[at], agreeing[at] = other, equal
            if held < CANDIDATES:
                held += 1
            else:
                in_part[row] = True
    chosen[:held] = np.sort(chosen[:held])
    return held


@compiled
def _equal(signatures: Any, row: int, other: int) -> int:
    """How many minima of two rows agree."""
    equal = 0
    for minimum in range(signatures.shape[1]):
        equal += signatures[other, minimum] == signatures[row, minimum]
    return equal


@compiled
def _enter(buckets: Any, lists: Any, row: int) -> None:
    """Lets a row enter its buckets, as far as they remember more."""
    bands = buckets.shape[1]
    for band in range(bands):
        bucket = buckets[row, band]
        if bucket < 0:
            continue
        lists.held[bucket] += 1
        if lists.held[bucket] > BUCKET_ROWS:
            continue
        place = row * bands + band
        if lists.tail[bucket] < 0:
            lists.head[bucket] = place
        else:
            lists.next[lists.tail[bucket]] = place
        lists.tail[bucket] = place


@compiled
def _worth_comparing(
    buckets: Any, signatures: Any, least: int, lists: Any, seen: Any, found: Any, groups: Any, fresh: int
) -> None:
    """Looks at all earlier rows of a row's buckets: those that are kept are among them."""
    bands = buckets.shape[1]
    for row in range(len(buckets)):
        for band in range(bands):
            bucket = buckets[row, band]
            if bucket < 0:
                continue
            if lists.held[bucket] > BUCKET_ROWS:
                found[row] = True  # nobody knows: what it does not remember may be kept
            full = lists.held[bucket] >= BUCKET_ROWS
            place = lists.head[bucket]
            while (row >= fresh or full) and place >= 0:
                other = place // bands
                place = lists.next[place]
                if full:  # who takes a place in it matters to all that ask it
                    _join(groups, row, other)
                if row < fresh or seen[other] == row:
                    continue
                seen[other] = row
                is_done = found[row] and found[other] and _first(groups, row) == _first(groups, other)
                if not is_done and _equal(signatures, row, other) >= least:
                    found[row] = found[other] = True
                    _join(groups, row, other)
        _enter(buckets, lists, row)


@compiled
def _first(groups: Any, row: int) -> int:
    """The first row of a row's group; the way there is halved for the next who asks."""
    while groups[row] != row:
        groups[row] = groups[groups[row]]
        row = groups[row]
    return row


@compiled
def _join(groups: Any, row: int, other: int) -> None:
    """Makes one group of those of two rows."""
    one, two = _first(groups, row), _first(groups, other)
    if one < two:
        groups[two] = one
    else:
        groups[one] = two


@compiled
def _flatten(groups: Any) -> None:
    for row in range(len(groups)):
        groups[row] = _first(groups, row)
