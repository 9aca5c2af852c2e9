"""Rows as a folder that Hugging Face `datasets.load_from_disk` reads: Arrow streams beside their description in JSON.

Knows that folder's layout; core/saved_sets.py reads it back. Rows with splits become a folder per split (a DatasetDict).
Which types the columns have, the streams' own schemas say. Source: datasets.arrow_dataset.Dataset.save_to_disk.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterable
from contextlib import ExitStack
from itertools import chain, count
from pathlib import Path
from typing import Any

import pyarrow as pa

from adaptline.core import disk, keys
from adaptline.core.saved_sets import INFO, SPLITS, STATE
from adaptline.data.blocks import Batch
from adaptline.data.schemas import Value
from adaptline.data.uniting import schema_of, table_of
from adaptline.errors import UserError

_DATA = "data-00000-of-00001.arrow"
_SPLIT = re.compile(r"\w+(\.\w+)*")  # datasets.splits: what a split may be called
_LONGEST_SPLIT = 60  # characters
_MOST_SPLITS = 100  # files that are open at a time; a column with more values says no split
_REST = "unsplit"  # rows without a split, beside others that have one; numbered if a split is called so
_UNNAMED = ".rest"  # their folder until all names are known: no split is called so


def save(batches: Iterable[Batch], out: Path, *, split: str) -> None:
    """Writes records to a new folder, whole or not at all. `split` is the field that says a record's split.

    `batches` is read twice: for the schema of all, then for the records.

    Raises:
        UserError: records do not share a schema, or a split's name cannot be a folder's.
    """
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    with disk.explained(out):
        try:
            part.mkdir()
            _write(batches, part, split)
            part.rename(out)
            disk.sync(out.parent)
        finally:
            shutil.rmtree(part, ignore_errors=True)


def _write(batches: Iterable[Batch], folder: Path, field: str) -> None:
    schema, writers = schema_of(batches), dict[str | None, Any]()
    with ExitStack() as stack:
        for batch in batches:
            for name, records in _by_split(batch.records, field).items():
                if name not in writers:
                    _refuse_split(name, len(writers))
                    writers[name] = stack.enter_context(_new_stream(folder / (name or _UNNAMED), schema))
                writers[name].write_table(table_of(Batch(records, batch.types), schema))
        if not writers:
            writers[None] = stack.enter_context(_new_stream(folder / _UNNAMED, schema))
    for name in writers:
        _describe(folder / (name or _UNNAMED))
    if set(writers) != {None}:
        rest = next(free for free in chain([_REST], (f"{_REST}_{at}" for at in count(2))) if free not in writers)
        if None in writers:
            (folder / _UNNAMED).rename(folder / rest)
        _write_json(folder / SPLITS, {"splits": [name or rest for name in writers]})
        return
    for part in (_DATA, STATE, INFO):
        (folder / _UNNAMED / part).rename(folder / part)
    (folder / _UNNAMED).rmdir()


def _by_split(records: list[Value], field: str) -> dict[str | None, list[Value]]:
    found: dict[str | None, list[Value]] = {}
    for record in records:
        name = record.get(field)
        found.setdefault(str(name) if name else None, []).append(record)
    return found


def _refuse_split(name: str | None, before: int) -> None:
    do = "Write .jsonl instead."
    if name is not None and (not _SPLIT.fullmatch(name) or len(name) > _LONGEST_SPLIT):
        raise UserError(f"the split {name[:_LONGEST_SPLIT]!r} cannot be a folder's name", do=do)
    if before == _MOST_SPLITS:
        raise UserError(f"there are more than {_MOST_SPLITS} splits", do=do)


def _new_stream(folder: Path, schema: pa.Schema) -> Any:
    folder.mkdir()
    return pa.ipc.new_stream(str(folder / _DATA), schema)


def _describe(folder: Path) -> None:
    """The JSON beside a stream. Without features in it, `datasets` tells them from the stream's schema."""
    disk.sync(folder / _DATA)
    state: dict[str, Any] = {
        "_data_files": [{"filename": _DATA}],
        "_fingerprint": keys.file_digest(folder / _DATA)[:16],
        "_format_columns": None,
        "_format_kwargs": {},
        "_format_type": None,
        "_output_all_columns": False,
        "_split": None,
    }
    _write_json(folder / STATE, state)
    _write_json(folder / INFO, {"citation": "", "description": "", "features": None, "homepage": "", "license": ""})


def _write_json(path: Path, value: dict[str, Any]) -> None:
    disk.write_file(path, json.dumps(value, indent=2).encode())
