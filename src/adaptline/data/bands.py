"""Locality-sensitive hashing: which of many signatures share a band, without comparing pairs.

Knows signatures as numbers. Knows nothing of texts or of what is done with rows that share a band.

A pair of Jaccard similarity s shares at least one of b bands of r minima with probability 1 - (1 - s^r)^b (Leskovec,
Rajaraman, Ullman: Mining of Massive Datasets, section 3.4).
"""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Signatures = npt.NDArray[np.uint16]  # (rows, permutations)
Keys = npt.NDArray[np.uint64]  # (rows,)
Buckets = npt.NDArray[np.int32]  # (rows, bands)

_MIX = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio (Knuth, The Art of Computer Programming, 6.4)
_HALF = np.uint64(32)


def find_chance(similarity: float, bands: int, rows_per_band: int) -> float:
    """The probability that two texts of a Jaccard similarity share a band."""
    return 1.0 - (1.0 - similarity**rows_per_band) ** bands


def rows_per_band(threshold: float, permutations: int, recall: float) -> int:
    """The most minima per band with which pairs at the threshold are found with probability `recall`.

    More minima per band bring up fewer pairs by chance. 1 where even that does not reach the recall.
    """
    wide = range(permutations, 1, -1)
    return next((rows for rows in wide if find_chance(threshold, permutations // rows, rows) >= recall), 1)


def band_keys(signatures: Signatures, bands: int, band: int) -> Keys:
    """One key per row for one band; equal minima give equal keys.

    Args:
        signatures: (rows, permutations).
        bands: of permutations // bands minima each; what is left over of the permutations is not used.
        band: which of them.
    """
    rows_per_band = signatures.shape[1] // bands
    keys = np.zeros(len(signatures), np.uint64)
    for at in range(band * rows_per_band, (band + 1) * rows_per_band):
        keys ^= signatures[:, at]
        keys *= _MIX
        keys ^= keys >> _HALF
    return keys


class Banded:
    """The keys of many signatures, band by band, in files without names. A context manager."""

    def __init__(self, bands: int) -> None:
        self._bands = bands
        self._files = [tempfile.TemporaryFile() for _ in range(bands)]  # noqa: SIM115 - closed on exit

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files:
            file.close()

    def add(self, signatures: Signatures) -> None:
        """More rows, after those that are there."""
        for band, file in enumerate(self._files):
            band_keys(signatures, self._bands, band).tofile(file)

    def __iter__(self) -> Iterator[Keys]:
        """The keys of all rows, one band after another."""
        for file in self._files:
            file.seek(0)
            yield np.fromfile(file, np.uint64)


def shared_buckets(keys: Iterable[Keys], fresh: int = 0) -> tuple[npt.NDArray[np.int64], Buckets]:
    """The rows that share a key with any other, in order, and their buckets.

    Args:
        keys: one key per row, band by band: only one band's keys are held at a time.
        fresh: rows before this one need not be told of what they share among themselves alone.

    Returns:
        Positions of those rows, and for each the numbers of its buckets: (rows, bands), -1 where it is alone in a band.
        A number belongs to one key of one band.
    """
    found: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]] = []  # by band: rows, and their buckets
    seen, total = 0, 0
    for band in keys:
        asked = worth_sorting(band, fresh)
        order = asked[np.argsort(band[asked], kind="stable")]
        ordered = band[order]
        same = ordered[1:] == ordered[:-1]
        shared = np.zeros(len(order), np.bool_)
        shared[1:] |= same
        shared[:-1] |= same
        begins = shared.copy()
        begins[1:] &= ~same
        found.append((order[shared], (np.cumsum(begins[shared]) - 1 + seen).astype(np.int32)))
        seen, total = seen + int(begins.sum()), len(band)
    is_member = np.zeros(total, np.bool_)
    for rows, _ in found:
        is_member[rows] = True
    members = np.flatnonzero(is_member)
    place = np.cumsum(is_member) - 1
    buckets = np.full((len(members), len(found)), -1, np.int32)
    for number, (rows, numbers) in enumerate(found):
        buckets[place[rows], number] = numbers
    return members, buckets


def worth_sorting(keys: Keys, fresh: int) -> npt.NDArray[np.int64]:
    """Rows from `fresh` on, and those before that may have a key of theirs: all that do, and few others."""
    if not fresh:
        return np.arange(len(keys))
    places = np.zeros(1 << (8 * (len(keys) - fresh)).bit_length(), np.bool_)  # 8 a key: one in eight stands by chance
    mask = np.uint64(len(places) - 1)
    places[keys[fresh:] & mask] = True
    return np.flatnonzero(places[keys & mask])
