"""Which words may give way: not names, not what is joined to a neighbour, not what must stay; and the pieces are the text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptline.data.open_words import tokens
from adaptline.data.passages import Draws, Passage


def passage(text: str, *protected: str) -> Passage:
    return Passage(text, Draws(0), protected)


def open_words(text: str, *protected: str) -> list[str]:
    return [token.word for token in tokens(passage(text, *protected), str.isalpha) if token.is_open]


@given(st.text(max_size=120), st.lists(st.text(max_size=4), max_size=2))
def test_the_pieces_are_the_text(text: str, protected: list[str]) -> None:
    found = list(tokens(passage(text, *protected), str.isalpha))
    assert "".join(token.text for token in found) == text
    assert all(token.word == token.text.lower() for token in found if token.is_open)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Book a table", ["book", "a", "table"]),  # a sentence begins with a capital
        ("we meet Anna here on Monday", ["we", "meet", "on"]),  # what follows a name may be its second word
        ("we fly with Delta airlines now", ["we", "fly", "with", "now"]),
        ("so I went home", ["so", "went", "home"]),  # I is no name: what follows it is open
        ("Fine. Cancel it! Why? Tell me", ["fine", "cancel", "it", "why", "tell", "me"]),
        ("first line\nSecond line", ["first", "line", "second", "line"]),
        ("use the API of ours", ["use", "the", "ours"]),
        ("NASA called", ["called"]),  # capitals within are a name's where a sentence begins, too
        ("a well-known and/or odd case", ["a", "odd", "case"]),
        ("don't ask the cat's owner", ["ask", "the", "owner"]),
        ("pay 30 euros to anna@firma.de at 3pm", ["pay", "euros", "to", "at"]),
    ],
)
def test_open_are_words_that_are_no_names_and_joined_to_nothing(text: str, wanted: list[str]) -> None:
    assert open_words(text) == wanted


def test_what_must_stay_is_no_word_of_the_text() -> None:
    assert open_words("please book a table", "Book") == ["please", "a", "table"]
    assert open_words("please book a table", "a table") == ["please", "book"]


def test_only_what_can_be_spelt_is_a_word() -> None:
    found = list(tokens(passage("we eat \u5bff\u53f8 here"), str.isascii))
    assert [token.word for token in found if token.word] == ["we", "eat", "here"]
    assert [token.text for token in found if token.is_open] == ["we", "eat", "here"]
