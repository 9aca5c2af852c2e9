"""The nearest kept text: exact among candidates, bounded where everything looks alike, and honest about it."""

from __future__ import annotations

import numpy as np
import pytest

from adaptline.data import neighbours
from adaptline.data.neighbours import GramSets, Kept

PERMUTATIONS = 128


def kept(threshold: float, rows: int) -> Kept:
    """Signatures that all agree, so that only buckets and n-grams decide."""
    return Kept(threshold, GramSets("char", 1), np.zeros((rows, PERMUTATIONS), np.uint16))


def test_the_most_similar_is_found_and_the_earliest_of_equals() -> None:
    index = kept(0.5, 5)
    for row, text in enumerate(["abcx", "abcd", "abdc", "zzzz"]):
        index.add(row, text, [0])
    assert index.nearest(4, "abcde", [0]) == (1, 0.8)
    assert index.in_part == 0


def test_only_rows_of_the_same_buckets_are_compared() -> None:
    index = kept(0.5, 3)
    index.add(0, "abcd", [0])
    index.add(1, "abcf", [1])
    assert index.nearest(2, "abcde", [1]) == (1, 0.5)
    assert index.nearest(2, "abcde", [2]) is None
    assert index.nearest(2, "abcde", []) is None


def test_below_the_threshold_there_is_no_neighbour() -> None:
    index = kept(0.81, 2)
    index.add(0, "abcd", [0])
    assert index.nearest(1, "abcde", [0]) is None


def test_the_same_text_needs_no_bucket() -> None:
    index = kept(0.5, 2)
    index.add(0, "abcd", [0])
    assert index.nearest(1, "abcd", [7]) == (0, 1.0)


def test_signatures_that_agree_too_little_are_passed_over() -> None:
    signatures = np.zeros((2, PERMUTATIONS), np.uint16)
    index = Kept(0.8, GramSets("char", 1), signatures)
    assert index.least_equal == 84  # 102.4 - 4 * 4.53
    index.add(0, "abcd", [0])
    signatures[1, 84:] = 1
    assert index.nearest(1, "abcde", [0]) == (0, 0.8)
    signatures[1, 83:] = 1
    assert index.nearest(1, "abcde", [0]) is None


def test_of_many_candidates_those_that_agree_best_are_compared_and_the_row_is_counted() -> None:
    many = neighbours.CANDIDATES + 1
    signatures = np.zeros((many + 1, PERMUTATIONS), np.uint16)
    signatures[0, :10] = 1  # the first agrees least
    index = Kept(0.5, GramSets("char", 1), signatures)
    index.add(0, "abcde", [0])
    for row in range(1, many):
        index.add(row, f"abcd{row}", [0])
    best = index.nearest(many, "abcdef", [0])
    assert best == (1, 4 / 7)  # the first, at 5/6, was not looked at
    assert index.in_part == 1


def test_a_full_bucket_refuses_rows_and_those_who_ask_it_are_counted() -> None:
    index = kept(0.9, neighbours.BUCKET_ROWS + 3)
    for row in range(neighbours.BUCKET_ROWS):
        index.add(row, f"{row}", [0])
    index.nearest(neighbours.BUCKET_ROWS, "x", [1])
    assert index.in_part == 0
    index.add(neighbours.BUCKET_ROWS, "refused", [0, 1])
    assert len(index.buckets[0]) == neighbours.BUCKET_ROWS
    assert index.nearest(neighbours.BUCKET_ROWS + 1, "refusedx", [1]) is None  # 6/7 < 0.9
    assert index.in_part == 0
    index.nearest(neighbours.BUCKET_ROWS + 2, "y", [0])
    assert index.in_part == 1


def test_gram_sets_are_held_up_to_a_number_of_grams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "_CACHED_GRAMS", 5)
    sets = GramSets("char", 1)
    assert sets.of("abc") == frozenset("abc")
    assert sets.of("abc") is sets.of("abc")
    sets.of("de")
    assert list(sets.held) == ["abc", "de"]
    sets.of("fgh")
    assert list(sets.held) == ["de", "fgh"]
    sets.of("ijklmnop")  # alone above the bound: held until the next
    assert list(sets.held) == ["ijklmnop"]
    assert sets.total == 8
