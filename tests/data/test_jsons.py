from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptline.data.jsons import NOT_STRICT, decode, decode_record, decode_strictly, fields_of, why_not
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


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
_SPELT = st.sampled_from([
    *("-0", "-0.0", "1E5", "1e999", "-1e999", "1.7976931348623159e308", "5e-324", "9007199254740993", "18446744073709551616"),
    *('"\\ud800"', '"\\ud83d\\ude00"', '"\\u0000"', '"\\/"', '"\x7f"', '"a\tb"', "NaN", "01", "1.", ".5", "[1,]", '{"a":1}x'),
    *('{"a":1,"a":2}', '{"a":1,"b":2,"a":3}', "\ufeff1", " 1\r", "\x0b1", "[1] [2]", "", " ", "9" * 5000, "-" + "1" * 400),
])  # fmt: skip


@given(
    st.builds(json.dumps, _VALUES, ensure_ascii=st.booleans(), indent=st.none() | st.just(1))
    | _SPELT
    | st.builds("[{}, {}]".format, _SPELT, _SPELT)
    | st.text(st.sampled_from('{}[]",:\\u019.eE-+ntf \t')),
)
def test_what_msgspec_takes_is_what_json_takes(text: str) -> None:
    data = text.encode("utf-8", "surrogatepass")
    try:
        strict = decode_strictly(data)
    except NOT_STRICT:
        return
    found = json.loads(text)
    assert repr(strict) == repr(found)  # types, order and signs of zero too
    assert half_pair(found) is None


@given(st.binary() | st.builds(lambda before, after: b'{"a":"' + before + b'"}' + after, st.binary(), st.binary()))
def test_what_is_taken_from_bytes_is_utf8(data: bytes) -> None:
    try:
        value = decode_strictly(data)
    except NOT_STRICT:
        return
    assert repr(value) == repr(json.loads(data.decode("utf-8")))


def test_a_record_that_is_not_strictly_json_is_taken_as_json_takes_it() -> None:
    assert repr(decode_record('{"a": NaN, "b": -Infinity}')) == "({'a': nan, 'b': -inf}, None)"
    assert decode_record('{"a": 1e999}') == ({"a": float("inf")}, None)
    assert decode_record("3") == (None, "a number, not an object")
    assert decode("[1, NaN]")[0] == 1
