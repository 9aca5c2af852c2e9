"""A shard's columns while rows are added to them. Knows core/rows.COLUMNS and records; knows nothing of files' bytes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from adaptline.core.rows import COLUMNS, MESSAGE, table
from adaptline.data.blocks import printable
from adaptline.data.records import (
    Message,
    UnreadableError,
    encode,
    encode_fields,
    lift,
    take_messages,
    take_people,
    take_references,
    take_scalar,
)

if TYPE_CHECKING:
    from adaptline.data.schemas import Columns, Value

_FIELDS = ("lengths", "label", "references", "split", "group", "subject", "extra", "row", "line", "unreadable")


class ShardBuilder:
    """Takes the records of one file one by one and gives the table of a shard.

    With subjects, `secret` is the store's, and the raw text of rows that cannot be read is not kept.
    """

    def __init__(self, file: str, columns: Columns, secret: bytes = b"") -> None:
        self._file, self._columns, self._secret = file, columns, secret
        self._messages: list[Message] = []
        self._rows: list[tuple[Any, ...]] = []  # per row, in the order of _FIELDS

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self._rows)

    def add(self, row: int, line: int | None, value: Value, raw: str | bytes, part: str | None) -> None:
        """One record, which is used up. `raw` is kept if it does not fit; `part` is its split if no column says otherwise."""
        columns = self._columns
        try:
            lift(value, columns)
            people = columns.group is not None or columns.subject
            group, subject = take_people(value, columns, self._secret) if people else (None, None)
            messages = take_messages(value, columns)
            label = take_scalar(value, columns.label)
            references = take_references(value, columns.references)
            split = take_scalar(value, columns.split)
            extra = encode_fields(value) if value else None
        except UnreadableError as error:
            self.fail(row, line, str(error), raw)
            return
        except RecursionError:  # what could just be read can be a level too deep to be written
            self.fail(row, line, "nested too deeply", raw)
            return
        split = part if split is None else split
        self._messages += messages
        self._rows.append((len(messages), label, references, split, group, subject, extra, row, line, None))

    def fail(self, row: int, line: int | None, why: str, raw: str | bytes) -> None:
        """One row that cannot be read."""
        extra = encode({"raw": printable(raw)}) if raw and not self._columns.subject else None
        self._rows.append((0, None, None, None, None, None, extra, row, line, why))

    def table(self, extra: pa.Array | None = None) -> pa.Table:
        """The shard. `extra` stands for what the records had left, where the source is typed."""
        columns: dict[str, Any] = (
            dict(zip(_FIELDS, map(list, zip(*self._rows, strict=True)), strict=True)) if self._rows else {}
        )
        lengths = columns.pop("lengths", [])
        columns["messages"] = _messages(self._messages, lengths)
        columns["file"] = pa.repeat(self._file, len(self))
        return table(columns if extra is None else columns | {"extra": extra}, len(self))


def raw_texts(extra: pa.ChunkedArray) -> list[str | None]:
    """What `fail` kept of rows that cannot be read, from their `extra`: nothing where the source is typed."""
    kept = extra.to_pylist() if pa.types.is_string(extra.type) else [None] * len(extra)
    return [json.loads(entry).get("raw") if entry else None for entry in kept]


def _messages(messages: list[Message], lengths: list[int]) -> pa.Array:
    """Lists of messages from their lengths; a row without any is null."""
    roles, contents = zip(*messages, strict=True) if messages else ((), ())
    flat = pa.StructArray.from_arrays(
        [pa.array(roles, pa.string()), pa.array(contents, pa.string())], fields=list(MESSAGE)
    )
    ends = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.ListArray.from_arrays(
        pa.array(ends), flat, type=COLUMNS["messages"], mask=pa.array([not length for length in lengths], pa.bool_())
    )
