"""Rows back to a file, under the names that its fields had. Knows formats by suffix; never leaves half a file.

A name without a suffix is a folder as Hugging Face datasets saves it (saving.py).

Rows that could not be read, and what later steps said of rows, are not written: a caller that wants some rows only
gives only those.
"""

from __future__ import annotations

import gzip
import io
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa
import zstandard

from adaptline.core import disk
from adaptline.data.blocks import Batch
from adaptline.data.jsons import decode
from adaptline.data.moments import rows_of
from adaptline.data.opening import format_method, format_of
from adaptline.data.records import write_back
from adaptline.data.saving import save
from adaptline.data.schemas import UNNAMED, Columns
from adaptline.errors import UserError

_COMPRESSIONS = (".gz", ".zst")
_COMPRESSED_INSIDE = ("arrow", "parquet")


def write_rows(
    tables: Iterable[pa.Table],
    path: Path,
    *,
    columns: Columns = UNNAMED,
    format: str | None = None,
) -> int:
    """Writes rows to a file or a folder, whole or not at all.

    Args:
        tables: shards of core/rows.COLUMNS, in order.
        path: the file; .gz or .zst at its end compresses it. Without a suffix and format, a folder that Hugging Face
            `datasets.load_from_disk` reads.
        columns: the fields' names in the source; where one is None the column's own name is used.
        format: its format, if the suffix does not tell.

    Returns:
        How many rows were written.

    Raises:
        UserError: the format is unknown, or cannot hold the rows.
    """
    refuse_unwritable(path, format)
    written = 0

    def batches() -> Iterator[Batch]:
        nonlocal written
        for table in tables:
            batch = _batch(table, columns)
            written += len(batch.records)
            yield batch

    try:
        if is_folder(path, format):
            save(batches(), path, split=columns.split or "split")
            return written
        write = format_method(format or format_of(path.name)).options["write"]
        with _replacing(path) as file:
            write(batches(), file)
    except UserError as error:
        raise error.at(path) from error
    return written


def refuse_unwritable(path: Path, format: str | None = None) -> None:
    """Raises UserError where a file of this name could not be written: worth asking before the work."""
    if not path.parent.is_dir():
        raise UserError("no such folder", where=path.parent, do="Make it first.")
    if is_folder(path, format):
        return
    try:
        method = format_method(format or format_of(path.name))
    except UserError as error:
        raise error.at(path) from error
    if method.options["write"] is None:
        raise UserError(f"{method.name} is read, not written", where=path, do="Write .jsonl instead.")
    if method.name in _COMPRESSED_INSIDE and path.suffix.lower() in _COMPRESSIONS:
        what = f"{method.name} is compressed inside: what is compressed again cannot be read"
        raise UserError(what, where=path, do=f"Leave {path.suffix} out.")


def is_folder(path: Path, format: str | None = None) -> bool:
    """Whether rows written to this name become a folder."""
    return format is None and not path.suffix


def _batch(shard: pa.Table, columns: Columns) -> Batch:
    typed = pa.types.is_struct(shard["extra"].type)
    rows = [row for row in rows_of(shard) if row["unreadable"] is None]
    for row in rows:
        row["extra"] = row["extra"] if typed or row["extra"] is None else decode(row["extra"])
    types = {field.name: field.type for field in shard["extra"].type} if typed else {}
    return Batch([write_back(row, columns) for row in rows], types)


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """A new file that takes the place of `path` when all is written and synced, and leaves nothing if that fails."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    with disk.explained(path):
        try:
            with temporary.open("wb") as raw:
                with _compressing(raw, path.suffix.lower()) as file:
                    yield file
                raw.flush()
                os.fsync(raw.fileno())
            temporary.replace(path)
            disk.sync(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def _compressing(raw: BinaryIO, suffix: str) -> Iterator[BinaryIO]:
    """The stream to write to; compressed bytes hold no name and no time, so the same rows give the same file."""
    if suffix == ".gz":
        with gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as file:
            yield cast("BinaryIO", file)
    elif suffix == ".zst":
        frame = zstandard.ZstdCompressor().stream_writer(raw, closefd=False)
        with io.BufferedWriter(cast("io.RawIOBase", frame)) as file:
            yield file
    else:
        yield raw
