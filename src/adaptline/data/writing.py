"""Rows back to a file, under the names that its fields had. Knows formats by suffix; never leaves half a file.

A name without a suffix is a folder as Hugging Face datasets saves it (saving.py).

Rows that could not be read, and what later steps said of rows, are not written: a caller that wants some rows only
gives only those.
"""

from __future__ import annotations

import gzip
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa
import zstandard

from adaptline.core import disk, registry
from adaptline.data.blocks import Batch
from adaptline.data.children import AUGMENTER
from adaptline.data.jsons import decode
from adaptline.data.moments import rows_of
from adaptline.data.opening import format_method, format_of
from adaptline.data.records import write_back
from adaptline.data.respelling import like_in
from adaptline.data.saving import save
from adaptline.data.schemas import UNNAMED, Columns, Value, names_for_positions
from adaptline.errors import UserError

_COMPRESSIONS = (".gz", ".zst")
_COMPRESSED_INSIDE = ("arrow", "parquet")
_COLUMNAR = ("arrow", "csv", "parquet", "tsv")  # formats whose rows all have the same fields
BY, FROM = "augmented_by", "augmented_from"  # the fields of a row that was made of another


def write_rows(
    tables: Iterable[pa.Table],
    path: Path,
    *,
    columns: Columns = UNNAMED,
    named: bool = True,
    children: bool = False,
    format: str | None = None,
) -> int:
    """Writes rows to a file or a folder, whole or not at all.

    Args:
        tables: shards of core/rows.COLUMNS, in order. They are read twice where the format has one schema for all rows, so
            they are no iterator there.
        path: the file; .gz or .zst at its end compresses it. Without a suffix and format, a folder that Hugging Face
            `datasets.load_from_disk` reads.
        columns: the fields' names in the source; where one is None the column's own name is used.
        named: false where the source has positions instead of names: its fields are then called by what they hold, and those
            that no column holds column_0, column_1 by their positions.
        children: whether some of the rows were made of others. A child is written with `augmented_by`, the augmenter, and
            `augmented_from`, the file and record of the row that it comes from; where rows have columns, all have these.
        format: its format, if the suffix does not tell.

    Returns:
        How many rows were written.

    Raises:
        UserError: the format is unknown, or cannot hold the rows.
    """
    refuse_unwritable(path, format)
    names = None if named else names_for_positions(columns)
    columnar = is_folder(path, format) or format_method(format or format_of(path.name)).name in _COLUMNAR
    if columnar and iter(tables) is tables:
        raise TypeError("an iterator gives its tables once; the format needs them twice")
    batches = _Batches(tables, columns, names, children, columnar)
    try:
        if is_folder(path, format):
            save(batches, path, split=(names or {}).get(columns.split or "", columns.split) or "split")
            return batches.records
        write = format_method(format or format_of(path.name)).options["write"]
        with _replacing(path) as file:
            write(batches, file)
    except UserError as error:
        raise error.at(path) from error
    return batches.records


def refuse_unwritable(path: Path, format: str | None = None) -> None:
    """Raises UserError where a file of this name could not be written: worth asking before the work."""
    if not path.parent.is_dir():
        raise UserError("no such folder", where=path.parent, do="Make it first.")
    if is_folder(path, format):
        return
    try:
        method = format_method(format or format_of(path.name))
    except UserError as error:
        raise UserError(error.what, where=path, do=f"Written are {', '.join(_written())}.") from error
    if method.options["write"] is None:
        raise UserError(f"{method.name} is read, not written", where=path, do="Write .jsonl instead.")
    if method.name in _COMPRESSED_INSIDE and path.suffix.lower() in _COMPRESSIONS:
        what = f"{method.name} is compressed inside: what is compressed again cannot be read"
        raise UserError(what, where=path, do=f"Leave {path.suffix} out.")


def _written() -> list[str]:
    """The suffixes of formats that are written."""
    methods = [format_method(name) for name in registry.names("format")]
    return sorted(suffix for method in methods if method.options["write"] for suffix in method.options["suffixes"])


def is_folder(path: Path, format: str | None = None) -> bool:
    """Whether rows written to this name become a folder."""
    return format is None and not path.suffix


@dataclass
class _Batches:
    """The records of shards, made again each time that they are asked for: all of them never lie in memory."""

    tables: Iterable[pa.Table]
    columns: Columns
    names: Mapping[str, str] | None
    children: bool
    columnar: bool
    records: int = 0  # of the last time

    def __iter__(self) -> Iterator[Batch]:
        self.records = 0
        for table in self.tables:
            batch = _batch(table, self.columns, self.names)
            if self.children:
                batch = _with_origins(batch, table, everywhere=self.columnar)
            self.records += len(batch.records)
            yield batch


def _batch(shard: pa.Table, columns: Columns, names: Mapping[str, str] | None) -> Batch:
    typed = pa.types.is_struct(shard["extra"].type)
    rows = [row for row in rows_of(shard) if row["unreadable"] is None]
    for row in rows:
        row["extra"] = row["extra"] if typed or row["extra"] is None else decode(row["extra"])
    types = {field.name: field.type for field in shard["extra"].type} if typed else {}
    label = columns.label or ""
    like = like_in(((row["extra"] or {}).get(label) for row in rows), types.get(label))
    records = [write_back(row, columns, like=like, typed=typed) for row in rows]
    return Batch(records if names is None else [_renamed(record, names) for record in records], types)


def _with_origins(batch: Batch, shard: pa.Table, *, everywhere: bool) -> Batch:
    """The records of a shard of children with who made them and of which row; with `everywhere` null in those of others."""
    told = (shard.schema.metadata or {}).get(AUGMENTER)
    if told is None and not everywhere:
        return batch
    by = None if told is None else json.loads(told)["name"]
    readable = shard.filter(shard["unreadable"].is_null()).select(["file", "row"]).to_pylist()
    origins = [{BY: by, FROM: by and f"{row['file']}:{row['row']}"} for row in readable]
    records = [record | origin for record, origin in zip(batch.records, origins, strict=True)]
    return Batch(records, {**batch.types, BY: pa.string(), FROM: pa.string()})


def _renamed(record: Value, names: Mapping[str, str]) -> Value:
    """A record whose fields are called by what they hold; a position that no column holds gets a name that is none."""
    return {names.get(key, f"column_{key}" if key.isdecimal() else key): value for key, value in record.items()}


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
