"""What files, blocks and records are: the nouns of reading.

Knows shapes and how a block's bytes become text. Knows neither formats nor how files are cut (cutting.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from adaptline.core import keys
from adaptline.data.schemas import UNNAMED, Columns, Value
from adaptline.data.streams import PLAIN, Coding
from adaptline.errors import UserError

RAW = 1 << 16  # characters kept of a row that cannot be read
WHITE = " \t\r\x0b\x0c"  # a line of nothing else is blank; the ASCII white space of bytes.strip
_FLAW = re.compile("[\udc80-\udcff\0]")


class Record(NamedTuple):
    """What a format makes of one row: its fields, or why it cannot be read. `part` is the split that its place implies.

    `raw` is the row as it was, in bytes where it was read without becoming text first: then it is UTF-8.
    """

    row: int
    line: int | None
    value: Value | None
    error: str | None
    raw: str | bytes
    part: str | None = None


class Batch(NamedTuple):
    """Records to be written, and the types of those fields that came typed."""

    records: list[Value]
    types: dict[str, pa.DataType]


@dataclass(frozen=True)
class Source:
    """A file and how it is to be read. `name` is relative to the recipe; `part` the name it was listed under, if any."""

    path: Path
    name: str
    format: str
    coding: Coding = PLAIN
    columns: Columns = UNNAMED
    options: Mapping[str, Any] = field(default_factory=dict)
    part: str | None = None


@dataclass(frozen=True)
class Block:
    """A piece of a source. Positions count bytes of its stream; rows and lines count from 1.

    `rows` is None where only reading tells. `payload` holds the bytes where the file does not hold them as they are
    (it is compressed, or recoded). `broken` is set where the piece is one row that cannot be read, and says why; `cut_off`
    says why a document that is read whole ends too early.
    """

    source: Source
    offset: int
    length: int
    first_row: int
    first_line: int
    rows: int | None
    digest: str
    header: tuple[str, ...] = ()
    payload: bytes | None = field(default=None, repr=False)
    broken: str = ""
    cut_off: str = ""
    groups: tuple[int, ...] = ()  # the row groups of a Parquet file that the block is
    context: str = ""  # what a reader must know of what came before: what the records stand in

    @property
    def size(self) -> int:
        """Bytes to work on."""
        return self.length

    @property
    def meaning(self) -> list[Any]:
        """What determines the block's rows, apart from the format: no path, no offset."""
        source = self.source
        return [
            [source.name, source.part, source.format, sorted(source.options.items()), vars(source.columns)],
            [source.coding.encoding, source.coding.bom.hex(), source.coding.compression],
            [self.first_row, self.first_line, list(self.header), self.digest, self.broken, self.cut_off],
            *([self.context] if self.context else []),
        ]

    def data(self) -> bytes:
        """The bytes. Raises UserError if the file is not what it was when it was cut."""
        if self.payload is not None:
            return self.payload
        with self.source.path.open("rb") as file:
            file.seek(self.offset + len(self.source.coding.bom))
            data = file.read(self.length)
        data = data.replace(b"\r", b"\n") if self.source.coding.mac else data
        if keys.digest(data) != self.digest:
            raise UserError(
                "changed while it was read", where=self.source.name, do="Run again when nothing writes to it."
            )
        return data

    def text(self) -> tuple[str, bool]:
        """The text, and whether rows of it may be damaged: ask `flaw` about each. Invalid bytes become U+DC80 to U+DCFF."""
        encoding = self.source.coding.of_stream
        data = self.data()
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            return data.decode(encoding, "surrogateescape"), True
        return text, "\0" in text

    def flaw(self, raw: str) -> str | None:
        """Why a row's raw text cannot be right, if so: bytes that are not of the encoding, or zero bytes."""
        found = _FLAW.search(raw)
        if found is None:
            return None
        place = f"at character {found.start() + 1}"
        if found[0] == "\0":
            return f"a zero byte {place}"
        return f"the byte 0x{ord(found[0]) - 0xDC00:02x} {place} is not {self.source.coding.encoding}"


def printable(raw: str | bytes) -> str:
    """The first 65,536 characters of a raw row as they can be stored: a byte of no encoding as its number."""
    raw = raw if isinstance(raw, str) else raw.decode("utf-8", "surrogateescape")
    return re.sub("[\udc80-\udcff]", lambda found: f"\\x{ord(found[0]) - 0xDC00:02x}", raw[:RAW])
