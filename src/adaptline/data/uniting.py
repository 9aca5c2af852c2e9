"""One schema for rows of many sources: what formats with columns need, where a field may come late and a kind change.

Knows records and Arrow's types. Knows no file format. The rules: a null fits every kind; an integer beside a float is a
float; a smaller kind is the larger one; lists and objects are joined inside; NaN beside anything but numbers is null. What
cannot be joined is told, never spelled otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import pyarrow as pa

from adaptline.data.blocks import Batch
from adaptline.data.kinds import rebuilt
from adaptline.data.moments import counted, has_moments
from adaptline.data.schemas import Value
from adaptline.errors import UserError

NewWriter = Callable[[pa.Schema], Any]  # a writer of tables (Arrow's) for a schema
_INSTEAD = "Write .jsonl instead."
_INTEGERS = range(-(2**63), 2**63)  # what Arrow's int64 holds
_NO_KIND = (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError)


def write_typed(batches: Iterable[Batch], new_writer: NewWriter) -> None:
    """Records as tables of one schema. `batches` is read twice: for the schema, then for the rows. Raises UserError.

    Of no records at all comes a file without columns: a reader then says that it has no rows, not that it is damaged.
    """
    schema = schema_of(batches)
    writer = new_writer(schema)
    try:
        for batch in batches:
            if batch.records:  # all of a shard may have been dropped
                writer.write_table(table_of(batch, schema))
    finally:
        writer.close()


def names_of(batches: Iterable[Batch]) -> list[str]:
    """Every field, in the order in which they come first."""
    return list(dict.fromkeys(name for batch in batches for record in batch.records for name in record))


def schema_of(batches: Iterable[Batch]) -> pa.Schema:
    """The types that are known and those of the records, joined over all batches; strings where nothing tells.

    Raises:
        UserError: a field's values share no type; both are told.
    """
    kinds: dict[str, pa.DataType] = {}
    empty: dict[str, pa.DataType] = {}  # what is said of a field where it has no value but NaN: it binds nobody
    for batch in batches:
        for name in dict.fromkeys(name for record in batch.records for name in record):
            values = [record.get(name) for record in batch.records]
            kind, said = _kinds(name, values, batch.types.get(name))
            kinds[name] = _joined(name, kinds.get(name, kind), kind)
            if pa.types.is_null(empty.get(name, pa.null())) or pa.types.is_floating(said):
                empty[name] = said
    return pa.schema([(name, _settled(kind, empty[name])) for name, kind in kinds.items()])


def _kinds(name: str, values: list[Any], typed: pa.DataType | None) -> tuple[pa.DataType, pa.DataType]:
    """The type of a field's values, and what those that are null or NaN say of it."""
    known = [None if _is_nan(value) else value for value in values]
    if all(value is None for value in known):
        return pa.null(), typed or (pa.float64() if any(map(_is_nan, values)) else pa.null())
    return typed or _kind(name, known), pa.float64() if typed is None and any(map(_is_nan, values)) else pa.null()


def table_of(batch: Batch, schema: pa.Schema) -> pa.Table:
    """Records as a table of a schema that was made of them. Raises UserError where a value does not fit it after all."""
    return pa.table([_column(field.name, field.type, batch.records) for field in schema], schema)


def _column(name: str, kind: pa.DataType, records: list[Value]) -> pa.Array:
    values = [record.get(name) for record in records]
    if not pa.types.is_floating(kind):
        values = [None if _is_nan(value) else value for value in values]
    try:
        return pa.array([counted(value, kind) for value in values] if has_moments(kind) else values, kind)
    except _NO_KIND as error:
        raise UserError(f"field {name!r} cannot be {kind} in all rows: {error}", do=_INSTEAD) from error


def _kind(name: str, values: list[Any]) -> pa.DataType:
    """The type of untyped values, null where all are."""
    try:
        return pa.array(values).type
    except _NO_KIND:
        if any(map(_is_large, values)):
            raise UserError(f"field {name!r} has an integer over 64 bits", do=_INSTEAD) from None
    kind = pa.null()
    for value in values:  # one by one: which two do not fit?
        kind = _joined(name, kind, _kind_of_one(name, value))
    return kind


def _kind_of_one(name: str, value: Any) -> pa.DataType:
    try:
        return pa.array([value]).type
    except _NO_KIND as error:
        raise UserError(f"field {name!r} is of no one kind: {error}", do=_INSTEAD) from error


def _joined(name: str, one: pa.DataType, other: pa.DataType) -> pa.DataType:
    """The type that holds the values of both."""
    if one == other:
        return one
    plain = [pa.schema([(name, rebuilt(kind, lambda leaf: leaf))]) for kind in (one, other)]
    try:
        found = pa.unify_schemas(plain, promote_options="permissive").field(name).type
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        found = None
    # Arrow takes text beside bytes for bytes; who reads a text wants it back as one.
    if found is None or (_is_bytes(found) and any(map(_is_text, (one, other)))):
        what = f"field {name!r} is {one} in some rows and {other} in others"
        raise UserError(f"rows do not share one schema: {what}", do=_INSTEAD)
    return found


def _settled(kind: pa.DataType, empty: pa.DataType) -> pa.DataType:
    """A field's type once all rows are known; `empty` is what rows without a value, or with NaN, said of it."""
    if pa.types.is_integer(kind) and pa.types.is_floating(empty):
        return pa.float64()
    kind = empty if pa.types.is_null(kind) else kind
    return pa.string() if pa.types.is_null(kind) else kind


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_nan(value: Any) -> bool:
    return type(value) is float and math.isnan(value)


def _is_large(value: Any) -> bool:
    """Whether a value is, or has inside of it, an integer that no 64 bits hold."""
    if isinstance(value, dict):
        return any(map(_is_large, value.values()))
    return any(map(_is_large, value)) if isinstance(value, list) else type(value) is int and value not in _INTEGERS
