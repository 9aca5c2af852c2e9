"""evaluate: weights and tasks to scores, one per item and metric, so that later comparisons can be paired.

Knows items, predictions and what is counted of them. Knows nothing of training. Imports torch only when it runs.
"""

import json
import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import pyarrow as pa
import pyarrow.parquet as pq

from adaptline.core.artifacts import Desk, Use, Weights
from adaptline.core.demands import at_least
from adaptline.core.grid import Node
from adaptline.core.registry import step
from adaptline.core.rows import Rows, texts
from adaptline.core.sources import Folder, Tasks
from adaptline.errors import RunError, UserError
from adaptline.evals.tasks import Metrics, load_task, metrics_of, promised, refuse_two_of_a_name, usual_metrics
from adaptline.models.examples import select_examples
from adaptline.models.runtime import deterministic, thread_count

if TYPE_CHECKING:
    from adaptline.models.encoder import Classifier

_TOP_CONFUSIONS = 20
_NOTHING = "nothing to evaluate on"
_SOMETHING = 'Name task files, tasks = ["tasks/*.toml"], or take rows with a test split.'


@dataclass(frozen=True)
class _Items:
    """Items to score under one name. `positions` says which rows they are, if they are rows of an artifact."""

    task: str
    texts: list[str]
    labels: list[str]
    metrics: list[Use]
    positions: pa.Table | None = None


@dataclass(frozen=True)
class _Scored:
    """Items with what the classifier said: a label and its probability each; and metric -> one score per item."""

    items: _Items
    predictions: list[str]
    confidence: list[float]
    scores: dict[str, list[float]]


def _check(node: Node) -> None:
    if "rows" not in node.inputs and not node.values.get("tasks"):
        raise UserError(_NOTHING, do=_SOMETHING)
    promised(node.values, rows="rows" in node.inputs)  # refuses settings of tasks and names of metrics


@step(version=2, output="report", uses=("metric", "format"), check=_check)
def evaluate(
    weights: Weights,
    rows: Rows | None = None,
    *,
    desk: Desk,
    tasks: Tasks | None = None,
    split: str = "test",
    metrics: Metrics | None = None,
    batch_size: Annotated[int, at_least(1)] = 64,
) -> dict[str, Any]:
    """Score weights on tasks, and on a split of rows where rows are given: in float32, whatever training used.

    The output holds items.parquet (task, item from 0, prediction, label, confidence, a column per metric; shard, row and
    split of items that are rows) and report.json (metrics by "task.metric", scores per label, confusions).

    Args:
        weights: of train.
        rows: rows whose split `split` is scored as a task of that name.
        desk: where to work.
        tasks: task files.
        split: which rows to score.
        metrics: for the rows, and for tasks that name none; accuracy and macro_f1 if not given. A function of your own,
            "./mine.py:polite", takes predictions and references as they do.
        batch_size: texts computed at once.

    Returns:
        The record: the metrics, and how many items were scored on how many threads.

    Raises:
        UserError: nothing to score, a task that cannot be read, or a base that is not the one the weights belong to.
        RunError: a metric failed, or gives what is no score of each item.
    """
    usual = usual_metrics(metrics)
    sets = [_of_task(task, usual) for task in tasks or ()]
    if rows is not None:
        sets += _of_rows(rows, desk, split, usual)
    _refuse_confusable(sets)
    threads = thread_count()
    with deterministic(threads):
        classifier = _load(weights)
        scored = []
        for number, items in enumerate(sets):
            desk.progress(number, len(sets), items.task)
            scored.append(_score(classifier, items, batch_size))
    pq.write_table(
        pa.concat_tables([_table(entry, sets) for entry in scored]), desk.output / "items.parquet", compression="zstd"
    )
    report = _report(weights, scored, set(classifier.labels))
    text = json.dumps(report, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    (desk.output / "report.json").write_text(f"{text}\n", "utf-8")
    return {"metrics": report["metrics"], "items": sum(len(items.texts) for items in sets), "threads": threads}


def _of_task(task: Any, metrics: list[Use]) -> _Items:
    items = load_task(task)
    return _Items(task.name, texts(items).to_pylist(), items["label"].to_pylist(), metrics_of(task, metrics))


def _of_rows(rows: Rows, desk: Desk, split: str, metrics: list[Use]) -> list[_Items]:
    """The rows of the split as one set of items. Raises UserError where the artifact has no such rows."""
    found = select_examples(rows, desk.read, [split])
    return [
        _Items(
            split,
            found["text"].to_pylist(),
            found["label"].to_pylist(),
            metrics,
            found.select(["shard", "row", "split"]),
        )
    ]


def _refuse_confusable(sets: list[_Items]) -> None:
    if not sets:
        raise UserError(_NOTHING, do=_SOMETHING)
    refuse_two_of_a_name([items.task for items in sets])


def _load(weights: Weights) -> "Classifier":
    """The classifier of the weights, on the base that it was trained on and no other."""
    from adaptline.models.export import is_adapter, load_trained  # noqa: PLC0415 - see the module's docstring

    if not is_adapter(weights.path):
        return load_trained(weights.path, weights.path)
    expected = json.loads((weights.path / "training.json").read_text("utf-8"))["base"]
    base: Folder | None = weights.folders.get("base")
    if base is None or base.digest != expected["digest"]:
        raise UserError(
            f"the base of these weights, {expected['name']!r}, is {'missing' if base is None else 'not as it was'}",
            where=None if base is None else base.path,
            do="Put it back, or train again on what is there now.",
        )
    return load_trained(weights.path, base.path)


def _score(classifier: "Classifier", items: _Items, batch_size: int) -> _Scored:
    from adaptline.models.scoring import score  # noqa: PLC0415 - see the module's docstring

    probabilities = score(classifier, classifier.tokens(items.texts), batch_size=batch_size).double().softmax(1)
    best = probabilities.max(1)
    predictions = [classifier.labels[number] for number in best.indices.tolist()]
    references = [[label] for label in items.labels]
    scores = {metric.load().name: _measure(metric, predictions, references) for metric in items.metrics}
    return _Scored(items, predictions, best.values.tolist(), scores)


def _measure(metric: Use, predictions: list[str], references: list[list[str]]) -> list[float]:
    """A metric's score of each item. Raises RunError for anything else that it gives."""
    with metric.blamed():
        values = [float(value) for value in metric.load().function(predictions, references, **metric.parameters)]
        if len(values) != len(predictions):
            raise ValueError(f"{len(values)} scores for {len(predictions)} items")
    if not all(map(math.isfinite, values)):
        raise RunError(f"{metric.use} gives a score that is no finite number")
    low, high = metric.load().options["bounds"] or (-math.inf, math.inf)
    if not low <= (mean := sum(values) / max(1, len(values))) <= high:
        raise RunError(f"{metric.use} gives a mean of {mean:g}, beyond its bounds of {low:g} to {high:g}")
    return values


def _table(scored: _Scored, sets: list[_Items]) -> pa.Table:
    """The items of one task as rows of items.parquet; every metric of any task has a column."""
    count = len(scored.predictions)
    columns = {
        "task": pa.array([scored.items.task] * count, pa.string()),
        "item": pa.array(range(count), pa.int64()),
        "prediction": pa.array(scored.predictions, pa.string()),
        "label": pa.array(scored.items.labels, pa.string()),
        "confidence": pa.array(scored.confidence, pa.float64()),
    }
    for name in sorted({metric.load().name for items in sets for metric in items.metrics}):
        columns[name] = pa.array(scored.scores.get(name, [None] * count), pa.float64())
    for name, kind in (("shard", pa.string()), ("row", pa.int64()), ("split", pa.string())):
        columns[name] = pa.nulls(count, kind) if scored.items.positions is None else scored.items.positions[name]
    return pa.table(columns)


def _report(weights: Weights, scored: list[_Scored], known: set[str]) -> dict[str, Any]:
    training = json.loads((weights.path / "training.json").read_text("utf-8"))
    return {
        "metrics": {
            f"{entry.items.task}.{name}": sum(values) / len(values)
            for entry in scored
            for name, values in entry.scores.items()
        },
        "bounds": {
            f"{entry.items.task}.{metric.load().name}": list(metric.load().options["bounds"] or ()) or None
            for entry in scored
            for metric in entry.items.metrics
        },
        "items": {entry.items.task: len(entry.predictions) for entry in scored},
        "weights": {"digest": weights.digest},
        "validation": {**training["validation"], "score": training["validation"]["accuracy"]},
        "parameters": training["parameters"],
        "labels": {entry.items.task: _labels(entry) for entry in scored},
        "confusions": {entry.items.task: _confusions(entry) for entry in scored},
        "unseen_labels": {
            entry.items.task: dict(Counter(label for label in entry.items.labels if label not in known))
            for entry in scored
        },
    }


def _labels(scored: _Scored) -> dict[str, dict[str, float | None]]:
    """Per label: how many items have it, recall among them, and precision among the items that were given it."""
    true, given = Counter(scored.items.labels), Counter(scored.predictions)
    right = Counter(label for label, said in _pairs(scored) if label == said)
    return {
        label: {
            "count": true[label],
            "recall": right[label] / true[label] if true[label] else None,
            "precision": right[label] / given[label] if given[label] else None,
        }
        for label in sorted({*true, *given})
    }


def _confusions(scored: _Scored) -> list[dict[str, Any]]:
    """The most frequent pairs of a label and another that was predicted for it; of equal ones, the first by name."""
    wrong = Counter(pair for pair in _pairs(scored) if pair[0] != pair[1])
    ranked = sorted(wrong.items(), key=lambda entry: (-entry[1], entry[0]))[:_TOP_CONFUSIONS]
    return [{"label": label, "prediction": said, "count": count} for (label, said), count in ranked]


def _pairs(scored: _Scored) -> list[tuple[str, str]]:
    return list(zip(scored.items.labels, scored.predictions, strict=True))
