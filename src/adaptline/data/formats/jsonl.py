"""jsonl: one JSON value a line. An object is a record; an array's entries are fields "0", "1" and so on; a string is field "0".

Numbers are kept as Python's json module keeps them (whole numbers exactly, others as doubles), as are NaN and Infinity.
Of a name that an object holds twice, the last one counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from json import JSONDecodeError
from typing import BinaryIO

from adaptline.core.registry import format
from adaptline.data.blocks import WHITE, Batch, Block, Record
from adaptline.data.jsons import decode, fields_of, why_not
from adaptline.data.lines import cut_lines
from adaptline.data.records import encode_strictly, half_pair, has_half_pairs


def write(batches: Iterable[Batch], file: BinaryIO) -> None:
    """One object a line."""
    file.writelines(f"{encode_strictly(record)}\n".encode() for batch in batches for record in batch.records)


@format(version=1, suffixes=(".jsonl", ".ndjson"), cut=cut_lines, write=write)
def jsonl(block: Block) -> Iterator[Record]:
    """The records of a block of lines."""
    text, suspect = block.text()
    pairs = has_half_pairs(text)
    joined = "\ufeff" in text  # files with byte order marks, joined
    row = block.first_row
    for line, raw in enumerate(text.split("\n"), block.first_line):
        if not raw.strip(WHITE):
            continue
        error = block.flaw(raw) if suspect else None
        value = None
        if error is None:
            try:
                value = fields_of(decode(raw.removeprefix("\ufeff") if joined else raw))
            except (JSONDecodeError, ValueError, RecursionError) as reason:
                error = why_not(reason)
            else:
                error = half_pair(value) if pairs and has_half_pairs(raw) else None
        yield Record(row, line, None if error else value, error, raw.removesuffix("\r") if error else raw)
        row += 1
