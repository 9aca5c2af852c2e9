"""What an artifact is outside a store: kept rows in a file of any format, weights or a report in a folder.

Knows stores, manifests and how rows become files again. Knows nothing of recipes or of how artifacts were made.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adaptline.core import disk, keys
from adaptline.core.manifests import rows_of
from adaptline.core.store import Store
from adaptline.data.builder import raw_texts
from adaptline.data.children import AUGMENTER
from adaptline.data.schemas import UNNAMED, Columns
from adaptline.data.writing import write_rows
from adaptline.errors import UserError

if TYPE_CHECKING:
    import pyarrow as pa

    from adaptline.core.rows import Rows

_WITH_HEADERS = ("csv", "tsv")  # formats whose fields go by position where a file has no header


def refuse_place(*paths: Path, force: bool = False) -> None:
    """Raises UserError where something stands in an output's place already, or its folder is missing.

    With `force` a file may stand there, which is written over. A folder never is: it may hold anything.
    """
    for path in paths:
        if path.name == "-":
            raise UserError("names no file: nothing is written to standard output", where="-", do="Name one with -o.")
        with disk.explained(path):
            if path.exists() and not (force and path.is_file()):
                over = "move it away" if path.is_dir() else "write over it with --force"
                raise UserError("exists already", where=path, do=f"Name another with -o, or {over}.")
            if not path.absolute().parent.is_dir():
                raise UserError("no such folder", where=path.parent, do="Make it first.")


def write(store: Store, manifest: dict[str, Any], out: Path, *, force: bool = False) -> Path:
    """Writes an artifact: rows that were kept to a file, by its suffix, or to a data set's folder; others to a folder. Returns `out`.

    Raises:
        UserError: `out` exists (unless `force`, for a file), its format cannot hold the rows, or the artifact's files have
            changed.
    """
    rows = rows_of(manifest) if manifest["kind"] == "rows" else None
    refuse_place(out, force=force and rows is not None and bool(out.suffix))
    if rows is None:
        _copy_folder(store.folder(manifest["key"]), out, manifest["digest"])
        return out
    columns, named = _columns(store, manifest)
    shards = (store.read(shard.text, ["file"]).schema.metadata or {} for shard in rows.shards)
    born = any(AUGMENTER in told for told in shards)
    write_rows(_kept(store, rows), out, columns=columns, named=named, children=born)
    return out


def _copy_folder(folder: Path, out: Path, digest: str) -> None:
    """A copy that has its name only once it is whole, and is what was made."""
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    with disk.explained(out):
        try:
            shutil.copytree(folder, part)
            if keys.folder_digest(part) != digest:
                do = f"adaptline gc --store {folder.parent.parent} --damaged, then run the recipe again."
                raise UserError("its files are not what was made", where=folder, do=do)
            part.rename(out)
        except FileNotFoundError as error:  # a folder like /proc, in which nobody can make anything
            raise UserError("cannot be written", where=out, do="Name another place with -o.") from error
        finally:
            shutil.rmtree(part, ignore_errors=True)


def unreadable(store: Store, manifest: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every row that could not be read: where it stands, why, and as much of it as was kept."""
    for shard in rows_of(manifest).shards:
        table = store.read(shard.text)
        bad = table.filter(table["unreadable"].is_valid())
        rows = bad.select(["file", "row", "line", "unreadable"]).to_pylist()
        for row, raw in zip(rows, raw_texts(bad["extra"]), strict=True):
            place = {name: row[name] for name in ("file", "row", "line")}
            yield {**place, "reason": row["unreadable"], "raw": raw}


def _kept(store: Store, rows: Rows) -> Iterator[pa.Table]:
    """The shards without the rows that were dropped, with their splits."""
    for shard in rows.shards:
        table = store.read(shard.text)
        if shard.split:
            table = table.set_column(table.schema.get_field_index("split"), "split", store.read(shard.split)["split"])
        yield table.filter(store.read(shard.keep)["keep"]) if shard.keep else table


def _columns(store: Store, manifest: dict[str, Any]) -> tuple[Columns, bool]:
    """The names of the fields in the first source behind an artifact of rows, and whether they are names, not positions."""
    while "files" not in manifest["detail"]:
        before = store.manifest(manifest["inputs"]["rows"][0]) if manifest["inputs"].get("rows") else None
        if before is None:
            return UNNAMED, True
        manifest = before
    first = manifest["detail"]["files"][0]
    columns = Columns.told(first["columns"])
    return columns, first["format"] not in _WITH_HEADERS or not all(name.isdecimal() for name in columns.named)
