"""Reads from a store how the scores of a filter are spread over the rows that reached it.

Knows curate steps' methods. Knows nothing of HTML.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from adaptline.core.rows import Ref
from adaptline.core.store import Store
from adaptline.web import view_scores

_BINS = 40
_LOG_RATIO = 1000.0  # scores that span more than this are drawn on a logarithmic scale


def chart(
    store: Store, rule: str, method: dict[str, Any], alive: list[npt.NDArray[Any]]
) -> view_scores.Histogram | view_scores.LabelChart | None:
    """How the scores of the rows that reached a filter are spread."""
    if "scores" not in method:
        return None
    scores = _scores(store, method, alive)
    meaning = method.get("meaning", "")
    if pa.types.is_string(scores.type):
        return _of_labels(rule, meaning, scores, method["settings"])
    return _of_numbers(rule, meaning, scores, method["settings"])


def _of_labels(rule: str, meaning: str, scores: pa.ChunkedArray, settings: dict[str, Any]) -> view_scores.LabelChart:
    counts = sorted(scores.drop_null().value_counts().to_pylist(), key=lambda entry: -entry["counts"])
    keep, drop = settings.get("keep"), settings.get("drop", [])
    labels = tuple(
        view_scores.LabelCount(said, entry["counts"], said not in drop and (keep is None or said in keep))
        for entry in counts
        for said in [entry["values"]]
    )
    return view_scores.LabelChart(rule, meaning, labels, scores.null_count)


def _of_numbers(rule: str, meaning: str, scores: pa.ChunkedArray, settings: dict[str, Any]) -> view_scores.Histogram:
    values = scores.drop_null().to_numpy()
    values = values[np.isfinite(values)]
    limits = tuple(view_scores.Limit(name, settings[name]) for name in ("min", "max") if name in settings)
    if not len(values):
        return view_scores.Histogram(rule, meaning, (), (), limits, scores.null_count)
    logarithmic = values.min() > 0 and values.max() / values.min() > _LOG_RATIO
    edges = (
        np.geomspace(values.min(), values.max(), _BINS + 1) if logarithmic else np.histogram_bin_edges(values, _BINS)
    )
    edges[0], edges[-1] = min(edges[0], values.min()), max(edges[-1], values.max())
    heights, edges = np.histogram(values, edges)
    return view_scores.Histogram(
        rule,
        meaning,
        tuple(map(float, edges)),
        tuple(map(int, heights)),
        limits,
        len(scores) - len(values),
        "log" if logarithmic else "linear",
    )


def _scores(store: Store, method: dict[str, Any], alive: list[npt.NDArray[Any]]) -> pa.ChunkedArray:
    """The scores of the rows that are alive, all texts or all float64: shards may hold integers, floats or nothing."""
    chunks = [
        chunk
        for triple, mask in zip(method["scores"], alive, strict=True)
        for chunk in store.read(Ref(*triple))["score"].filter(pa.array(mask)).chunks
    ]
    common = pa.string() if any(pa.types.is_string(chunk.type) for chunk in chunks) else pa.float64()
    return pa.chunked_array([chunk.cast(common, safe=False) for chunk in chunks], type=common)
