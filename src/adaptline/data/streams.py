"""A text file's bytes as the formats want them: decompressed, without byte order mark, line ends and quotes as ASCII bytes.

Knows compressions and how an encoding lies in bytes. Knows neither rows nor formats, and guesses nothing: that is
encodings.py.
"""

from __future__ import annotations

import codecs
import zlib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, BinaryIO

import zstandard

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHUNK = 1 << 20  # bytes read, or decompressed, at a time
_ZSTD_PIECE = 1 << 14  # a corrupt frame loses the output of the piece that breaks, so pieces are small
_ZSTD_WINDOW = 1 << 31  # what `zstd --long=31` needs, the largest there is
_SHIFTS = b"\x1b$B~{+AGE-"  # what would change the meaning of the bytes after it in ISO 2022, HZ and UTF-7
_MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}  # RFC 1952, RFC 8878
BYTE_ORDER_MARKS = {  # the longer ones first: UTF-32's little-endian mark begins with UTF-16's
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}


@dataclass(frozen=True)
class Coding:
    """How a file's bytes become text.

    `bom` is the byte order mark that the file begins with. `encoding` is "" for a file that is no text (Parquet).
    `mac` is set where every line ends with a carriage return alone; such a file is read as if they were line feeds.
    """

    encoding: str = "utf-8"
    bom: bytes = b""
    compression: str = ""
    mac: bool = False

    @property
    def recoded(self) -> bool:
        """Whether the formats see the text as UTF-8 instead of the file's own bytes."""
        return not is_transparent(self.encoding)

    @property
    def of_stream(self) -> str:
        """The encoding of the stream that rows are cut from."""
        return "utf-8" if self.recoded else self.encoding

    @property
    def in_place(self) -> bool:
        """Whether a position of the stream is, past the byte order mark, a position of the file."""
        return not self.compression and not self.recoded


PLAIN = Coding()


class BrokenStreamError(Exception):
    """A compressed file ends too early or is damaged; all that came before it was given out."""


def compression_of(path: Path) -> str:
    """The compression ("gzip", "zstd" or "") by the file's first bytes: its name may lie."""
    with path.open("rb") as file:
        head = file.read(4)
    return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), "")


@cache
def is_transparent(encoding: str) -> bool:
    """Whether ASCII bytes mean ASCII wherever they stand, so that rows can be cut without decoding: UTF-8 and code pages."""
    if codecs.lookup(encoding).name == "utf-8":
        return True
    every = bytes(range(256)) + _SHIFTS
    text = every.decode(encoding, "replace")
    return len(text) == len(every) and text[:128] + text[256:] == (every[:128] + _SHIFTS).decode("ascii")


def raw_chunks(path: Path, compression: str) -> Iterator[bytes]:
    """A file's bytes, decompressed, in pieces that are never empty.

    Raises:
        BrokenStreamError: after the last piece before the damage.
    """
    with path.open("rb") as file:
        if compression == "gzip":
            yield from _gunzip(file)
        elif compression == "zstd":
            yield from _unzstd(file)
        else:
            while chunk := file.read(CHUNK):
                yield chunk


def chunks(path: Path, coding: Coding) -> Iterator[bytes]:
    """The stream that a file's rows are cut from: decompressed, past the byte order mark, recoded where that is needed.

    What a recoded encoding does not know comes through as a byte that is invalid UTF-8.

    Raises:
        BrokenStreamError: as `raw_chunks`.
    """
    stream = _past_mark(raw_chunks(path, coding.compression), coding.bom)
    stream = _recoded(stream, coding.encoding) if coding.recoded else stream
    for chunk in stream:
        yield chunk.replace(b"\r", b"\n") if coding.mac else chunk


def _past_mark(stream: Iterator[bytes], mark: bytes) -> Iterator[bytes]:
    head = b""
    while mark and len(head) < len(mark) and (chunk := next(stream, b"")):
        head += chunk
    if rest := head.removeprefix(mark):
        yield rest
    yield from stream


def _recoded(stream: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)(_KEEP)
    for chunk in stream:
        if text := decoder.decode(chunk):
            yield text.encode("utf-8", "surrogateescape")
    if text := decoder.decode(b"", final=True):
        yield text.encode("utf-8", "surrogateescape")


def _keep_one_byte(error: UnicodeError) -> tuple[str, int]:
    """What cannot be decoded becomes one byte that is no UTF-8, so that its row is told apart later."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    bad = error.object[error.start : error.end]
    return chr(0xDC00 + next((byte for byte in bad if not bytes([byte]).isascii()), 0xFF)), error.end


_KEEP = "adaptline.keep_one_byte"
codecs.register_error(_KEEP, _keep_one_byte)


def _gunzip(file: BinaryIO) -> Iterator[bytes]:
    """The members of a gzip file. zlib discards what it had when it meets damage, so the last piece is replayed."""
    member = zlib.decompressobj(wbits=31)
    while data := file.read(CHUNK):
        while data:
            if member.eof:
                data = data.lstrip(b"\0")  # tapes pad with zeros
                if not data:
                    break
                member = zlib.decompressobj(wbits=31)
            before = member.copy()
            try:
                out = member.decompress(data, CHUNK)
            except zlib.error as error:
                yield from _salvaged(before, data)
                raise BrokenStreamError(f"the gzip stream is damaged ({error})") from error
            if out:
                yield out
            data = member.unconsumed_tail or member.unused_data
    while not member.eof and (out := member.decompress(b"", CHUNK)):
        yield out
    if not member.eof:
        raise BrokenStreamError("the gzip stream ends early")


def _salvaged(member: zlib._Decompress, data: bytes) -> Iterator[bytes]:
    """What zlib can give before the byte that it fails at."""
    for start in range(len(data)):
        try:
            out = member.decompress(data[start : start + 1])
        except zlib.error:
            return
        if out:
            yield out


def _unzstd(file: BinaryIO) -> Iterator[bytes]:
    decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    frame = decompressor.decompressobj()
    while data := file.read(_ZSTD_PIECE):
        while data:
            if frame.eof:
                frame = decompressor.decompressobj()
            try:
                out = frame.decompress(data)
            except zstandard.ZstdError as error:
                raise BrokenStreamError(f"the zstd stream is damaged ({error})") from error
            if out:
                yield out
            data = frame.unused_data
    if not frame.eof:
        raise BrokenStreamError("the zstd stream ends early")
