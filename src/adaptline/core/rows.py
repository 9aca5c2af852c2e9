"""Rows: the schema of a shard, the shards of an artifact, and the views that methods get of them.

Knows columns and positions. Knows nothing of where units lie (store.py) or of what methods do with a view.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

MESSAGE = pa.struct([("role", pa.string()), ("content", pa.string())])
COLUMNS: dict[str, pa.DataType] = {
    "messages": pa.list_(MESSAGE),  # a plain document is one message of role "text"
    "label": pa.string(),
    "references": pa.list_(pa.string()),
    "split": pa.string(),  # as the source gave it
    "group": pa.string(),
    "subject": pa.list_(pa.string()),  # HMACs, never a raw identity
    "extra": pa.string(),  # the other source fields: a JSON object, or a struct where the source is typed
    "file": pa.string(),  # relative to the recipe
    "row": pa.int64(),  # 1-based record of the file
    "line": pa.int64(),  # 1-based line where the record starts; null in a binary format
    "unreadable": pa.string(),  # why the row lies in quarantine; null for a row that could be read
    "parent_shard": pa.string(),  # digest of the shard that a derived row comes from
    "parent_row": pa.int64(),  # 0-based position in it
}
On = Literal["all", "prompt", "response"]


@dataclass(frozen=True)
class Ref:
    """A unit in the store: the key that names its file, the digest of its bytes, how many rows it has."""

    key: str
    digest: str
    rows: int


@dataclass(frozen=True)
class Shard:
    """Rows of an artifact: the text, and what later steps said of it, all of one length and order.

    `split` holds the columns split and group; `keep` one Boolean per row. None means: as the text says, all kept.
    """

    text: Ref
    split: Ref | None = None
    keep: Ref | None = None


@dataclass(frozen=True)
class Rows:
    """An artifact of rows: its shards in order, and what its step wants remembered beside them (scores, verdicts)."""

    shards: tuple[Shard, ...]
    detail: dict[str, Any] = field(default_factory=dict)


def table(columns: dict[str, Any], rows: int) -> pa.Table:
    """A shard of `rows` rows from the columns at hand; the missing ones are null. `extra` may be typed."""
    arrays, fields = [], []
    for name, kind in COLUMNS.items():
        values = columns.get(name)
        if name == "extra" and isinstance(values, pa.Array | pa.ChunkedArray):
            kind = values.type  # noqa: PLW2901 - a typed source keeps its types
        array = pa.nulls(rows, kind) if values is None else values
        arrays.append(array if isinstance(array, pa.Array | pa.ChunkedArray) else pa.array(array, kind))
        fields.append(pa.field(name, kind))
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def readable(shard: pa.Table) -> pa.ChunkedArray:
    """Per row, whether it could be read."""
    return pc.is_null(shard["unreadable"])


def texts(shard: pa.Table, on: On = "all") -> pa.Array:
    """One string per row: the contents of its messages, joined by line ends; null where there is none.

    Args:
        shard: a table of COLUMNS.
        on: "response" is the last message if an assistant wrote it, "prompt" all before it, "all" every message.
    """
    messages = _one_chunk(shard["messages"])
    lengths = pc.fill_null(pc.list_value_length(messages), 0)
    if on == "all" and pc.all(pc.less_equal(lengths, 1)).as_py() is not False:
        return _single_contents(messages, lengths)
    return pa.array([_part(row, on) for row in messages.to_pylist()], pa.string())


def contents(shard: pa.Table, on: On = "all") -> tuple[list[tuple[int, int]], list[str]]:
    """Every message by itself, for what writes text: (row, message) of each, and its content."""
    places, found = [], []
    for row, messages in enumerate(shard["messages"].to_pylist()):
        for message in _chosen(messages or [], on):
            places.append((row, message))
            found.append(messages[message]["content"] or "")
    return places, found


def with_contents(shard: pa.Table, changes: pa.Table, parent: str) -> pa.Table:
    """The shard with new contents of some messages; each row names its parent, the same position of the shard `parent`.

    Args:
        shard: a table of COLUMNS.
        changes: columns row, message and content; a null message stands for the row's label.
        parent: the digest of the shard as it was.
    """
    messages, labels = shard["messages"].to_pylist(), None
    for change in changes.to_pylist():
        if change["message"] is None:
            labels = shard["label"].to_pylist() if labels is None else labels
            labels[change["row"]] = change["content"]
        else:
            messages[change["row"]][change["message"]]["content"] = change["content"]
    columns: dict[str, Any] = {name: shard[name] for name in COLUMNS}
    columns |= {
        "messages": pa.array(messages, COLUMNS["messages"]),
        "parent_shard": pa.array([parent] * shard.num_rows, pa.string()),
        "parent_row": pa.array(range(shard.num_rows), pa.int64()),
    }
    if labels is not None:
        columns["label"] = pa.array(labels, COLUMNS["label"])
    return table(columns, shard.num_rows)


def extra_values(shard: pa.Table, name: str) -> list[Any]:
    """The values of a source field that no column took, also by a path ("user.id"); null where a row has none."""
    extra = shard["extra"]
    if pa.types.is_struct(extra.type):
        names = {extra.type.field(i).name for i in range(extra.type.num_fields)}
        if name not in names and name.partition(".")[0] not in names:
            return [None] * shard.num_rows
        return [_at(row, name) for row in extra.to_pylist()]
    return [_at(json.loads(row), name) if row else None for row in extra.to_pylist()]


def _at(value: Any, path: str) -> Any:
    """A field by its own name, else by its path through objects."""
    if not isinstance(value, dict) or path in value:
        return value.get(path) if isinstance(value, dict) else None
    first, dot, rest = path.partition(".")
    return _at(value.get(first), rest) if dot else None


def _one_chunk(column: pa.ChunkedArray) -> Any:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _single_contents(messages: Any, lengths: Any) -> pa.Array:
    """The contents of rows of at most one message, without making Python strings."""
    contents = pc.struct_field(pc.list_flatten(messages), "content")
    if len(contents) == len(messages):
        return _one_chunk(contents)
    has = pc.equal(lengths, 1)
    position = pc.subtract(pc.cumulative_sum(pc.cast(has, pa.int64())), 1)
    return _one_chunk(contents.take(pc.if_else(has, position, None)))


def _part(messages: list[dict[str, str]] | None, on: On) -> str | None:
    found = [(messages or [])[i]["content"] for i in _chosen(messages or [], on)]
    said = [content for content in found if content is not None]  # a call of a tool has none
    return "\n".join(said) if said else None


def _chosen(messages: list[dict[str, str]], on: On) -> range:
    """Which messages a view is on: the answer is the last one if an assistant wrote it, the prompt all before it."""
    answer = len(messages) - 1 if messages and messages[-1]["role"] == "assistant" else len(messages)
    return {"all": range(len(messages)), "prompt": range(answer), "response": range(answer, len(messages))}[on]
