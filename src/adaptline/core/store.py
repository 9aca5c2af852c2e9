"""The store: a folder where units, artifacts, refs and the event log live. A local POSIX file system.

Knows names, digests and the order of commits. Knows nothing of steps or recipes.

    units/ab/<key>            one unit: a Parquet file, named by what was asked
    artifacts/ab/<key>/       the folder of weights or of a report
    artifacts/ab/<key>.json   the manifest, written last: an artifact exists if and only if it does
    refs/<recipe>.json        which artifacts a recipe's steps have now
    failures/<recipe>.json    what ended a recipe's last run too early
    channels/<name>.json      what is in production; whatever digest it names is held
    events.jsonl              what happened, one line each; no text, no raw identity
    work/<key>/               scratch that survives a kill, until its artifact is there
    temporary/                half-written things; a dead process's are removed by the next
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from adaptline.core import disk, keys
from adaptline.core.rows import Ref
from adaptline.errors import UserError

FORMAT = 2  # 1 had digests by BLAKE2b
# Texts repeat themselves inside rather than whole, and nothing asks Parquet for minima: without dictionaries and statistics the
# same rows are written and read a third faster and are no larger.
_PARQUET: dict[str, Any] = {"compression": "zstd", "use_dictionary": False, "write_statistics": False}
_MEND = "`adaptline gc --damaged --store DIR` removes it with all that holds it; then run again: it is made anew."
_DIGEST = re.compile(r"\b[0-9a-f]{64}\b")
_SECRET_VARIABLE = "ADAPTLINE_SUBJECT_KEY"  # noqa: S105 - the name of a variable, not a secret


@dataclass(frozen=True)
class Store:
    """A store at a folder. `Store.open` makes it if it is not there."""

    root: Path

    @classmethod
    def open(cls, root: Path) -> Store:
        """The store at `root`. Raises UserError if it cannot be written or is of a newer format."""
        store = cls(root.absolute())
        for name in ("units", "artifacts", "refs", "work", "temporary"):
            disk.make_folder(store.root / name)
        marker = store.root / "store.json"
        if not marker.exists():
            store._write_new(marker, json.dumps({"format": FORMAT}).encode())
        found = (_read_json(marker) or {}).get("format")
        if found != FORMAT:
            older = isinstance(found, int) and 0 < found < FORMAT
            raise UserError(
                f"store of format {found}, this version reads {FORMAT}",
                where=root,
                do="An older adaptline made it, and reads it still. Name another --store, where all is made anew."
                if older
                else "Use a newer adaptline, or another --store.",
            )
        return store

    @classmethod
    def look(cls, root: Path) -> Store:
        """The store at `root` for reading: makes nothing, and finds nothing where there is none."""
        return cls.open(root) if (root / "store.json").exists() and os.access(root, os.W_OK) else cls(root.absolute())

    # Units

    def find_unit(self, key: str) -> Ref | None:
        """The unit of a key, or None. Reads the file once, for its digest."""
        path = self._unit_path(key)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        with self._undamaged(path):
            return Ref(key, keys.digest(data), pq.read_metadata(pa.BufferReader(data)).num_rows)

    def commit_unit(self, key: str, table: pa.Table) -> Ref:
        """Writes a unit; the first commit of a key wins."""
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, row_group_size=1 << 20, write_page_checksum=True, **_PARQUET)
        data = sink.getvalue().to_pybytes()
        path = self._unit_path(key)
        disk.make_folder(path.parent)
        if self._write_new(path, data):
            return Ref(key, keys.digest(data), table.num_rows)
        found = self.find_unit(key)
        if found is None:
            raise UserError(
                "a unit vanished while it was written",
                where=path,
                do="Do not remove a store's files during a run; run again.",
            )
        return found

    def read(self, ref: Ref, columns: list[str] | None = None) -> pa.Table:
        """The table of a unit, or some columns of it. Raises UserError where its file is missing or damaged."""
        path = self._unit_path(ref.key)
        with self._undamaged(path):
            if columns is None:
                return _read_parquet(pa.BufferReader(path.read_bytes()))
            return _read_parquet(pa.memory_map(str(path)), columns)

    def read_row(self, ref: Ref, row: int) -> dict[str, Any]:
        """One row of a unit as Python values."""
        values: dict[str, Any] = self.read(ref).slice(row, 1).to_pylist()[0]
        return values

    # Artifacts

    def manifest(self, key: str) -> dict[str, Any] | None:
        """The manifest of a key, or None where there is no such artifact."""
        return _read_json(self._manifest_path(key))

    def manifests(self) -> Iterator[dict[str, Any]]:
        """Every artifact's manifest; one that cannot be read is passed over."""
        for path in sorted((self.root / "artifacts").glob("*/*.json")):
            with contextlib.suppress(UserError):
                if found := self.manifest(path.stem):
                    yield found

    def commit_manifest(self, manifest: dict[str, Any]) -> dict[str, Any]:
        """Makes an artifact exist. Its payload must be committed before. Returns the manifest that stands."""
        path = self._manifest_path(manifest["key"])
        disk.make_folder(path.parent)
        self._write_new(path, json.dumps(manifest, sort_keys=True, ensure_ascii=False).encode())
        shutil.rmtree(self.scratch(manifest["key"], make=False), ignore_errors=True)
        return self.manifest(manifest["key"]) or manifest

    def commit_folder(self, key: str, folder: Path) -> str:
        """Gives a filled temporary folder its place and returns the digest of what stands there."""
        path = self.folder(key)
        disk.make_folder(path.parent)
        if path.exists() and self.manifest(key) is None:
            self.discard(path)  # of a run or a gc that died halfway: nothing says that it is whole
        disk.commit_folder(folder, path)
        return keys.folder_digest(path)

    def folder(self, key: str) -> Path:
        """The folder of an artifact of weights or of a report."""
        return self.root / "artifacts" / key[:2] / key

    def scratch(self, key: str, *, make: bool = True) -> Path:
        """A folder for half-done work on a key; it survives a kill."""
        path = self.root / "work" / key
        if make:
            disk.make_folder(path)
        return path

    @contextlib.contextmanager
    def working_on(self, key: str) -> Iterator[None]:
        """Holds the lock of a key, so that two runs do not do the same work. It only saves work: commits decide."""
        with disk.lock(self.root / "work" / f"{key}.lock"):
            yield

    # Refs and events

    def refs(self, recipe: str) -> dict[str, list[dict[str, Any]]]:
        """Step -> its artifacts as {cell, key, digest}, as the last run of a recipe left them."""
        return _read_json(self.root / "refs" / f"{recipe}.json") or {}

    def set_refs(self, recipe: str, step: str, artifacts: list[dict[str, Any]]) -> None:
        """Points a recipe's step at its artifacts."""
        self._change_refs(recipe, lambda refs: {**refs, step: artifacts})

    def set_ref(self, recipe: str, step: str, artifact: dict[str, Any]) -> bool:
        """Points one cell of a recipe's step at its artifact, and leaves the others. Returns whether that is news."""
        before: list[dict[str, Any]] = []

        def change(refs: dict[str, Any]) -> dict[str, Any]:
            before.extend(refs.get(step, []))
            others = [ref for ref in before if ref["cell"] != artifact["cell"]]
            return {**refs, step: before if artifact in before else [*others, artifact]}

        self._change_refs(recipe, change)
        return artifact not in before

    def forget_refs(self, recipe: str, *, besides: set[str]) -> None:
        """Lets go of the artifacts of steps that a recipe has no more."""
        self._change_refs(recipe, lambda refs: {step: found for step, found in refs.items() if step in besides})

    def _change_refs(self, recipe: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        with disk.lock(self.root / "refs" / ".lock"):
            before = self.refs(recipe)
            after = change(before)
            if after != before:
                with self.temporary() as temporary:
                    path = self.root / "refs" / f"{recipe}.json"
                    disk.replace_file(temporary, path, json.dumps(after, indent=1, sort_keys=True).encode())

    def claim(self, recipe: str, path: Path) -> None:
        """Notes where the recipe of a name lies, relative to the store.

        Raises:
            UserError: another recipe of this name, which is still there, has its refs in this store.
        """
        note = self.root / "refs" / f"{recipe}.place"
        mine = os.path.relpath(path.absolute(), self.root)
        known = note.read_text("utf-8") if note.exists() else ""
        if known not in ("", mine) and (self.root / known).is_file():
            other = os.path.normpath(self.root / known)
            raise UserError(
                f"another recipe called {recipe!r} uses this store: {other}",
                where=path,
                do="Rename one, or name another --store.",
            )
        if known != mine:
            with self.temporary() as temporary:
                disk.replace_file(temporary, note, mine.encode())

    def append_event(self, verb: str, **facts: Any) -> None:
        """Adds a line to the event log. Callers give no text and no raw identity."""
        now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
        disk.append_line(
            self.root / "events.jsonl", json.dumps({"time": now, "verb": verb, **facts}, sort_keys=True).encode()
        )

    def events(self) -> list[dict[str, Any]]:
        """The event log, oldest first. A line that a crash cut short is passed over."""
        path = self.root / "events.jsonl"
        if not path.exists():
            return []
        events = []
        for line in path.read_bytes().splitlines():
            with contextlib.suppress(ValueError):  # no JSON, or no text at all
                events.append(json.loads(line))
        return events

    def subject_secret(self) -> bytes:
        """The secret for HMACs of subjects: of the environment, else the store's own, made at first use."""
        if given := os.environ.get(_SECRET_VARIABLE):
            return given.encode()
        path = self.root / "subject.key"
        if not path.exists() and not (self.root / "store.json").exists():
            return b""  # a store that is only looked at has none yet
        if not path.exists():
            self._write_new(path, secrets.token_bytes(32), mode=0o600)
        return path.read_bytes()

    # Sweeping

    @contextlib.contextmanager
    def in_use(self) -> Iterator[None]:
        """Holds the store for a run: gc waits until nobody does. Removes what dead processes left half-written."""
        with disk.lock(self.root / "lock", shared=True):
            self._sweep_temporary()
            yield

    def roots(self) -> set[str]:
        """The keys that refs point at, the last run of every recipe; and those of what is in production.

        What a channel's file means is not for the store to know: any digest that stands in it holds what has it, or in
        an event about a channel, by which a damaged file is mended.
        """
        last = {
            ref["key"]
            for path in (self.root / "refs").glob("*.json")
            for refs in self.refs(path.stem).values()
            for ref in refs
        }
        channels = (self.root / "channels").glob("*.json")
        told = [path.read_text("utf-8", "replace") for path in channels]
        told += [json.dumps(event) for event in self.events() if "channel" in event]
        named = {digest for text in told for digest in _DIGEST.findall(text)}
        return last | {
            manifest["key"] for manifest in (self.manifests() if named else ()) if manifest["digest"] in named
        }

    @contextlib.contextmanager
    def temporary(self) -> Iterator[Path]:
        """A free name for a half-written file or folder, held as ours while the block runs."""
        name = f"{os.getpid()}-{secrets.token_hex(8)}"
        holder = self.root / "temporary" / f"{name}.lock"
        with disk.lock(holder):
            try:
                yield self.root / "temporary" / name
            finally:
                # It is still there if the block failed: a full disk, a user's mistake.
                _remove(self.root / "temporary" / name)
                _remove(holder)

    def _write_new(self, path: Path, data: bytes, mode: int = 0o644) -> bool:
        with self.temporary() as temporary:
            disk.write_file(temporary, data, mode)
            return disk.commit_new(temporary, path)

    def _sweep_temporary(self) -> None:
        for holder in (self.root / "temporary").glob("*.lock"):
            with disk.lock(holder, wait=False) as dead:
                if dead:
                    _remove(holder.with_suffix(""))
                    _remove(holder)

    def discard(self, path: Path) -> None:
        """Removes a file or a folder so that no half of it is ever seen under its name."""
        if path.is_dir():
            with self.temporary() as temporary:
                path.rename(temporary)
        else:
            path.unlink(missing_ok=True)

    def _unit_path(self, key: str) -> Path:
        return self.root / "units" / key[:2] / key

    def _manifest_path(self, key: str) -> Path:
        return self.root / "artifacts" / key[:2] / f"{key}.json"

    @contextlib.contextmanager
    def _undamaged(self, path: Path) -> Iterator[None]:
        try:
            yield
        except (pa.ArrowInvalid, OSError) as error:
            raise UserError(
                "a stored unit is missing or damaged",
                where=path,
                do=_MEND,
            ) from error


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:  # no JSON, or no text at all
        raise UserError(
            "a file of the store is damaged", where=path, do="Remove it, then run again: it is made anew."
        ) from error
    return found


def _read_parquet(source: pa.NativeFile, columns: list[str] | None = None) -> pa.Table:
    """Without Arrow's threads: units are small, and a thread of its pool that still runs when Python ends aborts it."""
    with pq.ParquetFile(source, page_checksum_verification=True) as file:
        return file.read(columns=columns, use_threads=False)


def _remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
