"""Typed files, whose columns have types of their own: which schemas can be kept, and how rows are cut into blocks.

Knows Arrow schemas. Knows no file format (formats/parquet.py, formats/arrow.py); records get one schema in uniting.py.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

import pyarrow as pa
import pyarrow.parquet as pq

from adaptline.core import keys
from adaptline.data.blocks import Block, Source
from adaptline.data.cutting import LONGEST_ROW, SMALLEST, block_size
from adaptline.data.kinds import holds, rebuilt
from adaptline.data.moments import rows_of
from adaptline.data.schemas import Columns
from adaptline.errors import UserError

# What Arrow raises where a file is not as it should be; a length that was damaged asks for more memory than there is.
DAMAGE = (pa.ArrowException, OSError, MemoryError, ValueError)


def refuse_schema(schema: pa.Schema) -> None:
    """Raises UserError for a typed file whose columns cannot be told apart, or cannot be kept as Parquet."""
    try:
        _decode_names(schema)
    except UnicodeDecodeError as error:
        raise UserError("the name of a column is not UTF-8", do="Rename it.") from error
    twice = next((name for name in schema.names if schema.names.count(name) > 1), None)
    if twice is not None:
        raise UserError(f"two columns are called {twice!r}", do="Rename one.")
    try:
        pq.write_table(schema.empty_table(), io.BytesIO())
        rows_of(schema.empty_table())
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid) as error:
        raise UserError(f"has a column of a kind that cannot be kept: {error}", do="Leave that column out.") from error


def paths_in(schema: pa.Schema, columns: Columns) -> dict[str, tuple[str, pa.DataType]]:
    """Of the fields that are named by a path, those that are in a schema: the column that holds each, and its own type."""
    found = {}
    for path in columns.nested:
        first, *rest = path.split(".")
        if path not in schema.names and first in schema.names and (kind := _inside(schema.field(first).type, rest)):
            found[path] = (first, kind)
    return found


def _inside(kind: pa.DataType, path: Sequence[str]) -> pa.DataType | None:
    """The type at a path through structs and lists; None where there is none."""
    if not path:
        return kind
    if pa.types.is_struct(kind):
        place = kind.get_field_index(path[0])
        return None if place < 0 else _inside(kind.field(place).type, path[1:])
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    return _inside(kind.value_type, path[1:]) if is_list and path[0].isdecimal() else None


def has_dictionary(kind: pa.DataType) -> bool:
    """Whether values of a type are, or hold, numbers of entries of a dictionary."""
    return holds(kind, pa.types.is_dictionary)


def decoded(column: pa.Array) -> pa.Array:
    """The values themselves where a column holds numbers of a dictionary's entries, however deep.

    Raises ArrowNotImplementedError where they lie too oddly.
    """
    while pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return column.cast(rebuilt(column.type, lambda leaf: leaf)) if has_dictionary(column.type) else column


def _decode_names(fields: Iterable[pa.Field]) -> None:
    """Raises UnicodeDecodeError for a name that is not UTF-8, however deep: Arrow decodes them only when asked."""
    for field in fields:
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        str(field.name)
        _decode_names(kind.field(place) for place in range(kind.num_fields))


def cut_batches(
    source: Source, batches: Iterable[pa.RecordBatch | str], offset: int = 0, row: int = 1
) -> Iterator[Block]:
    """Blocks of rows as large as those of a text of that size would be, each kept as an Arrow stream of its own.

    Args:
        source: the file.
        batches: its rows; a string says why a row cannot be read.
        offset: bytes that came before, as they are in memory.
        row: the first row's number, from 1.
    """
    waiting: list[pa.RecordBatch] = []
    size = 0
    for piece in chain(chain.from_iterable(map(_halved, batches)), [None]):
        if waiting and (not isinstance(piece, pa.RecordBatch) or size >= block_size(offset)):
            block = _block(source, offset, row, waiting)
            yield block
            offset, row, size, waiting = offset + size, row + (block.rows or 0), 0, []
        if isinstance(piece, pa.RecordBatch):
            size += piece.nbytes
            waiting.append(piece)
        elif piece is not None:
            yield Block(source, offset, 0, row, 1, 1, keys.digest(b""), payload=b"", broken=piece)
            row += 1


def _halved(batch: pa.RecordBatch | str) -> Iterator[pa.RecordBatch | str]:
    """Pieces of at most 1 MiB or one row."""
    if isinstance(batch, pa.RecordBatch) and batch.num_rows > 1 and batch.nbytes > SMALLEST:
        half = batch.num_rows // 2
        yield from _halved(batch.slice(0, half))
        yield from _halved(batch.slice(half))
    elif isinstance(batch, pa.RecordBatch) and batch.nbytes > LONGEST_ROW:
        yield f"a row longer than {LONGEST_ROW >> 20} MiB"
    elif isinstance(batch, str) or batch.num_rows:
        yield batch


def _block(source: Source, offset: int, row: int, batches: list[pa.RecordBatch]) -> Block:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batches[0].schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    payload = sink.getvalue().to_pybytes()
    size, rows = sum(batch.nbytes for batch in batches), sum(batch.num_rows for batch in batches)
    return Block(source, offset, size, row, 1, rows, keys.digest(payload), payload=payload)
