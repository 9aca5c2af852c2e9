"""Shares of kinds of characters."""

from __future__ import annotations

import unicodedata
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptline.core import registry
from adaptline.data.filters import share as module
from adaptline.data.filters.share import share

KINDS = ("upper", "digit", "letter", "symbol", "white")


def shares(texts: list[str | None], of: Any) -> Any:
    return share(pa.array(texts, pa.string()), of=of).to_pylist()


@pytest.mark.parametrize(
    ("of", "expected"), [("upper", 0.1), ("digit", 0.2), ("letter", 0.4), ("symbol", 0.3), ("white", 0.1)]
)
def test_shares_of_a_text(of: str, expected: float) -> None:
    assert shares(["Ab1 2-c+d."], of) == [expected]


def test_other_scripts_have_capitals_digits_letters_and_marks() -> None:
    assert shares(["\u0416\u0436"], "upper") == [0.5]
    assert shares(["\u0661\u0662a"], "digit") == [2 / 3]
    assert shares(["\u0939\u093f\u0928\u094d\u0926\u0940", "\u4f60\u597d\u3002"], "letter") == [1.0, 2 / 3]
    assert shares(["\u4f60\u597d\u3002", "\U0001f600a"], "symbol") == [1 / 3, 0.5]
    assert shares(["a\u3000\u00a0b"], "white") == [0.5]


@pytest.mark.parametrize("of", KINDS)
def test_null_and_empty_texts_have_no_share(of: str) -> None:
    assert shares([None, "", "a"], of)[:2] == [None, None]
    assert shares([], of) == []


def is_of(kind: str, one: str) -> bool:
    category = unicodedata.category(one)
    return {
        "upper": category in ("Lu", "Lt"),
        "digit": category == "Nd",
        "letter": category[0] in "LM",
        "symbol": category[0] in "PS",
        "white": one.isspace(),
    }[kind]


@given(st.lists(st.none() | st.text()), st.sampled_from(KINDS))
def test_shares_are_those_of_unicodes_categories(texts: list[str | None], of: str) -> None:
    expected = [sum(is_of(of, one) for one in text) / len(text) if text else None for text in texts]
    assert shares(texts, of) == expected


def test_large_shards_are_looked_at_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    texts: list[str | None] = ["A", "Abc", "abcdefghij", "", None, "aB", "Abcdefghijk"]
    whole = shares(texts, "upper")
    monkeypatch.setattr(module, "_CHUNK", 4)
    assert shares(texts, "upper") == whole == [1.0, 1 / 3, 0.0, None, None, 0.5, 1 / 11]


def test_it_gives_numbers() -> None:
    assert registry.score_kind(registry.load("filter", "share")) == "number"
