"""arrow: Arrow's IPC format, as a file (Feather 2 is one) or as a stream, which is what Hugging Face datasets save.

Record batches are cut by position, a large one by its rows; what has been cut is kept as a stream of its own, so a
reader needs neither dictionaries nor batches that came before. A stream that breaks off gives the rows before the
break, and one row that cannot be read for the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

import pyarrow as pa

from adaptline.core.registry import format
from adaptline.data.blocks import Batch, Block, Source
from adaptline.data.cutting import SMALLEST
from adaptline.data.encodings import ARROW_FILE
from adaptline.data.typed import DAMAGE, cut_batches, decoded, has_dictionary, refuse_schema
from adaptline.data.uniting import write_typed
from adaptline.errors import UserError


def write(batches: Iterable[Batch], file: BinaryIO) -> None:
    """An IPC file, its schema that of all rows: `batches` is read twice. Raises UserError where they share none."""
    write_typed(batches, lambda schema: pa.ipc.new_file(file, schema))


def cut(source: Source) -> Iterator[Block]:
    """Blocks of rows, as large as those of a text of that size would be."""
    return cut_batches(source, _pieces(source))


@format(version=2, suffixes=(".arrow", ".feather", ".ipc"), cut=cut, write=write)
def arrow(block: Block) -> Iterator[pa.RecordBatch]:
    """The rows of a block, as columns."""
    yield from pa.ipc.open_stream(block.data())


def _pieces(source: Source) -> Iterator[pa.RecordBatch | str]:
    """The batches, validated; at last why the file cannot be read on, if so.

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
                yield from _plain(batch)
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


def _plain(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """The batch with values in place of numbers in dictionaries, in pieces as large as they may be once decoded."""
    if not any(has_dictionary(kind) for kind in batch.schema.types):
        yield batch
        return
    rows = 1
    start = 0
    while start < batch.num_rows:
        columns = [decoded(column) for column in batch.slice(start, rows).columns]
        piece = pa.RecordBatch.from_arrays(columns, names=batch.schema.names)
        yield piece
        start += rows
        rows = max(1, min(2 * rows, rows * SMALLEST // max(1, piece.nbytes)))
