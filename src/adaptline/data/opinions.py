"""What the rules of a curate step said of its rows, all rows at once, as its artifact keeps it.

Knows manifests of curate steps, scores and bounds. Knows nothing of texts: not one is read here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from adaptline.core import moves
from adaptline.core.rows import Ref
from adaptline.core.store import Store
from adaptline.data.verdicts import Mask, judge

REVIEW = "review"  # the filter that reads what people said
_ROW_BITS = 40  # a file of more rows than that is none


@dataclass(frozen=True)
class Opinion:
    """What one filter says of every row; the arrays are (rows,), over all shards.

    `out` are rows that its bounds drop, whoever else dropped them before; `judged` those with a score. `scores` is None for
    labels.
    """

    number: int
    name: str
    settings: dict[str, Any]
    out: Mask
    judged: Mask
    scores: npt.NDArray[np.float64] | None


def fates(store: Store, manifest: dict[str, Any]) -> list[npt.NDArray[np.int16]]:
    """Per shard and row the number of the rule that dropped it: -1 before this step began, as many as rules for a kept row."""
    kept = len(manifest["detail"]["methods"])
    found = (store.read(Ref(*triple))["dropped_by"] for triple in manifest["detail"]["verdicts"])
    return [column.fill_null(kept).to_numpy() for column in found]


def first_of_places(store: Store, manifest: dict[str, Any]) -> list[Mask]:
    """Per shard, which rows are the first of their place in a source file; a row's augmented children come behind it."""
    numbers: dict[str | None, int] = {}
    keys = [np.zeros(0, np.int64)]
    for shard in manifest["shards"]:
        where = store.read(Ref(*shard["text"]), ["file", "row"])
        files = where["file"].combine_chunks().dictionary_encode()
        known = [numbers.setdefault(name, len(numbers)) for name in files.dictionary.to_pylist()]
        of = np.array([*known, -1], np.int64)[files.indices.fill_null(len(known)).to_numpy()]
        keys.append((of << _ROW_BITS) + where["row"].fill_null(0).to_numpy())
    sizes = [len(key) for key in keys[1:]]
    first = np.zeros(sum(sizes), np.bool_)
    first[np.unique(np.concatenate(keys), return_index=True)[1]] = True
    return np.split(first, np.cumsum(sizes)[:-1]) if sizes else []


def opinions(store: Store, manifest: dict[str, Any]) -> Iterator[Opinion]:
    """What each filter says, in the order of the recipe, without what people said."""
    for number, (name, method) in enumerate(zip(moves.rules(manifest), manifest["detail"]["methods"], strict=True)):
        if "scores" in method and method["use"] != REVIEW:
            yield _opinion(store, number, name, method)


def _opinion(store: Store, number: int, name: str, method: dict[str, Any]) -> Opinion:
    columns = [store.read(Ref(*triple), ["score"])["score"] for triple in method["scores"]]
    out, judged = [np.zeros(0, np.bool_)], [np.zeros(0, np.bool_)]
    for column in columns:
        dropped, unjudged = judge(column, method["use"], method["settings"])
        out.append(dropped & ~unjudged)
        judged.append(~unjudged)
    labels = any(pa.types.is_string(column.type) for column in columns)
    scores = None if labels else np.concatenate([np.zeros(0), *(_floats(column) for column in columns)])
    return Opinion(number, name, method["settings"], np.concatenate(out), np.concatenate(judged), scores)


def _floats(column: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    """Scores as numbers, NaN for none."""
    return np.asarray(column.cast(pa.float64()).to_numpy(), np.float64)
