"""A store with small units and artifacts in it: shared by the tests of what keeps a store and of what sweeps it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pyarrow as pa

from adaptline.core import keys
from adaptline.core.rows import Ref
from adaptline.core.store import Store

TABLE = pa.table({"a": [1, 2, None], "b": ["x", "y", "ü"]})


def name(what: str) -> str:
    """A key."""
    return keys.key(what)


def unit(store: Store, what: str, table: pa.Table = TABLE) -> Ref:
    return store.commit_unit(name(what), table)


def unit_file(store: Store, ref: Ref) -> Path:
    return store.root / "units" / ref.key[:2] / ref.key


def triple(ref: Ref) -> list[Any]:
    return [ref.key, ref.digest, ref.rows]


def rows(store: Store, what: str, *refs: Ref, inputs: tuple[str, ...] = (), scores: tuple[Ref, ...] = ()) -> str:
    """Commits the manifest of an artifact of rows and returns its key."""
    shards = [{"text": triple(ref), "split": None, "keep": None} for ref in refs]
    detail = {"methods": [{"use": "length", "scores": [triple(ref) for ref in scores]}]}
    manifest = {
        "key": name(what),
        "kind": "rows",
        "digest": keys.key(what),
        "shards": shards,
        "detail": detail,
        "inputs": {"rows": list(inputs)},
    }
    return str(store.commit_manifest(manifest)["key"])


def weights(store: Store, what: str, content: bytes = b"weights", inputs: tuple[str, ...] = ()) -> str:
    """Commits a folder and its manifest and returns its key."""
    with store.temporary() as folder:
        folder.mkdir()
        (folder / "adapter").write_bytes(content)
        digest = store.commit_folder(name(what), folder)
    manifest = {"key": name(what), "kind": "weights", "digest": digest, "inputs": {"rows": list(inputs)}}
    return str(store.commit_manifest(manifest)["key"])


def held(store: Store) -> set[str]:
    """Every payload of a store, relative to it."""
    found = [*store.root.glob("units/*/*"), *store.root.glob("artifacts/*/*"), *store.root.glob("work/*")]
    return {path.relative_to(store.root).as_posix() for path in found}


def wait_for(process: subprocess.Popen[str], line: str) -> None:
    """Waits until a process has printed a line."""
    assert process.stdout is not None
    assert process.stdout.readline() == line + "\n"
