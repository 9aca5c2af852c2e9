"""Reads from a store pairs of rows that a matcher takes for one another, though their labels differ.

Knows curate steps' methods. Knows nothing of HTML. Labels are shown
as the step left them: one that a rule after the matcher mended is not what it was.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any

from adaptline.core.rows import Ref, texts
from adaptline.core.store import Store
from adaptline.data.labels import folded
from adaptline.web import view, view_rows


def labelled(drop: view_rows.Drop, label: str | None) -> view_rows.Drop:
    """A dropped row with its label and that of the row that stays; with neither, unless they are two labels."""
    if drop.kept is None:
        return drop
    if None in (label, drop.kept.label) or folded(label or "") == folded(drop.kept.label or ""):
        return replace(drop, kept=replace(drop.kept, label=None))
    return replace(drop, label=label)


def conflicts(
    store: Store, manifest: dict[str, Any], method: dict[str, Any], shown: Collection[view.Origin]
) -> Iterator[view_rows.Drop]:
    """The pairs of which the method keeps a sample, less those whose dropped row is shown anyway."""
    for shard, row, of_shard, of_row in method.get("conflicts", {}).get("samples", []):
        origin, text, label = _row(store, manifest, shard, row)
        if origin not in shown:
            kept = view_rows.Kept(*_row(store, manifest, of_shard, of_row))
            yield labelled(view_rows.Drop(origin, text, kept=kept), label)


def _row(store: Store, manifest: dict[str, Any], shard: int, row: int) -> tuple[view.Origin, str | None, str | None]:
    """Where a row comes from, its text and its label."""
    table = store.read(Ref(*manifest["shards"][shard]["text"]), ["file", "row", "messages", "label"]).slice(row, 1)
    (found,) = table.to_pylist()
    return view.Origin(found["file"], found["row"]), texts(table)[0].as_py(), found["label"]
