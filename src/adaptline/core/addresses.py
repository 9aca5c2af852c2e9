"""A row's address: FILE:ROW, STEP:POSITION or DIGEST:POSITION, and the place in a store that it names.

Knows what a recipe's artifacts of rows remember of their sources. Knows nothing of what became of a row (trace.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from adaptline.core.history import History
from adaptline.core.rows import Ref
from adaptline.errors import UserError, did_you_mean

_SHORTEST_DIGEST = 6


def find(history: History, address: str) -> tuple[dict[str, Any], int, int]:
    """The manifest, shard and position of an address.

    FILE:ROW is the 1-based record of a source file, STEP:POSITION the 0-based position among a step's rows, dropped ones
    counted, DIGEST:POSITION that of a step's artifact or of a shard.

    Raises:
        UserError: the address fits nothing; the error says what addresses look like, or which there are.
    """
    name, _, number = address.rpartition(":")
    if not name or not number.isdecimal():
        raise UserError(
            f"{address!r} names no row",
            do="Rows are FILE:ROW (data.jsonl:17), STEP:POSITION (clean:16) or DIGEST:POSITION.",
        )
    if (named := history.manifests.get(name)) and named[0]["kind"] == "rows":
        return _by_position(named[0], int(number), address)
    sources = list(read_from_files(history))
    for manifest in sources:
        if found := _by_source(history, manifest, name, int(number)):
            return manifest, *found
    if len(name) >= _SHORTEST_DIGEST and (shard := _by_digest(history, name, int(number), address)):
        return shard
    files = {file for manifest in sources for _, file, _, _ in segments(manifest)}
    mine = set[str]().union(*(files_named(manifest, name) for manifest in sources))
    last = max((first + rows - 1 for m in sources for _, file, first, rows in segments(m) if file in mine), default=0)
    raise UserError(
        f"no row {address!r}",
        do=f"{name} has rows 1 to {last}." if last else did_you_mean(name, [*files, *history.manifests]),
    )


def _by_digest(history: History, digest: str, position: int, address: str) -> tuple[dict[str, Any], int, int] | None:
    """A position in the step's artifact or the shard whose digest begins so."""
    for manifest in history.of_kind("rows"):
        if manifest["digest"].startswith(digest):
            return _by_position(manifest, position, address)
    for manifest in history.of_kind("rows"):
        for i, shard in enumerate(manifest["shards"]):
            if shard["text"][1].startswith(digest) and position < shard["text"][2]:
                return manifest, i, position
    return None


def _by_position(manifest: dict[str, Any], position: int, address: str) -> tuple[dict[str, Any], int, int]:
    total = 0
    for i, shard in enumerate(manifest["shards"]):
        if position < total + shard["text"][2]:
            return manifest, i, position - total
        total += shard["text"][2]
    raise UserError(f"no row {address!r}", do=f"The step has rows 0 to {total - 1}.")


def _by_source(history: History, manifest: dict[str, Any], name: str, row: int) -> tuple[int, int] | None:
    files = files_named(manifest, name)
    for i, file, first, rows in segments(manifest):
        if file in files and first <= row < first + rows:
            shard = history.store.read(Ref(*manifest["shards"][i]["text"]), ["file", "row"])
            mine = pc.and_(pc.equal(shard["file"], file), pc.equal(shard["row"], row))
            return i, int(pc.index(mine, value=True).as_py())
    return None


def read_from_files(history: History) -> Iterator[dict[str, Any]]:
    """The artifacts whose rows come from files."""
    return (manifest for manifest in history.of_kind("rows") if "segments" in manifest["detail"])


def segments(manifest: dict[str, Any]) -> Iterator[tuple[int, str, int, int]]:
    """(shard, file, first row, rows) of every piece of a source."""
    for i, pieces in enumerate(manifest["detail"]["segments"]):
        for file, first, rows in pieces:
            yield i, file, first, rows


def files_named(manifest: dict[str, Any], name: str) -> set[str]:
    """The source of this path, or the one of this name without a path; none where there is none.

    Raises:
        UserError: several have that name.
    """
    files = {file for _, file, _, _ in segments(manifest)}
    found = {name} & files or {file for file in files if Path(file).name == name}
    if len(found) > 1:
        raise UserError(f"{name!r} names {len(found)} files", do=f"Give the path: {', '.join(sorted(found))}.")
    return found
