"""tsv: fields between tabs. Quotes are literal text, unless the file itself or the recipe says otherwise.

A file says so if, in its first MiB, lines have too many or too few fields, and reading quotes as RFC 4180 does mends all.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from adaptline.core.registry import format
from adaptline.data.blocks import Block, Record, Source
from adaptline.data.delimited import cut_delimited, records, write_delimited

write = partial(write_delimited, quotes=False, delimiter="\t")


def cut(source: Source) -> Iterator[Block]:
    """Blocks of whole records, past the header."""
    return cut_delimited(source, **{"quotes": None, "delimiter": "\t", "header": None, **source.options})


@format(version=2, suffixes=(".tsv",), cut=cut, write=write)
def tsv(block: Block, *, quotes: bool = False, delimiter: str = "\t", header: bool | None = None) -> Iterator[Record]:  # noqa: ARG001 - it was cut off
    """The rows of a block."""
    return records(block, quotes=quotes, delimiter=delimiter)
