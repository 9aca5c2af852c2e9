"""Rows that a matcher takes for the same, since their messages are, though what is learnt from them beside these differs.

Knows the fields that hold preferences and tools in `extra`, and positions of rows. Knows nothing of how rows are matched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from adaptline.core import keys
from adaptline.core.rows import Ref
from adaptline.data.jsons import decode
from adaptline.data.moments import rows_of
from adaptline.data.records import encode_strictly

FIELDS = (
    "chosen",
    "rejected",
    "tools",
)  # as trainers of preferences and of tool calls name them (TRL's dataset formats)
_LOOKED_AT = 20  # rows of a shard, which tell whether it has such fields
_TOGETHER = 1000  # rows that are Python objects at once
_NONE = 0  # stands for a row without any of the fields

Read = Callable[..., pa.Table]
Numbers = npt.NDArray[np.uint64]


def differing(read: Read, shards: Sequence[Ref], drops: pa.Table) -> int:
    """How many rows are dropped for one with other FIELDS.

    Args:
        read: reads columns of a shard.
        shards: the rows' shards.
        drops: which rows are dropped for which, a table of matching.SCHEMA.
    """
    if not len(drops) or not _has_fields(read(shards[drops["shard"][0].as_py()], ["extra"])["extra"]):
        return 0
    mine = _numbers(read, shards, drops["shard"].to_numpy(), drops["row"].to_numpy())
    theirs = _numbers(read, shards, drops["of_shard"].to_numpy(), drops["of_row"].to_numpy())
    return int((mine != theirs).sum())


def _has_fields(extra: pa.ChunkedArray) -> bool:
    few = pa.array(range(min(_LOOKED_AT, len(extra))), pa.int64())
    return any(map(bool, _fields(extra, few)))


def _numbers(read: Read, shards: Sequence[Ref], of: npt.NDArray[Any], rows: npt.NDArray[Any]) -> Numbers:
    """A number for the fields of each row, given by its shard and its position in it: 64 bits of their digest, since they may be long."""
    found = np.full(len(rows), _NONE, np.uint64)
    for shard in np.unique(of):
        part = np.flatnonzero(of == shard)
        places, back = np.unique(rows[part], return_inverse=True)
        extra = read(shards[shard], ["extra"])["extra"]
        numbers = [_number(fields) for fields in _fields(extra, pa.array(places, pa.int64()))]
        found[part] = np.array(numbers, np.uint64)[back]
    return found


def _fields(extra: pa.ChunkedArray, places: pa.Array) -> Iterator[dict[str, Any]]:
    """Those of the FIELDS that rows have, row by row."""
    typed = pa.types.is_struct(extra.type)
    names = [field.name for field in extra.type if field.name in FIELDS] if typed else []
    for start in range(0, len(places), _TOGETHER):
        some = extra.take(places.slice(start, _TOGETHER)).combine_chunks()
        if typed:
            rows = rows_of(pa.table({name: some.field(name) for name in names})) if names else [{}] * len(some)
        else:
            rows = [
                decode(row) if row and any(f'"{name}"' in row for name in FIELDS) else {} for row in some.to_pylist()
            ]
        for row in rows:
            yield {name: row[name] for name in FIELDS if row.get(name) is not None}


def _number(fields: dict[str, Any]) -> int:
    return int(keys.digest(encode_strictly(fields).encode("utf-8", "surrogatepass"))[:16], 16) if fields else _NONE
