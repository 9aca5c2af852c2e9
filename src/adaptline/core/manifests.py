"""What a manifest says of an artifact: what it means, what it was made from, and of rows their shards; and back.

Knows the form of manifests. Knows nothing of where they lie (store.py).
"""

from __future__ import annotations

from typing import Any

from adaptline.core import keys
from adaptline.core.grid import Node
from adaptline.core.line import Line
from adaptline.core.rows import Ref, Rows, Shard


def rows_of(manifest: dict[str, Any]) -> Rows:
    """The rows that a manifest describes."""

    def ref(triple: list[Any] | None) -> Ref | None:
        return Ref(*triple) if triple else None

    shards = tuple(Shard(Ref(*shard["text"]), ref(shard["split"]), ref(shard["keep"])) for shard in manifest["shards"])
    return Rows(shards, manifest["detail"])


def header(line: Line, node: Node, key: str) -> dict[str, Any]:
    """All of a manifest that is known before its artifact is made."""
    made_from = {
        name: [line.manifests[id(parent)]["key"] for parent in parents] for name, parents in node.inputs.items()
    }
    return {
        "key": key,
        "kind": node.kind,
        "step": node.table.step,
        "name": node.table.name,
        "cell": node.cell,
        "meaning": line.meaning(node),
        "inputs": made_from,
    }


def of_rows(line: Line, node: Node, key: str, made: Rows, record: dict[str, Any]) -> dict[str, Any]:
    """The manifest of an artifact of rows."""
    shards = [{part: _triple(getattr(shard, part)) for part in ("text", "split", "keep")} for shard in made.shards]
    # What later steps see: the digests of what shards hold, not the keys under which it was asked for.
    digest = keys.key(
        "rows", [[ref[1] if (ref := shard[part]) else None for part in ("text", "split", "keep")] for shard in shards]
    )
    return {**header(line, node, key), "digest": digest, "shards": shards, "detail": made.detail, "record": record}


def _triple(ref: Ref | None) -> list[Any] | None:
    return None if ref is None else [ref.key, ref.digest, ref.rows]
