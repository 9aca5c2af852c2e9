"""json: one document: an array of records, an object of arrays (its keys are splits), or records one after another.

An array of more than a MiB is cut between its entries; every other document is read whole. Numbers and doubled names are
kept as in jsonl. A document that breaks off gives the records before the break, and one row that cannot be read for the
rest.

`records` names a list inside of them by its path ("data.paragraphs.qas" of SQuAD): its entries are the records then, with
the fields of the objects around them, the inner ones first.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from json import JSONDecodeError, JSONDecoder
from typing import Any, BinaryIO, NamedTuple

from adaptline.core.registry import format
from adaptline.data.blocks import Batch, Block, Record, Source
from adaptline.data.cutting import LONGEST_ROW, SMALLEST, Tape, cut_whole
from adaptline.data.jsons import fields_of, why_not
from adaptline.data.records import encode_strictly, half_pair, has_half_pairs, kind_of
from adaptline.data.schemas import Value, is_unicode
from adaptline.errors import UserError

_SPACE = re.compile(r"[ \t\n\r]*")
_ARRAYS = re.compile(r'\{\s*"(?:[^"\\]|\\.)*"\s*:\s*\[')
_CLOSED, _NOT_CLOSED = "not JSON: Extra data", "not JSON: Expecting value"  # as JSONDecodeError says it
_NO_COMMA = "not JSON: Expecting ','"
_decode = JSONDecoder().raw_decode
_pass_over = JSONDecoder(parse_int=lambda _: 0).raw_decode  # where integers are of any length


class _Element(NamedTuple):
    """A record's value, where it stands in the document, and the key of the array that holds it."""

    value: Any
    start: int
    end: int
    part: str | None


def write(batches: Iterable[Batch], file: BinaryIO) -> None:
    """An array, one record a line."""
    before = "[\n"
    for batch in batches:
        for record in batch.records:
            file.write(f"{before}{encode_strictly(record)}".encode())
            before = ",\n"
    file.write(b"[]\n" if before == "[\n" else b"\n]\n")


def cut(source: Source) -> Iterator[Block]:
    """A large array in blocks of whole entries, any other document whole; the records of a small one are counted."""
    tape = Tape(source)
    tape.reach(SMALLEST + 1)
    start = _past_space(tape.data[:SMALLEST].decode("latin-1"), 0)
    if len(tape.data) > SMALLEST and tape.data[start : start + 1] == b"[" and "records" not in source.options:
        tape.skip(start + 1)
        tape.context = "["
        yield from _cut_array(tape)
        return
    block = cut_whole(tape)
    yield replace(block, rows=sum(1 for _ in json(block, **source.options))) if block.length <= SMALLEST else block


def _cut_array(tape: Tape) -> Iterator[Block]:
    """The entries of an array whose bracket was cut off, up to the first that cannot be read; and a row for the rest."""
    is_first, why = True, _NOT_CLOSED
    while tape.reach(size := tape.size):
        end, rows, why = _measure_array(tape.data, size, is_first=is_first, final=tape.ended)
        while why and why not in (_CLOSED, _NO_COMMA) and not tape.ended and len(tape.data) <= LONGEST_ROW:
            tape.reach(min(2 * len(tape.data), LONGEST_ROW + 1))
            end, rows, why = _measure_array(tape.data, size, is_first=is_first, final=tape.ended)
        if rows:
            yield tape.block(end, rows)
        else:
            tape.skip(end)
        if why:
            break
        is_first, why = False, _NOT_CLOSED
    _skip_over(tape, b" \t\r\n")
    if why != _CLOSED or tape.data or tape.broken:
        _skip_over(tape, b" \t\r\n,")
        yield tape.give_up(f"the rest cannot be read: {tape.broken or why}")


def _skip_over(tape: Tape, marks: bytes) -> None:
    while tape.reach(1) and (blank := len(tape.data) - len(tape.data.lstrip(marks))):
        tape.skip(blank)


def _measure_array(data: bytearray, at: int, *, is_first: bool, final: bool) -> tuple[int, int, str]:
    """The end of the first entry that ends at or after `at`, or of the last that can be read; the entries; and what stops it.

    Bytes are taken for Latin-1: what JSON's grammar knows is ASCII.
    """
    text = data.decode("latin-1")
    end = rows = 0
    try:
        while end < at:
            start = _past_space(text, end)
            if is_first and not rows and text.startswith("]", start):
                return start + 1, rows, _CLOSED
            _, stop = _read(text, start)
            stop = _past_space(text, stop)
            if text.startswith("]", stop):
                return stop + 1, rows + 1, _CLOSED
            if stop == len(text) and not final:
                return end, rows, _NOT_CLOSED
            end, rows = stop, rows + 1
            if not text.startswith(",", stop):
                return end, rows, _NO_COMMA
            end = _past_space(text, stop + 1)
    except (ValueError, RecursionError) as error:
        return end, rows, why_not(error).partition(" at character ")[0]
    return end, rows, ""


@format(version=3, suffixes=(".json",), cut=cut, write=write)
def json(block: Block, *, records: str | None = None) -> Iterator[Record]:
    """The records of a document."""
    if records is None:
        return _whole(block, arrays=True)
    found = (each for outer in _whole(block, arrays=False) for each in _inside(outer, records.split(".")))
    return (each._replace(row=row) for row, each in enumerate(found, block.first_row))


def _whole(block: Block, *, arrays: bool) -> Iterator[Record]:
    """The records as they stand. `arrays`: whether an object of arrays holds them in these."""
    text, suspect = block.text()
    pairs = has_half_pairs(text)
    row, line, counted, end = block.first_row, block.first_line, 0, 0
    try:
        for value, start, end, part in _entries(text) if block.context else _elements(text, arrays=arrays):
            line, counted = line + text.count("\n", counted, start), start
            raw = text[start:end]
            error = block.flaw(raw) if suspect else None
            fields, why = _fields(value)
            error = error or why or (half_pair(fields) if pairs else None)
            yield Record(row, line, None if error else fields, error, raw, part)
            row += 1
    except (ValueError, RecursionError) as reason:
        rest = text[end:].lstrip(" \t\r\n,")
        line += text.count("\n", counted, len(text) - len(rest))
        where = f" of line {reason.lineno}" if isinstance(reason, JSONDecodeError) else ""
        why = f"the rest cannot be read: {block.cut_off or why_not(reason) + where}"
        yield Record(row, line, None, why, rest)


def _inside(outer: Record, path: Sequence[str]) -> Iterator[Record]:
    """The entries of the list at a path inside of a record, each with what stands around it."""
    if outer.value is None or not path:
        yield outer
        return
    around = dict(outer.value)
    entries = around.pop(path[0], None)
    if not isinstance(entries, list):
        yield outer._replace(value=None, error=f"{path[0]!r} is {kind_of(entries)}, not a list of records")
        return
    for entry in entries:
        fields, why = _fields(entry)
        inner = None if fields is None else {**around, **fields}
        yield from _inside(outer._replace(value=inner, error=why), path[1:])


def _fields(value: Any) -> tuple[Value | None, str | None]:
    if isinstance(value, ValueError):
        return None, str(value)
    try:
        return fields_of(value), None
    except ValueError as error:
        return None, str(error)


def _entries(text: str) -> Iterator[_Element]:
    """The entries of a piece of an array, which ends after one, the comma after one, or the array's bracket."""
    end = 0
    while (start := _past_space(text, end)) != len(text) and not text.startswith("]", start):
        value, end = _read(text, start)
        yield _Element(value, start, end, None)
        end = _past_space(text, end)
        end += text.startswith(",", end)


def _elements(text: str, *, arrays: bool) -> Iterator[_Element]:
    """The records of a document. Raises ValueError or RecursionError where it cannot be read on."""
    start = _past_space(text, 0)
    if text.startswith("[", start):
        end = yield from _array(text, start + 1, None)
        if (end := _past_space(text, end)) != len(text):
            raise JSONDecodeError("Extra data", text, end)
        return
    try:
        value, end = _read(text, start)
    except (ValueError, RecursionError):
        if not arrays or not _ARRAYS.match(text, start):
            raise
        yield from _arrays(text, start + 1)
        return
    whole = _pass_over(text, start)[0] if isinstance(value, ValueError) else value
    if (
        arrays
        and type(whole) is dict
        and whole
        and _past_space(text, end) == len(text)
        and all(type(entry) is list for entry in whole.values())
    ):
        yield from _arrays(text, start + 1)
        return
    yield _Element(value, start, end, None)
    while (start := _past_space(text, end)) != len(text):
        value, end = _read(text, start)
        yield _Element(value, start, end, None)


def _array(text: str, start: int, part: str | None) -> Generator[_Element, None, int]:
    """The entries of an array whose bracket ends at `start`; returns where the array ends."""
    start = _past_space(text, start)
    if text.startswith("]", start):
        return start + 1
    while True:
        value, end = _read(text, start)
        yield _Element(value, start, end, part)
        if text.startswith("]", end := _past_space(text, end)):
            return end + 1
        start = _expect(",", text, end)


def _arrays(text: str, start: int) -> Iterator[_Element]:
    """The entries of the arrays of an object whose brace ends at `start`. Raises UserError for a split that is no text."""
    while True:
        key, end = _read(text, _past_space(text, start))
        if not is_unicode(str(key)):
            raise UserError(f"the split {key!a} is no text", do="Mend its name.")
        start = _expect("[", text, _expect(":", text, end))
        end = yield from _array(text, start, str(key))
        if text.startswith("}", end := _past_space(text, end)):
            return
        start = _expect(",", text, end)


def _read(text: str, start: int) -> tuple[Any, int]:
    """A value and where it ends; in place of one with an integer too long for Python, the ValueError that says so.

    Raises JSONDecodeError or RecursionError where there is no value.
    """
    try:
        return _decode(text, start)
    except JSONDecodeError:
        raise
    except ValueError as error:
        return error, _pass_over(text, start)[1]


def _past_space(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position


def _expect(mark: str, text: str, position: int) -> int:
    """Past a mark that must come next, and the space after it."""
    position = _past_space(text, position)
    if not text.startswith(mark, position):
        raise JSONDecodeError(f"Expecting {mark!r}", text, position)
    return _past_space(text, position + 1)
