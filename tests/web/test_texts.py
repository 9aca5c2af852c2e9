from __future__ import annotations

import html
import re
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptline.web import life, parameters, terminal, texts

ANY_TEXT = st.text(st.characters(), max_size=60)  # lone surrogates too


def shown(markup: str) -> str:
    """What a reader sees of a piece of markup."""
    return html.unescape(re.sub(r"<[^>]*>", "", markup))


def test_hidden_characters_are_shown_by_their_code_points() -> None:
    assert texts.visible("a\x00b") == "a⟨U+0000⟩b"
    assert texts.visible("a\x1b[31mred") == "a⟨U+001B⟩[31mred"
    assert texts.visible("\u202egnp.exe") == "⟨U+202E⟩gnp.exe"
    assert texts.visible("a\u200bb\ufeff") == "a⟨U+200B⟩b⟨U+FEFF⟩"
    assert texts.visible("\ud800") == "⟨U+D800⟩"


def test_a_run_of_one_hidden_character_is_counted() -> None:
    assert texts.visible("\x00\x00\x00\x01") == "⟨U+0000 \u00d7 3⟩⟨U+0001⟩"


def test_what_is_not_hidden_stays() -> None:
    for text in (
        "line one\nline two\ttabbed",
        "👩\u200d👩\u200d👧 🏽",
        "\u0645\u06cc\u200c\u062e\u0648",
        "e\u0301 ﷺ",
        "明日の夜",
    ):
        assert texts.visible(text) == text


def test_a_hidden_character_stands_out_and_names_itself() -> None:
    assert texts.excerpt("a\u200bb") == (
        'a<span class="hidden-character" title="U+200B zero width space">⟨U+200B⟩</span>b'
    )
    assert 'title="U+0000 control character"' in texts.excerpt("a\x00")


def test_markup_in_a_text_is_text() -> None:
    assert "<script" not in texts.excerpt("<script>alert(1)</script>")
    assert shown(texts.excerpt('"><img src=x onerror=alert(1)>&amp;')) == '"><img src=x onerror=alert(1)>&amp;'


def test_a_text_that_fits_is_shown_whole_and_a_longer_one_says_how_long_it_is() -> None:
    assert shown(texts.excerpt("x" * 400)) == "x" * 400
    assert shown(texts.excerpt("x" * 401)) == "x" * 400 + "… (401 characters in all)"
    assert shown(texts.excerpt("x" * 1_000_000)).endswith("… (1,000,000 characters in all)")
    assert texts.visible("y" * 500).endswith("… (500 characters in all)")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "no text"),
        ("", "empty text"),
        (" ", "only white space, 1 character"),
        ("\n\t ", "only white space, 3 characters"),
    ],
)
def test_texts_of_which_nothing_could_be_seen_say_so(text: str | None, said: str) -> None:
    assert shown(texts.excerpt(text)) == said


def test_a_cut_does_not_tear_marks_or_families_apart() -> None:
    assert shown(texts.excerpt("ab" + "e\u0301", 3)).startswith("ab…")
    family = "👩\u200d👩\u200d👧"
    for chars in range(2, 2 + len(family)):
        assert shown(texts.excerpt("ab" + family + "cd", chars)).startswith("ab…"), chars


def test_a_text_of_marks_alone_is_still_cut() -> None:
    assert len(shown(texts.excerpt("\u0301" * 5000))) < 450


def test_a_name_for_little_room_is_short() -> None:
    assert texts.brief("head", 10) == "head"
    assert texts.brief("a very long name", 10) == "a very lo…"
    assert len(texts.brief("a" * 10_000, 40)) == 40


def test_two_texts_have_their_differences_marked() -> None:
    left, right = texts.compared("a table for four", "a table for 4 please")
    assert left == "a table for <mark>four</mark>"
    assert right == "a table for <mark>4 please</mark>"


def test_equal_texts_have_nothing_marked() -> None:
    assert texts.compared("same", "same") == ("same", "same")


def test_a_difference_far_into_long_texts_is_shown() -> None:
    left, right = (shown(side) for side in texts.compared("word " * 500 + "cat", "word " * 500 + "dog"))
    assert "cat" in left
    assert "dog" in right
    assert left.startswith("… ")
    assert left.endswith("(2,503 characters in all)")


def test_a_side_without_text_is_named_and_the_other_shown() -> None:
    left, right = texts.compared(None, "<b>")
    assert shown(left) == "no text"
    assert right == "&lt;b&gt;"
    assert shown(texts.compared("a", "")[1]) == "empty text"


def test_comparing_huge_texts_is_quick() -> None:
    started = time.perf_counter()
    texts.compared("ab " * 700_000, "ab " * 700_000 + "!")
    assert time.perf_counter() - started < 5


@given(ANY_TEXT)
def test_nothing_hidden_is_left_and_everything_can_be_written(text: str) -> None:
    for out in (texts.visible(text), shown(texts.excerpt(text)), texts.brief(text, 10)):
        out.encode("utf-8")
        left = {character for character in out if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}
        assert left <= set("\n\t\u200c\u200d")


@given(ANY_TEXT, ANY_TEXT)
def test_compared_texts_show_what_they_are(before: str, after: str) -> None:
    for text, side in zip((before, after), texts.compared(before, after), strict=True):
        assert re.sub(r"</?mark>|</?span[^>]*>", "", side).count("<") == 0
        if text.strip():
            assert re.sub(r"⟨[^⟩]*⟩", "", shown(side)) == re.sub(r"⟨[^⟩]*⟩", "", texts.visible(text))


@given(st.text(), st.integers(1, 50))
def test_a_text_is_fitted_by_its_beginning(text: str, chars: int) -> None:
    found = texts.fitted(text, chars)
    assert len(found) <= chars
    assert found == text or (found.endswith("…") and text.startswith(found[:-1]))


def test_no_place_that_fits_a_text_tears_its_marks_apart() -> None:
    long = "a" * 78 + "e\u0301" * 300
    assert parameters.told(long, {}) == "a" * 78 + "…"
    assert terminal._cut("a" * 20 + long) == "a" * 98 + "…"
    assert life._cut("a" * 220 + long) == "a" * 298 + f"… ({220 + len(long)} characters in all)"
