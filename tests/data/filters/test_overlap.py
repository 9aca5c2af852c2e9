"""What an answer shares with its prompt, against a count by Python's strings."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adaptline.core import rows
from adaptline.data import text
from adaptline.data.filters.overlap import overlap

Find = Callable[[str], Path]
Chat = list[tuple[str, str | None]]
WORDS = ["table", "Table", "for", "two", "\u00e9t\u00e9", "\u4f60\u597d", "\ufb01n", ".", "don't", "\u0130"]
TEXTS = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join) | st.text(max_size=12)


def shares(chats: list[Chat | None], **parameters: Any) -> list[float | None]:
    turns = [None if chat is None else [{"role": role, "content": said} for role, said in chat] for chat in chats]
    found: list[float | None] = overlap(rows.table({"messages": turns}, len(turns)), **parameters).to_pylist()
    return found


def asked(prompt: str, answer: str) -> Chat:
    return [("user", prompt), ("assistant", answer)]


def defined(part: str, whole: str, kind: text.Gram, size: int) -> float | None:
    if not text.fold(part):
        return None
    grams, others = (text.grams(text.fold(one), kind, size) for one in (part, whole))
    return sum(gram in set(others) for gram in grams) / len(grams)


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=5), st.sampled_from(["word", "char"]), st.integers(1, 4))
@settings(max_examples=200)
def test_it_is_the_share_of_n_grams(pairs: list[tuple[str, str]], kind: text.Gram, size: int) -> None:
    chats: list[Chat | None] = [asked(*pair) for pair in pairs]
    of_response = [defined(answer, prompt, kind, size) for prompt, answer in pairs]
    of_prompt = [defined(prompt, answer, kind, size) for prompt, answer in pairs]
    assert shares(chats, ngram=kind, size=size) == pytest.approx(of_response)
    assert shares(chats, of="prompt", ngram=kind, size=size) == pytest.approx(of_prompt)


def test_echoes_and_answers() -> None:
    prompt = "Translate into German: The table is booked for two people tonight."
    chats: list[Chat | None] = [
        asked(prompt, prompt.upper()),
        asked(prompt, f"{prompt}\nDer Tisch ist heute Abend f\u00fcr zwei Personen reserviert, und zwar am Fenster."),
        asked(prompt, "Der Tisch ist heute Abend f\u00fcr zwei Personen reserviert."),
        asked("Is it red or blue?", "blue"),
    ]
    assert shares(chats)[0] == 1
    assert shares(chats)[2:] == [0, 0]
    assert shares(chats, of="prompt")[:3] == [1, 1, 0]
    assert 0.3 < (shares(chats)[1] or 0) < 0.6


def test_all_that_stands_before_the_answer_is_the_prompt() -> None:
    chat: Chat = [("system", "You book good tables."), ("user", "hello"), ("assistant", "You book good tables.")]
    assert shares([chat]) == [1]


def test_what_is_no_chat_has_no_score() -> None:
    chats: list[Chat | None] = [
        [("text", "a b c")],
        [("user", "a b c")],
        [],
        None,
        asked("a", " "),
        [("assistant", "a b")],
    ]
    assert shares([*chats, [("user", "a"), ("assistant", None)], asked("", "a")]) == [None] * 7 + [0]
    assert overlap(rows.table({"messages": pa.array([], rows.COLUMNS["messages"])}, 0)).to_pylist() == []


def test_a_letter_that_folds_to_many() -> None:
    many = "\ufdfa" * 50  # 18 code points each
    assert shares([asked(many, many), asked("a", many)], ngram="char", size=5) == [1, 0]


def test_real_answers_are_not_their_prompts(real_data: Find) -> None:
    with gzip.open(real_data("instruct_gsm8k/test.jsonl.gz"), "rt", encoding="utf-8") as file:
        items = [json.loads(line) for line in file]
    found = [share or 0 for share in shares([asked(item["question"], item["answer"]) for item in items])]
    echoed = shares([asked(item["question"], item["question"] + "\n" + item["answer"]) for item in items], of="prompt")
    assert max(found) < 0.8
    assert sum(found) / len(found) < 0.2
    assert set(echoed) == {1}
