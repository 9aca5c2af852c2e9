"""Reads from a store pairs of rows that a matcher takes for one another, though their labels differ.

Knows curate steps' methods. Knows nothing of HTML. Labels are shown
as the step left them: one that a rule after the matcher mended is not what it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from adaptline.core.rows import Ref, texts
from adaptline.core.store import Store
from adaptline.web import view, view_rows


def conflicts(store: Store, manifest: dict[str, Any], method: dict[str, Any]) -> Iterator[view_rows.Conflict]:
    """The pairs of which the method keeps a sample."""
    for shard, row, of_shard, of_row in method.get("conflicts", {}).get("samples", []):
        yield view_rows.Conflict(_row(store, manifest, shard, row), _row(store, manifest, of_shard, of_row))


def _row(store: Store, manifest: dict[str, Any], shard: int, row: int) -> view_rows.Labelled:
    table = store.read(Ref(*manifest["shards"][shard]["text"]), ["file", "row", "messages", "label"]).slice(row, 1)
    (found,) = table.to_pylist()
    return view_rows.Labelled(view.Origin(found["file"], found["row"]), texts(table)[0].as_py(), found["label"])
