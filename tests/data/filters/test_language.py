"""The language filter: right on real sentences, modest on short ones, alone on its machine."""

# ruff: noqa: RUF001 - punctuation of other scripts

from __future__ import annotations

import csv
import gzip
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from adaptline.core import registry
from adaptline.data.filters.language import language
from adaptline.data.languages import model_files

Find = Callable[[str], Path]
SENTENCES = {
    "en": "While much of the digital transition is unprecedented, the peaceful transition of power is not.",
    "de": "Ein großer Teil des digitalen Übergangs ist neu, ein friedlicher Machtwechsel hingegen nicht.",
    "fr": "La plus grande partie de la transition numérique est sans précédent dans ce pays.",
    "ru": "Для тех, кто следит за передачей материалов, это будет происходить по-другому.",
    "zh": "對於通過社交媒體來跟踪變遷的人而言，這次與以往有所不同。",
    "ar": "بالنسبة إلى أولئك الذين يتابعون الانتقال سيكون الأمر مختلفاً بعض الشيء.",
    "hi": "सोशल मीडिया पर नजर रखने वाले लोगों के लिए यह थोड़ा अलग होगा।",
}


def labels(texts: list[str], **parameters: Any) -> list[str | None]:
    found: list[str | None] = language(texts, **parameters).to_pylist()
    return found


def test_sentences_of_seven_languages() -> None:
    assert labels(list(SENTENCES.values())) == list(SENTENCES)


def test_capitals_and_line_ends_make_no_difference() -> None:
    english = SENTENCES["en"]
    assert labels([english.upper(), english.replace(" ", "\n"), english.replace(" ", "\r\n\t")]) == ["en"] * 3


def test_what_cannot_be_told_is_unjudged() -> None:
    assert labels(["", "   ", "?!", "12345 67890 12345", "hiya!", "ok", "\n\n"]) == [None] * 7


def test_addresses_are_in_no_language() -> None:
    alone = [
        "anna.berg@example.com",
        "https://www.example.com/index.html?the=page",
        "WWW.EXAMPLE.COM/about-the-people",
        "@the_people @with_you",
    ]
    assert labels(alone) == [None] * 4
    german = SENTENCES["de"]
    beside = [f"@the_people {german} https://example.com/this/is/what/they/would/think", f"{german} about@think.com"]
    assert labels(beside) == ["de"] * 2
    many = " ".join(["https://example.com/what/they/would"] * 40)
    assert labels([f"{many} {german}"]) == ["de"]


def test_too_few_letters_are_unjudged() -> None:
    assert labels(["the cat is"], min_letters=8, min_confidence=0.0) != [None]
    assert labels(["the cat is"], min_letters=9, min_confidence=0.0) == [None]
    # Vowel signs are parts of letters: isalpha would count 7 of these 10.
    assert labels(["नमस्ते भारत"], min_letters=10) != [None]
    assert labels(["नमस्ते भारत"], min_letters=11) == [None]


def test_confidence_is_a_bound() -> None:
    text = ["spell out potato"]
    assert labels(text, min_confidence=0.0) == ["it"]
    assert labels(text) == [None]
    assert labels([SENTENCES["en"]], min_confidence=1.01) == [None]


def test_only_the_beginning_of_a_long_text_is_looked_at() -> None:
    assert labels([SENTENCES["en"] * 20 + SENTENCES["de"] * 500]) == ["en"]


@given(st.lists(st.text(), max_size=5))
@settings(max_examples=50, deadline=None)
def test_any_text_has_one_label_or_none_the_same_each_time(texts: list[str]) -> None:
    assert len(labels(texts)) == len(texts)
    assert labels(texts) == labels(texts)


def test_the_model_enters_the_key() -> None:
    method = registry.load("filter", "language")
    (model,) = model_files()
    assert model.stat().st_size == 938_013
    assert len(method.identity) == 4
    assert len(method.identity[3]) == 1


def test_it_prints_nothing_writes_nothing_and_reaches_no_network(root: Path, tmp_path: Path) -> None:
    code = (
        "import socket\n"
        "def refuse(*a, **k): raise AssertionError('network')\n"
        "socket.socket.connect = refuse; socket.getaddrinfo = refuse\n"
        "from adaptline.data.filters.language import language\n"
        f"assert language([{SENTENCES['de']!r}]).to_pylist() == ['de']\n"
    )
    folders = {"TMPDIR": tmp_path, "HOME": tmp_path, "FTLANG_CACHE": tmp_path / "cache", "PYTHONPATH": root / "src"}
    environment = os.environ | {name: str(folder) for name, folder in folders.items()}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment, cwd=tmp_path
    )
    assert (done.stdout, done.stderr) == ("", "")
    assert list(tmp_path.iterdir()) == []


def shares(texts: list[str], expected: str) -> tuple[float, float]:
    """The share of texts that are unjudged, and that are taken for another language."""
    found = Counter("none" if label is None else "right" if label == expected else "wrong" for label in labels(texts))
    return found["none"] / len(texts), found["wrong"] / len(texts)


def test_news_sentences_of_13_languages(real_data: Find) -> None:
    with gzip.open(real_data("par_pud/pud_parallel.tsv.gz"), "rt", encoding="utf-8") as file:
        header, *rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
    unjudged, wrong = zip(*(shares([row[i] for row in rows], header[i]) for i in range(1, 14)), strict=True)
    assert len(rows) == 1000
    assert sum(unjudged) / 13 < 0.006
    assert sum(wrong) / 13 < 0.0012
    assert max(wrong) < 0.012  # Chinese, some of it taken for Japanese


def test_english_banking_queries_are_hardly_ever_taken_for_another_language(real_data: Find) -> None:
    with real_data("clf_banking77/test.csv").open(encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    unjudged, wrong = shares(texts, "en")
    assert wrong < 0.0015
    assert unjudged < 0.03


def test_english_voice_commands_are_hardly_ever_taken_for_another_language(real_data: Find) -> None:
    with gzip.open(real_data("clf_clinc150/data_full.json.gz"), "rt", encoding="utf-8") as file:
        texts = [text for part in json.load(file).values() for text, _ in part]
    unjudged, wrong = shares(texts, "en")
    assert wrong < 0.0035
    assert unjudged < 0.045
