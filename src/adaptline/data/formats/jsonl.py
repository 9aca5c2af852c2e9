"""jsonl: one JSON value a line. An object is a record; an array's entries are fields "0", "1" and so on; a string is field "0".

Numbers are kept as Python's json module keeps them (whole numbers exactly, others as doubles), as are NaN and Infinity.
Of a name that an object holds twice, the last one counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

import msgspec

from adaptline.core.registry import format
from adaptline.data.blocks import WHITE, Batch, Block, Record
from adaptline.data.jsons import NOT_STRICT, decode_record, decode_strictly, fields_of
from adaptline.data.lines import cut_lines
from adaptline.data.records import encode_strictly

_encode_lines = msgspec.json.Encoder().encode_lines


def write(batches: Iterable[Batch], file: BinaryIO) -> None:
    """One object a line; what is no number in RFC 8259 (NaN, infinity) becomes null."""
    for batch in batches:
        if batch.types:  # a date is spelled otherwise by msgspec
            file.writelines(f"{encode_strictly(record)}\n".encode() for record in batch.records)
        else:
            file.write(_encode_lines(batch.records))


@format(version=1, suffixes=(".jsonl", ".ndjson"), cut=cut_lines, write=write)
def jsonl(block: Block) -> Iterator[Record]:
    """The records of a block of lines. What is strictly JSON in UTF-8 is decoded from its bytes."""
    in_utf8 = block.source.coding.of_stream == "utf-8"
    lines: list[Any] = block.data().split(b"\n") if in_utf8 else block.text()[0].split("\n")
    white: Any = WHITE.encode() if in_utf8 else WHITE
    row = block.first_row
    for line, raw in enumerate(lines, block.first_line):
        try:
            value = fields_of(decode_strictly(raw))
        except NOT_STRICT:
            if not raw.strip(white):
                continue
            yield _doubtful(block, row, line, raw.decode("utf-8", "surrogateescape") if in_utf8 else raw)
        else:
            yield Record(row, line, value, None, raw)
        row += 1


def _doubtful(block: Block, row: int, line: int, raw: str) -> Record:
    """The record of a line that is not strictly JSON: perhaps with NaN in it, after a byte order mark, or none at all."""
    error = block.flaw(raw)
    value = None
    if error is None:
        value, error = decode_record(raw.removeprefix("\ufeff"))  # files with byte order marks, joined
    return Record(row, line, value, error, raw.removesuffix("\r") if error else raw)
