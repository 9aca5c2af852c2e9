"""Labels as people write them: which are none, which are one label in two spellings, and which rows alike differ in theirs.

Knows labels and positions of rows. Knows nothing of texts, nor of which label is right.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from adaptline.core import keys
from adaptline.core.rows import Ref
from adaptline.data.jsons import decode

NAMES = ("label", "intent", "category", "class", "target", "sentiment")  # what a field of labels is usually called
MOST = 10_000  # different labels of which something is told: with more of them it is hardly a label
SAMPLES = 5
_WHOLE = re.compile(
    r"(-?\d+)\.0+"
)  # a whole number as a float: what pandas makes of a column of them in which one is missing
_LOOKED_AT = 20  # rows, whose fields tell those of all
_NONE = -1  # stands for no label


def folded(label: str) -> str:
    """A label without case, extra white space and a whole number's .0: two that are alike then are one label in two spellings."""
    found = " ".join(label.split()).casefold()
    whole = _WHOLE.fullmatch(found)
    return whole[1] if whole else found


def likely(extra: pa.ChunkedArray) -> str | None:
    """Which field of rows that have no label may be it, by its name; `extra` holds what the columns do not (core/rows.COLUMNS)."""
    few = extra.drop_null().slice(0, _LOOKED_AT)
    if pa.types.is_struct(extra.type):  # of a typed source
        wanted = [number for number, field in enumerate(extra.type) if field.name.lower() in NAMES]
        told = [(extra.type.field(number).name, pc.struct_field(few, number).to_pylist()) for number in wanted]
    else:
        told = [(name, [value]) for row in few.to_pylist() for name, value in decode(row).items()]
    fields = {name.lower(): name for name, values in told if any(map(_is_label, values))}
    return next((fields[name] for name in NAMES if name in fields), None)


def _is_label(value: Any) -> bool:
    return isinstance(value, str | int | float) and not (isinstance(value, float) and math.isnan(value))


def hint(field: str) -> str:
    """What is said where no row has a label, but a field may be it."""
    return f"is it the field {field!r}? Then say label = {json.dumps(field, ensure_ascii=False)}"


def notes(counts: Mapping[str | None, int]) -> list[str]:
    """What may be wrong with the labels of a set of rows, in words; nothing of a set in which no row has one.

    No label stands in them: manifests and logs keep them, and a label may be anything.

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
        found.append("all labels are the same")
    found += _spellings([label for label in labels if label.strip()])
    return found


def _spellings(labels: Sequence[str]) -> list[str]:
    """How many labels are there in several spellings, which differ in case, white space or a decimal .0 only."""
    several = [number for number in Counter(map(folded, labels)).values() if number > 1]
    count = "1 label is" if len(several) == 1 else f"{len(several):,} labels are"
    told = f"{count} spelt in {sum(several):,} ways, which differ in case, white space or a decimal .0 only"
    return [f"{told}: the filter `label` finds them"] if several else []


def counted(shards: Iterable[pa.Table]) -> Counter[str | None]:
    """How many rows that could be read have each label; where there are more than MOST labels, of the shards until then.

    Args:
        shards: tables with the columns label and unreadable.
    """
    found: Counter[str | None] = Counter()
    for shard in shards:
        for entry in shard["label"].filter(pc.is_null(shard["unreadable"])).value_counts().to_pylist():
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
    codes: dict[int, int] = {}
    mine = _codes(read, shards, drops["shard"].to_numpy(), drops["row"].to_numpy(), codes)
    theirs = _codes(read, shards, drops["of_shard"].to_numpy(), drops["of_row"].to_numpy(), codes)
    found = np.flatnonzero((mine != theirs) & (mine != _NONE) & (theirs != _NONE))
    samples = drops.select(["shard", "row", "of_shard", "of_row"]).take(pa.array(found[:SAMPLES]))
    return len(found), [list(sample.values()) for sample in samples.to_pylist()]


def _codes(
    read: Callable[..., pa.Table],
    shards: Sequence[Ref],
    of: npt.NDArray[Any],
    rows: npt.NDArray[Any],
    codes: dict[int, int],
) -> npt.NDArray[np.int64]:
    """A number for the label of each row, given by its shard and its position in it; a shard is read once.

    Two spellings of a label have one number; `codes` knows it by 64 bits of its digest, since labels may be long.
    """
    found = np.full(len(rows), _NONE, np.int64)
    order = np.argsort(of, kind="stable")
    numbers, starts = np.unique(of[order], return_index=True)
    for number, part in zip(numbers, np.split(order, starts[1:]), strict=False):
        column = read(shards[number], ["label"])["label"].combine_chunks().dictionary_encode()
        known = [codes.setdefault(_number(label), len(codes)) for label in column.dictionary.to_pylist()]
        places = pc.fill_null(column.indices, _NONE).to_numpy(zero_copy_only=False)[rows[part]]
        found[part] = np.array([*known, _NONE], np.int64)[places]
    return found


def _number(label: str) -> int:
    return int(keys.digest(folded(label).encode())[:16], 16)
