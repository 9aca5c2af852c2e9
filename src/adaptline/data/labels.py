"""Labels as people write them: which are none, which are one label in two spellings, and which rows alike differ in theirs.

Knows labels and positions of rows. Knows nothing of texts, nor of which label is right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from adaptline.core.rows import Ref

MOST = 10_000  # different labels of which something is told: with more of them it is hardly a label
_SHOWN, _CHARS = 3, 40  # spellings that a note names, and how long a label in it is
SAMPLES = 5


def folded(label: str) -> str:
    """A label without case and extra white space: two that are alike then are one label in two spellings."""
    return " ".join(label.split()).casefold()


def notes(counts: Mapping[str | None, int]) -> list[str]:
    """What may be wrong with the labels of a set of rows, in words; nothing of a set in which no row has one.

    Args:
        counts: label -> rows that have it; None for those without one.
    """
    labels = [label for label in counts if label is not None]
    if not labels or len(labels) > MOST:
        return []
    found = []
    if missing := counts.get(None, 0):
        found.append(f"{missing:,} without a label, where others have one")
    if empty := sum(counts[label] for label in labels if not label.strip()):
        found.append(f"{empty:,} with an empty label")
    if len(labels) == 1 and counts[labels[0]] > 1:
        found.append(f"all labels are {_brief(labels[0])}")
    found += _spellings([label for label in labels if label.strip()])
    return found


def _spellings(labels: Sequence[str]) -> list[str]:
    """Labels that differ in case or white space only, the first few of them named."""
    alike: dict[str, list[str]] = {}
    for label in sorted(labels):
        alike.setdefault(folded(label), []).append(label)
    several = [spelt for spelt in alike.values() if len(spelt) > 1]
    told = [" and ".join(map(_brief, spelt[:_SHOWN])) for spelt in several[:_SHOWN]]
    more = f", and {len(several) - _SHOWN:,} more such labels," if len(several) > _SHOWN else ""
    return [f"{', '.join(told)}{more} differ in case or white space only"] if several else []


def _brief(label: str) -> str:
    return repr(label if len(label) <= _CHARS else f"{label[: _CHARS - 1]}…")


def counted(columns: Iterable[pa.ChunkedArray]) -> Counter[str | None]:
    """How many rows have each label; where there are more than MOST labels, of the columns until then."""
    found: Counter[str | None] = Counter()
    for column in columns:
        for entry in column.value_counts().to_pylist():
            found[entry["values"]] += entry["counts"]
        if len(found) > MOST + 1:
            break
    return found


def conflicts(read: Callable[..., pa.Table], shards: Sequence[Ref], drops: pa.Table) -> tuple[int, list[list[int]]]:
    """Rows that a matcher drops for a row with another label: how many, and a few of them.

    Args:
        read: reads columns of a shard.
        shards: the rows' shards.
        drops: which rows are dropped for which, a table of matching.SCHEMA.

    Returns:
        Their number, and for the first few [shard, row, of_shard, of_row]. Rows without a label are in conflict with none, nor are
        two spellings of one label.
    """
    mine = _labels(read, shards, drops["shard"].to_numpy(), drops["row"].to_numpy())
    theirs = _labels(read, shards, drops["of_shard"].to_numpy(), drops["of_row"].to_numpy())
    differ = np.flatnonzero(pc.fill_null(pc.not_equal(mine, theirs), False).to_numpy(zero_copy_only=False))
    pairs = zip(mine.take(differ).to_pylist(), theirs.take(differ).to_pylist(), strict=True)
    found = [at for at, pair in zip(differ, pairs, strict=True) if folded(pair[0]) != folded(pair[1])]
    samples = drops.select(["shard", "row", "of_shard", "of_row"]).take(pa.array(found[:SAMPLES], pa.int64()))
    return len(found), [list(sample.values()) for sample in samples.to_pylist()]


def _labels(
    read: Callable[..., pa.Table], shards: Sequence[Ref], of: npt.NDArray[Any], rows: npt.NDArray[Any]
) -> pa.Array:
    """The labels of rows, given by their shards and their positions in these; a shard is read once."""
    order = np.argsort(of, kind="stable")
    numbers, starts = np.unique(of[order], return_index=True)
    parts = [
        read(shards[number], ["label"])["label"].take(pa.array(part)).combine_chunks()
        for number, part in zip(numbers, np.split(rows[order], starts[1:]), strict=False)
    ]
    whole = pa.concat_arrays(parts) if parts else pa.array([], pa.string())
    back = np.empty(len(order), np.int64)
    back[order] = np.arange(len(order))
    return whole.take(pa.array(back))
