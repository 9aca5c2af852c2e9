"""What moved between two versions of the same rows: verdicts from rule to rule, and texts that come out differently.

Knows shards that came in with the same bytes, whose rows are compared one by one without a Python object for each. Knows
nothing of rows that only one version has: versions.py finds those.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from adaptline.core import naming
from adaptline.core.rows import Ref, texts
from adaptline.core.store import Store

SAMPLES = 5
Side = tuple[dict[str, Any], int, Sequence[str]]  # a manifest, one of its shards, the names of its rules


class Moves:
    """Verdicts that moved, counted with samples of each move, and how many texts come out differently."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.samples: dict[str, list[dict[str, Any]]] = {}
        self.rewritten = 0

    def add(self, was: str | None, now: str | None, count: int, rows: Sequence[dict[str, Any]]) -> None:
        """Counts `count` rows that one verdict lost to another, and keeps some of them; None is a kept row."""
        move = f"{was or 'kept'} -> {now or 'kept'}"
        self.counts[move] += count
        found = self.samples.setdefault(move, [])
        found += rows[: SAMPLES - len(found)]

    def compare(self, store: Store, old: Side, new: Side) -> None:
        """Adds what moved between two shards of the same rows. Texts are read where they may differ, and for samples."""
        (first, i, _), (second, j, _) = old, new
        before, after = (verdicts(store, *side) for side in (old, new))
        places = np.flatnonzero(pc.not_equal(pc.fill_null(before, ""), pc.fill_null(after, "")).to_numpy(False))
        if len(places):
            shard = store.read(Ref(*second["shards"][j]["text"]), ["file", "row", "messages"])
            pairs = list(zip(before.take(places).to_pylist(), after.take(places).to_pylist(), strict=True))
            for (was, now), count in Counter(pairs).items():
                few = [place for place, pair in zip(places, pairs, strict=True) if pair == (was, now)][:SAMPLES]
                self.add(was, now, count, _shown(shard.take(pa.array(few))))
        if first["shards"][i]["text"][1] != second["shards"][j]["text"][1]:
            sides = (
                texts(store.read(Ref(*m["shards"][n]["text"]), ["messages"])) for m, n in ((first, i), (second, j))
            )
            left, right = (pc.fill_null(side, "") for side in sides)
            self.rewritten += pc.sum(pc.not_equal(left, right)).as_py() or 0


def pairs(old: dict[str, Any], new: dict[str, Any]) -> list[tuple[int, int]]:
    """Shards of both versions that came in with the same bytes."""
    mine = {original(old, i)[1]: i for i in range(len(old["shards"]))}
    found = ((mine.pop(original(new, j)[1], None), j) for j in range(len(new["shards"])))
    return [(i, j) for i, j in found if i is not None]


def original(manifest: dict[str, Any], shard: int) -> list[Any]:
    """A shard as it came into the step, before the step's own transforms."""
    before = (method["texts"][shard] for method in manifest["detail"].get("methods", []) if "texts" in method)
    found: list[Any] = next(before, manifest["shards"][shard]["text"])
    return found


def rules(manifest: dict[str, Any]) -> list[str]:
    """A step's rules as a person tells them apart: as a recipe calls them, else by their methods."""
    methods = manifest["detail"].get("methods", []) if manifest["kind"] == "rows" else []
    found: list[str] = manifest.get("names") or naming.numbered([method["use"] for method in methods])
    return found


def verdicts(store: Store, manifest: dict[str, Any], shard: int, rules: Sequence[str]) -> pa.Array:
    """In words what the step said of each row of a shard: which rule dropped it, or its split; null for a kept row."""
    entry = manifest["shards"][shard]
    if stored := manifest["detail"].get("verdicts"):
        words = pa.array([*(f"dropped by {rule}" for rule in rules), "dropped earlier"], pa.string())
        dropped_by = store.read(Ref(*stored[shard]))["dropped_by"].combine_chunks()
        return words.take(pc.if_else(pc.less(dropped_by, 0), pa.scalar(len(rules), dropped_by.type), dropped_by))
    if entry["split"] is None:
        return pa.nulls(entry["text"][2], pa.string())
    splits = store.read(Ref(*entry["split"]), ["split"])["split"].combine_chunks()  # what moves is a row's split
    return pc.binary_join_element_wise("in", pc.fill_null(splits, "None"), " ")


def _shown(shard: pa.Table) -> list[dict[str, Any]]:
    places = zip(shard["file"].to_pylist(), shard["row"].to_pylist(), texts(shard).to_pylist(), strict=True)
    return [{"file": file, "row": row, "text": text or ""} for file, row, text in places]
