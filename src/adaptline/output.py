"""What an artifact is outside a store: kept rows in a file of any format, weights or a report in a folder.

Knows stores, manifests and how rows become files again. Knows nothing of recipes or of how artifacts were made.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adaptline.core import disk, keys
from adaptline.core.manifests import rows_of
from adaptline.core.store import Store
from adaptline.data.builder import raw_texts
from adaptline.data.children import AUGMENTER
from adaptline.data.schemas import UNNAMED, Columns
from adaptline.data.writing import is_folder, write_rows
from adaptline.errors import UserError

if TYPE_CHECKING:
    import pyarrow as pa

    from adaptline.core.rows import Rows

_WITH_HEADERS = ("csv", "tsv")  # formats whose fields go by position where a file has no header


def refuse_place(*paths: Path, inputs: Iterable[Path] = (), force: bool = False, folder: bool = False) -> None:
    """Raises UserError where something stands in an output's place already, or nothing can be made in its folder.

    Args:
        paths: what is to be written.
        inputs: what it is made of, as far as that is known; none of these is ever written over.
        force: a file may stand there, which is written over. A folder never is: it may hold anything.
        folder: what comes is a folder, which takes no file's place, either.
    """
    known = list(inputs)
    for path in paths:
        if path.name == "-":
            raise UserError("names no file: nothing is written to standard output", where="-", do="Name one with -o.")
        with disk.explained(path):
            if any(_is_same(path, one) for one in known):
                raise UserError("is read here, and never written over", where=path, do="Name another with -o.")
            if path.exists():
                _refuse_there(path, force=force, folder=folder)
            if not path.absolute().parent.is_dir():
                raise UserError("no such folder", where=path.parent, do="Make it first.")
            _refuse_closed(path)


def _refuse_there(path: Path, *, force: bool, folder: bool) -> None:
    if not (path.is_file() or path.is_dir()):  # a device, a pipe
        raise UserError("is no file, and no place for one", where=path, do="Name another with -o.")
    if folder or path.is_dir() or not force:
        over = "move it away" if folder or path.is_dir() else "write over it with --force"
        raise UserError("exists already", where=path, do=f"Name another with -o, or {over}.")


def _refuse_closed(path: Path) -> None:
    """Raises UserError where no file can be made beside: worth asking before the work."""
    try:
        with tempfile.TemporaryFile(dir=path.absolute().parent):
            pass
    except FileNotFoundError as error:  # a folder like /proc, in which nobody can make anything
        raise UserError("cannot be written", where=path, do="Name another place with -o.") from error


def _is_same(path: Path, other: Path) -> bool:
    """Whether two names, links among them, are of one file that is there."""
    try:
        return path.samefile(other)
    except (OSError, ValueError):  # nothing is there, or what a recipe says is no file's name
        return False


def write(
    store: Store, manifest: dict[str, Any], out: Path, *, inputs: Iterable[Path] = (), force: bool = False
) -> Path:
    """Writes an artifact: rows that were kept to a file, by its suffix, or to a data set's folder; others to a folder. Returns `out`.

    Raises:
        UserError: `out` exists (unless `force`, for a file that is none of the `inputs`), its format cannot hold the rows, or
            the artifact's files have changed.
    """
    rows = rows_of(manifest) if manifest["kind"] == "rows" else None
    refuse_place(out, inputs=inputs, force=force, folder=rows is None or is_folder(out))
    if rows is None:
        _copy_folder(store.folder(manifest["key"]), out, manifest["digest"])
        return out
    columns, named = _columns(store, manifest)
    shards = (store.read(shard.text, ["file"]).schema.metadata or {} for shard in rows.shards)
    born = any(AUGMENTER in told for told in shards)
    write_rows(_Kept(store, rows), out, columns=columns, named=named, children=born)
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
        finally:
            shutil.rmtree(part, ignore_errors=True)


def unreadable(store: Store, manifest: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every row that could not be read: where it stands, why, and as much of it as was kept."""
    for shard in rows_of(manifest).shards:
        if store.read(shard.text, ["unreadable"])["unreadable"].null_count == shard.text.rows:
            continue
        table = store.read(shard.text)
        bad = table.filter(table["unreadable"].is_valid())
        rows = bad.select(["file", "row", "line", "unreadable"]).to_pylist()
        for row, raw in zip(rows, raw_texts(bad["extra"]), strict=True):
            place = {name: row[name] for name in ("file", "row", "line")}
            yield {**place, "reason": row["unreadable"], "raw": raw}


@dataclass(frozen=True)
class _Kept:
    """The shards without the rows that were dropped, with their splits; read each time that they are asked for."""

    store: Store
    rows: Rows

    def __iter__(self) -> Iterator[pa.Table]:
        read = self.store.read
        for shard in self.rows.shards:
            table = read(shard.text)
            if shard.split:
                table = table.set_column(table.schema.get_field_index("split"), "split", read(shard.split)["split"])
            yield table.filter(read(shard.keep)["keep"]) if shard.keep else table


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
