"""Labelled rows of an artifact, chosen by split, each with its position. Knows rows; knows nothing of models.

A position is (digest of the text's shard, 0-based row in it): what a row keeps when everything about it changes.
"""

from __future__ import annotations

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


def select_examples(rows: Rows, read: Read, splits: Sequence[str]) -> pa.Table:
    """The labelled texts of the splits, in the order of the shards: kept and readable rows only. Columns of EXAMPLE.

    Raises:
        UserError: no row has a split, or a row of these splits has no label or no text (with its file and line).
    """
    parts, any_split = [], False
    for shard in rows.shards:
        text = read(shard.text)
        split = text["split"] if shard.split is None else read(shard.split)["split"]
        any_split |= split.null_count < len(split)
        wanted = pc.and_(pc.is_in(split, pa.array(splits, pa.string())), _usable(shard, text, read))
        parts.append(_examples(text, split, wanted, shard.text.digest))
    if not any_split:
        raise UserError(
            "no row belongs to a split",
            do='Add a step before this one: step = "split", share = { train = 0.8, validation = 0.1, test = 0.1 }.',
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
