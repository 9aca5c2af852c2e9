"""The nearest kept text: exact among candidates, bounded where everything looks alike, and honest about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from adaptline.data import matching
from adaptline.data.loops import neighbours
from adaptline.data.loops.neighbours import Found, Rows

MINIMA = 128


def walk(
    texts: Sequence[str],
    threshold: float,
    buckets: Any = None,
    signatures: Any = None,
    *,
    words: bool = False,
    size: int = 1,
) -> Found:
    """By default all share one bucket and signatures agree, so that n-grams decide: characters, if nothing else is said."""
    data, offsets = matching.utf8(pa.array(texts, pa.string()))
    of = np.array(buckets if buckets is not None else [[0]] * len(texts), np.int32)
    signed = np.zeros((len(texts), MINIMA), np.uint16) if signatures is None else signatures
    rows = Rows(of, np.arange(len(texts), dtype=np.int32), data, offsets, signed)
    return neighbours.walk(rows, threshold, words=words, size=size)


def test_the_most_similar_is_found_and_the_earliest_of_equals() -> None:
    found = walk(["abcxyz", "abcd", "abdcq", "zzzz", "abcde"], 0.65)
    assert found.of.tolist() == [-1, -1, 1, -1, 1]
    assert found.similarity.tolist() == [0, 0, 0.8, 0, 0.8]
    assert not found.in_part.any()
    assert walk(["abcd", "abxy", "abc"], 0.5).of.tolist() == [-1, -1, 0]
    assert walk(["abcx", "abcy", "abc"], 0.7).of.tolist() == [-1, -1, 0]


def test_only_rows_of_the_same_buckets_are_compared() -> None:
    texts = ["abcd", "abcf", "abcde"]
    assert walk(texts, 0.5, [[0], [1], [1]]).of.tolist() == [-1, -1, 1]
    assert walk(texts, 0.5, [[0], [1], [2]]).of.tolist() == [-1, -1, -1]
    assert walk(texts, 0.7, [[-1, 0], [-1, 1], [-1, 0]]).of.tolist() == [-1, -1, 0]


@pytest.mark.parametrize(("threshold", "of"), [(0.8, 0), (0.8000001, -1)])
def test_the_threshold_itself_is_enough(threshold: float, of: int) -> None:
    assert walk(["abcd", "abcde"], threshold).of[1] == of


@pytest.mark.parametrize("size", [7, 29, 57])
def test_no_rounding_loses_a_pair_at_the_threshold(size: int) -> None:
    """7 / 100 is 0.07, but 0.07 * 100 is more than 7."""
    one, other = "".join(map(chr, range(0x4E00, 0x4E00 + size))), "".join(map(chr, range(0x4E00, 0x4E64)))
    found = walk([other, one], size / 100, signatures=np.zeros((2, 1), np.uint16))
    assert (found.of[1], found.similarity[1]) == (0, size / 100)


def test_the_same_text_needs_no_bucket() -> None:
    found = walk(["abcd", "ABCD ", "abcd"], 0.5, [[0], [1], [2]])
    assert found.of.tolist() == [-1, 0, 0]
    assert found.similarity.tolist() == [0, 1, 1]


def test_a_dropped_row_stands_for_nobody() -> None:
    texts = ["abcdefgh", "abcdefghi", "abcdefghi", "abcdefghij"]
    found = walk(texts, 0.85)
    assert found.of.tolist() == [-1, 0, 0, -1]  # the second's twin is dropped for the first, as the second was


def test_signatures_that_agree_too_little_are_passed_over() -> None:
    assert neighbours.least_equal(0.8, MINIMA) == 84  # 102.4 - 4 * 4.53
    signatures = np.zeros((2, MINIMA), np.uint16)
    signatures[1, 84:] = 1
    assert walk(["abcd", "abcde"], 0.8, signatures=signatures).of[1] == 0
    signatures[1, 83:] = 1
    assert walk(["abcd", "abcde"], 0.8, signatures=signatures).of[1] == -1


def test_of_many_candidates_those_that_agree_best_are_compared_and_the_row_is_counted() -> None:
    many = neighbours.CANDIDATES + 1
    signatures = np.zeros((many + 1, MINIMA), np.uint16)
    signatures[0, :10] = 1  # the first agrees least
    texts = ["abcdefghij", *(f"abcdefg{chr(0x100 + 2 * row)}{chr(0x400 + 2 * row)}" for row in range(1, many))]
    found = walk([*texts, "abcdefghijk"], 0.65, signatures=signatures)
    assert found.of.tolist() == [-1] * (many + 1)  # the first, at 10/11, was not looked at
    assert found.in_part.tolist() == [False] * many + [True]
    signatures[0, :10] = 0
    assert walk([*texts, "abcdefghijk"], 0.65, signatures=signatures).of[-1] == 0


def test_a_full_bucket_refuses_rows_and_those_who_ask_it_are_counted() -> None:
    rows = neighbours.BUCKET_ROWS
    texts = [chr(0x4E00 + row) for row in range(rows + 2)] + [chr(0x4E00 + rows) + "x", chr(0x4E00) + "x"]
    buckets = [[0, -1]] * rows + [[0, 1], [-1, 2], [0, 1], [0, -1]]
    signatures = np.zeros((rows + 4, MINIMA), np.uint16)
    signatures[1:rows] = np.arange(1, rows)[:, None]  # so that few are alike enough to be compared
    found = walk(texts, 0.5, buckets, signatures)
    assert found.of.tolist() == [-1] * (rows + 2) + [rows, 0]  # the refused one is found by its other bucket
    assert found.in_part.tolist() == [False] * (rows + 2) + [True, True]


def test_words_and_texts_of_all_lengths() -> None:
    texts = ["one two three four", "One, two: three four!", "", "?!", "?!", "one two three"]
    assert walk(texts, 0.6, words=True, size=2).of.tolist() == [-1, 0, -1, -1, 3, 0]


def test_a_text_that_grows_when_it_is_folded_in_the_midst_of_others() -> None:
    texts = ["start", "\ufdfa" * 3000, "middle", "\ufdfa" * 3000 + "x", "start"]
    assert walk(texts, 0.9, size=5).of.tolist() == [-1, -1, -1, 1, 0]


def test_nothing_at_all() -> None:
    assert len(walk([], 0.5, np.empty((0, 1), np.int32)).of) == 0


def test_rows_that_agree_with_nobody_are_not_worth_comparing() -> None:
    signatures = np.zeros((6, MINIMA), np.uint16)
    signatures[1], signatures[2], signatures[5] = 1, 2, 2
    buckets = np.array([[0], [0], [0], [0], [1], [0]], np.int32)
    worth, groups = neighbours.worth_comparing(buckets, signatures, 0.8)
    assert worth.tolist() == [True, False, True, True, False, True]
    assert groups.tolist() == [0, 1, 2, 0, 4, 2]
    assert [each.tolist() for each in neighbours.worth_comparing(buckets[:0], signatures[:0], 0.8)] == [[], []]


def test_where_a_bucket_is_full_nobody_is_passed_over() -> None:
    rows = neighbours.BUCKET_ROWS + 3
    signatures = np.repeat(np.arange(rows, dtype=np.uint16)[:, None], MINIMA, axis=1)
    worth, _ = neighbours.worth_comparing(np.zeros((rows, 1), np.int32), signatures, 0.8)
    assert worth.tolist() == [False] * (neighbours.BUCKET_ROWS + 1) + [True, True]


def test_rows_without_a_text_take_their_places_in_buckets() -> None:
    """So that what comes later, and makes an earlier row worth comparing, changes no earlier verdict."""
    rows = neighbours.BUCKET_ROWS
    texts = ["abcdx", *(chr(0x4E00 + row) for row in range(rows)), "abcde", "abcdf"]
    buckets = np.zeros((len(texts), 1), np.int32)
    signatures = np.repeat(np.arange(len(texts), dtype=np.uint16)[:, None], MINIMA, axis=1)
    signatures[-2:] = signatures[0]
    whole = walk(texts, 0.6, buckets, signatures)
    worth, _ = neighbours.worth_comparing(buckets, signatures, 0.6)
    assert not worth[1:rows].any()
    data, offsets = matching.utf8(pa.array([text for text, kept in zip(texts, worth, strict=True) if kept]))
    number = np.where(worth, np.cumsum(worth) - 1, -1).astype(np.int32)
    found = neighbours.walk(Rows(buckets, number, data, offsets, signatures[worth]), 0.6, words=False, size=1)
    assert found.of.tolist() == whole.of.tolist() == [-1] * (rows + 1) + [0, 0]
