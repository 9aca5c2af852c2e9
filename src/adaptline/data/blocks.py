"""Blocks: pieces of a source that can be read alone, cut by position so that appending to a file leaves them as they were.

Knows how a stream is cut and how pieces are packed into units of work. What a row's end is, the format says.

A block that begins at offset o of the decompressed stream is o/32 long, but 64 KiB at least and 8 MiB at most, rounded
up to the next row's end. So a file's last block, the one that appending changes, is about 3 % of it at most.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from adaptline.core import keys
from adaptline.data.schemas import Columns
from adaptline.data.streams import BrokenStreamError, Coding, chunks
from adaptline.errors import UserError

SMALLEST, LARGEST, SHARE = 1 << 16, 8 << 20, 32
LONGEST_ROW = 256 << 20  # bytes; an Arrow string array holds 2 GiB, and a row this long is a mistake
LONGEST_DOCUMENT = 1 << 30  # bytes of a file that can only be read whole
RAW = 1 << 16  # characters kept of a row that cannot be read
WHITE = " \t\r\x0b\x0c"  # a line of nothing else is blank; the ASCII white space of bytes.strip
_PACK = 1 << 20  # bytes
_PACK_FILES = 64  # on average; the boundary lies after a file whose name's digest says so
_FLAW = re.compile("[\udc80-\udcff\0]")

Measure = Callable[[bytearray, int, bool], tuple[int, int] | None]
"""(data, at, final) -> the first row's end at or after `at`, and the rows up to there; None if `data` does not tell.

`data` begins at a row's start. `final` says that the stream ends with it, so its end is a row's end.
"""


class Record(NamedTuple):
    """What a format makes of one row: its fields, or why it cannot be read. `part` is the split that its place implies."""

    row: int
    line: int | None
    value: dict[str, Any] | None
    error: str | None
    raw: str
    part: str | None = None


@dataclass(frozen=True)
class Source:
    """A file and how it is to be read. `name` is relative to the recipe; `part` the name it was listed under, if any."""

    path: Path
    name: str
    format: str
    coding: Coding = Coding()
    columns: Columns = Columns()
    options: Mapping[str, Any] = field(default_factory=dict)
    part: str | None = None


@dataclass(frozen=True)
class Block:
    """A piece of a source. Positions count bytes of its stream (row groups in Parquet); rows and lines count from 1.

    `rows` is None where only reading tells. `payload` holds the bytes where the file does not hold them as they are
    (it is compressed, or recoded). `broken` is set where the piece is one row that cannot be read, and says why.
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
            [self.first_row, self.first_line, list(self.header), self.digest, self.broken],
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
            raise UserError("changed while it was read", where=self.source.name, do="Run again when nothing writes to it.")
        return data

    def text(self) -> tuple[str, bool]:
        """The text, and whether rows of it may be damaged: ask `flaw` about each. Invalid bytes become U+DC80 to U+DCFF."""
        encoding = "utf-8" if self.source.coding.recoded else self.source.coding.encoding
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


def printable(raw: str) -> str:
    """The first 65,536 characters of a raw row as they can be stored: bytes of no encoding as \\xNN."""
    return re.sub("[\ud800-\udfff]", lambda found: f"\\x{ord(found[0]) & 0xFF:02x}", raw[:RAW])


def block_size(offset: int) -> int:
    """The least length of the block that begins at an offset of a stream."""
    return min(max(offset // SHARE, SMALLEST), LARGEST)


class Tape:
    """A source's stream while it is cut: the bytes that lie before the knife, and how far it has come."""

    def __init__(self, source: Source) -> None:
        if not source.coding.encoding:
            raise UserError(f"is a Parquet file, not {source.format}", do='Say format = "parquet".')
        self.source = source
        self.data = bytearray()
        self.ended = False
        self.broken = ""
        self._offset, self._row, self._line = 0, 1, 1
        self._chunks = chunks(source.path, source.coding)

    @property
    def size(self) -> int:
        """The least length of the next block."""
        return block_size(self._offset)

    def reach(self, length: int) -> bool:
        """Reads on until `length` bytes lie before the knife or the stream ends. Returns whether any do."""
        while len(self.data) < length and not self.ended:
            try:
                chunk = next(self._chunks, b"")
            except BrokenStreamError as error:
                self.broken, chunk = str(error), b""
            self.ended = not chunk
            self.data += chunk
        return bool(self.data)

    def skip(self, length: int) -> None:
        """Drops bytes that are no rows: a header."""
        self._line += self.data.count(b"\n", 0, length)
        self._offset += length
        del self.data[:length]

    def block(self, length: int, rows: int | None, header: tuple[str, ...] = (), broken: str = "") -> Block:
        """Cuts off a block."""
        data = bytes(self.data[:length])
        kept = data[: 4 * RAW] if broken else data
        in_place = self.source.coding.in_place and not broken
        block = Block(
            self.source, self._offset, length, self._row, self._line, rows, keys.digest(kept), header, None if in_place else kept, broken
        )
        self.skip(length)
        self._row += rows or 0
        return block

    def overlong(self) -> Block:
        """Cuts off one row that is longer than any row may be, without holding it in memory."""
        head = bytes(self.data[: 4 * RAW])
        block = Block(
            self.source, self._offset, LONGEST_ROW, self._row, self._line, 1, keys.digest(head), (), head, f"a row longer than {LONGEST_ROW >> 20} MiB"
        )
        while not (end := self.data.find(b"\n") + 1) and not self.ended:
            self.skip(len(self.data))
            self.reach(1)
        self.skip(end or len(self.data))
        self._row += 1
        return block


def cut(tape: Tape, measure: Measure, header: tuple[str, ...] = ()) -> Iterator[Block]:
    """The blocks of a stream whose rows end with lines. What a broken stream ends with is one row that cannot be read."""
    while tape.reach(tape.size):
        if tape.broken and not (whole := tape.data.rfind(b"\n") + 1):
            break
        found = None
        while found is None:
            end = whole if tape.broken else len(tape.data)
            final = tape.ended
            found = measure(tape.data[:end] if tape.broken else tape.data, tape.size, final)
            if found is None and len(tape.data) > LONGEST_ROW:
                break
            if found is None:
                tape.reach(2 * len(tape.data))
        yield tape.overlong() if found is None else tape.block(*found, header)
    if tape.broken:
        yield tape.block(len(tape.data), 1, header, broken=f"the file breaks off here: {tape.broken}")
