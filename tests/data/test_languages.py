"""Whether a text is in a known language beyond doubt: short foreign ones must not pass for English."""

# ruff: noqa: RUF001 - punctuation of other scripts

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from adaptline.data import languages

Find = Callable[[str], Path]


def share_taken_for_english(texts: list[str]) -> float:
    return sum(languages.is_in(text, ["en"]) for text in texts) / len(texts)


@pytest.fixture(scope="module")
def sentences(real_data: Find) -> dict[str, list[str]]:
    with gzip.open(real_data("par_pud/pud_parallel.tsv.gz"), "rt", encoding="utf-8") as file:
        header, *rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
    return {name: [row[at] for row in rows] for at, name in enumerate(header) if at}


@pytest.mark.parametrize(
    ("words", "foreign", "english"), [(2, 0.003, 0.45), (3, 0.003, 0.7), (5, 0.0015, 0.94), (999, 0, 0.995)]
)
def test_beginnings_of_sentences(words: int, foreign: float, english: float, sentences: dict[str, list[str]]) -> None:
    cut = {
        name: [text[: 2 * words] if name == "zh" else " ".join(text.split()[:words]) for text in texts]
        for name, texts in sentences.items()
    }
    others = [text for name, texts in cut.items() if name != "en" for text in texts]
    assert share_taken_for_english(others) <= foreign
    assert share_taken_for_english(cut["en"]) >= english


def test_swedish_phrases(real_data: Find) -> None:
    with gzip.open(real_data("par_tatoeba_en_sv/swe.txt.gz"), "rt", encoding="utf-8") as file:
        pairs = [line.split("\t")[:2] for line in file]
    english, swedish = zip(*pairs, strict=True)
    assert share_taken_for_english(list(swedish[::5])) < 0.002
    assert share_taken_for_english(list(english[::5])) > 0.85


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ok",
        "12345 678",
        "😂😂😂",
        "hej",
        "puta madre",
        "va te faire voir",
        "du bist ein Idiot",
        "сука",
        "お前は馬鹿だ",
    ],
)
def test_what_may_be_another_language_is_not_english(text: str) -> None:
    assert not languages.is_in(text, ["en"])


@pytest.mark.parametrize(
    "text",
    [
        "fuck you",
        "you are an idiot",
        "What the hell is this?",
        "you don’t know me",
        "go f u c k yourself",
        "stfu b!tch",
    ],
)
def test_short_english_is_english(text: str) -> None:
    assert languages.is_in(text, ["en"])


def test_other_languages_are_known_by_the_language_filters_bounds() -> None:
    text = "Ein großer Teil des digitalen Übergangs ist neu."
    assert languages.is_in(text, ["en", "de"])
    assert not languages.is_in(text, ["en", "fr"])
    assert not languages.is_in("ein Haus", ["de"])
