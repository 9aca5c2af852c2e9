"""evaluate: weights and tasks to scores, one per item and metric, so that later comparisons can be paired.

Knows items, predictions and what is counted of them. Knows nothing of training. Imports torch only when it runs.
"""

import json
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pyarrow as pa
import pyarrow.parquet as pq

from adaptline.core.artifacts import Desk, Use, Weights
from adaptline.core.demands import at_least
from adaptline.core.grid import Node
from adaptline.core.registry import step
from adaptline.core.rows import COLUMNS, Rows, table
from adaptline.core.sources import Folder, Tasks
from adaptline.errors import RunError, UserError
from adaptline.evals.tasks import (
    Items,
    Metrics,
    asked_for,
    load_items,
    of_table,
    promised,
    refuse_two_of_a_name,
    signatures_of,
    usual_metrics,
)
from adaptline.models.bases import Kind
from adaptline.models.examples import select_chats, select_examples
from adaptline.models.runtime import deterministic, thread_count

if TYPE_CHECKING:
    from adaptline.models.encoder import Classifier
    from adaptline.models.writer import Writer

_TOP_CONFUSIONS = 20
_ROUNDING = 1e-9  # a perfect score that is given as jackknife values may miss its bound by this
_NOTHING = "nothing to evaluate on"
_SOMETHING = 'Name task files, tasks = ["tasks/*.toml"], or take rows with a test split.'


@dataclass(frozen=True)
class _Scored:
    """Items with what the model said, a classifier with the probability of each label; and metric -> a score per item.

    `facts` tell of how a writer's answers came about.
    """

    items: Items
    predictions: list[str]
    confidence: list[float | None]
    scores: dict[str, list[float]]
    facts: dict[str, float] = field(default_factory=dict)


def _check(node: Node) -> None:
    if "rows" not in node.inputs and not node.values.get("tasks"):
        raise UserError(_NOTHING, do=_SOMETHING)
    promised(node)  # refuses settings of tasks and names of metrics


def _notes(node: Node) -> list[str]:
    """Tasks whose items nothing took out of the rows that are trained on: a model may know their answers."""
    behind = node.ancestors()
    if not any(before.table.step == "train" for before in behind):
        return []
    methods = [use for before in behind if before.table.step == "curate" for use in before.values["do"]]
    listed = {
        task.path.resolve() for use in methods if use.use == "decontaminate" for task in use.parameters["against"]
    }
    return [
        f"no decontaminate lists the task {task.name!r}: rows that were trained on may hold its items"
        for task in node.values.get("tasks") or ()
        if task.path.resolve() not in listed
    ]


@step(version=2, output="report", uses=("metric", "format"), check=_check, notes=_notes)
def evaluate(
    weights: Weights,
    rows: Rows | None = None,
    *,
    desk: Desk,
    tasks: Tasks | None = None,
    split: str = "test",
    metrics: Metrics | None = None,
    batch_size: Annotated[int, at_least(1)] = 64,
    max_new_tokens: Annotated[int, at_least(1)] = 128,
) -> dict[str, Any]:
    """Score weights on tasks, and on a split of rows where rows are given: in float32, whatever training used.

    A classifier says the likeliest label of an item's text; a writer answers what an item asks, the likeliest token at
    every step.

    The output holds items.parquet (task, item from 0, prediction, label, confidence, a column per metric; shard, row and
    split of items that are rows) and report.json (metrics and their signatures by "task.metric", of a classifier scores
    per label and confusions). The label of a writer's item is the first of its accepted answers.

    Args:
        weights: of train.
        rows: rows whose split `split` is scored as a task of that name.
        desk: where to work.
        tasks: task files.
        split: which rows to score.
        metrics: for the rows, and for tasks that name none; accuracy and macro_f1 of a classifier, rougeL and chrf of a
            writer, if not given. A function of your own, "./mine.py:polite", takes predictions and references as they do.
        batch_size: texts computed at once.
        max_new_tokens: of an answer that a writer writes.

    Returns:
        The record: the metrics, and how many items were scored on how many threads.

    Raises:
        UserError: nothing to score, a task that cannot be read, or a base that is not the one the weights belong to.
        RunError: a metric failed, or gives what is no score of each item.
    """
    kind: Kind = "writer" if (weights.path / "writer.json").exists() else "classifier"
    usual = usual_metrics(metrics, kind)
    sets = [load_items(task, kind, usual) for task in tasks or ()]
    if rows is not None:
        sets.append(_of_rows(rows, desk, split, kind, usual))
    _refuse_confusable(sets)
    signatures = signatures_of(sets)  # first of all: it refuses items that a metric cannot judge
    threads = thread_count()
    with deterministic(threads):
        answer = (
            _classifying(weights, batch_size) if kind == "classifier" else _writing(weights, batch_size, max_new_tokens)
        )
        scored = []
        for number, items in enumerate(sets):
            desk.progress(number, len(sets), items.task)
            scored.append(_scored(items, *answer(items)))
    pq.write_table(
        pa.concat_tables([_table(entry, sets) for entry in scored]), desk.output / "items.parquet", compression="zstd"
    )
    report = (
        _report(weights, scored)
        | {"signatures": signatures}
        | (_of_labels(weights, scored) if kind == "classifier" else _of_answers(scored))
    )
    text = json.dumps(report, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    (desk.output / "report.json").write_text(f"{text}\n", "utf-8")
    return {"metrics": report["metrics"], "items": sum(len(items.texts) for items in sets), "threads": threads}


def _of_rows(rows: Rows, desk: Desk, split: str, kind: Kind, metrics: list[Use]) -> Items:
    """The rows of the split as one set of items. Raises UserError where the artifact has no such rows."""
    if kind == "writer":
        found = select_chats(rows, desk.read, [split])
        columns = {"messages": found["messages"]}
    else:
        found = select_examples(rows, desk.read, [split])
        texts = [[{"role": "text", "content": text}] for text in found["text"].to_pylist()]
        columns = {"messages": pa.array(texts, COLUMNS["messages"]), "label": found["label"]}
    items = table(columns, found.num_rows)
    return of_table(split, items, kind, metrics, found.select(["shard", "row", "split"]))


def _refuse_confusable(sets: list[Items]) -> None:
    if not sets:
        raise UserError(_NOTHING, do=_SOMETHING)
    refuse_two_of_a_name([items.task for items in sets])


def _base_of(weights: Weights) -> Path:
    """Where the weights' base lies: the one that they were trained on and no other; for a whole model, itself."""
    from adaptline.models.export import needs_base  # noqa: PLC0415 - see the module's docstring

    if not needs_base(weights.path):
        return weights.path
    expected = json.loads((weights.path / "training.json").read_text("utf-8"))["base"]
    base: Folder | None = weights.folders.get("base")
    if base is None or base.digest != expected["digest"]:
        raise UserError(
            f"the base of these weights, {expected['name']!r}, is {'missing' if base is None else 'not as it was'}",
            where=None if base is None else base.path,
            do="Put it back, or train again on what is there now.",
        )
    return base.path


_Answer = Callable[[Items], tuple[list[str], list[float | None], dict[str, float]]]


def _classifying(weights: Weights, batch_size: int) -> _Answer:
    """The likeliest label of each item, and its probability."""
    from adaptline.models.export import load_trained  # noqa: PLC0415 - see the module's docstring
    from adaptline.models.scoring import score  # noqa: PLC0415 - the same

    classifier: Classifier = load_trained(weights.path, _base_of(weights))

    def answer(items: Items) -> tuple[list[str], list[float | None], dict[str, float]]:
        probabilities = score(classifier, classifier.tokens(items.texts), batch_size=batch_size).double().softmax(1)
        best = probabilities.max(1)
        return [classifier.labels[number] for number in best.indices.tolist()], best.values.tolist(), {}

    return answer


def _writing(weights: Weights, batch_size: int, max_new_tokens: int) -> _Answer:
    """What the model writes for each item, and facts of the answers: how many ended by themselves, how long they are."""
    from adaptline.models.export import load_trained_writer  # noqa: PLC0415 - see the module's docstring
    from adaptline.models.generating import write  # noqa: PLC0415 - the same

    writer: Writer = load_trained_writer(weights.path, _base_of(weights))

    def answer(items: Items) -> tuple[list[str], list[float | None], dict[str, float]]:
        prompts = [
            _prompt(writer, chat, f"item {number} of {items.task}") for number, chat in enumerate(items.chats, 1)
        ]
        written = write(writer, prompts, max_new_tokens=max_new_tokens, batch_size=batch_size)
        facts = {
            "ended": sum(entry.ended for entry in written) / len(written),
            "tokens": sum(len(entry.tokens) for entry in written) / len(written),
            "cut": sum(entry.cut for entry in written),
        }
        return [writer.said(entry.tokens) for entry in written], [None] * len(written), facts

    return answer


def _prompt(writer: "Writer", chat: list[dict[str, str]], which: str) -> list[int]:
    from adaptline.models.writer import TemplateMisfitError  # noqa: PLC0415 - see the module's docstring

    try:
        return writer.prompt(chat)
    except TemplateMisfitError as error:
        do = "Mend the item, or leave it out: every item of a task counts."
        raise UserError(f"the model's chat template does not take {which}: {error}", do=do) from error


def _scored(items: Items, predictions: list[str], confidence: list[float | None], facts: dict[str, float]) -> _Scored:
    scores = {metric.name: _measure(metric, predictions, items) for metric in items.metrics}
    return _Scored(items, predictions, confidence, scores, facts)


def _measure(metric: Use, predictions: list[str], items: Items) -> list[float]:
    """A metric's score of each item. Raises RunError for anything else that it gives."""
    given = {**asked_for(metric, items), **metric.parameters}
    with metric.blamed():
        values = [float(value) for value in metric.load().function(predictions, items.references, **given)]
        if len(values) != len(predictions):
            raise ValueError(f"{len(values)} scores for {len(predictions)} items")
    if not all(map(math.isfinite, values)):
        raise RunError(f"{metric.use} gives a score that is no finite number")
    low, high = metric.load().options["bounds"] or (-math.inf, math.inf)
    if not low - _ROUNDING <= (mean := sum(values) / max(1, len(values))) <= high + _ROUNDING:
        raise RunError(f"{metric.use} gives a mean of {mean:g}, beyond its bounds of {low:g} to {high:g}")
    return values


def _table(scored: _Scored, sets: list[Items]) -> pa.Table:
    """The items of one task as rows of items.parquet; every metric of any task has a column."""
    count = len(scored.predictions)
    columns = {
        "task": pa.array([scored.items.task] * count, pa.string()),
        "item": pa.array(range(count), pa.int64()),
        "prediction": pa.array(scored.predictions, pa.string()),
        "label": pa.array(scored.items.labels, pa.string()),
        "confidence": pa.array(scored.confidence, pa.float64()),
    }
    for name in sorted({metric.name for items in sets for metric in items.metrics}):
        columns[name] = pa.array(scored.scores.get(name, [None] * count), pa.float64())
    for name, kind in (("shard", pa.string()), ("row", pa.int64()), ("split", pa.string())):
        columns[name] = pa.nulls(count, kind) if scored.items.positions is None else scored.items.positions[name]
    return pa.table(columns)


def _report(weights: Weights, scored: list[_Scored]) -> dict[str, Any]:
    training = json.loads((weights.path / "training.json").read_text("utf-8"))
    return {
        "metrics": {
            f"{entry.items.task}.{name}": sum(values) / len(values)
            for entry in scored
            for name, values in entry.scores.items()
        },
        "bounds": {
            f"{entry.items.task}.{metric.name}": list(metric.load().options["bounds"] or ()) or None
            for entry in scored
            for metric in entry.items.metrics
        },
        "items": {entry.items.task: len(entry.predictions) for entry in scored},
        "weights": {"digest": weights.digest},
        "validation": {**training["validation"], "score": training["validation"]["accuracy"]},
        "parameters": training["parameters"],
    }


def _of_labels(weights: Weights, scored: list[_Scored]) -> dict[str, Any]:
    """What a report tells of a classifier besides."""
    known = set(json.loads((weights.path / "labels.json").read_text("utf-8"))["labels"])
    return {
        "labels": {entry.items.task: _labels(entry) for entry in scored},
        "confusions": {entry.items.task: _confusions(entry) for entry in scored},
        "unseen_labels": {
            entry.items.task: dict(Counter(label for label in entry.items.labels if label not in known))
            for entry in scored
        },
    }


def _of_answers(scored: list[_Scored]) -> dict[str, Any]:
    """And of a writer."""
    return {"answers": {entry.items.task: entry.facts for entry in scored}}


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
