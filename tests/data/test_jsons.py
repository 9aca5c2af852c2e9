from __future__ import annotations

import json
from typing import Any

import pytest

from adaptline.data.jsons import decode, fields_of, why_not
from adaptline.data.records import half_pair, has_half_pairs


@pytest.mark.parametrize(
    ("value", "fields"),
    [({"a": 1}, {"a": 1}), (["x", 2], {"0": "x", "1": 2}), ("text", {"0": "text"}), ([], {}), ({}, {})],
)
def test_fields_go_by_name_or_position(value: Any, fields: dict[str, Any]) -> None:
    assert fields_of(value) == fields


@pytest.mark.parametrize(
    ("value", "kind"), [(1, "a number"), (None, "null"), (True, "true or false"), (0.5, "a number")]
)
def test_a_bare_scalar_is_no_record(value: Any, kind: str) -> None:
    with pytest.raises(ValueError, match=f"{kind}, not an object"):
        fields_of(value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"a": }', "not JSON: Expecting value at character 7"),
        ('{"a": 1} x', "not JSON: Extra data at character 10"),
        ('{"a": "b', "not JSON: Unterminated string starting at at character 7"),
        ("[" * 100_000, "nested too deeply"),
        ("1" * 5000, "Exceeds the limit"),
    ],
)
def test_says_what_is_wrong(text: str, why: str) -> None:
    with pytest.raises((ValueError, RecursionError)) as caught:
        decode(text)
    assert isinstance(caught.value, ValueError | RecursionError)
    assert why_not(caught.value).startswith(why)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (r'{"a": "\ud83d\ude00"}', None),
        (r'{"a": "\ud83d"}', "half of a UTF-16 pair (\\ud83d) is no character"),
        (r'{"\uDE00": 1}', "half of a UTF-16 pair (\\ude00) is no character"),
    ],
)
def test_half_a_pair_is_no_character(text: str, why: str | None) -> None:
    assert has_half_pairs(text)
    assert half_pair(json.loads(text)) == why


def test_most_texts_need_no_closer_look() -> None:
    assert not has_half_pairs('{"a": "\\u00e9 \U0001f600"}')


def test_what_is_too_deep_to_write_is_told() -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    assert half_pair(value) == "nested too deeply"
