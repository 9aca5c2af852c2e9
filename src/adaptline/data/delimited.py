"""Files of fields between delimiters, quoted (RFC 4180) or with quotes as literal text.

Knows records and headers. Knows nothing of what the fields mean. A quoted field may hold line ends; a quote that is
never closed, or that closes before something else than a delimiter, makes its first line unreadable, and reading goes
on with the next line, so one stray quote costs one row.
"""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import BinaryIO

from adaptline.data.blocks import WHITE, Batch, Block, Record, Source
from adaptline.data.cutting import LONGEST_ROW, Tape, cut
from adaptline.data.lines import measure_lines
from adaptline.data.records import encode_plain
from adaptline.data.schemas import LISTS, TEXTS, detect, is_unicode, shortened
from adaptline.data.streams import CHUNK
from adaptline.data.uniting import names_of
from adaptline.errors import UserError

LONGEST_FIELD = 16 << 20  # characters; how far a quote that is never closed is followed
_COMMA, _OTHERS = ",", (";", "\t", "|")  # of a csv, in the order in which they are tried
_RECORDS_TOLD_BY = 20  # the first ones tell the delimiter: appending rows to so many does not change it
_NEVER_CLOSED = "a quote that opens here is never closed"
_MESSAGES = {
    "unexpected end of data": _NEVER_CLOSED,
    "field larger than field limit": _NEVER_CLOSED,
    "new-line character": "a carriage return in a field without quotes",
}

Fields = tuple[list[str] | None, str, str, int]  # fields, or None and why not; raw text; physical lines


def quoted(text: str, delimiter: str) -> Iterator[Fields]:
    """The records of a text with quoted fields; blank lines have no fields."""
    for fields, error, taken in _quoted(io.StringIO(text, newline="\n"), delimiter):
        yield fields, error, taken[0] if len(taken) == 1 else "".join(taken), len(taken)


def literal(text: str, delimiter: str) -> Iterator[Fields]:
    """The records of a text whose quotes are text; blank lines have no fields."""
    for line in text.split("\n"):
        raw = line.removesuffix("\r")
        yield (raw.split(delimiter) if raw.strip(WHITE) else []), "", raw, 1


def _quoted(lines: Iterable[str], delimiter: str) -> Iterator[tuple[list[str] | None, str, list[str]]]:
    csv.field_size_limit(LONGEST_FIELD)  # the module's own and only setting for it
    waiting: deque[str] = deque()
    rest = iter(lines)
    taken: list[str] = []

    def feed() -> Iterator[str]:
        while (line := waiting.popleft() if waiting else next(rest, "")) != "":
            taken.append(line)
            yield line

    more = True
    while more:
        reader = csv.reader(feed(), delimiter=delimiter, strict=True)
        try:
            for fields in reader:
                yield fields if taken[0].strip(WHITE + "\n") else [], "", taken
                taken = []
            more = False
        except csv.Error as error:
            waiting.extendleft(reversed(taken[1:]))
            yield (
                None,
                next((ours for theirs, ours in _MESSAGES.items() if theirs in str(error)), str(error)),
                taken[:1],
            )
            taken = []


def records(block: Block, *, quotes: bool, delimiter: str) -> Iterator[Record]:
    """The rows of a block, each with the header's fields."""
    text, suspect = block.text()
    row, line, header = block.first_row, block.first_line, block.header
    for fields, error, raw, lines in _fields(block, text, quotes, delimiter):
        if fields is not None and len(fields) == len(header):
            flaw = block.flaw(raw) if suspect else None
            yield Record(row, line, None if flaw else dict(zip(header, fields, strict=True)), flaw, raw)
            row += 1
        elif fields is None or fields:
            why = error if fields is None else _misfit(len(fields), len(header))
            yield Record(row, line, None, why, raw.rstrip("\r\n"))
            row += 1
        line += lines


def _misfit(fields: int, named: int) -> str:
    return f"{fields:,} {'field' if fields == 1 else 'fields'}, where the header has {named:,}"


def _fields(block: Block, text: str, quotes: bool, delimiter: str) -> Iterator[Fields]:
    if not quotes or block.length <= LONGEST_FIELD:
        yield from (quoted if quotes else literal)(text, delimiter)
        return
    # Only here can a field be too long, which cutting told by its bytes: so it must be told by its bytes again.
    encoding = block.source.coding.of_stream
    for fields, error, raw, lines in quoted(block.data().decode("latin-1"), delimiter):
        decoded = [field.encode("latin-1").decode(encoding, "surrogateescape") for field in [raw, *(fields or [])]]
        yield fields and decoded[1:], error, decoded[0], lines


def is_delimiter(text: str) -> bool:
    """Whether a text can stand between fields."""
    return len(text) == 1 and text not in '"\r\n'


def cut_delimited(
    source: Source, *, quotes: bool | None, delimiter: str | None, header: bool | None
) -> Iterator[Block]:
    """Blocks of whole records, past the header.

    Args:
        source: the file.
        quotes: whether quotes enclose fields; None: only if that alone gives every record the same number of fields.
        delimiter: one character; None: a comma, unless another one alone divides the first records alike.
        header: whether the first record names the columns; None: see `_has_header`.

    Raises:
        UserError: two columns have one name, or it cannot be told whether the first line is a header.
    """
    source, quotes, delimiter = _told(source, quotes, delimiter)
    tape = Tape(source)
    measure = partial(_measure_quoted, delimiter=delimiter) if quotes else measure_lines
    while tape.reach(1):
        while (found := measure(tape.data, 1, tape.ended)) is None:
            if len(tape.data) > LONGEST_ROW:
                raise UserError(f"its first line is longer than {LONGEST_ROW >> 20} MiB")
            tape.reach(2 * len(tape.data))
        text = tape.data[: found[0]].decode(source.coding.of_stream, "surrogateescape")
        first, why, _, _ = next((quoted if quotes else literal)(text, delimiter))
        if first is None:
            raise UserError(f"its first line cannot be read: {why}", do="Say quotes = false if its quotes are text.")
        if first and _has_header(first, header, source):
            tape.skip(found[0])
            tape.header = _names(first)
            break
        if first:
            tape.header = tuple(str(position) for position in range(len(first)))
            break
        tape.skip(found[0])  # a blank line
    return cut(tape, measure)


def _told(source: Source, quotes: bool | None, delimiter: str | None) -> tuple[Source, bool, str]:
    """Quotes and delimiter where the user does not say, and the source with what was found out, for its reader."""
    if delimiter is None:
        delimiter = _delimiter_of(source)
        if delimiter != _COMMA:
            source = replace(source, options={**source.options, "delimiter": delimiter})
    if not is_delimiter(delimiter):
        raise UserError(f"{delimiter!r} is no delimiter", do='One character: delimiter = ";".')
    if quotes is None:
        quotes = _are_quoted(source, delimiter)
        source = replace(source, options={**source.options, "quotes": quotes})
    return source, quotes, delimiter


def _delimiter_of(source: Source) -> str:
    """What divides the first record, and most of the first ones as it does, into more than one field; else a comma."""
    tape = Tape(source)
    tape.reach(CHUNK)
    end = len(tape.data) if tape.ended else tape.data.rfind(b"\n") + 1
    text = tape.data[:end].decode("latin-1")
    for delimiter in (_COMMA, *_OTHERS):
        first = islice((fields for fields, _, _, _ in quoted(text, delimiter) if fields != []), _RECORDS_TOLD_BY)
        widths = [len(fields or ()) for fields in first]
        if len(widths) > 1 and widths[0] > 1 and widths.count(widths[0]) * 2 > len(widths):
            return delimiter
    return _COMMA


def _are_quoted(source: Source, delimiter: str) -> bool:
    """Whether the first MiB reads well with quotes, and does not without."""
    tape = Tape(source)
    tape.reach(CHUNK)
    end = len(tape.data) if tape.ended else tape.data.rfind(b"\n") + 1
    text = tape.data[:end].decode("latin-1")
    widths = {len(fields) for fields, _, _, _ in literal(text, delimiter) if fields}
    if len(widths) <= 1:
        return False
    widths = set()
    for fields, why, _, _ in quoted(text, delimiter):
        if fields is None:
            return len(widths) == 1 and why == _NEVER_CLOSED and not tape.ended  # it may close past this piece
        if fields:
            widths.add(len(fields))
    return len(widths) == 1


def _measure_quoted(data: bytearray, at: int, final: bool, *, delimiter: str) -> tuple[int, int] | None:
    """The first record's end at or after `at`; see blocks.Measure. Bytes are taken for Latin-1: only ASCII ones matter."""
    text = data[: len(data) if final else data.rfind(b"\n") + 1].decode("latin-1")
    end = rows = 0
    for fields, error, raw, _ in quoted(text, delimiter):
        if error == _NEVER_CLOSED and not final and len(text) - end < LONGEST_FIELD:
            return None
        end += len(raw)
        rows += fields is None or bool(fields)
        if end >= at:
            return end, rows
    return (end, rows) if final else None


def _has_header(first: Sequence[str], header: bool | None, source: Source) -> bool:
    """Whether a first record names the columns: as the user said; no if columns are named by position; yes if named by name or known."""
    if header is not None:
        return header
    named = source.columns.named
    if named:
        return not all(name.isdigit() for name in named)
    if (len(first) > 1 or first[0] in TEXTS) and detect(
        [dict.fromkeys(first, LISTS[-1])], source.columns
    ):  # a text, or a list
        return True
    raise UserError(
        f"it cannot be told which columns matter: its first line is {shortened(first)}",
        do='Name them: text = "..." if the first line names the columns, text = "0" (by position) if it does not.',
    )


def _names(fields: Sequence[str]) -> tuple[str, ...]:
    """A header's names; a column without one goes by its position."""
    names = tuple(name.strip() or str(position) for position, name in enumerate(fields))
    for name in names:
        if not is_unicode(name):
            raise UserError(
                f"the column {name!a} is not in the file's encoding",
                do="Mend its name, or say encoding =, or header = false and name columns by position.",
            )
        if names.count(name) > 1:
            raise UserError(
                f"two columns are called {name!r}", do="Rename one, or say header = false and name columns by position."
            )
    return names


def write_delimited(batches: Iterable[Batch], file: BinaryIO, *, quotes: bool, delimiter: str) -> None:
    """Records under a header of all rows' fields; no header where all of them go by position.

    Values that are no strings are written as JSON, null as nothing. `batches` is read twice: for the fields, then the rows.

    Raises:
        UserError: a value that cannot stand without quotes.
    """
    found = names_of(batches)
    positions = [str(position) for position in range(len(found))]
    names = positions if set(positions) == set(found) else found
    line = _quoted_line if quotes else _literal_line
    if names != positions:
        file.write(line(names, delimiter))
    for batch in batches:
        file.writelines(
            line(["" if (value := record.get(name)) is None else encode_plain(value) for name in names], delimiter)
            for record in batch.records
        )


def _quoted_line(values: list[str], delimiter: str) -> bytes:
    """One record; a blank one is quoted, for a blank line would be none."""
    special = (delimiter, '"', "\n", "\r")
    blank = not any(value.strip(WHITE) for value in values)
    fields = (
        f'"{value.replace(chr(34), chr(34) * 2)}"' if blank or any(mark in value for mark in special) else value
        for value in values
    )
    return (delimiter.join(fields) + "\n").encode()


def _literal_line(values: list[str], delimiter: str) -> bytes:
    if any(mark in value for value in values for mark in (delimiter, "\n", "\r")):
        raise UserError("a value has a delimiter or line end in it", do="Write .csv or .jsonl instead.")
    if not any(value.strip(WHITE) for value in values):
        raise UserError("a row is blank", do="Write .csv or .jsonl instead.")
    return (delimiter.join(values) + "\n").encode()
