"""Blocks to rows: the tables of core/rows.COLUMNS that pieces of files become.

Knows how formats, columns and shards work together. What a file is, opening.py tells.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from adaptline.core.rows import COLUMNS
from adaptline.data.builder import ShardBuilder
from adaptline.data.kinds import rebuilt
from adaptline.data.moments import counted, rows_of
from adaptline.data.opening import blocks_of, items_of, open_source
from adaptline.data.schemas import UNNAMED, Columns, Value
from adaptline.data.typed import paths_in

if TYPE_CHECKING:
    from adaptline.core.artifacts import Read
    from adaptline.data.blocks import Block, Source


def read_blocks(read: Read, *, blocks: Sequence[Block], secret: bytes = b"") -> pa.Table:  # noqa: ARG001 - a unit's function takes it
    """The rows of blocks as one shard. Its schema's metadata says how each file was encoded.

    Args:
        read: unused: sources are no units.
        blocks: pieces of files; their rows stand in this order.
        secret: the store's, where subjects are named.

    Raises:
        UserError: a file changed since it was cut.
    """
    tables = [_read_block(block, secret) for block in blocks]
    told = {block.source.name: describe(block.source) for block in blocks}
    return pa.concat_tables(tables).replace_schema_metadata({"adaptline": json.dumps({"files": told})})


def read_table(
    path: Path,
    *,
    format: str | None = None,
    encoding: str | None = None,
    columns: Columns = UNNAMED,
    name: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> pa.Table:
    """A whole file as one table of core/rows.COLUMNS; see `open_source` for the arguments and errors."""
    source = open_source(path, name or path.name, format=format, encoding=encoding, columns=columns, options=options)
    tables = [_read_block(block, b"") for block in blocks_of(source)]
    at = tables[0].schema.get_field_index("extra")
    kind = next((table["extra"].type for table in tables if pa.types.is_struct(table["extra"].type)), pa.string())
    odd = [
        table["extra"].type != kind for table in tables
    ]  # where a typed file breaks off, nothing of the row is known
    return pa.concat_tables(
        table.set_column(at, "extra", pa.nulls(table.num_rows, kind)) if is_odd else table
        for table, is_odd in zip(tables, odd, strict=True)
    )


def describe(source: Source) -> dict[str, Any]:
    """What a report says of a file: how it is encoded, and which of its fields are taken for what."""
    named = ((field.name, getattr(source.columns, field.name)) for field in fields(source.columns))
    columns = {name: value for name, value in named if value}
    coding = {
        "encoding": source.coding.encoding or None,
        "bom": bool(source.coding.bom),
        "compression": source.coding.compression or None,
    }
    return {"format": source.format, **coding, "columns": columns}


def _read_block(block: Block, secret: bytes) -> pa.Table:
    source = block.source
    builder = ShardBuilder(source.name, source.columns, secret)
    extra = None
    if block.broken:
        builder.fail(block.first_row, block.first_line, block.broken, block.text()[0] if source.coding.encoding else "")
    elif source.coding.encoding:
        for row, line, value, error, raw, part in items_of(block):
            if value is None:
                builder.fail(row, line, error or "", raw)
            else:
                builder.add(row, line, value, raw, source.part or part)
    else:
        extra = _add_typed(builder, block)
    if block.rows is not None and len(builder) != block.rows:
        raise RuntimeError(f"{source.name}: cut {block.rows} rows and read {len(builder)} from row {block.first_row}")
    return builder.table(extra)


def _add_typed(builder: ShardBuilder, block: Block) -> pa.ChunkedArray | None:
    """Adds the rows of typed batches; returns the fields that no column holds exactly, as one struct per row."""
    columns, rests = block.source.columns, []
    row = block.first_row
    for batch in items_of(block):
        inside = paths_in(batch.schema, columns)
        bases = list(dict.fromkeys(base for base, _ in inside.values()))
        taken = [name for name in columns.named if name in batch.schema.names]
        values = rows_of(batch.select([*taken, *(name for name in bases if name not in taken)]))
        for value in values:
            builder.add(row, None, value, "", block.source.part)
            row += 1
        held = {field.name: (field, batch[field.name]) for field in batch.schema if field.name not in bases}
        held |= {name: _left(values, batch.schema.field(name)) for name in bases}
        held |= {path: _left(values, pa.field(path, kind)) for path, (_, kind) in inside.items()}
        rest = [found for found in held.values() if not _is_held(found[0].name, found[0].type, columns)]
        if rest:
            rests.append(pa.StructArray.from_arrays([array for _, array in rest], fields=[field for field, _ in rest]))
    return pa.chunked_array(rests) if rests else None


def _left(values: Sequence[Value], field: pa.Field) -> tuple[pa.Field, pa.Array]:
    """What is left of a field once a builder has used up the records, and the field as it is then."""
    kind = rebuilt(field.type, lambda leaf: leaf)  # Arrow makes no dictionaries of Python values
    left = [counted(value.get(field.name), kind) for value in values]
    return pa.field(field.name, _nullable(kind)), pa.array(left, _nullable(kind))


def _nullable(kind: pa.DataType) -> pa.DataType:
    """A type in which whatever was taken out can be missing."""
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(field.name, _nullable(field.type)) for field in kind])
    return kind


def _is_held(name: str, kind: pa.DataType, columns: Columns) -> bool:
    """Whether a column of a shard holds a typed field exactly, so that `extra` need not."""
    if name in columns.subject:
        return True
    is_text = bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
    if name in (columns.text, columns.completion, columns.label, columns.split, columns.group):
        return is_text
    if name == columns.prompt:
        return is_text and columns.context is None
    if name == columns.references:
        return bool(kind == COLUMNS["references"])
    return name == columns.messages and bool(kind == COLUMNS["messages"])
