"""How scores are spread, whatever their shards hold."""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
import pytest

from adaptline.core.history import History
from adaptline.web import gather_scores, view_scores


def scored(
    history: History, shards: list[pa.Array], alive: list[list[bool]]
) -> view_scores.Histogram | view_scores.LabelChart:
    """The chart of a filter whose scores are as given."""
    refs = [
        history.store.commit_unit(hashlib.sha256(repr(scores).encode()).hexdigest(), pa.table({"score": scores}))
        for scores in shards
    ]
    method = {
        "use": "mine",
        "kind": "filter",
        "meaning": "What it judges.",
        "settings": {"min": 2.0},
        "scores": [[ref.key, ref.digest, ref.rows] for ref in refs],
    }
    chart = gather_scores.chart(history.store, "mine", method, [np.array(mask) for mask in alive])
    assert chart is not None
    return chart


def test_scores_of_several_types_make_one_chart(history: History) -> None:
    """A shard without a score, one with integers and one with floats."""
    shards = [pa.nulls(2), pa.array([1, 3], pa.int64()), pa.array([0.5, None])]
    chart = scored(history, shards, [[True, True], [True, True], [True, True]])
    assert isinstance(chart, view_scores.Histogram)
    assert (sum(chart.counts), chart.unjudged, chart.edges[0], chart.edges[-1]) == (3, 3, 0.5, 3.0)
    assert chart.meaning == "What it judges."


def test_labels_after_a_shard_without_any_make_one_chart(history: History) -> None:
    chart = scored(history, [pa.nulls(1), pa.array(["en", "de", "en"])], [[True], [True, True, True]])
    assert isinstance(chart, view_scores.LabelChart)
    assert [(entry.label, entry.rows) for entry in chart.labels] == [("en", 2), ("de", 1)]
    assert chart.unjudged == 1


@pytest.mark.parametrize("shards", [[], [pa.array([1.0, 2.0])]])
def test_a_filter_that_no_row_reached_has_an_empty_chart(history: History, shards: list[pa.Array]) -> None:
    chart = scored(history, shards, [[False] * len(scores) for scores in shards])
    assert isinstance(chart, view_scores.Histogram)
    assert (chart.counts, chart.unjudged) == ((), 0)
