"""FineWeb's rules, at each of their bounds."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptline.core import registry
from adaptline.data.filters.fineweb import RULES, fineweb


def labels(*texts: str | None, **parameters: Any) -> Any:
    return fineweb(pa.array(texts, pa.string()), **parameters).field("score").to_pylist()


def line(number: int, characters: int = 40, end: str = ".") -> str:
    """A line like no other, of so many characters."""
    return f"{number:03}".ljust(characters - len(end), "x") + end


def text(*lines: str) -> str:
    return "\n".join(lines)


def test_lines_that_end_in_punctuation() -> None:
    def ended(count: int) -> str:
        return text(*(line(number, end="." if number < count else "") for number in range(25)))

    assert labels(ended(2), ended(3), ended(4)) == ["line_ends", "line_ends", "fine"]  # 3 of 25 are 0.12
    found = fineweb(pa.array([ended(3)])).to_pylist()[0]
    assert found["because"] == "0.12 of lines end in punctuation, not above 0.12"


def test_characters_in_duplicate_lines() -> None:
    def repeated(characters: int) -> str:
        """1000 characters, of them so many in a line that stood there before."""
        rest = 1000 - 2 * characters
        return text(line(0, characters), line(0, characters), *(line(n, rest // 10) for n in range(1, 11)))

    assert labels(repeated(95), repeated(100), repeated(105)) == ["fine", "duplicate_lines", "duplicate_lines"]


def test_short_lines() -> None:
    def brief(count: int) -> str:
        return text(*(line(number, 29 if number < count else 30) for number in range(100)))

    assert labels(brief(66), brief(67), brief(68)) == ["fine", "short_lines", "short_lines"]
    assert labels(brief(67), short=29) == ["fine"]
    assert labels(brief(0), short=31) == ["short_lines"]


def test_blank_lines_and_white_space_at_ends_do_not_count() -> None:
    assert labels("\n\n".join(f"  {line(number)} \r" for number in range(3))) == ["fine"]


def test_a_text_without_lines_and_a_null_one() -> None:
    assert labels("", " \n\t", None) == ["no_lines", "no_lines", None]


@pytest.mark.parametrize("end", ["\u3002", "\u0964", "\u061f", "\uff01", "\u201d"])
def test_marks_of_other_scripts_count(end: str) -> None:
    assert labels(text(*(line(number, end=end) for number in range(3)))) == ["fine"]


def test_bounds_can_be_set() -> None:
    assert labels("a", line_ends=0.0) == ["line_ends"]
    assert labels(text(*["a."] * 9), duplicate_lines=0.9, short_lines=1.0, short=2) == ["fine"]


def test_a_definition_that_another_program_shares() -> None:
    """By hand: lines of 10, 10 and 30 characters; a copy holds 10 of 50, two of three are short, all end in a mark."""
    given_text = text("abcdefghi.", "abcdefghi.", "x" * 29 + ".")
    assert labels(given_text) == ["duplicate_lines"]
    assert labels(given_text, duplicate_lines=0.21) == ["fine"]  # 2 of 3 are less than 0.67
    assert labels(given_text, duplicate_lines=0.21, short_lines=0.66) == ["short_lines"]


@given(st.lists(st.none() | st.text()))
def test_every_text_but_null_gets_a_label(texts: list[str | None]) -> None:
    for one, label in zip(texts, labels(*texts), strict=True):
        assert label is None if one is None else label in ("fine", *RULES)


def test_it_keeps_what_is_fine() -> None:
    options = registry.load("filter", "fineweb").options
    assert (options["defaults"], options["labels"]()) == ({"keep": ["fine"]}, ["fine", *RULES])
