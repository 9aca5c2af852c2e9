"""Cutting: a file's stream into blocks, by position, so that appending to the file leaves all but the last as they were.

Knows how a stream is cut and how blocks are packed into units of work. Where a row ends, the format says.

A block that begins at offset o of the decompressed stream is o/32 long, but 1 MiB at least and 8 MiB at most, rounded up
to the next row's end; the first MiB is cut into 64 KiB, as much again, twice as much and so on, so that who only looks in
reads little. So a file's last block, the one that appending changes, is about 3 % of it at most, or 1 MiB.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import chain, islice
from typing import TYPE_CHECKING

import numpy as np

from adaptline.core import keys
from adaptline.data.blocks import RAW, Block, Source
from adaptline.data.streams import CHUNK, BrokenStreamError, chunks
from adaptline.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FIRST, SMALLEST, LARGEST, SHARE = 1 << 16, 1 << 20, 8 << 20, 32
LONGEST_ROW = 256 << 20  # bytes; an Arrow string array holds 2 GiB, and a row this long is a mistake
LONGEST_DOCUMENT = 1 << 30  # bytes of a file that can only be read whole
_PACK = 1 << 20  # bytes
_PACK_FILES = 64  # on average; the boundary lies after a file whose name's digest says so

Measure = Callable[[bytearray, int, bool], tuple[int, int] | None]
"""(data, at, final) -> the first row's end at or after `at`, and the rows up to there; None if `data` does not tell.

`data` begins at a row's start. `final` says that the stream ends with it, so its end is a row's end.
"""


def block_size(offset: int) -> int:
    """The least length of the block that begins at an offset of a stream."""
    return min(max(offset // SHARE, min(max(offset, FIRST), SMALLEST)), LARGEST)


class Tape:
    """A source's stream while it is cut: the bytes that lie before the knife, and how far it has come.

    Where the stream breaks off, `broken` says why and `rest` holds the incomplete last line.
    """

    def __init__(self, source: Source) -> None:
        if not source.coding.encoding:
            raise UserError(f"is a Parquet or Arrow file, not {source.format}", do='Say format = "parquet" or "arrow".')
        self.source = source
        self.header: tuple[str, ...] = ()
        self.context = ""
        self.data = bytearray()
        self.rest = b""
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
                whole = self.data.rfind(b"\n") + 1
                self.broken, self.rest, chunk = f"the file breaks off here: {error}", bytes(self.data[whole:]), b""
                del self.data[whole:]
            self.ended = not chunk
            self.data += chunk
        return bool(self.data)

    def skip(self, length: int) -> None:
        """Drops bytes: a header, or what was cut off."""
        data = np.frombuffer(self.data, np.uint8)[:length]
        for at in range(0, length, CHUNK):  # what is compared needs as much memory again
            self._line += int(np.count_nonzero(data[at : at + CHUNK] == ord("\n")))
        del data
        self._offset += length
        del self.data[:length]

    def block(self, length: int, rows: int | None) -> Block:
        """Cuts off a block."""
        with memoryview(self.data) as whole, whole[:length] as data:
            block = self._piece(length, rows, data, None if self.source.coding.in_place else bytes(data))
        self.skip(length)
        self._row += rows or 0
        return block

    def overlong(self, pass_over: Callable[[Tape], bool] | None = None) -> Block:
        """Cuts off one row that is longer than any row may be, without holding it in memory.

        Args:
            pass_over: goes past it, or to the stream's end if its end is not found, and returns whether it was; a line
                by default.
        """
        head = bytes(self.data[: 4 * RAW])
        block = self._piece(len(head), 1, head, head, f"a row longer than {LONGEST_ROW >> 20} MiB")
        if not (pass_over or _pass_over_line)(self):
            block = replace(block, broken=f"{block.broken}; its end was not found, so nothing after it was read")
        self._row += 1
        return block

    def break_off(self) -> Block:
        """The row that says where a broken stream ends."""
        head = self.rest[: 4 * RAW]
        return self._piece(len(head), 1, head, head, self.broken)

    def give_up(self, why: str) -> Block:
        """One row for all that is left, which is not held in memory."""
        head = bytes((self.data + self.rest)[: 4 * RAW])
        block = self._piece(len(head), 1, head, head, why)
        while self.reach(1):
            self.skip(len(self.data))
        return block

    def _piece(
        self, length: int, rows: int | None, data: bytes | memoryview, payload: bytes | None, broken: str = ""
    ) -> Block:
        digest = keys.digest(data)
        return Block(
            self.source,
            self._offset,
            length,
            self._row,
            self._line,
            rows,
            digest,
            self.header,
            payload,
            broken,
            context=self.context,
        )


def _pass_over_line(tape: Tape) -> bool:
    while (end := tape.data.find(b"\n")) < 0 and not tape.ended:
        tape.skip(len(tape.data))
        tape.reach(1)
    tape.skip(len(tape.data) if end < 0 else end + 1)
    return True


def cut(tape: Tape, measure: Measure) -> Iterator[Block]:
    """The blocks of a stream whose rows end with lines."""
    while tape.reach(tape.size):
        while (found := measure(tape.data, tape.size, tape.ended)) is None and len(tape.data) <= LONGEST_ROW:
            tape.reach(min(2 * len(tape.data), LONGEST_ROW + 1))
        if found is None and (whole := tape.data.rfind(b"\n") + 1):
            found = measure(tape.data[:whole], whole, True)
        yield tape.overlong() if found is None else tape.block(*found)
    if tape.broken:
        yield tape.break_off()


def cut_whole(tape: Tape) -> Block:
    """A file that can only be read whole, as one block. Raises UserError if it is too large for that."""
    if tape.reach(LONGEST_DOCUMENT + 1) and len(tape.data) > LONGEST_DOCUMENT:
        raise UserError(
            f"is larger than {LONGEST_DOCUMENT >> 30} GiB and can only be read whole",
            do='Write it as JSON lines (one record a line), or say format = "jsonl" if it is that.',
        )
    tape.data += tape.rest
    return replace(tape.block(len(tape.data), None), cut_off=tape.broken)


def pack(files: Iterable[Iterable[Block]]) -> Iterator[list[Block]]:
    """Units of work: the blocks of larger and typed files one by one, small text files of one block together.

    A pack ends after a file that its name's digest picks, one in 64, or when it holds 1 MiB, so a file that comes or
    goes changes its own pack and few after it.

    Args:
        files: the blocks of each file, in the order of the files.
    """
    waiting: list[Block] = []
    for blocks in files:
        iterator = iter(blocks)
        first = list(islice(iterator, 2))
        if (
            len(first) == 1
            and first[0].rows is not None
            and first[0].source.coding.encoding
            and first[0].length <= SMALLEST
        ):
            waiting += first
            if (
                sum(block.length for block in waiting) < _PACK
                and int(keys.digest(first[0].source.name.encode()), 16) % _PACK_FILES
            ):
                continue
            first = []
        if waiting:
            yield waiting
            waiting = []
        yield from ([block] for block in chain(first, iterator))
    if waiting:
        yield waiting
