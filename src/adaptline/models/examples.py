"""Rows of an artifact to learn from, chosen by split, each with its position: labelled texts, or chats.

Knows rows; knows nothing of models.

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
    from collections.abc import Iterator, Sequence

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
CHAT = pa.schema([("messages", row_schema.COLUMNS["messages"]), *list(EXAMPLE)[2:]])

# What corpora call the split that training looks at after each epoch, where they do not call it so.
_ALSO_CALLED = {"validation": ("val", "valid", "dev")}


def select_examples(rows: Rows, read: Read, splits: Sequence[str]) -> pa.Table:
    """The labelled texts of the splits, in the order of the shards: kept and readable rows only. Columns of EXAMPLE.

    A source that has no "validation" may call it val, valid or dev; the names of a split step are meant as they are.

    Raises:
        UserError: no row has a split, one of the splits has no row, or a row of them has no label or no text (with its
            file and line).
    """
    return pa.concat_tables(_examples(*part) for part in _chosen(rows, read, splits))


def select_chats(rows: Rows, read: Read, splits: Sequence[str]) -> pa.Table:
    """The chats of the splits as select_examples chooses them. Columns of CHAT.

    A text with a label is what a user said, and the label the answer. A text without one stays alone, in the role "text".

    Raises:
        UserError: as select_examples; of the rows, one whose last message no assistant wrote, or that is empty.
    """
    return pa.concat_tables(_chats(*part) for part in _chosen(rows, read, splits))


def _chosen(
    rows: Rows, read: Read, splits: Sequence[str]
) -> Iterator[tuple[pa.Table, pa.ChunkedArray, pa.ChunkedArray, str]]:
    """Of each shard: its rows, their splits as we call them, which of them are wanted, and its digest."""
    found: Counter[str] = Counter()
    any_split = False
    for shard in rows.shards:
        text, split = read(shard.text), _splits(shard, read)
        any_split |= split.null_count < len(split)
        found.update(split.filter(_usable(shard, text, read)).drop_null().to_pylist())
    if not any_split:
        raise UserError(
            "no row belongs to a split",
            do='Add a step before this one: step = "split", share = { train = 0.8, validation = 0.1, test = 0.1 }.',
        )
    divided = any(shard.split is not None for shard in rows.shards)
    called = {_called(split, found, divided=divided): split for split in splits}
    for shard in rows.shards:
        text, split = read(shard.text), _splits(shard, read)
        wanted = pc.and_(pc.is_in(split, pa.array(called, pa.string())), _usable(shard, text, read))
        named = pa.chunked_array([pa.array([called.get(name) for name in split.to_pylist()], pa.string())])
        yield text, named, wanted, shard.text.digest


def _splits(shard: Shard, read: Read) -> pa.ChunkedArray:
    return read(shard.text)["split"] if shard.split is None else read(shard.split)["split"]


def _called(split: str, found: Counter[str], *, divided: bool) -> str:
    """What the rows call a split. Raises UserError where none of them has it."""
    if split in found:
        return split
    others = [] if divided else [name for name in _ALSO_CALLED.get(split, ()) if name in found]
    if len(others) == 1:
        return others[0]
    there = ", ".join(f"{name} {count:,}" for name, count in sorted(found.items()))
    largest = max(found, key=found.__getitem__, default="train")
    raise UserError(
        f'no row is left in the split "{split}"; rows per split: {there or "none"}',
        do=f'A split step gives it a share: share = {{ {split} = 0.1, ... }}, with of = "{largest}" to divide rows that '
        "the source has split already. What curation dropped, `adaptline show` tells.",
    )


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
    return pa.table([contents, chosen["label"], split.filter(wanted), *_positions(wanted, digest)], schema=EXAMPLE)


def _chats(text: pa.Table, split: pa.ChunkedArray, wanted: pa.ChunkedArray, digest: str) -> pa.Table:
    chosen = text.filter(wanted)
    chats = [as_chat(row["messages"], row["label"]) for row in chosen.select(["messages", "label"]).to_pylist()]
    silent = pa.chunked_array([pa.array([not _teaches(chat) for chat in chats], pa.bool_())])
    _refuse(
        chosen,
        silent,
        "has nothing to learn: it must end with what an assistant said",
        'Name the fields in the ingest step: prompt = "...", completion = "...", or messages = "...".',
    )
    columns = [pa.array(chats, row_schema.COLUMNS["messages"]), split.filter(wanted), *_positions(wanted, digest)]
    return pa.table(columns, schema=CHAT)


def as_chat(messages: list[dict[str, str]] | None, label: str | None = None) -> list[dict[str, str]]:
    """The messages of a row as a chat; a text with a label as a question with its answer."""
    found = [message for message in messages or [] if message["content"] is not None]
    if [message["role"] for message in found] != ["text"] or label is None:
        return found
    return [{"role": "user", "content": found[0]["content"]}, {"role": "assistant", "content": label}]


def _teaches(chat: list[dict[str, str]]) -> bool:
    return bool(chat) and chat[-1]["role"] in ("assistant", "text") and bool(chat[-1]["content"].strip())


def _positions(wanted: pa.ChunkedArray, digest: str) -> tuple[pa.Array, pa.ChunkedArray]:
    """Shard and row of what is wanted of a shard."""
    rows = pa.chunked_array([pa.array(range(len(wanted)), pa.int64())]).filter(wanted)
    return pa.array([digest] * len(rows), pa.string()), rows


def _refuse_null(chosen: pa.Table, values: pa.Array | pa.ChunkedArray, what: str, do: str) -> None:
    _refuse(chosen, pc.is_null(values), f"has no {what}", do)


def _refuse(chosen: pa.Table, wrong: pa.Array | pa.ChunkedArray, what: str, do: str) -> None:
    """Raises for the first row of a Boolean mask."""
    for first in chosen.filter(wrong).slice(0, 1).to_pylist():
        others = pc.sum(wrong).as_py()
        count = f"; {others} such rows in this shard" if others > 1 else ""
        raise UserError(f"row {first['row']} {what}{count}", where=first["file"], line=first["line"], do=do)
