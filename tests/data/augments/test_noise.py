"""noise: every slip at its rate, none where it does harm, the same for the same draws."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptline.data.augments.noise import _NEIGHBOURS, noise
from adaptline.data.passages import Draws, Passage
from adaptline.errors import UserError

RATES = ("typo", "swap", "drop", "double", "ocr", "case", "punctuation", "word", "space")
NONE = dict.fromkeys(RATES, 0.0)
ALL = {**dict.fromkeys(RATES, 1.0), "typo": 0.25, "swap": 0.25, "drop": 0.25, "double": 0.25, "word": 0.3}


def noisy(text: str, protected: tuple[str, ...] = (), stream: object = 0, **rates: float) -> str:
    return noisy_at(text, {**NONE, **rates}, protected, stream)


def noisy_at(text: str, rates: dict[str, float], protected: tuple[str, ...] = (), stream: object = 0) -> str:
    (found,) = noise([Passage(text, Draws("test", stream), protected)], **rates)
    return found


@given(st.text())
def test_rates_of_0_change_nothing(text: str) -> None:
    assert noisy(text) == text


@given(st.text(), st.integers(0, 9))
def test_the_same_draws_give_the_same_text_whoever_stands_beside_it(text: str, stream: int) -> None:
    alone = noise([Passage(text, Draws(stream))], **ALL)
    among = noise([Passage("something else", Draws(99)), Passage(text, Draws(stream))], **ALL)
    assert alone == among[1:]


KEPT = ["3.50", "1,000", "a.b@example.org", "https://example.org/a?b=c", "`x = y`", "```\nif a:\n    b\n```", "<EMAIL>"]


@given(st.lists(st.sampled_from([*KEPT, "words", "and", "More", "of it"]), min_size=1), st.integers(0, 99))
def test_numbers_code_addresses_and_masks_stay(words: list[str], stream: int) -> None:
    found = noisy_at(" ".join(words), ALL, stream=stream)
    at = 0
    for kept in (word for word in words if word in KEPT):
        at = found.index(kept, at) + len(kept)


@given(st.integers(0, 200))
def test_label_and_references_stay_as_whole_words_in_any_case(stream: int) -> None:
    text = "My card arrival is late, CARD ARRIVAL and discard arrivals"
    found = noisy_at(text, ALL, ("card arrival", "late"), stream)
    assert "card arrival" in found
    assert "CARD ARRIVAL" in found
    assert "late" in found


def test_digits_that_stand_apart_are_never_drawn_together() -> None:
    for stream in range(50):
        assert noisy_at("call 20 7946 0958 now", ALL, stream=stream).count("20 7946 0958") == 1


@pytest.mark.parametrize(
    "text",
    [
        "\u4f60\u597d\uff0c\u6211\u60f3",
        "\u0939\u093f\u0928\u094d\u0926\u0940 \u092d\u093e\u0937\u093e",
        "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35",
    ],
)
def test_scripts_without_case_stay(text: str) -> None:
    assert noisy_at(text, {**ALL, "punctuation": 0.0}) == text


def test_each_slip_is_what_it_says() -> None:
    assert noisy("ab", swap=1.0) == "ba"
    assert noisy("ab", double=1.0) == "aabb"
    assert noisy("hello there", drop=1.0) == " "
    assert noisy("a b", drop=1.0) == "a b"  # no word of one letter is lost by a dropped letter
    assert noisy("word", case=1.0) in ("WORD", "Word")
    assert noisy("yes!", punctuation=1.0, stream=1) in ("yes", "yes!!")
    assert noisy("one two", space=1.0) in ("onetwo", "one  two")
    assert noisy("burn", ocr=1.0) == "bum"
    typed = noisy("Hello", typo=1.0)
    assert all(new.lower() in _NEIGHBOURS[old.lower()] for old, new in zip("Hello", typed, strict=True))
    assert typed[0].isupper()


def test_the_last_word_is_not_left_out() -> None:
    assert all(noisy("one two three", word=1.0, stream=stream).strip() for stream in range(20))


def test_a_text_that_is_one_long_run_takes_no_longer_than_it_is_long() -> None:
    assert len(noisy_at("x" * 300_000, {**ALL, "word": 0.0})) > 200_000
    assert noisy_at("`" * 100_001, ALL) == "`" * 100_001


def test_rates_hold_on_real_texts(real_data: Callable[[str], Path]) -> None:
    """The letters of tinyshakespeare, each typed wrongly at its rate."""
    with gzip.open(real_data("text_tinyshakespeare") / "input.txt.gz", "rt", encoding="utf-8") as file:
        text = re.sub(r"[^A-Za-z ]", "", file.read(200_000))
    letters = sum(map(str.isalpha, text))
    found = noisy(text, typo=0.02)
    assert abs(sum(a != b for a, b in zip(text, found, strict=True)) / letters - 0.02) < 0.002
    assert abs((len(noisy(text, double=0.02)) - len(text)) / letters - 0.02) < 0.002
    assert abs((len(text) - len(noisy(text, drop=0.02))) / letters - 0.02) < 0.002
    words = len(text.split())
    assert abs(1 - len(noisy(text, word=0.1).split()) / words - 0.1) < 0.01


def test_rates_of_letters_that_are_together_above_1_are_refused() -> None:
    with pytest.raises(UserError, match=r"together 1\.2"):
        noise.__adaptline__.check(typo=0.6, swap=0.6)  # type: ignore[attr-defined]
