"""Measures of texts, and the bounds that they break."""

from __future__ import annotations

import math

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptline.data import measures
from adaptline.data.measures import Measured
from adaptline.errors import UserError


def test_lines_are_stripped_and_blank_ones_left_out() -> None:
    assert measures.lines("") == []
    assert measures.lines(" a b \r\n\n \t\n\u3000c\n") == ["a b", "c"]


def test_paragraphs_stand_between_blank_lines() -> None:
    assert measures.paragraphs("") == []
    assert measures.paragraphs("a\nb\n\n  c\n \t\n\n\nd\r\n\r\ne\n") == ["a\nb", "c", "d", "e"]


def test_copies_are_those_after_the_first() -> None:
    assert measures.copies([]) == (0, 0)
    assert measures.copies(["ab", "c", "ab", "ab", "d"]) == (2, 4)


@given(st.lists(st.text(max_size=3)))
def test_copies_are_what_a_set_has_less(pieces: list[str]) -> None:
    number, characters = measures.copies(pieces)
    assert number == len(pieces) - len(set(pieces))
    assert characters == sum(map(len, pieces)) - sum(map(len, set(pieces)))


@pytest.mark.parametrize("line", ["a.", "a!", "a?", 'a."', "a\u201d", "\u4f60\u597d\u3002", "\u0915\u0964", "\u061f"])
def test_ends_of_sentences_in_many_scripts(line: str) -> None:
    assert measures.ends_sentence(line)


@pytest.mark.parametrize("line", ["", "a", "a,", "a:", "a.b", "a. "])
def test_what_ends_no_sentence(line: str) -> None:
    assert not measures.ends_sentence(line)


@pytest.mark.parametrize(("value", "outside", "broken"), [(1, False, False), (1, True, True), (1.5, True, False)])
def test_a_value_at_a_bound_is_fine_unless_bounds_are_outside(value: float, outside: bool, broken: bool) -> None:
    assert Measured("a", value, "things", 1, 2, outside).is_broken is broken
    assert Measured("a", 3 - value, "things", 1, 2, outside).is_broken is broken


def test_reasons_say_value_and_bounds() -> None:
    assert Measured("a", 12_345, "words", 50, 10_000).because == "12,345 words, not at least 50 and at most 10,000"
    assert Measured("a", 1 / 3, "of lines", high=0.3).because == "0.3333 of lines, not at most 0.3"
    assert Measured("a", 0.5, "of lines", low=0.5, outside=True).because == "0.5 of lines, not above 0.5"
    assert Measured("a", -math.inf, "x").high == math.inf


def test_the_first_broken_rule_counts_and_nothing_is_measured_after_it() -> None:
    measured = iter([Measured("a", 1, "x", high=1), Measured("b", 2, "x", high=1), Measured("c", 3, "x", high=1)])
    assert measures.first_broken(measured) == ("b", "2 x, not at most 1")
    assert next(measured).rule == "c"
    assert measures.first_broken([]) == ("fine", None)


def test_a_null_text_has_no_label() -> None:
    found = measures.labelled(
        pa.array([None, "", "ab"], pa.string()), lambda text: [Measured("long", len(text), "x", high=1)]
    )
    assert found.to_pylist() == [
        {"score": None, "because": None},
        {"score": "fine", "because": None},
        {"score": "long", "because": "2 x, not at most 1"},
    ]


def test_an_empty_range_is_refused() -> None:
    measures.refuse_empty_range("low", 1, "high", 1)
    with pytest.raises(UserError, match="low = 2 and high = 1: nothing lies between"):
        measures.refuse_empty_range("low", 2, "high", 1)
