"""Rows that come from rows: where a child was born, and which children a row has.

Knows what a step that augments remembers: its augmenters, and per child shard whose children it holds. Knows nothing of
what later steps do with them (trace.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from adaptline.core.rows import Ref, texts
from adaptline.core.store import Store

Place = tuple[int, int]  # a shard's number in an artifact, and a position in it
Line = dict[str, int]  # digest of every shard on the way from a file to a row -> the row's position in it


@dataclass(frozen=True)
class Birth:
    """Where a child appears in an artifact, which augmenter made it, and where its parent is."""

    place: Place
    by: str
    of: dict[str, Any]


def births(manifests: Iterable[dict[str, Any]], line: Line) -> dict[str, Birth]:
    """Digest of an artifact -> where a row of this line was born in it, for those in which it was."""
    return {manifest["digest"]: birth for manifest in manifests if (birth := _birth(manifest, line))}


def _birth(manifest: dict[str, Any], line: Line) -> Birth | None:
    for name, child, parent in _child_shards(manifest):
        digest, of = manifest["shards"][child]["text"][1], manifest["shards"][parent]["text"][1]
        if digest in line:
            return Birth((child, line[digest]), name, {"shard": of, "position": line[of]})
    return None


def children(store: Store, manifest: dict[str, Any], place: Place) -> Iterator[dict[str, Any]]:
    """The children that a step gave to the row at a place, with their texts."""
    shard, position = place
    for name, child, parent in _child_shards(manifest):
        if parent == shard:
            ref = Ref(*manifest["shards"][child]["text"])
            for at in np.flatnonzero(store.read(ref, ["parent_row"])["parent_row"].to_numpy() == position).tolist():
                text = texts(store.read(ref).slice(at, 1))[0].as_py()
                yield {"by": name, "shard": ref.digest, "position": at, "text": text}


def _child_shards(manifest: dict[str, Any]) -> Iterator[tuple[str, int, int]]:
    """(augmenter, number of a child shard, number of its parents' shard)."""
    for told in manifest["detail"].get("augmenters", []):
        yield from ((told["name"], child, parent) for child, parent in told["children"])
