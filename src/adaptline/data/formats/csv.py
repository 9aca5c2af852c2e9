"""csv: fields between commas (or another delimiter, told from the first records), quoted where they hold one (RFC 4180)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from adaptline.core.registry import format
from adaptline.data.blocks import Block, Record, Source
from adaptline.data.delimited import cut_delimited, records, write_delimited

write = partial(write_delimited, quotes=True, delimiter=",")


def cut(source: Source) -> Iterator[Block]:
    """Blocks of whole records, past the header."""
    return cut_delimited(source, **{"quotes": True, "delimiter": None, "header": None, **source.options})


@format(version=3, suffixes=(".csv",), cut=cut, write=write)
def csv(block: Block, *, quotes: bool = True, delimiter: str = ",", header: bool | None = None) -> Iterator[Record]:  # noqa: ARG001 - it was cut off
    """The rows of a block."""
    return records(block, quotes=quotes, delimiter=delimiter)
