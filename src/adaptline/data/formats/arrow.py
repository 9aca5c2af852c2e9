"""arrow: Arrow's IPC format, as a file (Feather 2 is one) or as a stream, which is what Hugging Face datasets save.

Record batches are cut by position, a large one by its rows; what has been cut is kept as a stream of its own, so a
reader needs neither dictionaries nor batches that came before. A stream that breaks off gives the rows before the
break, and one row that cannot be read for the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, BinaryIO

import pyarrow as pa

from adaptline.core import keys
from adaptline.core.registry import format
from adaptline.data.blocks import Batch, Block, Source
from adaptline.data.cutting import LONGEST_ROW, SMALLEST, block_size
from adaptline.data.encodings import ARROW_FILE
from adaptline.data.typed import DAMAGE, refuse_schema, write_typed
from adaptline.errors import UserError


def write(batches: Iterable[Batch], file: BinaryIO) -> None:
    """An IPC file, its schema that of the first rows. Raises UserError where later rows do not fit it."""
    write_typed(batches, lambda schema: pa.ipc.new_file(file, schema))


def cut(source: Source) -> Iterator[Block]:
    """Blocks of rows, as large as those of a text of that size would be."""
    waiting: list[pa.RecordBatch] = []
    offset, size, row = 0, 0, 1
    for piece in chain(_pieces(source), [None]):
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


@format(version=1, suffixes=(".arrow", ".feather", ".ipc"), cut=cut, write=write)
def arrow(block: Block) -> Iterator[pa.RecordBatch]:
    """The rows of a block, as columns."""
    yield from pa.ipc.open_stream(block.data())


def _block(source: Source, offset: int, row: int, batches: list[pa.RecordBatch]) -> Block:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batches[0].schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    payload = sink.getvalue().to_pybytes()
    size, rows = sum(batch.nbytes for batch in batches), sum(batch.num_rows for batch in batches)
    return Block(source, offset, size, row, 1, rows, keys.digest(payload), payload=payload)


def _pieces(source: Source) -> Iterator[pa.RecordBatch | str]:
    """The rows in pieces of at most 1 MiB or one row, validated; or of one row why it cannot be read.

    Raises UserError where it is no Arrow file, or has columns that cannot be kept.
    """
    if source.coding.encoding:
        raise UserError("is no Arrow file", do="Decompress it if it is one, or say its format.")
    with pa.memory_map(str(source.path)) as file:  # a file of one batch may be larger than memory
        try:
            reader = _opened(file)
        except DAMAGE as error:
            raise UserError(f"a damaged Arrow file: {error}") from error
        refuse_schema(reader.schema)
        try:
            for batch in _batches(reader):
                batch.validate(full=True)  # what does not hold would fail much later, or crash
                for piece in _halved(_plain(batch)):
                    is_longer = piece.nbytes > LONGEST_ROW
                    yield f"a row longer than {LONGEST_ROW >> 20} MiB" if is_longer else piece
        except DAMAGE as error:
            yield f"the file breaks off here: {error}"


def _opened(file: Any) -> Any:
    is_file = file.read(len(ARROW_FILE)) == ARROW_FILE
    file.seek(0)
    return (pa.ipc.open_file if is_file else pa.ipc.open_stream)(file)


def _batches(reader: Any) -> Iterator[pa.RecordBatch]:
    if isinstance(reader, pa.ipc.RecordBatchFileReader):
        return (reader.get_batch(number) for number in range(reader.num_record_batches))
    return iter(reader)


def _plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    columns = [column.dictionary_decode() if hasattr(column, "dictionary") else column for column in batch.columns]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _halved(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    if batch.num_rows > 1 and batch.nbytes > SMALLEST:
        half = batch.num_rows // 2
        yield from _halved(batch.slice(0, half))
        yield from _halved(batch.slice(half))
    elif batch.num_rows:
        yield batch
