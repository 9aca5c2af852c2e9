"""Which encoding a file is in, told from its bytes.

Knows evidence: byte order marks, how much of a file is valid UTF-8, how plausible its text is under a code page. Knows
nothing of rows. The rule, in order: what the user said; a byte order mark; UTF-8 if the file has more valid than
invalid UTF-8 sequences outside ASCII, or none at all; else the most plausible of a list of legacy encodings.
"""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from adaptline.data.streams import (
    BYTE_ORDER_MARKS,
    BrokenStreamError,
    Coding,
    chunks,
    compression_of,
    is_transparent,
    raw_chunks,
)
from adaptline.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# The legacy encodings that the WHATWG Encoding Standard lists and corpora still come in; cp1252 also stands for Latin-1.
LEGACY = (
    "cp1252",
    "cp1250",
    "cp1251",
    "koi8_r",
    "cp1253",
    "cp1254",
    "cp1255",
    "cp1256",
    "gb18030",
    "big5",
    "shift_jis",
    "euc_jp",
    "cp949",
)
FALLBACK = "cp1252"
ARROW_FILE = b"ARROW1"
_TYPED = (b"PAR1", ARROW_FILE, b"\xff\xff\xff\xff")  # Parquet, Arrow's IPC file, and its stream: no text begins so
_ARCHIVES = (  # (where, magic bytes, name)
    (0, b"PK\x03\x04", "ZIP"),
    (0, b"PK\x05\x06", "ZIP"),  # an empty one
    (0, b"7z\xbc\xaf\x27\x1c", "7z"),
    (0, b"Rar!\x1a\x07", "RAR"),
    (0, b"\xfd7zXZ\0", "xz"),
    (4, b"1AY&SY", "bzip2"),  # after BZh and a digit
    (257, b"ustar", "tar"),  # POSIX.1-1988
)
_OF_DOMAINS = ("idna", "punycode")  # RFC 3490 and 3492: of names, not of files
_HEAD = 1 << 16  # bytes that tell text from binary
_MOST_CONTROLS = 0.05  # of a text's bytes; random bytes hold 10 %
_CONTROLS = bytes(sorted({*range(32), 127} - set(b"\t\n\r\f\x1b")))
_SAMPLE = 1 << 16  # bytes of lines outside ASCII that a guess is made from
_HIGH = bytes(range(128, 256))
_NON_ASCII_LINE = re.compile(rb"[^\n]*[\x80-\xff][^\n]*")
_LONGEST = 3  # bytes of a character that can lack its end
_DECLARATION = re.compile(rb"""<\?xml[^>]*?\bencoding\s*=\s*["']([A-Za-z][\w.-]*)["']""")
_MESSINESS = 0.05  # candidates this close to the least messy one compete by coherence


def detect(path: Path, encoding: str | None = None) -> Coding:
    """How a file's bytes become text.

    Args:
        path: the file.
        encoding: what the user says it is in; a Python codec's name.

    Raises:
        UserError: there is no such encoding, or the file is no text.
    """
    compression = compression_of(path)
    head = _head(path, compression)
    _refuse_archive(head)
    if head.startswith(_TYPED) and not compression:
        return Coding(encoding="")
    mark, marked = next(((mark, name) for mark, name in BYTE_ORDER_MARKS.items() if head.startswith(mark)), (b"", ""))
    if encoding is not None:
        mark, name = _stated(encoding, mark, marked)
    elif marked:
        name = marked
    else:
        _refuse_binary(head)
        name = _declared(head) or _told(path, compression)
    coding = Coding(name, mark, compression)
    return Coding(name, mark, compression, mac=_has_mac_lines(path, coding))


def _head(path: Path, compression: str) -> bytes:
    head = b""
    for chunk in _unbroken(raw_chunks(path, compression)):
        head += chunk
        if len(head) >= _HEAD:
            break
    return head[:_HEAD]


def _unbroken(stream: Iterator[bytes]) -> Iterator[bytes]:
    """The stream up to where it breaks off: whoever cuts its rows reports that."""
    try:
        yield from stream
    except BrokenStreamError:
        return


def is_encoding(name: str) -> bool:
    """Whether Python knows an encoding of text by this name."""
    try:
        known = codecs.lookup(name).name
        "".encode(known)  # some codecs are not of text
    except (LookupError, ValueError):  # of codecs: unknown, or "undefined"; of a zero byte in the name
        return False
    return known not in _OF_DOMAINS


def _stated(encoding: str, mark: bytes, marked: str) -> tuple[bytes, str]:
    """The user's word, made precise by a byte order mark where the two agree. Raises UserError where it says too little."""
    if not is_encoding(encoding):
        raise UserError(
            f"unknown encoding {encoding!r}",
            do="Known ones are utf-8, utf-16-le, cp1252, koi8-r, shift_jis, gb18030 and others of Python.",
        )
    name = codecs.lookup(encoding).name
    family = name.removesuffix("-sig").removesuffix("-le").removesuffix("-be")
    if marked.startswith(family):
        return mark, marked
    if name in ("utf-16", "utf-32") and not (name == "utf-16" and mark.startswith(codecs.BOM_UTF16_LE)):
        raise UserError(
            f"has no byte order mark of {name}, which tells the order of its bytes",
            do=f'Say which: encoding = "{name}-le" or "{name}-be".',
        )
    return b"", "utf-8" if family == "utf-8" else name


def _refuse_archive(head: bytes) -> None:
    kind = next((name for at, magic, name in _ARCHIVES if head.startswith(magic, at)), "")
    if kind:
        raise UserError(
            f"is a {kind} archive, which is not unpacked here",
            do="Unpack it and name the files; .gz and .zst around a single file are read.",
        )


def _refuse_binary(head: bytes) -> None:
    zeros = head.count(b"\0")
    if zeros * 10 > len(head) * 3:
        raise UserError(
            "looks like UTF-16 or UTF-32 without a byte order mark",
            do='Say which: encoding = "utf-16-le" or "utf-16-be".',
        )
    controls = len(head) - len(head.translate(None, _CONTROLS))
    if controls > len(head) * _MOST_CONTROLS:
        share = round(100 * controls / len(head))
        raise UserError(
            f"is no text: {share} % of its first bytes are control characters",
            do="Leave it out, or say encoding = if it is text.",
        )


def _declared(head: bytes) -> str | None:
    """The legacy encoding that an XML declaration names (XML 1.0, 4.3.3). One that says UTF-8 may say so by habit."""
    found = _DECLARATION.match(head)
    name = found[1].decode() if found else "utf-8"
    return codecs.lookup(name).name if is_encoding(name) and is_transparent(name) and name.lower() != "utf-8" else None


def _told(path: Path, compression: str) -> str:
    if all(map(_is_utf8, _whole(_unbroken(raw_chunks(path, compression))))):
        return "utf-8"
    valid = invalid = 0
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for chunk in _unbroken(raw_chunks(path, compression)):
        text = decoder.decode(chunk)
        if chunk.isascii():
            continue
        beyond = len(text) - len(chunk.translate(None, _HIGH))
        bad = text.count("\ufffd") - chunk.count(b"\xef\xbf\xbd")
        valid, invalid = valid + beyond - bad, invalid + bad
    return "utf-8" if valid > invalid else _most_plausible(_sample(path, compression))


def _whole(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes, cut so that no character of valid UTF-8 stands in two pieces."""
    rest = b""
    for piece in pieces:
        data = rest + piece
        begins = next((at for at in range(1, _LONGEST + 1) if data[-at:][:1] >= b"\xc0"), 0)  # the last that begins one
        cut = len(data) - begins
        yield data[:cut]
        rest = data[cut:]
    yield rest


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    offsets = np.array([0, len(data)], np.int32)
    try:  # ten times as fast as decoding
        pa.StringArray.from_buffers(1, pa.py_buffer(offsets), pa.py_buffer(data)).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _sample(path: Path, compression: str) -> bytes:
    """The first lines that are not ASCII: only they tell code pages apart, and appending to a file leaves them alone."""
    lines: list[bytes] = []
    size = 0
    for chunk in _unbroken(raw_chunks(path, compression)):
        for match in _NON_ASCII_LINE.finditer(chunk):
            lines.append(match[0])
            size += len(match[0])
            if size >= _SAMPLE:
                return b"\n".join(lines)[:_SAMPLE]
    return b"\n".join(lines)


def _most_plausible(sample: bytes) -> str:
    """The most coherent of the least messy candidates; cp1252 where another gives the same text or is no more coherent."""
    from charset_normalizer import from_bytes  # noqa: PLC0415 - a quarter of this module's import time, rarely needed

    found = list(from_bytes(sample, cp_isolation=list(LEGACY)))
    if not found:
        return FALLBACK
    least = min(match.chaos for match in found)
    match = min(
        (match for match in found if match.chaos <= least + _MESSINESS),
        key=lambda match: (-round(match.coherence, 2), match.encoding != FALLBACK, match.chaos),
    )
    return FALLBACK if FALLBACK in match.could_be_from_charset else match.encoding


def _has_mac_lines(path: Path, coding: Coding) -> bool:
    """Whether carriage returns are the only line ends of a file; stops at the first line feed."""
    returns = False
    for chunk in _unbroken(chunks(path, coding)):
        if b"\n" in chunk:
            return False
        returns = returns or b"\r" in chunk
    return returns
