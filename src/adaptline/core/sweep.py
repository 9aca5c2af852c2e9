"""Sweeping a store: what no recipe's last run reaches, and what is damaged. Knows what holds what; not what it is for."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from adaptline.core import disk, keys
from adaptline.core.rows import Ref
from adaptline.core.store import Store
from adaptline.errors import UserError

_WEEK_SECONDS = 7 * 24 * 3600
_HEXADECIMAL = set("0123456789abcdef")
_KEY_LENGTH = 64  # of keys.digest in hexadecimal


def unreached(store: Store, *, dry: bool = False) -> list[tuple[str, int]]:
    """Removes units and artifacts that no recipe's last run reaches. Returns (path relative to the store, bytes) of each.

    Waits until no run is under way, and only then asks what is reached: the run has just made something.
    """
    with disk.lock(store.root / "lock"):
        reached = _reach(store, store.roots())
        return _take_away(store, [path for path in _payloads(store) if path.stem not in reached], dry)


def damaged(store: Store, *, dry: bool = False) -> list[tuple[str, int]]:
    """Removes units that cannot be read and artifacts whose payload is not what their manifest says, with that payload."""
    with disk.lock(store.root / "lock"):
        gone = {path for path in _payloads(store) if not _is_sound(store, path)}
        broken = [store.manifest(path.stem) for path in gone if path.suffix == ".json" and _is_json(path)]
        gone |= {path for manifest in broken if manifest for path in _contradicted(store, manifest)}
        return _take_away(store, sorted(gone), dry)


def _take_away(store: Store, gone: list[Path], dry: bool) -> list[tuple[str, int]]:
    found = [(path.relative_to(store.root).as_posix(), _size(path)) for path in gone]
    # Manifests first: an artifact must never exist without its payload.
    for path in [] if dry else sorted(gone, key=lambda path: path.suffix != ".json"):
        store.discard(path)
    return found


def _payloads(store: Store) -> Iterator[Path]:
    for room in ("artifacts", "units"):
        yield from (store.root / room).glob("*/*")
    # Half-done work of last week may be gone on with; what is older nobody waits for.
    now = time.time()
    yield from (path for path in (store.root / "work").glob("*") if now - path.stat().st_mtime > _WEEK_SECONDS)


def _reach(store: Store, roots: set[str]) -> set[str]:
    reached: set[str] = set()
    waiting = list(roots)
    while waiting:
        key = waiting.pop()
        if key not in reached:
            reached.add(key)
            if manifest := store.manifest(key):
                waiting += _keys_in(manifest)
    return reached


def _is_sound(store: Store, path: Path) -> bool:
    """Whether a unit reads, or an artifact's payload is there with the digests that its manifest says."""
    room = path.relative_to(store.root).parts[0]
    try:
        # A folder falls with its manifest: what the next run makes must not find it in its place.
        if room == "artifacts":
            return _is_whole(store, path.stem)
        if room == "units":
            store.read(Ref(path.name, "", 0))
    except UserError:
        return False
    return True


def _is_whole(store: Store, key: str) -> bool:
    manifest = store.manifest(key)
    if manifest is None:
        return False
    if manifest["kind"] != "rows":
        folder = store.folder(key)
        return folder.is_dir() and keys.folder_digest(folder) == manifest["digest"]
    return all(_has(store, triple) for triple in _triples_in([manifest["shards"], manifest["detail"]]))


def _contradicted(store: Store, manifest: dict[str, Any]) -> Iterator[Path]:
    """Units that are not what a manifest says: whoever finds them next under their keys would take them for it."""
    for triple in _triples_in([manifest.get("shards"), manifest.get("detail")]):
        path = store.root / "units" / triple[0][:2] / triple[0]
        if path.exists() and not _has(store, triple):
            yield path


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_bytes())
    except ValueError:
        return False
    return True


def _has(store: Store, triple: list[Any]) -> bool:
    try:
        found = store.find_unit(triple[0])
    except UserError:  # cannot be read at all
        return False
    return found is not None and found.digest == triple[1]


def _keys_in(value: Any) -> Iterator[str]:
    """Every string of a manifest that looks like a key; a digest that looks like one reaches nothing more."""
    if isinstance(value, str):
        if _is_key(value):
            yield value
    elif isinstance(value, dict):
        for entry in value.values():
            yield from _keys_in(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from _keys_in(entry)


def _triples_in(value: Any) -> Iterator[list[Any]]:
    """Every [key, digest, rows] of a manifest."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        if len(value) == 3 and _is_key(value[0]) and _is_key(value[1]):  # noqa: PLR2004 - a triple
            yield value
        else:
            for entry in value:
                yield from _triples_in(entry)


def _is_key(value: Any) -> bool:
    return isinstance(value, str) and len(value) == _KEY_LENGTH and set(value) <= _HEXADECIMAL


def _size(path: Path) -> int:
    if path.is_dir():
        return sum(entry.stat().st_size for entry in path.rglob("*") if entry.is_file())
    return path.stat().st_size
