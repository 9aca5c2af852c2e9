from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from adaptline.models.bank.text import Growing

MODEL = Path(__file__).parents[3] / "recipes" / "base" / "model"


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


def test_a_long_answer_costs_no_more_a_token_than_a_short_one() -> None:
    seen: list[int] = []

    def counting(tokens: Sequence[int]) -> str:
        seen.append(len(tokens))
        return decode(tokens)

    growing = Growing(counting)
    for token in ("word " * 400).encode():
        growing.add(token)
    assert max(seen) <= 8


def test_a_real_tokenizer_whose_tokens_depend_on_the_one_before() -> None:
    """The small base's, which takes a space away after a bracket and at the beginning."""
    from transformers import AutoTokenizer  # noqa: PLC0415 - costs seconds

    tokenizer = AutoTokenizer.from_pretrained(MODEL, local_files_only=True)
    for text in (
        "name[The Tin Cherry], area[old quay]",
        "(a)\n(b)\nline",
        "caf\u00e9 [\u20ac5] \u201cso\u201d \u4f60\u597d",
    ):
        growing = Growing(lambda tokens: str(tokenizer.decode(list(tokens), skip_special_tokens=True)))
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        assert "".join([*(growing.add(token) for token in ids), growing.rest()]) == str(tokenizer.decode(ids)).strip()
