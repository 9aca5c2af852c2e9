"""Gopher's rules of repetition, at each of their bounds."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptline.core import registry
from adaptline.data.filters.gopher_repetition import COPIED, RULES, TOP, gopher_repetition

OFF = {
    "duplicate_lines": 1.0,
    "duplicate_paragraphs": 1.0,
    "duplicate_line_characters": 1.0,
    "duplicate_paragraph_characters": 1.0,
    "top_grams": [1.0] * 3,
    "duplicate_grams": [1.0] * 6,
}


def labels(*texts: str | None, **parameters: Any) -> Any:
    return gopher_repetition(pa.array(texts, pa.string()), **parameters).field("score").to_pylist()


def only(name: str) -> dict[str, Any]:
    """Parameters that turn off all rules but those of one parameter."""
    return {key: value for key, value in OFF.items() if key != name}


def pieces(repeated: int, other: int, between: str, size: int = 1) -> str:
    """`repeated` copies of a piece that stands there once before, with other pieces; each has `size` characters."""
    return between.join(["=" * size] * (repeated + 1) + [chr(0x4E00 + number) * size for number in range(other - 1)])


@pytest.mark.parametrize(
    ("name", "between", "bound"),
    [
        ("duplicate_lines", "\n", 3),
        ("duplicate_paragraphs", "\n\n", 3),
        ("duplicate_line_characters", "\n", 2),
        ("duplicate_paragraph_characters", "\n \n", 2),
    ],
)
def test_lines_and_paragraphs_and_their_characters(name: str, between: str, bound: int) -> None:
    texts = [
        pieces(bound - 1, 11 - bound, between),
        pieces(bound, 10 - bound, between),
        pieces(bound + 1, 9 - bound, between),
    ]
    assert labels(*texts, **only(name)) == ["fine", "fine", name]


def test_shares_of_pieces_and_of_characters_are_different() -> None:
    long_copy = "\n".join(["=" * 100] * 2 + list("abcdefgh"))  # 1 of 10 lines, 100 of 208 characters
    assert labels(long_copy, **only("duplicate_lines")) == ["fine"]
    assert labels(long_copy, **only("duplicate_line_characters")) == ["duplicate_line_characters"]


def test_a_paragraph_may_repeat_lines_and_no_paragraph() -> None:
    text = "a\nb\n\na\nc\n\na\nd"
    assert labels(text, **only("duplicate_paragraphs")) == ["fine"]
    assert labels(text, **only("duplicate_lines")) == ["duplicate_lines"]  # 2 of 6


def filled(repeated: list[str], characters: int) -> str:
    """Words, and further ones of one character each, all different, until there are so many characters."""
    return " ".join([*repeated, *(chr(0x4E00 + number) for number in range(characters - len("".join(repeated))))])


@pytest.mark.parametrize(("size", "bound"), list(zip((2, 3, 4), TOP, strict=True)))
def test_the_most_frequent_n_gram(size: int, bound: float) -> None:
    """An n-gram of 12 characters stands there twice: 24 of all characters."""
    gram = ["=" * (12 - size + 1), *"abc"[: size - 1]]
    rule = f"top_{size}_gram"
    text = filled([*gram, "|", *gram], round(24 / bound))
    share = 24 / round(24 / bound)
    at = [share if one == bound else 1.0 for one in TOP]
    assert labels(text, **(OFF | {"top_grams": at})) == ["fine"]
    below = [share - 0.001 if one == bound else 1.0 for one in TOP]
    assert labels(text, **(OFF | {"top_grams": below})) == [rule]


def test_the_most_frequent_n_grams_published_bounds() -> None:
    gram = ["===========", "a"]  # 12 characters, twice: 24 of 120 are 0.2
    texts = [filled([*gram, "|", *gram], size) for size in (121, 120, 119)]
    assert labels(*texts, **only("top_grams")) == ["fine", "fine", "top_2_gram"]


@pytest.mark.parametrize(("size", "bound"), list(zip(range(5, 11), (15, 14, 13, 12, 11, 10), strict=True)))
def test_n_grams_that_stood_there_before(size: int, bound: int) -> None:
    """An n-gram of `bound` characters stands there again, in texts of about 100 characters."""
    gram = ["=" * (bound - size + 1), *"abcdefghi"[: size - 1]]
    texts = [filled([*gram, "|", *gram], characters) for characters in (101, 100, 99)]
    assert labels(*texts, **only("duplicate_grams")) == ["fine", "fine", f"duplicate_{size}_grams"]


def test_what_is_said_once_is_no_repetition() -> None:
    assert labels("one", "one two", "one two three four five six") == ["fine"] * 3


def test_reasons() -> None:
    found = gopher_repetition(pa.array(["a\na", "a b a b", None, ""])).to_pylist()
    assert [row["because"] for row in found] == [
        "0.5 of lines stood there before, not at most 0.3",
        "1 of characters in top 2 gram, not at most 0.2",
        None,
        None,
    ]


def test_characters_of_n_grams_that_overlap_count_once() -> None:
    """By hand: "x x" stands there twice and covers 3 of 3 characters; counted for each n-gram they would be 4."""
    assert labels("x x x", **OFF) == ["fine"]
    assert labels("x x x", **(OFF | {"top_grams": [0.99, 1.0, 1.0]})) == ["top_2_gram"]


@given(st.lists(st.none() | st.text()))
def test_every_text_but_null_gets_a_label(texts: list[str | None]) -> None:
    for one, label in zip(texts, labels(*texts), strict=True):
        assert label is None if one is None else label in ("fine", *RULES)
    assert labels(*texts, **OFF) == [None if one is None else "fine" for one in texts]


@pytest.mark.parametrize("wrong", [[], [0.2, 0.2], [0.2, 0.2, 1.1], [0.2, -0.1, 0.2]])
def test_shares_that_are_none_are_refused(wrong: list[float]) -> None:
    function = registry.load("filter", "gopher_repetition").function
    (demand,) = registry.parameters(function)["top_grams"].annotation.__metadata__
    assert not demand.holds(wrong)
    assert demand.holds(TOP)
    assert len(COPIED) == 6


def test_it_keeps_what_is_fine() -> None:
    options = registry.load("filter", "gopher_repetition").options
    assert (options["defaults"], options["labels"]()) == ({"keep": ["fine"]}, ["fine", *RULES])
