"""Labelled rows of an artifact, chosen by split, each with its position. Knows rows; knows nothing of models.

A position is (digest of the text's shard, 0-based row in it): what a row keeps when everything about it changes.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from adaptline.core import rows as row_schema
from adaptline.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adaptline.core.artifacts import Read
    from adaptline.core.rows import Rows, Shard

EXAMPLE = pa.schema(
    [
        ("text", pa.string()),
        ("label", pa.string()),
        ("split", pa.string()),
        ("shard", pa.string()),  # digest
        ("row", pa.int64()),  # 0-based position in the shard
    ]
)


# What corpora also call the split that training looks at after each epoch; a split step's own names are meant as they are.
_ALSO_CALLED = {"validation": ("val", "valid", "dev")}


def select_examples(rows: Rows, read: Read, splits: Sequence[str]) -> pa.Table:
    """The labelled texts of the splits, in the order of the shards: kept and readable rows only. Columns of EXAMPLE.

    A source may call its validation split val, valid or dev.

    Raises:
        UserError: no row has a split, one of the splits has no row, or a row of them has no label or no text (with its
            file and line).
    """
    parts, any_split, found = [], False, Counter[str]()
    asked = {name: split for split in splits for name in (split, *_ALSO_CALLED.get(split, ()))}
    for shard in rows.shards:
        text = read(shard.text)
        split = text["split"] if shard.split is None else read(shard.split)["split"]
        any_split |= split.null_count < len(split)
        usable = _usable(shard, text, read)
        found.update(split.filter(usable).drop_null().to_pylist())
        wanted = pc.and_(pc.is_in(split, pa.array(asked, pa.string())), usable)
        named = pa.chunked_array([pa.array([asked.get(name) for name in split.to_pylist()], pa.string())])
        parts.append(_examples(text, named, wanted, shard.text.digest))
    if not any_split:
        raise UserError(
            "no row belongs to a split",
            do='Add a step before this one: step = "split", share = { train = 0.8, validation = 0.1, test = 0.1 }.',
        )
    for split in splits:
        if not any(asked.get(name) == split for name in found):
            there = ", ".join(f"{name} {count:,}" for name, count in sorted(found.items()))
            largest = max(found, key=found.__getitem__, default="train")
            raise UserError(
                f'no row is left in the split "{split}"; rows per split: {there or "none"}',
                do=f'A split step gives it a share: share = {{ {split} = 0.1, ... }}, with of = "{largest}" to divide rows '
                "that the source has split already. What curation dropped, `adaptline show` tells.",
            )
    return pa.concat_tables(parts) if parts else EXAMPLE.empty_table()


def _usable(shard: Shard, text: pa.Table, read: Read) -> pa.ChunkedArray:
    readable = row_schema.readable(text)
    return readable if shard.keep is None else pc.and_(readable, read(shard.keep)["keep"])


def _examples(text: pa.Table, split: pa.ChunkedArray, wanted: pa.ChunkedArray, digest: str) -> pa.Table:
    chosen = text.filter(wanted)
    contents = row_schema.texts(chosen)
    _refuse_null(
        chosen, chosen["label"], "label", 'Name the source\'s column of labels in the ingest step: label = "...".'
    )
    _refuse_null(
        chosen,
        contents,
        "text",
        'Drop such rows before: step = "curate", do = [{ use = "length", min = 1, unjudged = "drop" }].',
    )
    positions = pa.chunked_array([pa.array(range(text.num_rows), pa.int64())]).filter(wanted)
    shards = pa.array([digest] * chosen.num_rows, pa.string())
    return pa.table([contents, chosen["label"], split.filter(wanted), shards, positions], schema=EXAMPLE)


def _refuse_null(chosen: pa.Table, values: pa.Array | pa.ChunkedArray, what: str, do: str) -> None:
    if values.null_count == 0:
        return
    first = chosen.filter(pc.is_null(values)).slice(0, 1).to_pylist()[0]
    count = f"; {values.null_count} such rows in this shard" if values.null_count > 1 else ""
    raise UserError(f"row {first['row']} has no {what}{count}", where=first["file"], line=first["line"], do=do)
