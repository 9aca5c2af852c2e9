"""Features of words, of pairs and of characters; words that are written to get past a filter."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptline.data import folding, matching
from adaptline.data.loops.features import Shape, of_texts

SHAPE = Shape(low=3, high=5, bits=18)


def found(*texts: str, shape: Shape = SHAPE) -> list[list[int]]:
    data, offsets = matching.utf8(folding.normalised(pa.array(texts, pa.string())))
    features, ends = of_texts(data, offsets, shape)
    return [part.tolist() for part in np.split(features, ends[1:-1])]


def test_a_word_has_its_n_grams_with_edges_and_itself_and_the_pair_with_the_word_before() -> None:
    cat, cat_sat = found("cat", "cat sat")
    assert len(cat) == 3 + 2 + 1  # <ca cat at> <cat cat> and the word; <cat> is the word
    assert len(cat_sat) == 2 * len(cat) + 1
    assert cat_sat[: len(cat)] == cat
    assert len(set(cat_sat)) == len(cat_sat) - 1  # both end in at>
    assert found("at", "a") == [[*found("at")[0]], [*found("a")[0]]]
    assert [len(entry) for entry in found("at", "a", "")] == [2 + 1, 1, 0]


def test_order_counts_for_pairs_alone() -> None:
    one, other = found("cat sat", "sat cat")
    assert len(set(one) & set(other)) == len(set(one)) - 1


@pytest.mark.parametrize(
    ("given", "same"),
    [
        ("f u c k off", "fuck off"),
        ("f.u.c.k off", "fuck off"),
        ("F-U-C-K  off", "fuck off"),
        ("fuuuuuck off", "fuuck off"),
        ("Cat, SAT!", "cat sat"),
        ("\uff23\uff21\uff34 sat", "cat sat"),
        ("12 cats", "7 cats"),
        ("a, b", "a b"),
    ],
)
def test_what_is_written_differently_is_the_same(given: str, same: str) -> None:
    assert found(given) == found(same)


@pytest.mark.parametrize(
    ("given", "other"),
    [("sh!t", "sh t"), ("f*ck", "f ck"), ("I a man", "Ia man"), ("mp3", "3"), ("a b", "ab"), ("fuuck", "fuck")],
)
def test_what_is_another_word_is_not_the_same(given: str, other: str) -> None:
    assert found(given) != found(other)


def test_marks_inside_a_word_are_part_of_it_and_those_at_its_ends_are_not() -> None:
    assert len(found("f*ck")[0]) == len(found("fuck")[0])
    assert found("!fuck*") == found("fuck")
    assert found("what****is") == found("what is")  # more than three stand for no letters


@given(st.lists(st.text(), max_size=5))
def test_a_text_has_the_features_that_it_has_alone(texts: list[str]) -> None:
    together = found(*texts) if texts else []
    assert together == [found(text)[0] for text in texts]
    assert all(feature < 1 << SHAPE.bits for text in together for feature in text)


def test_a_text_that_folds_to_more_than_it_was_finds_room() -> None:
    (many,) = found("\ufdfa" * 5000)  # a ligature of 18 characters, four words
    assert len(many) > 5000 * 18
