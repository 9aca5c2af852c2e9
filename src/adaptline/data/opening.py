"""What a file is, told before it is read: its format, its encoding, and which of its fields matter.

Knows the first records of a file, and as many more as a doubt takes. Knows nothing of rows (reading.py).
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from adaptline.core import registry
from adaptline.core.demands import Demand
from adaptline.data.blocks import Record, Source
from adaptline.data.delimited import is_delimiter
from adaptline.data.encodings import detect as detect_coding
from adaptline.data.encodings import is_encoding
from adaptline.data.moments import rows_of
from adaptline.data.records import UnreadableError, lift, take_messages, take_people, take_references, take_scalar
from adaptline.data.schemas import UNNAMED, Columns, Value, by_position, detect, nested, require, shortened
from adaptline.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from adaptline.core.registry import Method
    from adaptline.core.sources import Files
    from adaptline.data.blocks import Block

# How a recipe says what bytes do not tell.
Encoding = Annotated[str, Demand(is_encoding, "that is an encoding's name, like cp1252 or utf-16-le")]
Delimiter = Annotated[str, Demand(is_delimiter, "of one character, no quote and no line's end")]
RowPer = Literal["line", "paragraph", "file"]
OPTIONS = ("header", "quotes", "delimiter", "row_per", "records")  # of formats; each takes those that it knows

_SAMPLE = 100  # records that tell what a file's fields are
_SCANNED = 100_000  # records; a field that is named and that none of these has is taken for a mistake
_COMPRESSED = (".gz", ".zst")
_ARCHIVES = (".zip", ".tar", ".tgz", ".7z", ".rar", ".bz2", ".xz")


def open_source(
    path: Path,
    name: str,
    *,
    format: str | None = None,
    encoding: str | None = None,
    columns: Columns = UNNAMED,
    options: Mapping[str, Any] | None = None,
    part: str | None = None,
) -> Source:
    """A file with all that is needed to read it: format, encoding, and the columns that its fields are.

    Args:
        path: the file.
        name: what it is called in rows and messages.
        format: its format, if its suffix does not tell.
        encoding: its encoding, if its bytes do not tell.
        columns: the fields that the user named; where none of the content is named, their names tell.
        options: parameters of formats; each format takes those that it knows.
        part: the split of its rows, if no column says otherwise.

    Raises:
        UserError: it is not of its format, no row of it can be read, or it lacks a column that was named.
    """
    columns.check()
    try:
        chosen = format or format_of(path.name)
        known = registry.parameters(format_method(chosen).function)
        given = {key: value for key, value in (options or {}).items() if value is not None and key in known}
        source = Source(path, name, chosen, detect_coding(path, encoding), columns, given, part)
        return replace(source, columns=_resolve(source))
    except UserError as error:
        raise error.at(name, error.line) from error


def format_method(name: str) -> Method:
    """A format by its name. Raises UserError for an unknown one."""
    return registry.load("format", name)


@cache
def _suffixes() -> dict[str, str]:
    return {suffix: name for name in registry.names("format") for suffix in format_method(name).options["suffixes"]}


def format_of(name: str) -> str:
    """The format that a file's suffixes stand for, compression aside. Raises UserError for an unknown one."""
    suffixes = _suffixes()
    parts = Path(name).suffixes
    suffix = next((part.lower() for part in reversed(parts) if part.lower() not in _COMPRESSED), "")
    if suffix in _ARCHIVES:
        raise UserError(
            f"{suffix} files are not unpacked here", do="Unpack it and name the files; .gz and .zst are read."
        )
    if suffix not in suffixes:
        known = ", ".join(sorted(set(suffixes.values())))
        raise UserError(
            f"no format is known for {suffix!r}" if suffix else "has no suffix that names a format",
            do=f"{did_you_mean(suffix, suffixes)} Or say format = one of {known}.",
        )
    return suffixes[suffix]


def idle(given: Mapping[str, Any], *files: Files) -> tuple[str, str] | None:
    """One of the given OPTIONS that no format of the files knows, and these formats. Raises UserError for an unknown format."""
    formats = set()
    for path, name in ((path, name) for some in files for path, name in zip(some.paths, some.names, strict=True)):
        try:
            formats.add(given.get("format") or format_of(path.name))
        except UserError as error:
            raise error.at(name) from error
    known = {name for format_ in formats for name in registry.parameters(format_method(format_).function)}
    without = [name for name in OPTIONS if name in given and name not in known]
    return (without[0], ", ".join(sorted(formats))) if without else None


def blocks_of(source: Source) -> Iterator[Block]:
    """The blocks of a source, in order. Raises UserError where it is not of its format."""
    try:
        yield from format_method(source.format).options["cut"](source)
    except UserError as error:
        raise error.at(source.name, error.line) from error


def items_of(block: Block) -> Iterator[Any]:
    """What a block's format makes of it: records, or typed batches. Raises UserError where it is not of its format."""
    try:
        yield from format_method(block.source.format).function(block, **block.source.options)
    except UserError as error:
        raise error.at(block.source.name, error.line) from error


def _resolve(source: Source) -> Columns:
    """The columns of a source, told from its first records and checked against as many as it takes."""
    blocks = blocks_of(source)
    first = next(blocks, None)
    if first is None:
        raise UserError("has no rows", do="Leave it out.")
    wanted = by_position(source.columns, first.header)
    found = _values(chain([first], blocks), wanted)
    sample = list(_until(found, _SAMPLE))
    values = [value for _, value in sample if isinstance(value, dict)]
    columns = detect(values, wanted)
    if columns is None and values:
        known = list(dict.fromkeys(name for value in values for name in value))
        inside = nested(values)
        raise UserError(
            f"it cannot be told which of its columns matter: {shortened(known)}",
            do='Name one: text = "...", or prompt = and completion =, or messages =.'
            + (f' What is inside of others goes by its path: "{inside}".' if inside else ""),
        )
    _check(columns or wanted, wanted, islice(chain(sample, found), _SCANNED), by_header=bool(first.header))
    return columns or wanted


def _until(found: Iterator[tuple[int | None, Value | str]], enough: int) -> Iterator[tuple[int | None, Value | str]]:
    """Entries until enough of them could be read."""
    for line, value in found:
        yield line, value
        enough -= isinstance(value, dict)
        if not enough:
            return


def _values(blocks: Iterable[Block], columns: Columns) -> Iterator[tuple[int | None, Value | str]]:
    """Line and fields of each record, or the reason why it cannot be read; those named by a path are fields of their own."""
    for block in blocks:
        if block.broken:
            yield block.first_line, block.broken
            continue
        for item in items_of(block):
            if isinstance(item, Record):
                lift(value := item.value or {}, columns)
                yield item.line, item.error or value
            else:
                for start in range(0, item.num_rows, _SAMPLE):
                    for value in rows_of(item.slice(start, _SAMPLE)):
                        lift(value, columns)
                        yield None, value


def _check(
    columns: Columns, wanted: Columns, entries: Iterable[tuple[int | None, Value | str]], *, by_header: bool
) -> None:
    """Raises UserError unless every field that the user named is in some record, and some record can be read."""
    missing, known = set(wanted.named), set[str]()
    readable, reason = False, None
    for line, value in entries:
        why = value if isinstance(value, str) else _misfit(value, columns)
        if isinstance(value, dict):
            missing -= value.keys()
            known |= value.keys()
        readable = readable or not why
        reason = reason or (line, why) if why else reason
        if (readable and not missing) or (by_header and missing and known):
            break
    if readable and not missing:
        return
    if missing and known:
        require(columns, min(missing), sorted(known), by_header=by_header)
    if reason is None:
        raise UserError("has no rows", do="Leave it out.")
    line, why = reason
    raise UserError(
        f"no row can be read: {why}", line=line, do="Is it of the format that its name says? Else say format =."
    )


def _misfit(value: Value, columns: Columns) -> str | None:
    record = dict(value)
    try:
        take_messages(record, columns)
        for name in (columns.label, columns.split):
            take_scalar(record, name)
        take_references(record, columns.references)
        take_people(record, columns, b"")
    except UnreadableError as error:
        return str(error)
    return None
