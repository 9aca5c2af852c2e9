"""Items with what a model said of them: a score per item and metric, and what a report tells of all.

Knows metrics and labels. Knows nothing of models, nor of how they answer (answering.py).
"""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from adaptline.core.artifacts import Use, Weights
from adaptline.errors import RunError
from adaptline.evals.tasks import Items, asked_for
from adaptline.models.bases import Kind

_TOP_CONFUSIONS = 20
_ROUNDING = 1e-9  # a perfect score that is given as jackknife values may miss its bound by this


@dataclass(frozen=True)
class Scored:
    """Items with what the model said, a classifier with the probability of each label; and metric -> a score per item.

    `facts` tell of how a writer's answers came about.
    """

    items: Items
    predictions: list[str]
    confidence: list[float | None]
    scores: dict[str, list[float]]
    facts: dict[str, float] = field(default_factory=dict)


def scored(items: Items, predictions: list[str], confidence: list[float | None], facts: dict[str, float]) -> Scored:
    """Answers with what each of the items' metrics says of them. Raises RunError for a metric that gives no scores."""
    scores = {metric.name: _measure(metric, predictions, items) for metric in items.metrics}
    return Scored(items, predictions, confidence, scores, facts)


def _measure(metric: Use, predictions: list[str], items: Items) -> list[float]:
    """A metric's score of each item. Raises RunError for anything else that it gives."""
    given = {**asked_for(metric, items), **metric.parameters}
    with metric.blamed():
        values = [float(value) for value in metric.load().function(predictions, items.references, **given)]
        if len(values) != len(predictions):
            raise ValueError(f"{len(values)} scores for {len(predictions)} items")
    if not all(map(math.isfinite, values)):
        raise RunError(f"{metric.use} gives a score that is no finite number", brief=True)
    low, high = metric.load().options["bounds"] or (-math.inf, math.inf)
    if not low - _ROUNDING <= (mean := sum(values) / max(1, len(values))) <= high + _ROUNDING:
        raise RunError(f"{metric.use} gives a mean of {mean:g}, beyond its bounds of {low:g} to {high:g}", brief=True)
    return values


def table(entries: list[Scored]) -> pa.Table:
    """All items as rows of items.parquet; every metric of any task has a column."""
    metrics = sorted({metric.name for entry in entries for metric in entry.items.metrics})
    return pa.concat_tables([_of_task(entry, metrics) for entry in entries])


def _of_task(entry: Scored, metrics: list[str]) -> pa.Table:
    count = len(entry.predictions)
    columns = {
        "task": pa.array([entry.items.task] * count, pa.string()),
        "item": pa.array(range(count), pa.int64()),
        "prediction": pa.array(entry.predictions, pa.string()),
        "label": pa.array(entry.items.labels, pa.string()),
        "confidence": pa.array(entry.confidence, pa.float64()),
    }
    for name in metrics:
        columns[name] = pa.array(entry.scores.get(name, [None] * count), pa.float64())
    for name, kind in (("shard", pa.string()), ("row", pa.int64()), ("split", pa.string())):
        columns[name] = pa.nulls(count, kind) if entry.items.positions is None else entry.items.positions[name]
    return pa.table(columns)


def report(weights: Weights, entries: list[Scored], kind: Kind) -> dict[str, Any]:
    """What report.json says of weights and their scores: metrics by "task.metric"; of a classifier also its labels."""
    training = json.loads((weights.path / "training.json").read_text("utf-8"))
    found = {
        "metrics": {
            f"{entry.items.task}.{name}": sum(values) / len(values)
            for entry in entries
            for name, values in entry.scores.items()
        },
        "bounds": {
            f"{entry.items.task}.{metric.name}": list(metric.load().options["bounds"] or ()) or None
            for entry in entries
            for metric in entry.items.metrics
        },
        "items": {entry.items.task: len(entry.predictions) for entry in entries},
        "weights": {"digest": weights.digest},
        "validation": {**training["validation"], "score": training["validation"]["accuracy"]},
        "parameters": training["parameters"],
    }
    if kind == "classifier":
        return found | _of_labels(weights, entries)
    return found | {"answers": {entry.items.task: entry.facts for entry in entries}}


def _of_labels(weights: Weights, entries: list[Scored]) -> dict[str, Any]:
    """What a report tells of a classifier besides."""
    known = set(json.loads((weights.path / "labels.json").read_text("utf-8"))["labels"])
    return {
        "labels": {entry.items.task: _labels(entry) for entry in entries},
        "confusions": {entry.items.task: _confusions(entry) for entry in entries},
        "unseen_labels": {
            entry.items.task: dict(Counter(label for label in entry.items.labels if label not in known))
            for entry in entries
        },
    }


def _labels(entry: Scored) -> dict[str, dict[str, float | None]]:
    """Per label: how many items have it, recall among them, and precision among the items that were given it."""
    true, given = Counter(entry.items.labels), Counter(entry.predictions)
    right = Counter(label for label, said in _pairs(entry) if label == said)
    return {
        label: {
            "count": true[label],
            "recall": right[label] / true[label] if true[label] else None,
            "precision": right[label] / given[label] if given[label] else None,
        }
        for label in sorted({*true, *given})
    }


def _confusions(entry: Scored) -> list[dict[str, Any]]:
    """The most frequent pairs of a label and another that was predicted for it; of equal ones, the first by name."""
    wrong = Counter(pair for pair in _pairs(entry) if pair[0] != pair[1])
    ranked = sorted(wrong.items(), key=lambda pair: (-pair[1], pair[0]))[:_TOP_CONFUSIONS]
    return [{"label": label, "prediction": said, "count": count} for (label, said), count in ranked]


def _pairs(entry: Scored) -> list[tuple[str, str]]:
    return list(zip(entry.items.labels, entry.predictions, strict=True))
