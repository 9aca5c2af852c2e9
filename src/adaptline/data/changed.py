"""What a transform changes in one shard, and the shard with its changes: the work of two units. Knows rows and their texts."""

from __future__ import annotations

import pyarrow as pa

from adaptline.core.artifacts import Read, Use
from adaptline.core.rows import Ref, contents, with_contents


def transform_shard(read: Read, text: Ref, use: Use) -> pa.Table:
    """What a transform changes in one shard: columns row, message, content. A shard without changes keeps its identity."""
    places, before = contents(read(text), use.settings.get("on", "all"))
    with use.blamed():
        after = use.load().function(before, **use.parameters)
        if not isinstance(after, list):
            raise TypeError(
                f"it gives {type(after).__name__}: a transform takes the texts of a shard and gives a list of as many"
            )
        if len(after) != len(before):
            raise ValueError(f"{len(after)} texts for {len(before)}")
        for new in after:
            if not isinstance(new, str):
                raise TypeError(f"{new!r} is no text")
    changed = [
        (row, message, new) for (row, message), old, new in zip(places, before, after, strict=True) if new != old
    ]
    rows, messages, new = zip(*changed, strict=True) if changed else ((), (), ())
    return pa.table(
        {
            "row": pa.array(rows, pa.int64()),
            "message": pa.array(messages, pa.int32()),
            "content": pa.array(new, pa.string()),
        }
    )


def write_shard(read: Read, text: Ref, changes: Ref) -> pa.Table:
    """The shard with a transform's changes. What ingest said of its files stays with it."""
    shard = read(text)
    return with_contents(shard, read(changes), text.digest).replace_schema_metadata(shard.schema.metadata)
