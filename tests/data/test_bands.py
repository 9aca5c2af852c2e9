"""Bands and buckets, against their definition and the formula of their recall."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from adaptline.data import bands as lsh

SIGNATURES = hnp.arrays(np.uint16, st.tuples(st.integers(0, 12), st.just(6)), elements=st.integers(0, 2))


def all_keys(signatures: lsh.Signatures, bands: int) -> list[lsh.Keys]:
    return [lsh.band_keys(signatures, bands, band) for band in range(bands)]


def expected_buckets(signatures: lsh.Signatures, bands: int) -> dict[int, set[tuple[int, ...]]]:
    """Row -> the other rows' sets that it shares a band with, by definition."""
    rows_per_band = signatures.shape[1] // bands
    found: dict[int, set[tuple[int, ...]]] = defaultdict(set)
    for band in range(bands):
        groups = defaultdict(list)
        for row, signature in enumerate(signatures.tolist()):
            groups[tuple(signature[band * rows_per_band : (band + 1) * rows_per_band])].append(row)
        for group in groups.values():
            if len(group) > 1:
                for row in group:
                    found[row].add((band, *group))
    return dict(found)


@given(SIGNATURES, st.sampled_from([1, 2, 3, 4, 6]))
def test_rows_share_a_bucket_exactly_where_they_share_a_band(signatures: lsh.Signatures, bands: int) -> None:
    members, buckets = lsh.shared_buckets(all_keys(signatures, bands))
    holders = defaultdict(list)
    for member, row in zip(members.tolist(), buckets, strict=True):
        for band, bucket in enumerate(row.tolist()):
            if bucket >= 0:
                holders[band, bucket].append(member)
    found: dict[int, set[tuple[int, ...]]] = defaultdict(set)
    for (band, _), group in holders.items():
        for member in group:
            found[member].add((band, *group))
    assert dict(found) == expected_buckets(signatures, bands)


def test_bucket_numbers_are_of_one_band_only() -> None:
    _, buckets = lsh.shared_buckets(all_keys(np.zeros((3, 6), np.uint16), 3))
    assert buckets.tolist() == [[0, 1, 2]] * 3


def test_left_over_permutations_are_not_used() -> None:
    signatures = np.zeros((2, 7), np.uint16)
    signatures[1, 6] = 1
    assert all(key[0] == key[1] for key in all_keys(signatures, 3))


def test_the_chance_of_a_published_example() -> None:
    # Mining of Massive Datasets, section 3.4.2, figure 3.8: b = 20, r = 5.
    known = {0.2: 0.006, 0.3: 0.047, 0.4: 0.186, 0.5: 0.470, 0.6: 0.802, 0.7: 0.975, 0.8: 0.9996}
    for similarity, chance in known.items():
        assert lsh.find_chance(similarity, 20, 5) == pytest.approx(chance, abs=6e-4)


@pytest.mark.parametrize(
    ("threshold", "permutations", "rows"),
    [(0.8, 128, 6), (0.7, 128, 4), (0.5, 128, 3), (1.0, 128, 128), (0.02, 128, 1), (0.8, 1, 1)],
)
def test_the_most_rows_that_still_find_enough(threshold: float, permutations: int, rows: int) -> None:
    found = lsh.rows_per_band(threshold, permutations, 0.995)
    assert found == rows
    if rows > 1:
        assert lsh.find_chance(threshold, permutations // rows, rows) >= 0.995
    for more in range(rows + 1, permutations + 1):
        assert lsh.find_chance(threshold, permutations // more, more) < 0.995
