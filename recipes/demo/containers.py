"""The files of the corpus: records as bytes of JSON lines or CSV, damaged records, a gzip wrapper.

Knows formats and how a record of each breaks. Knows nothing of what the records say.
"""

from __future__ import annotations

import csv
import io
import json
import struct
import zlib
from collections.abc import Mapping, Sequence

_BLOCK = 65_535  # bytes in a stored block of RFC 1951
_INSIDE = 20  # a position within the text of every line


def json_line(record: Mapping[str, object]) -> bytes:
    """A record as one line of JSON, without its line end."""
    return json.dumps(record, ensure_ascii=False).encode()


def csv_record(values: Sequence[str]) -> bytes:
    """Values as one CSV record (RFC 4180 quoting), without its line end."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(values)
    return text.getvalue().encode()


def broken_json_line(record: Mapping[str, str], number: int) -> tuple[bytes, str]:
    """A line of JSON that cannot be read, and what is wrong with it: the faults take turns by number."""
    line = json_line(record)
    fault = ("truncated line", "invalid UTF-8", "single quotes", "missing colon")[number % 4]
    if fault == "truncated line":
        return line[: len(line) * 2 // 3].decode(errors="ignore").encode(), fault
    if fault == "single quotes":
        return str(dict(record)).encode(), fault
    if fault == "missing colon":
        return line.replace(b'"intent":', b'"intent"'), fault
    return line[:_INSIDE] + b"\xff\xfe" + line[_INSIDE:], fault


def broken_csv_record(values: Sequence[str], number: int) -> tuple[bytes, str]:
    """A CSV record with a field too many or with fields missing, in turns by number, and which of the two."""
    if number % 2:
        return csv_record([*values, "n/a"]), "a field too many"
    return csv_record(values[:-2]), "fields missing"


def gzipped(data: bytes) -> bytes:
    """A gzip file (RFC 1952) of stored blocks, without time or name: compressors differ between machines, this does not."""
    parts = [b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"]
    starts = range(0, max(1, len(data)), _BLOCK)
    for start in starts:
        block = data[start : start + _BLOCK]
        parts.append(struct.pack("<BHH", start == starts[-1], len(block), len(block) ^ 0xFFFF) + block)
    parts.append(struct.pack("<II", zlib.crc32(data), len(data)))
    return b"".join(parts)
