"""What a filter says of one shard: the work of one unit.

Knows the views of texts that a filter may ask for, and the form of scores. Knows nothing of bounds (verdicts.py).
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence, Sized
from typing import Any, get_args, get_origin

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from adaptline.core import registry
from adaptline.core.artifacts import Read, Use
from adaptline.core.rows import On, Ref, readable, texts
from adaptline.data.masks import unpack
from adaptline.errors import RunError


def score_shard(read: Read, text: Ref, use: Use, alive: bytes | None, split: Ref | None) -> pa.Table:
    """The scores of one shard: column score, and what else the filter gives beside it: because, its evidence in words."""
    shard = read(text)
    if split is not None:
        shard = shard.set_column(shard.schema.get_field_index("split"), "split", read(split, ["split"])["split"])
    function = use.load().function
    on: On = use.settings.get("on", "all")
    wanted = readable(shard).to_numpy() if alive is None else unpack(alive, shard.num_rows)
    if asks_for(function) == list[str]:  # no string stands for a text that is not there: such a row has no score
        wanted = wanted & texts(shard, on).is_valid().to_numpy(zero_copy_only=False)
    with use.blamed():
        scores = function(_view(shard.filter(pa.array(wanted)), on, function), **use.parameters)
        if not isinstance(scores, Sized) or isinstance(scores, str | bytes):
            raise TypeError(f"it gives {scores!r}: a filter takes the texts of a shard and gives one score each")
        if len(scores) != int(wanted.sum()):
            raise ValueError(f"{len(scores)} scores for {int(wanted.sum())} texts")
        scores = scores if isinstance(scores, pa.Array | pa.ChunkedArray) else pa.array(scores)
    # Rows that were not asked for have no score: their place is filled with null.
    places = pa.array(np.where(wanted, np.cumsum(wanted) - 1, 0), mask=~wanted)
    spread = scores.take(places)
    spread = spread.combine_chunks() if isinstance(spread, pa.ChunkedArray) else spread
    beside: dict[str, Any] = {}
    if pa.types.is_struct(spread.type):
        beside = {field.name: pc.struct_field(spread, field.name) for field in spread.type if field.name != "score"}
        spread = pc.struct_field(spread, "score")
    return pa.table({"score": _alike(spread, use)} | beside)


def _alike(scores: pa.Array, use: Use) -> pa.Array:
    """Scores as float64 or string, whatever the values of one shard suggest, so that all shards have one type."""
    kind = scores.type.value_type if pa.types.is_dictionary(scores.type) else scores.type
    if pa.types.is_null(kind):
        # Nothing but nulls: only what the filter says it gives can tell labels from numbers.
        return scores.cast(pa.string() if registry.score_kind(use.load()) == "label" else pa.float64())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return scores.cast(pa.string())
    if (
        pa.types.is_boolean(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
    ):
        return scores.cast(pa.float64(), safe=False)
    raise RunError(f"{use.use} gives {kind}: a score is a number, or a string for a label", brief=True)


def asks_for(function: Any) -> Any:
    """What a filter's first parameter asks for: list[str] (also if it says nothing), pa.StringArray or pa.Table; else None."""
    asked = next(iter(inspect.signature(function, eval_str=True).parameters.values())).annotation
    if asked in (inspect.Parameter.empty, list) or (
        get_origin(asked) in (list, Sequence) and get_args(asked) == (str,)
    ):
        return list[str]
    if asked in (pa.StringArray, pa.Array, pa.ChunkedArray):
        return pa.StringArray
    return pa.Table if asked is pa.Table else None


def written(read: Read, scores: Ref, use: Use) -> pa.Table:
    """What a filter that writes changes in one shard, as transform_shard gives it."""
    with use.blamed():
        changes: pa.Table = use.load().options["writes"](read(scores))
    return changes


def _view(shard: pa.Table, on: On, function: Any) -> Any:
    """What a filter asks for: texts as Python strings, as an Arrow array, or the whole shard."""
    asked = asks_for(function)
    if asked is pa.Table:
        return shard
    return texts(shard, on).to_pylist() if asked == list[str] else texts(shard, on)
