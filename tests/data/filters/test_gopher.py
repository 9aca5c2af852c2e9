"""Gopher's rules of quality, at each of their bounds."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptline.core import registry
from adaptline.data.filters.gopher import RULES, STOP_WORDS, gopher
from adaptline.errors import UserError


def labels(*texts: str | None, **parameters: Any) -> Any:
    return gopher(pa.array(texts, pa.string()), **parameters).field("score").to_pylist()


def prose(*extra: str, words: int = 50, word: str = "word") -> str:
    """A text of so many words: the extra ones, two stop words, and one word again and again."""
    rest = words - len(extra) - 2
    return " ".join([*extra, "The", "of,", *[word] * rest])


def test_the_number_of_words() -> None:
    texts = [prose(words=49), prose(words=50), prose(words=100_000), prose(words=100_001), ""]
    assert labels(*texts) == ["words", "fine", "fine", "words", "words"]
    assert gopher(pa.array(texts[:1])).to_pylist()[0]["because"] == "49 words, not at least 50 and at most 100,000"


def test_the_mean_length_of_words() -> None:
    # "the of," and 48 others: 6 characters in two words
    assert labels(prose(word="abc"), prose(word="abc").replace("abc", "ab", 1)) == ["fine", "mean_word_length"]
    fitting = " ".join(["the", "of", *["a" * 10] * 47, "a" * 25])  # 500 characters in 50 words
    assert labels(fitting, fitting + "a") == ["fine", "mean_word_length"]


def test_hash_signs_a_word() -> None:
    assert labels(prose(*["#tag"] * 5), prose(*["#tag"] * 4, "##tag", "word")) == ["fine", "hashes"]


@pytest.mark.parametrize("ellipsis", ["...", "\u2026"])
def test_ellipses_a_word(ellipsis: str) -> None:
    assert labels(prose(*[f"so{ellipsis}on"] * 5), prose(*[f"so{ellipsis}on"] * 6)) == ["fine", "ellipses"]


def test_hashes_and_ellipses_are_counted_apart() -> None:
    assert labels(prose(*["#tag"] * 5, *["so...on"] * 5)) == ["fine"]


def lines(marked: int, other: int, mark: str = "", end: str = "") -> str:
    plain = prose(words=12)
    return "\n\n".join([f"{mark}{plain}{end}"] * marked + [plain] * other)


@pytest.mark.parametrize("bullet", ["\u2022", "\u25cf ", "- ", "* ", "  \u2022 "])
def test_lines_that_begin_with_a_bullet(bullet: str) -> None:
    assert labels(lines(9, 1, bullet), lines(10, 0, bullet)) == ["fine", "bullets"]


def test_a_hyphen_without_a_space_is_no_bullet() -> None:
    assert labels(lines(10, 0, "-")) == ["fine"]


@pytest.mark.parametrize("ellipsis", ["...", "\u2026", "...  "])
def test_lines_that_end_in_an_ellipsis(ellipsis: str) -> None:
    assert labels(lines(3, 7, end=ellipsis), lines(4, 6, end=ellipsis)) == ["fine", "ellipsis_lines"]


def test_words_with_a_letter() -> None:
    assert labels(prose(*["1234"] * 10), prose(*["1234"] * 11)) == ["fine", "letters"]
    assert labels(prose(*["a123"] * 11), prose(*["\u0434\u0430,"] * 11)) == ["fine", "fine"]


def test_stop_words_are_different_ones_whatever_their_case_and_punctuation() -> None:
    words = ["word"] * 48
    for first, second, label in (
        ("The", '"OF"', "fine"),
        ("the", "the", "stop_words"),
        ("other", "ofthe", "stop_words"),
        ("with", "have.", "fine"),
    ):
        assert labels(" ".join([first, second, *words])) == [label]


def test_stop_words_of_another_language() -> None:
    german = " ".join(["der", "und", *["W\u00f6rter"] * 50])
    assert labels(german) == ["stop_words"]
    assert labels(german, stop_words=["der", "die", "und"]) == ["fine"]
    assert labels(german, min_stop_words=0) == ["fine"]


def test_each_bound_can_be_set() -> None:
    lenient = {"min_words": 1, "min_mean_word_length": 0, "max_mean_word_length": 99, "min_words_with_letter": 0}
    text = "# ... 1"
    assert labels(text, **lenient, max_symbols_per_word=1, max_ellipsis_lines=1, min_stop_words=0) == ["fine"]
    assert labels(text, **lenient, min_stop_words=0) == ["hashes"]
    assert labels("- a", **lenient, max_bullet_lines=1, min_stop_words=0) == ["fine"]
    assert labels("- a", **lenient, min_stop_words=0) == ["bullets"]


def test_definitions_that_other_programs_share() -> None:
    """By hand: 50 words, 10 of them (20 %) without a letter, 5 hashes (0.1 a word): all at their bounds, which are in."""
    text = " ".join(["the", "of", *["####"], *["#"], *["1234"] * 8, *["abcd"] * 38])
    assert labels(text) == ["fine"]
    assert labels(text.replace("1234", "12#4", 1)) == ["hashes"]
    assert labels(text.replace("abcd", "1234", 1)) == ["letters"]


@given(st.lists(st.none() | st.text()))
def test_every_text_but_null_gets_a_label(texts: list[str | None]) -> None:
    found = gopher(pa.array(texts, pa.string()), min_words=0, min_mean_word_length=0).to_pylist()
    for text, row in zip(texts, found, strict=True):
        assert row["score"] is None if text is None else row["score"] in ("fine", *RULES)
        assert (row["because"] is None) == (row["score"] in (None, "fine"))


def test_bounds_with_nothing_between_are_refused() -> None:
    method = registry.load("filter", "gopher")
    assert method.check is not None
    method.check(min_words=5, max_words=5)
    for wrong in ({"min_words": 200_000}, {"max_mean_word_length": 2}):
        with pytest.raises(UserError, match="nothing lies between"):
            method.check(**wrong)


def test_it_keeps_what_is_fine() -> None:
    options = registry.load("filter", "gopher").options
    assert (options["defaults"], options["labels"]()) == ({"keep": ["fine"]}, ["fine", *RULES])
    assert len(STOP_WORDS) == 8
