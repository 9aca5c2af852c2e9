"""txt: plain text: a row a line, a paragraph (up to a blank line) or a file. The text is field "text"."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import BinaryIO, Literal

from adaptline.core.registry import format
from adaptline.data.blocks import WHITE, Batch, Block, Record, Source
from adaptline.data.cutting import Tape, cut_whole
from adaptline.data.lines import cut_lines, cut_paragraphs
from adaptline.data.records import encode_plain
from adaptline.data.schemas import shortened
from adaptline.errors import UserError

RowPer = Literal["line", "paragraph", "file"]


def write(batches: Iterable[Batch], file: BinaryIO) -> None:
    """The texts, one a line. Raises UserError for what would not come back: other fields, blank texts, line ends."""
    for batch in batches:
        for record in batch.records:
            if len(record) != 1:
                raise UserError(f"a text file cannot hold fields: {shortened(record)}", do="Write .jsonl instead.")
            text = encode_plain(next(iter(record.values())))
            if "\n" in text or "\r" in text or not text.strip(WHITE):
                raise UserError("a text is blank or has line ends", do="Write .jsonl instead.")
            file.write(f"{text}\n".encode())


def cut(source: Source) -> Iterator[Block]:
    """Blocks of whole lines or paragraphs, or the file as one."""
    row_per = source.options.get("row_per", "line")
    if row_per == "file":
        block = cut_whole(Tape(source))
        return iter([replace(block, rows=1)] if block.length else [])
    return cut_paragraphs(source) if row_per == "paragraph" else cut_lines(source)


@format(version=1, suffixes=(".txt",), cut=cut, write=write)
def txt(block: Block, *, row_per: RowPer = "line") -> Iterator[Record]:
    """The rows of a block of text."""
    text, suspect = block.text()
    row = block.first_row
    pieces = {"line": _lines, "paragraph": _paragraphs, "file": _file}[row_per](text)
    for line, raw in pieces:
        error = block.cut_off or (block.flaw(raw) if suspect else None)
        yield Record(row, block.first_line + line, None if error else {"text": raw}, error, raw)
        row += 1


def _lines(text: str) -> Iterator[tuple[int, str]]:
    return ((number, raw.removesuffix("\r")) for number, raw in enumerate(text.split("\n")) if raw.strip(WHITE))


def _paragraphs(text: str) -> Iterator[tuple[int, str]]:
    taken: list[str] = []
    number = 0
    for number, line in enumerate(text.split("\n")):
        if line.strip(WHITE):
            taken.append(line.removesuffix("\r"))
        elif taken:
            yield number - len(taken), "\n".join(taken)
            taken = []
    if taken:
        yield number + 1 - len(taken), "\n".join(taken)


def _file(text: str) -> Iterator[tuple[int, str]]:
    yield 0, text
