"""What matchers share: the positions of rows over shards, and the table that says which row is dropped for which.

Knows positions and bytes. Knows nothing of what makes two rows the same.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from adaptline.core.memory import room
from adaptline.data import folding

if TYPE_CHECKING:
    from collections.abc import Sequence

SCHEMA = pa.schema(
    [
        ("shard", pa.int32()),
        ("row", pa.int64()),
        ("of_shard", pa.int32()),
        ("of_row", pa.int64()),
        ("score", pa.float64()),
    ]
)
LENGTH = "length"  # what rows can be taken by besides the scores of a filter
_IN_PART = b"rows_compared_in_part"
Mask = npt.NDArray[np.bool_]
Positions = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Start:
    """Where a match starts: with the verdicts on the first shards, which hold what they held when those were found.

    They cannot change, since a row is dropped for an earlier one only. `drops` is a table of SCHEMA; its rows are of those
    shards alone. `memory` is how many bytes the match may take, None for any number.
    """

    shards: int
    drops: pa.Table
    memory: int | None = None

    def without(self, alive: Sequence[Mask]) -> list[Mask]:
        """Who is alive, less those who are known to be dropped."""
        left = list(alive)
        shards, rows = self.drops["shard"].to_numpy(), self.drops["row"].to_numpy()
        for shard in np.unique(shards):
            left[shard] = np.array(left[shard], np.bool_)
            left[shard][rows[shards == shard]] = False
        return left

    def room(self, taken: int, rows: int) -> int:
        """Bytes of texts that may be held at a time beside what is taken for so many rows. Raises UserError where there is none."""
        return room(self.memory, taken, f"{rows:,} rows")

    def fresh(self, positions: Sequence[Positions]) -> int:
        """The first row of the other shards, counted through those that take part."""
        return sum(len(rows) for rows in positions[: self.shards])


NOTHING = Start(0, SCHEMA.empty_table())


def living(shards: Sequence[pa.Table], alive: Sequence[Mask], column: str) -> list[Positions]:
    """Per shard, the rows that are alive and not null in a column, in order."""
    found = []
    for shard, mask in zip(shards, alive, strict=True):
        valid = pc.is_valid(shard[column]).to_numpy(zero_copy_only=False)
        found.append(np.flatnonzero(valid & np.asarray(mask, dtype=np.bool_)))
    return found


def fixed_bytes(column: pa.ChunkedArray) -> npt.NDArray[np.uint8]:
    """A column of fixed-size binary as (rows, width) bytes, without a copy where it is one chunk; null rows hold anything."""
    width = column.type.byte_width
    chunks = [
        np.frombuffer(chunk.buffers()[1], np.uint8)[chunk.offset * width :][: len(chunk) * width]
        for chunk in column.chunks
        if len(chunk)
    ]
    return (chunks[0] if len(chunks) == 1 else np.concatenate(chunks or [np.empty(0, np.uint8)])).reshape(-1, width)


def utf8(texts: pa.Array) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """The bytes of strings without a copy, and where each begins, with the end of the last; nulls are empty."""
    kind = np.int64 if pa.types.is_large_string(texts.type) else np.int32
    _, offsets, data = texts.buffers()
    if offsets is None or data is None:
        return np.empty(0, np.uint8), np.zeros(len(texts) + 1, np.int64)
    found = np.frombuffer(offsets, kind)[texts.offset : texts.offset + len(texts) + 1].astype(np.int64)
    return np.frombuffer(data, np.uint8)[found[0] : found[-1]], found - found[0]


class Gathered:
    """Some texts of all shards, normalised as loops that fold them want them, in a file without a name: few of them are in memory at a time. A context manager."""

    def __init__(self, texts: Sequence[pa.Array], positions: Sequence[Positions], chosen: Positions) -> None:
        """Writes the texts.

        Args:
            texts: per shard its texts; a shard is read where one of its texts is asked for.
            positions: per shard the rows that took part, as `living` gives them.
            chosen: which of those, counted through all shards, in order.
        """
        starts = np.cumsum([0, *(len(rows) for rows in positions)])
        cuts = np.searchsorted(chosen, starts)
        lengths = [np.zeros(1, np.int64)]
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed on exit
        for number, (rows, start, first, last) in enumerate(zip(positions, starts, cuts, cuts[1:], strict=False)):
            if first < last:
                found = texts[number].take(pa.array(rows[chosen[first:last] - start]))
                data, offsets = utf8(folding.normalised(found))
                data.tofile(self._file)
                lengths.append(np.diff(offsets))
        self.offsets = np.cumsum(np.concatenate(lengths))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def take(self, rows: Positions) -> tuple[npt.NDArray[np.uint8], Positions]:
        """The bytes of some of the texts in UTF-8, in order, and where each begins, with the end of the last."""
        lengths = np.diff(self.offsets)[rows]
        data, ends = np.empty(int(lengths.sum()), np.uint8), np.cumsum([0, *lengths])
        view = memoryview(data)  # type: ignore[arg-type]
        begins = np.flatnonzero(np.diff(rows, prepend=-2) != 1)  # texts that follow each other are read at once
        for first, end in zip(begins, [*begins[1:], len(rows)], strict=False):
            self._file.seek(int(self.offsets[rows[first]]))
            _fill(self._file, view[ends[first] : ends[end]])
        return data, ends


def _fill(file: Any, view: memoryview) -> None:
    """Reads as many bytes as the view has room for: one call reads 2 GiB at most."""
    while len(view):
        if not (read := file.readinto(view)):
            raise OSError("a file of texts that are being matched was cut short")
        view = view[read:]


def tells_in_part(drops: pa.Table) -> bool:
    """Whether a match says how many rows it compared in part."""
    return _IN_PART in (drops.schema.metadata or {})


def in_part(drops: pa.Table, shards: int) -> list[int]:
    """How many rows of each shard a match compared in part only, as its result says; none where it says nothing."""
    told = json.loads((drops.schema.metadata or {}).get(_IN_PART, b"{}"))
    return [told.get(str(shard), 0) for shard in range(shards)]


def with_in_part(drops: pa.Table, counts: Sequence[int]) -> pa.Table:
    """A result that says how many rows of each shard were compared in part only."""
    told = {str(shard): int(count) for shard, count in enumerate(counts) if count}
    return drops.replace_schema_metadata({_IN_PART: json.dumps(told)})


def to_fixed_binary(values: npt.NDArray[np.uint8], valid: Mask) -> pa.Array:
    """(rows, width) bytes as a column of fixed-size binary, null where not valid."""
    rows, width = values.shape
    kind = pa.binary(width)
    whole = pa.FixedSizeBinaryArray.from_buffers(kind, rows, [None, pa.py_buffer(np.ascontiguousarray(values))])
    return whole if bool(valid.all()) else pc.if_else(pa.array(valid), whole, pa.scalar(None, kind))


def per_shard(positions: Sequence[Positions], chosen: Positions) -> list[int]:
    """How many of some rows, counted through all shards, each shard has."""
    starts = np.cumsum([0, *(len(rows) for rows in positions)])
    counts: list[int] = np.diff(np.searchsorted(np.sort(chosen), starts)).tolist()
    return counts


def drops(
    positions: Sequence[Positions], dropped: Positions, of: Positions, scores: npt.NDArray[np.float64]
) -> pa.Table:
    """The table of a matcher's verdicts, in (shard, row) order.

    Args:
        positions: per shard the rows that took part, as `living` gives them.
        dropped: which of those, counted through all shards, are dropped.
        of: for each, the kept row that it is dropped for, counted the same way.
        scores: how alike the two are.
    """
    shard = np.repeat(np.arange(len(positions), dtype=np.int32), [len(rows) for rows in positions])
    row = np.concatenate([*positions, np.empty(0, np.int64)])
    order = np.argsort(dropped, kind="stable")
    dropped, of, scores = dropped[order], of[order], scores[order]
    return pa.table([shard[dropped], row[dropped], shard[of], row[of], scores], schema=SCHEMA)
