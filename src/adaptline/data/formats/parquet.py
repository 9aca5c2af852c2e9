"""parquet: typed columns in row groups. Fields that no column takes keep their types in `extra`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from adaptline.core import keys
from adaptline.core.registry import format
from adaptline.data.blocks import Batch, Block, Source
from adaptline.data.cutting import block_size
from adaptline.data.typed import DAMAGE, cut_batches, refuse_schema
from adaptline.data.uniting import write_typed
from adaptline.errors import UserError

_BATCH = 1 << 16  # rows held at a time
_LARGE_GROUP, _FEW = 64 << 20, 1 << 10  # bytes of a row group, uncompressed, that is read in batches of few rows


def write(batches: Iterable[Batch], file: BinaryIO) -> None:
    """One file, its schema that of all rows: `batches` is read twice. Raises UserError where they share none."""
    write_typed(batches, lambda schema: pq.ParquetWriter(file, schema))


def cut(source: Source) -> Iterator[Block]:
    """Blocks of whole row groups, as large as those of a text of that size would be; a large group is cut by its rows."""
    with _opened(source) as file:
        metadata, schema = file.metadata, str(file.schema_arrow)
        refuse_schema(file.schema_arrow)
        offset, row = 0, 1
        for groups in _runs(metadata):
            found = [metadata.row_group(group) for group in groups]
            size, rows = sum(group.total_byte_size for group in found), sum(group.num_rows for group in found)
            if size > _LARGE_GROUP and len(groups) == 1:
                batches = file.iter_batches(_FEW, row_groups=list(groups))
                yield from cut_batches(source, map(_validated, batches), offset, row)
            else:
                digest = _digest(source, metadata, schema, groups)
                yield Block(source, offset, size, row, 1, rows, digest, groups=groups)
            offset, row = offset + size, row + rows


def _runs(metadata: Any) -> Iterator[tuple[int, ...]]:
    """The row groups of each block; a large one is alone."""
    waiting: list[int] = []
    offset = size = 0
    for number in range(metadata.num_row_groups):
        own = metadata.row_group(number).total_byte_size
        if waiting and (size >= block_size(offset) or own > _LARGE_GROUP):
            yield tuple(waiting)
            waiting, offset, size = [], offset + size, 0
        waiting.append(number)
        size += own
    if waiting:
        yield tuple(waiting)


def _validated(batch: pa.RecordBatch) -> pa.RecordBatch:
    batch.validate(full=True)  # strings that are no UTF-8 would fail much later and say less
    return batch


@format(version=3, suffixes=(".parquet",), cut=cut, write=write)
def parquet(block: Block) -> Iterator[pa.RecordBatch]:
    """The rows of a block of row groups, as columns. Raises UserError where the file is not the one that was cut."""
    if block.payload is not None:
        yield from pa.ipc.open_stream(block.payload)
        return
    with _opened(block.source) as file:
        if block.digest != _digest(block.source, file.metadata, str(file.schema_arrow), block.groups):
            raise UserError("changed while it was read", where=block.source.name, do="Run again.")
        for batch in file.iter_batches(_BATCH, row_groups=list(block.groups)):
            yield _validated(batch)


@contextmanager
def _opened(source: Source) -> Iterator[Any]:
    if source.coding.encoding:
        raise UserError("is no Parquet file", where=source.name, do="Decompress it if it is one, or say its format.")
    try:
        with pq.ParquetFile(
            source.path, page_checksum_verification=True, buffer_size=1 << 20
        ) as file:  # of files that have checksums
            yield file
    except DAMAGE as error:
        raise UserError(f"a damaged Parquet file: {error}", where=source.name) from error


def _digest(source: Source, metadata: Any, schema: str, groups: Sequence[int]) -> str:
    """The digest of the schema and of some row groups."""
    return keys.key("parquet", schema, [_group_digest(source, metadata.row_group(group)) for group in groups])


def _group_digest(source: Source, group: Any) -> str:
    """The digest of a row group's bytes, wherever it lies in the file."""
    columns = [group.column(number) for number in range(group.num_columns)]
    starts = [column.dictionary_page_offset or column.data_page_offset for column in columns]
    with source.path.open("rb") as file:
        file.seek(min(starts, default=0))
        return keys.digest(file.read(sum(column.total_compressed_size for column in columns)))
