"""A line of a source file, as messages name it (FILE:LINE): the row in which it lies, or that it lies in none.

Knows where rows begin, which the store tells, and what blank lines are. Where a row ends the store does not tell: the file
does, if it is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from adaptline.core import keys
from adaptline.core.addresses import files_named, read_from_files, segments
from adaptline.core.history import History
from adaptline.core.rows import Ref
from adaptline.data.encodings import detect
from adaptline.data.streams import BrokenStreamError, chunks
from adaptline.errors import UserError

_ROW_IS_LINE = ("jsonl",)  # formats of which a row is one line, whatever the options

Starts = list[tuple[int, int]]  # of rows, in their order: the line and the row's number


def row_at_line(history: History, address: str, beside: Path) -> str:
    """The address FILE:ROW of the row in which a line lies that is given as FILE:LINE.

    Args:
        history: what the recipe's last run left.
        address: the file, relative to the recipe or by its name alone, and the 1-based line.
        beside: the recipe's folder.

    Raises:
        UserError: the address fits no file, its rows have no lines, several rows begin at the line, or it lies in none.
    """
    name, _, number = address.rpartition(":")
    found = next(filter(None, (_begun(history, manifest, name) for manifest in read_from_files(history))), None)
    if found is None or not number.isdecimal():
        raise UserError(f"{address!r} names no line of a file that was read", do="Lines are FILE:LINE (data.csv:17).")
    manifest, file, starts = found
    line = int(number)
    here = [row for start, row in starts if start == line]
    if len(here) > 1:
        what = f"{len(here)} rows begin at line {line} of {name}"
        raise UserError(what, do=f"Name one by its number: {name}:{here[0]} to {name}:{here[-1]}, without --line.")
    before = [start for start in starts if start[0] <= line]
    if not before:
        raise UserError(f"line {line} of {name} is in no row", do=f"Its first row starts at line {starts[0][0]}.")
    if not here:
        after = next((start for start, _ in starts if start > line), None)
        _refuse_outside(manifest, beside / file, file, f"{line} of {name}", (before[-1][0], line, after))
    return f"{name}:{before[-1][1]}"


def _begun(history: History, manifest: dict[str, Any], name: str) -> tuple[dict[str, Any], str, Starts] | None:
    """An artifact with the file that goes by a name in it and the lines at which its rows start; None without these."""
    for file in files_named(manifest, name):
        if starts := _starts(history, manifest, file):
            return manifest, file, starts
    return None


def _starts(history: History, manifest: dict[str, Any], file: str) -> Starts:
    """(line, row) of each row of a file that has a line, in the file's order."""
    starts: Starts = []
    for shard in sorted({i for i, named, _, _ in segments(manifest) if named == file}):
        table = history.store.read(Ref(*manifest["shards"][shard]["text"]), ["file", "row", "line"])
        mine = table.filter(pc.and_(pc.equal(table["file"], file), pc.is_valid(table["line"])))
        starts += zip(mine["line"].to_pylist(), mine["row"].to_pylist(), strict=True)
    return sorted(starts)


def _refuse_outside(
    manifest: dict[str, Any], path: Path, file: str, which: str, place: tuple[int, int, int | None]
) -> None:
    """Raises UserError for a line behind the row that begins before it.

    Args:
        manifest: of the artifact that read the file.
        path: the file.
        file: it relative to the recipe.
        which: the line in words.
        place: where the row begins, the line, and where the next row begins, if there is one.
    """
    start, line, after = place
    read = next(entry for entry in manifest["detail"]["files"] if entry["file"] == file)
    digest = next(digest for name, digest, _ in manifest["meaning"]["parameters"]["files"] if name == file)
    do = f"The row before it starts at line {start}" + (
        f", the next at line {after}." if after else ", and is the last."
    )
    is_there = path.is_file() and keys.file_digest(path) == digest
    if not is_there and read["format"] not in _ROW_IS_LINE:
        what = f"whether line {which} is in a row cannot be told: the file is not what it was"
        raise UserError(what, where=path, do=do)
    why = _outside(_lines(path, read["encoding"]), line, after) if is_there else None
    if why or read["format"] in _ROW_IS_LINE:
        raise UserError(f"line {which} is in no row" + (f": {why}" if why else ""), do=do)


def _outside(lines: Iterator[bytes], line: int, after: int | None) -> str | None:
    """Why a line is in no row, None if it is in one: rows end with a line that is not blank."""
    number = 0
    for number, said in enumerate(lines, 1):
        if after is not None and number >= after:
            break
        if number >= line and said.strip():
            return None
    return "it is blank" if number >= line else f"the file has {number} lines"


def _lines(path: Path, encoding: str | None) -> Iterator[bytes]:
    """The lines of a text file, as far as it is whole."""
    rest = b""
    with suppress(BrokenStreamError):
        for chunk in chunks(path, detect(path, encoding)):
            *lines, rest = (rest + chunk).split(b"\n")
            yield from lines
    if rest:
        yield rest
