"""Texts taken apart for translation and put together again."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptline.data.segments import cut


def sentences(text: str, *protected: str) -> list[str]:
    return [sentence.text for sentence in cut(text, protected).sentences]


@given(st.text(alphabet=st.sampled_from("ab IZqx.?!`~<>{}\n\t#-*1)@\u3002")), st.lists(st.text(max_size=4), max_size=2))
def test_a_text_whose_sentences_stay_is_itself(text: str, protected: list[str]) -> None:
    assert cut(text, protected).joined(lambda sentence: sentence.text) == (text, True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One day. Two days!  Three?", ["One day.", "Two days!", "Three?"]),
        ("Ask Mr. Smith or J. Doe, e.g. now. Then go.", ["Ask Mr. Smith or J. Doe, e.g. now.", "Then go."]),
        ('He said "No." Then he left.', ['He said "No."', "Then he left."]),
        ("- first\n2. second thing\n> ## third", ["first", "second thing", "third"]),
        ("\u4f60\u597d\u3002\u518d\u89c1\uff01", ["\u4f60\u597d\u3002", "\u518d\u89c1\uff01"]),
        ("It costs 3.50 now.", ["It costs 3.50 now."]),
        ("12:30\n-----\n", []),
        ("Run this:\n```py\nif a. b:\n    Go. on\n```\nThen stop.", ["Run this:", "Then stop."]),
        ("```\nnever closed. Not at all.", []),
        ("https://example.com/a.b?c=d", []),
    ],
)
def test_sentences_are_what_is_translated(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@pytest.mark.parametrize(
    "kept",
    [
        "https://example.com/a?b=c",
        "anna@example.com",
        "`rm -rf. x`",
        "<NAME>",
        "{slot name}",
        "{{slot}}",
        "%(who)s",
        "[DATE]",
    ],
)
def test_what_is_no_language_is_a_stand_in_that_comes_back(kept: str) -> None:
    segments = cut(f"Please send {kept} to me. And wait.")
    first, second = segments.sentences
    assert first.text == "Please send Zqxaa to me."
    assert second.kept == ()
    text, whole = segments.joined(lambda sentence: sentence.text.replace("Please send", "Kindly pass"))
    assert (text, whole) == (f"Kindly pass {kept} to me. And wait.", True)


def test_a_protected_word_stays_where_it_is_a_word_of_its_own() -> None:
    (sentence,) = cut("A lost card is no lost_card, cards get Lost.", ["lost", "card"]).sentences
    assert sentence.text == "A Zqxaa Zqxab is no lost_card, cards get Zqxac."


def test_a_stand_in_that_is_lost_or_comes_twice_is_seen() -> None:
    segments = cut("See {page} again.")
    assert segments.joined(lambda _: "Look again.") == ("Look again.", False)
    assert segments.joined(lambda _: "Zqxaa Zqxaa.") == ("{page} {page}.", False)


def test_a_text_with_a_word_like_a_stand_in_keeps_it() -> None:
    (sentence,) = cut("Zqxaa is {what}?").sentences
    assert sentence.text == "Zqxaa is Zqxab?"
    assert sentence.restored("Zqxaa is Zqxab?") == ("Zqxaa is {what}?", True)


def test_a_sentence_begins_as_it_began() -> None:
    assert cut("Go on.").joined(lambda _: "continue.")[0] == "Continue."
    assert cut("go on.").joined(lambda _: "Continue.")[0] == "continue."
    assert cut("they know.").joined(lambda _: "NASA knows.")[0] == "NASA knows."
    assert cut("They ring.").joined(lambda _: "iPhones ring.")[0] == "iPhones ring."


def test_more_addresses_than_stand_ins_are_left_alone() -> None:
    assert sentences("see {a} " * 700) == []


@pytest.mark.parametrize(
    "piece", [".", "a", "` ", "<a", "{", " ", "Zqxaa", "http://", "1) ", "```\n", "@a", "* ", "Mr. ", "A. "]
)
def test_long_texts_made_to_be_slow_are_not(piece: str) -> None:
    began = time.process_time()
    cut("x" + piece * (800_000 // len(piece)) + "y")
    assert time.process_time() - began < 5
