"""Compiled n-grams, against those of Python's strings."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adaptline.data import folding, matching
from adaptline.data.loops import shingles
from adaptline.data.text import Gram, fold, grams

TEXTS = st.text(max_size=30) | st.text("aB \t\u00a0\u0301\u3000_-\u5b57\u00df\ufb03\u00a8\u1e9e", max_size=30)


def folded(text: str, room: int = 1000) -> list[int] | None:
    data, offsets = matching.utf8(folding.normalised(pa.array([text], pa.string())))
    codes = np.empty(room, np.int32)
    count = shingles.fold(data, offsets[0], offsets[1], folding.tables(), codes)
    return None if count < 0 else codes[:count].tolist()


def numbers(text: str, kind: Gram, size: int) -> list[int]:
    codes = np.array(folded(text), np.int32)
    out = np.empty(1000, np.uint64)
    if kind == "char":
        count = shingles.char_grams(codes, len(codes), size, out)
    else:
        count = shingles.word_grams(codes, len(codes), size, folding.tables().kind, out)
    found: list[int] = out[:count].tolist()
    return found


@given(TEXTS)
@settings(max_examples=400)
def test_folding_is_that_of_strings(text: str) -> None:
    assert "".join(map(chr, folded(text) or [])) == fold(text)


def test_a_text_for_which_there_is_no_room_is_told() -> None:
    assert folded("\ufdfa", 18) is None
    assert len(folded("\ufdfa", 19) or []) == 18


@pytest.mark.parametrize("kind", ["char", "word"])
@pytest.mark.parametrize("size", [1, 2, 5])
def test_short_texts_are_told_apart(kind: Gram, size: int) -> None:
    texts = ["", "\x00", "\x00\x00", "\x01", "a", "aa", "?", "??"]
    firsts = {text: numbers(text, kind, size)[0] for text in texts}
    meant = {text: grams(fold(text), kind, size)[0] for text in texts}
    assert len(set(firsts.values())) == len(set(meant.values()))


@given(st.lists(TEXTS, min_size=1, max_size=6), st.sampled_from(["char", "word"]), st.integers(1, 6))
@settings(max_examples=400)
def test_numbers_are_equal_exactly_where_grams_are(texts: list[str], kind: Gram, size: int) -> None:
    meant = [gram for text in texts for gram in grams(fold(text), kind, size)]
    found = [number for text in texts for number in numbers(text, kind, size)]
    assert len(found) == len(meant)
    assert len(set(found)) == len(set(meant)) == len(set(zip(found, meant, strict=True)))


@pytest.mark.parametrize("kind", ["char", "word"])
def test_numbers_do_not_collide_on_like_texts(kind: Gram) -> None:
    texts = [f"{first} {second} {third}" for first in range(20) for second in range(20) for third in range(20)]
    found = {number for text in texts for number in numbers(text, kind, 3)}
    meant = {gram for text in texts for gram in grams(text, kind, 3)}
    assert len(found) == len(meant)
