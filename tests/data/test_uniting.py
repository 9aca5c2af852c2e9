"""One schema for the records of many batches, whatever comes first."""

from __future__ import annotations

import math
from typing import Any

import pyarrow as pa
import pytest

from adaptline.data.blocks import Batch
from adaptline.data.uniting import names_of, schema_of, table_of
from adaptline.errors import UserError


def batches(*records: dict[str, Any]) -> list[Batch]:
    return [Batch([record], {}) for record in records]


def rows(*given: Batch) -> list[dict[str, Any]]:
    schema = schema_of(given)
    return [row for batch in given for row in table_of(batch, schema).to_pylist()]


def test_known_types_are_kept_and_others_told() -> None:
    batch = Batch([{"n": 1, "x": None, "s": "a"}, {"n": 2, "late": [1]}], {"n": pa.int8()})
    assert schema_of([batch]) == pa.schema(
        {"n": pa.int8(), "x": pa.string(), "s": pa.string(), "late": pa.list_(pa.int64())}
    )


def test_fields_that_come_late_are_null_before() -> None:
    given = batches({"text": "a"}, {"text": "b", "lang": "en"}, {"lang": "de", "text": "c"})
    assert names_of(given) == ["text", "lang"]
    assert [row["lang"] for row in rows(*given)] == [None, "en", "de"]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2.5], pa.float64()),
        ([None, [1]], pa.list_(pa.int64())),
        ([[], ["a"]], pa.list_(pa.string())),
        ([[1], [0.5]], pa.list_(pa.float64())),
        ([{"a": 1}, {"b": "x"}], pa.struct({"a": pa.int64(), "b": pa.string()})),
        ([None, None], pa.string()),
    ],
)
def test_types_are_joined_in_either_order(values: list[Any], kind: pa.DataType) -> None:
    for order in (values, values[::-1]):
        found = schema_of(batches(*({"x": value} for value in order))).field("x").type
        if pa.types.is_struct(kind):
            assert {(field.name, field.type) for field in found} == {(field.name, field.type) for field in kind}
        else:
            assert found == kind
        together = schema_of([Batch([{"x": value} for value in order], {})]).field("x").type
        assert together == found


def test_types_of_typed_sources_are_joined_with_others() -> None:
    small = Batch([{"n": 1}], {"n": pa.int8()})
    assert schema_of([small, *batches({"n": 300})]) == pa.schema({"n": pa.int64()})
    assert rows(small, *batches({"n": 0.5})) == [{"n": 1.0}, {"n": 0.5}]
    coded = Batch([{"n": "a"}], {"n": pa.dictionary(pa.int8(), pa.string())})
    assert schema_of([coded]).field("n").type == coded.types["n"]
    assert rows(coded, *batches({"n": "b"})) == [{"n": "a"}, {"n": "b"}]


def test_a_type_without_a_value_binds_nobody() -> None:
    nothing = Batch([{"label": None}], {"label": pa.float32()})
    assert schema_of([nothing]) == pa.schema({"label": pa.float32()})
    assert rows(nothing, *batches({"label": "spam"})) == [{"label": None}, {"label": "spam"}]


def test_nan_is_null_beside_strings_and_nan_beside_numbers() -> None:
    nan = {"label": math.nan}
    for given in (
        [Batch([nan, {"label": "spam"}], {})],
        batches(nan, {"label": "spam"}),
        [Batch([nan], {"label": pa.float64()}), *batches({"label": "spam"})],
    ):
        assert rows(*given) == [{"label": None}, {"label": "spam"}]
    for given in (batches(nan, {"label": 1}), batches({"label": 1}, nan), [Batch([{"label": 1}, nan], {})]):
        assert schema_of(given) == pa.schema({"label": pa.float64()})
        assert sum(math.isnan(row["label"]) for row in rows(*given)) == 1
    assert schema_of([Batch([nan], {"label": pa.float32()})]) == pa.schema({"label": pa.float32()})


@pytest.mark.parametrize(
    ("values", "one", "other"),
    [
        ([1, "a"], "int64", "string"),
        ([{"a": 1}, [1]], "struct<a: int64>", "list<item: int64>"),
        ([["a"], "a"], "list<item: string>", "string"),
        ([True, 1], "bool", "int64"),
        ([b"a", "a"], "binary", "string"),
    ],
)
def test_what_cannot_be_joined_is_told_with_both_kinds(values: list[Any], one: str, other: str) -> None:
    records = [{"x": value} for value in values]
    for given in (batches(*records), [Batch(records, {})]):
        if b"a" in values and len(given) == 1:
            continue  # within a batch bytes come with their type
        with pytest.raises(UserError, match="rows do not share one schema") as caught:
            schema_of(given)
        assert f"field 'x' is {one} in some rows and {other} in others" in caught.value.what


@pytest.mark.parametrize("value", [2**70, [2**63], {"a": [1, -(2**63) - 1]}])
def test_an_integer_over_64_bits_is_told_by_name(value: Any) -> None:
    with pytest.raises(UserError, match="field 'big' has an integer over 64 bits"):
        schema_of(batches({"text": "a"}, {"big": value}))


def test_an_integer_that_no_float_holds_is_told_by_name() -> None:
    given = batches({"n": 2**60 + 1}, {"n": 0.5})
    with pytest.raises(UserError, match="field 'n' cannot be double in all rows"):
        rows(*given)
    with pytest.raises(UserError, match="field 'n' is of no one kind"):
        schema_of(batches({"n": [1, "a"]}))
