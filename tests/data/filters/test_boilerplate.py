"""Lines that are boilerplate, and lines that only look a little like them."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptline.data.filters.boilerplate import KINDS, boilerplate

Find = Callable[[str], Path]


def scores(texts: list[str | None], **parameters: Any) -> list[float | None]:
    found: list[float | None] = boilerplate(pa.array(texts, pa.string()), **parameters).field("score").to_pylist()
    return found


def told(text: str, **parameters: Any) -> str | None:
    (found,) = boilerplate(pa.array([text]), **parameters).field("because").to_pylist()
    return None if found is None else str(found)


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("cookies", "This site uses cookies. By continuing you agree."),
        ("cookies", "Read our Privacy Policy"),
        ("cookies", "Accept all cookies"),
        ("cookies", "Wir verwenden auf dieser Seite Cookies."),
        ("cookies", "Nous utilisons des cookies; acceptez les cookies"),
        ("licence", "# SPDX-License-Identifier: MIT"),
        ("licence", "// Copyright (c) 2024 Somebody"),
        ("licence", "\u00a9 2021 Example Ltd. All rights reserved."),
        ("licence", "Permission is hereby granted, free of charge, to any person obtaining a copy"),
        ("licence", "This program is free software: you can redistribute it and/or modify"),
        ("placeholder", "Lorem ipsum dolor sit amet, consectetur"),
        ("placeholder", "TODO"),
        ("navigation", "Skip to main content"),
        ("navigation", "Sign in"),
        ("navigation", "1,024 likes"),
        ("navigation", "A story that goes on. Read more \u2026"),
        ("navigation", "Home | About us | Products | Contact"),
        ("navigation", "Home \u00bb News \u00bb Sport \u00bb Football"),
    ],
)
def test_a_line_of_each_kind(kind: str, line: str) -> None:
    assert told(f"A line of prose.\n\n{line}") == f"{kind}: line 2"
    assert scores([f"A line of prose.\n\n{line}"]) == [0.5]
    assert scores([line], kinds=[other for other in KINDS if other != kind]) == [0]


@pytest.mark.parametrize(
    "line",
    [
        "She baked cookies and sold them.",
        "The court held that copyright law protects the drawing.",
        "You have to sign in before you can change the settings of your account, and then wait.",
        "He likes 3 of them.",
        "| a | b | c | d |",
        "1 | 2 | 3 | 4",
        "a > b > c, and so on for ever, because the order of numbers is transitive, as anybody can see at once",
        "<ul><li>one</li><li>two</li></ul>",
        "Todo lists help.",
        "register handlers for classes of exceptions.",
        "I want to know more. What can be read there?",
    ],
)
def test_prose_is_not(line: str) -> None:
    assert told(line) is None


def test_phrases_of_ones_own() -> None:
    assert told("one\nSENT from my phone (c++)", phrases=["phone (C++)"], kinds=[]) == "phrase: line 2"


def test_what_has_no_lines_has_no_score() -> None:
    assert scores([None, "", " \n\t\n"]) == [None] * 3


@given(st.lists(st.sampled_from(["prose", "Sign in", "", "lorem ipsum"]), max_size=12))
def test_the_score_is_a_share_of_lines(lines: list[str]) -> None:
    kept = [line for line in lines if line]
    wanted = sum(line != "prose" for line in kept) / len(kept) if kept else None
    assert scores(["\n".join(lines)]) == [pytest.approx(wanted)]


@pytest.mark.parametrize("hostile", ["a|" * 200_000, "verwendet " * 50_000, "\n|" * 100_000, "read " * 100_000])
def test_hostile_texts_take_time_in_line_with_their_length(hostile: str) -> None:
    started = time.process_time()
    scores([hostile])
    assert time.process_time() - started < 2


def test_real_pages_and_prose(real_data: Find) -> None:
    with gzip.open(real_data("instruct_gsm8k/test.jsonl.gz"), "rt", encoding="utf-8") as file:
        prose = [json.loads(line)["question"] for line in file]
    assert sum(bool(score) for score in scores([*prose])) <= 2
    with gzip.open(real_data("web_c4_wiki/c4_demo.jsonl.gz"), "rt", encoding="utf-8") as file:
        pages = [json.loads(line)["text"] for line in file]
    found = [score or 0 for score in scores(pages)]  # C4 has taken most of such lines out
    assert 3 <= sum(map(bool, found)) <= 12
    assert max(found) < 0.5
