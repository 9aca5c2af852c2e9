"""Folding, words, n-grams."""

# ruff: noqa: RUF001 - characters that look like others are what these tests are about

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptline.data.text import Gram, fold, grams, jaccard, tokens, words

SETS = st.frozensets(st.sampled_from("abcdefgh"))


@pytest.mark.parametrize(
    ("given_text", "folded"),
    [
        ("  Hello\t\n World ", "hello world"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("ＡＢＣ１２３", "abc123"),
        ("ﬁne", "fine"),
        ("İstanbul", "i̇stanbul"),
        ("a\u00a0b\u2003c", "a b c"),
        ("ΌΣΟΣ", "όσοσ"),
        ("cafe\u0301", "café"),
        ("ｶﾞｿﾘﾝ", "ガソリン"),
        ("", ""),
        (" \n ", ""),
    ],
)
def test_fold_keeps_what_is_more_than_form(given_text: str, folded: str) -> None:
    assert fold(given_text) == folded


@given(st.text())
def test_folding_twice_is_folding_once(given_text: str) -> None:
    assert fold(fold(given_text)) == fold(given_text)


@given(st.text(st.characters(max_codepoint=127)))
def test_the_way_for_ascii_is_no_other_way(given_text: str) -> None:
    assert fold(given_text) == fold(given_text + "\u00e9").removesuffix("\u00e9").rstrip()


@pytest.mark.parametrize(
    ("given_text", "found"),
    [
        ("Don't stop, l’été!", ["Don't", "stop", "l’été"]),
        ("हिन्दी में लिखा है।", ["हिन्दी", "में", "लिखा", "है"]),  # \w would cut these at their vowel signs
        ("你好，世界。", ["你好", "世界"]),
        ("مرحبا، كيف؟", ["مرحبا", "كيف"]),
        ("می‌خواهم", ["می‌خواهم"]),
        ("snake_case x-ray 3.14", ["snake_case", "x", "ray", "3", "14"]),
        ("“quoted” — dash… ‘single’", ["quoted", "dash", "single"]),
        ("'tis rock 'n' roll'", ["tis", "rock", "n", "roll"]),
        ("?! ...", []),
        ("", []),
    ],
)
def test_words_are_what_stands_between_space_and_punctuation(given_text: str, found: list[str]) -> None:
    assert words(given_text) == found


@given(st.text())
def test_words_are_parts_of_the_text_in_order_without_space(given_text: str) -> None:
    at = 0
    for word in words(given_text):
        at = given_text.index(word, at) + len(word)
        assert word
        assert word.split() == [word]


@pytest.mark.parametrize(
    ("given_text", "found"),
    [
        ("Don't stop, l’été!", ["Don", "t", "stop", "l", "été"]),
        ("हिन्दी में लिखा है।", ["हिन्दी", "में", "लिखा", "है"]),
        ("你好，世界。", ["你", "好", "世", "界"]),
        ("Python言語 3.14", ["Python", "言", "語", "3", "14"]),
        ("สวัสดี ok", [*"สวัสดี", "ok"]),
        ("snake_case", ["snake_case"]),
        ("?! ...", []),
    ],
)
def test_tokens_part_scripts_without_spaces_letter_by_letter(given_text: str, found: list[str]) -> None:
    assert tokens(given_text) == found


def test_character_grams_are_every_window() -> None:
    assert grams("abcdef", "char", 5) == ["abcde", "bcdef"]
    assert grams("aaaaaa", "char", 5) == ["aaaaa", "aaaaa"]
    assert grams("abcde") == ["abcde"]


def test_word_grams_are_joined_by_one_space() -> None:
    assert grams("One, two; three!", "word", 2) == ["One two", "two three"]
    assert grams("one two", "word", 5) == ["one two"]


@pytest.mark.parametrize("kind", ["char", "word"])
@pytest.mark.parametrize("given_text", ["", "a", "?!", "ab"])
def test_a_short_text_is_one_gram(kind: Gram, given_text: str) -> None:
    assert grams(given_text, kind, 5) == [given_text]


@given(st.text(min_size=1), st.integers(1, 8))
def test_character_grams_put_together_are_the_text(given_text: str, size: int) -> None:
    found = grams(given_text, "char", size)
    assert found[0] + "".join(gram[-1] for gram in found[1:]) == given_text
    assert len(found) == max(1, len(given_text) - size + 1)


@given(SETS, SETS)
def test_jaccard_is_intersection_over_union(one: frozenset[str], other: frozenset[str]) -> None:
    expected = len(one & other) / len(one | other) if one | other else 0.0
    assert jaccard(one, other) == jaccard(other, one) == expected


def test_jaccard_of_a_published_example() -> None:
    # Leskovec, Rajaraman, Ullman: Mining of Massive Datasets, example 3.1: three in common of eight.
    assert jaccard(frozenset("abcde"), frozenset("cdefgh")) == 3 / 8
