"""Locality-sensitive hashing: which of many signatures share a band, without comparing pairs.

Knows signatures as numbers. Knows nothing of texts or of what is done with rows that share a band.

A pair of Jaccard similarity s shares at least one of b bands of r minima with probability 1 - (1 - s^r)^b (Leskovec,
Rajaraman, Ullman: Mining of Massive Datasets, section 3.4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Iterable

Signatures = npt.NDArray[np.uint16]  # (rows, permutations)
Keys = npt.NDArray[np.uint64]  # (bands, rows)
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


def band_keys(signatures: Iterable[Signatures], bands: int) -> Keys:
    """One key per band and row over all signatures in order; equal minima give equal keys.

    Args:
        signatures: in parts, each (rows of the part, permutations).
        bands: of permutations // bands minima each; what is left over of the permutations is not used.
    """
    return np.concatenate([_keys(part, bands) for part in signatures], axis=1)


def _keys(signatures: Signatures, bands: int) -> Keys:
    rows_per_band = signatures.shape[1] // bands
    keys = np.zeros((bands, len(signatures)), np.uint64)
    for at in range(rows_per_band):
        keys ^= signatures[:, at : bands * rows_per_band : rows_per_band].T
        keys *= _MIX
        keys ^= keys >> _HALF
    return keys


def shared_buckets(keys: Keys) -> tuple[npt.NDArray[np.int64], Buckets]:
    """The rows that share a key with any other, in order, and their buckets.

    Returns:
        Positions of those rows, and for each the numbers of its buckets: (rows, bands), -1 where it is alone in a band.
        A number belongs to one key of one band.
    """
    numbers = np.full(keys.shape, -1, np.int32)
    seen = 0
    for band, found in zip(keys, numbers, strict=True):
        order = np.argsort(band, kind="stable")
        ordered = band[order]
        same = ordered[1:] == ordered[:-1]
        shared = np.zeros(len(order), np.bool_)
        shared[1:] |= same
        shared[:-1] |= same
        begins = shared.copy()
        begins[1:] &= ~same
        found[order[shared]] = np.cumsum(begins[shared]) - 1 + seen
        seen += int(begins.sum())
    members = np.flatnonzero((numbers >= 0).any(axis=0))
    return members, np.ascontiguousarray(numbers[:, members].T)
