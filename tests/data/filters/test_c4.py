"""C4's rules for pages, and which lines it keeps."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptline.core import registry
from adaptline.data.filters.c4 import RULES, c4

SENTENCE = "This line has five words."


def found(*texts: str | None, **parameters: Any) -> Any:
    return c4(pa.array(texts, pa.string()), **parameters).to_pylist()


def labels(*texts: str | None, **parameters: Any) -> Any:
    return [row["score"] for row in found(*texts, **parameters)]


def is_kept(line: str, **parameters: Any) -> bool:
    """Whether C4 keeps a line that stands beside one that it keeps."""
    label = labels(f"{SENTENCE}\n{line}", min_sentences=0, min_kept_lines=1.0, **parameters)
    return bool(label == ["fine"])


def test_placeholder_text_wherever_it_stands() -> None:
    fine = "\n".join([SENTENCE] * 3)
    assert labels(fine, f"{fine}\nLorem IPSUM", f"{fine}\nlorem  ipsum") == ["fine", "lorem_ipsum", "fine"]


def test_curly_brackets_are_taken_for_code_unless_told_otherwise() -> None:
    text = "\n".join([SENTENCE] * 3) + "\n{"
    assert labels(text) == ["curly_bracket"]
    assert labels(text, curly_brackets=True) == ["fine"]
    assert labels(text.replace("{", "}")) == ["fine"]


@pytest.mark.parametrize(
    "line", [SENTENCE, "Does this have five words?", "It has five words here!", 'He said "five words here."']
)
def test_lines_that_are_kept(line: str) -> None:
    assert is_kept(line)
    assert is_kept(f"  {line}\r")
    assert is_kept(f"{line}[12]")  # marks of citations are overlooked
    assert is_kept(f"{line}[citation needed] [edit]")


@pytest.mark.parametrize(
    "line",
    [
        "This line has four.",
        "This line has no mark",
        "This line ends like this,",
        "This line ends in dots...",
        "This line ends in dots\u2026",
        "Please enable JavaScript to go on.",
        "Read our Privacy Policy before that.",
        "We know that this uses cookies.",
        "See the terms of use first.",
    ],
)
def test_lines_that_are_not(line: str) -> None:
    assert not is_kept(line)


def test_words_a_line_and_the_length_of_words() -> None:
    assert is_kept("Four words are here.", min_words_per_line=4)
    assert is_kept(f"{'a' * 1000} four words are here.")
    assert not is_kept(f"{'a' * 1001} four words are here.")
    assert is_kept("aaaa aaaa aaaa aaaa aaaaa.", max_word_length=6)
    assert not is_kept("aaaa aaaa aaaa aaaa aaaaaa.", max_word_length=6)


def test_sentences_are_counted_in_kept_lines_alone() -> None:
    two = "One sentence stands here. Another one?"
    assert labels(two, f"{two}\n{SENTENCE}", f"{two}\nIt is. It is. It is") == ["sentences", "fine", "sentences"]
    assert labels(two, min_sentences=2) == ["fine"]
    (row,) = found(f"{two}\nNot kept")
    assert row["because"] == "2 sentences in the 1 of 2 lines that C4 keeps, not at least 3"


@pytest.mark.parametrize(
    ("line", "sentences"),
    [
        ("It costs 3.14 dollars, says example.com today.", 1),
        ('He said "yes." She said (no!) to that.', 3),
        ("What?! Really so?? Yes, it is so.", 3),
        ("\u4eca\u5929 \u5f88 \u597d\u3002\u660e\u5929 \u4e5f \u597d\u3002\u662f\u5417\uff1f", 3),
        ("\u092f\u0939 \u090f\u0915 \u0939\u0948\u0964 \u092f\u0939 \u0926\u094b \u0939\u0948\u0964", 2),
    ],
)
def test_how_many_sentences_a_line_has(line: str, sentences: int) -> None:
    assert labels(line, min_sentences=sentences, min_words_per_line=1) == ["fine"]
    assert labels(line, min_sentences=sentences + 1, min_words_per_line=1) == ["sentences"]


def test_a_long_run_of_marks_is_looked_at_once() -> None:
    assert labels(f"One two three four {'.' * 1_000_000}x five.", max_word_length=2_000_000) == ["sentences"]


def test_the_share_of_lines_that_are_kept_is_bounded_only_if_told_so() -> None:
    text = "\n".join([SENTENCE] * 3 + ["menu"] * 9)
    assert labels(text) == ["fine"]
    assert labels(text, min_kept_lines=0.25) == ["fine"]
    assert labels(text, min_kept_lines=0.26) == ["lines"]


def test_empty_texts_and_null_ones() -> None:
    assert labels("", " \n ", None) == ["sentences", "sentences", None]
    assert labels("", min_sentences=0) == ["fine"]


@given(st.lists(st.none() | st.text()))
def test_every_text_but_null_gets_a_label(texts: list[str | None]) -> None:
    for one, label in zip(texts, labels(*texts), strict=True):
        assert label is None if one is None else label in ("fine", *RULES)


def test_it_keeps_what_is_fine() -> None:
    options = registry.load("filter", "c4").options
    assert (options["defaults"], options["labels"]()) == ({"keep": ["fine"]}, ["fine", *RULES])
