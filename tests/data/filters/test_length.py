"""Characters and words per text."""

from __future__ import annotations

from typing import Any, Literal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptline.core import registry
from adaptline.data.filters.length import length
from adaptline.data.text import words


def lengths(texts: list[str | None], **parameters: Any) -> Any:
    return length(pa.array(texts, pa.string()), **parameters).to_pylist()


def test_characters_are_those_of_unicode_not_bytes() -> None:
    assert lengths(["", "abc", "é", "你好", "👩‍💻", "a\nb"]) == [0, 3, 1, 2, 3, 3]


@given(st.lists(st.none() | st.text()))
def test_characters_are_what_python_counts(texts: list[str | None]) -> None:
    assert lengths(texts) == [None if text is None else len(text) for text in texts]


@given(st.lists(st.none() | st.text()))
def test_words_are_what_text_words_finds(texts: list[str | None]) -> None:
    assert lengths(texts, unit="words") == [None if text is None else len(words(text)) for text in texts]


@pytest.mark.parametrize("unit", ["characters", "words"])
def test_a_null_text_has_no_length(unit: str) -> None:
    assert lengths([None, "one two"], unit=unit)[0] is None
    assert lengths([None], unit=unit) == [None]
    assert lengths([], unit=unit) == []


@pytest.mark.parametrize("unit", ["characters", "words"])
def test_a_length_is_a_whole_number(unit: Literal["characters", "words"]) -> None:
    assert length(pa.array(["a"]), unit=unit).type == pa.int32()


def test_words_of_a_sentence() -> None:
    assert lengths(["Don't panic, it's only 42!", "   "], unit="words") == [5, 0]


def test_it_is_found_by_its_name() -> None:
    method = registry.load("filter", "length")
    assert (method.name, method.version, list(registry.parameters(method.function))) == ("length", 1, ["unit"])
