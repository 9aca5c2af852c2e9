"""New spellings as values of the kind that a source has: exactly those that ingest spells so."""

from __future__ import annotations

import datetime as dt
import decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptline.data.records import encode_plain
from adaptline.data.respelling import holds_other, like_in, respelled

SCALARS = st.integers() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5)


@given(SCALARS, SCALARS)
def test_a_spelling_comes_back_as_its_value_among_others_of_its_kind(value: Any, like: Any) -> None:
    found = respelled(encode_plain(value), like)
    if type(value) is type(like):
        assert (found, type(found)) == (value, type(value))
    else:
        assert found is None or type(found) is type(like)


@pytest.mark.parametrize(
    ("spelling", "like"),
    [
        *(("2x", 0), ("01", 0), ("1.0", 0), ("true", 0), ("", 0), (" 1", 0), ("null", 0), ("[" * 9999, 0)),
        *(("2", 0.5), ("NaN", 0.5), ("1e999", 0.5), ("1", True), ("True", True), ("1", decimal.Decimal(1))),
        ("2020-01-03", dt.date(2020, 1, 2)),
    ],
)
def test_what_is_spelt_otherwise_is_no_value_of_the_kind(spelling: str, like: Any) -> None:
    assert respelled(spelling, like) is None


def test_where_nothing_or_a_string_tells_a_spelling_is_a_string() -> None:
    assert [respelled("1", like) for like in (None, "spam")] == ["1", "1"]


@pytest.mark.parametrize(
    ("kind", "fits", "others"),
    [
        (pa.int8(), "-7", ["300", "x"]),
        (pa.uint64(), "7", ["-7"]),
        (pa.float32(), "0.5", ["1", "x"]),
        (pa.bool_(), "true", ["1"]),
        (pa.large_string(), "x", []),
        (pa.dictionary(pa.int8(), pa.string()), "x", []),
        (pa.dictionary(pa.int8(), pa.int64()), "1", ["x"]),
        (pa.date32(), None, ["2020-01-03", "1"]),
        (pa.null(), None, ["x"]),
    ],
)
def test_a_type_tells_what_its_column_can_hold(kind: pa.DataType, fits: str | None, others: list[str]) -> None:
    like = like_in([], kind)
    assert fits is None or holds_other(fits, like, kind) is None
    assert [holds_other(other, like, kind) for other in others] == [str(kind)] * len(others)


def test_without_a_type_the_first_value_tells() -> None:
    assert like_in([None, 1, True]) == 1
    assert like_in([None]) is None
    assert holds_other("x", like_in([None, True])) == "true"
    assert holds_other("x", None) is None
