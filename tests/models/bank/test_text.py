from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from adaptline.models.bank.text import Growing


def decode(tokens: Sequence[int]) -> str:
    """Tokens that are bytes."""
    return bytes(tokens).decode("utf-8", "replace")


def said(text: str, *stops: str) -> list[str]:
    growing = Growing(decode, stops)
    parts = []
    for token in text.encode():
        parts.append(growing.add(token))
        if growing.stopped:
            return parts
    return [*parts, growing.rest()]


@given(st.text(max_size=40))
def test_the_parts_are_the_whole_without_white_space_around(text: str) -> None:
    assert "".join(said(text)) == text.strip()


@given(st.text("ab .é", max_size=30), st.lists(st.text("ab .", min_size=1, max_size=4), max_size=3))
def test_nothing_of_a_stop_word_or_after_it_is_said(text: str, stops: list[str]) -> None:
    whole = "".join(said(text, *stops))
    stripped = text.lstrip()
    firsts = [at for stop in stops if (at := stripped.find(stop)) >= 0]
    if not firsts:
        assert whole == text.strip()
    else:
        assert not any(stop in whole for stop in stops)
        assert stripped.startswith(whole)


def test_a_character_of_several_tokens_waits_until_it_is_whole() -> None:
    assert said("né!")[:5] == ["n", "", "é", "!", ""]


def test_white_space_waits_for_what_follows() -> None:
    assert said(" a b ") == ["", "a", "", " b", "", ""]


def test_what_may_become_a_stop_word_waits() -> None:
    assert said("a<b<end>c", "<end>") == ["a", "", "<b", "", "", "", "", ""]
