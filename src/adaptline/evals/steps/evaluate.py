"""evaluate: weights and tasks to scores, one per item and metric, so that later comparisons can be paired.

Knows items, predictions and what is counted of them. Knows nothing of training. Imports torch only when it runs.
"""

import json
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.parquet as pq

from adaptline.core.artifacts import Desk, Use, Weights
from adaptline.core.demands import at_least
from adaptline.core.grid import Node
from adaptline.core.registry import step
from adaptline.core.rows import COLUMNS, Rows, table
from adaptline.core.sources import Tasks
from adaptline.errors import UserError
from adaptline.evals import answering, scored
from adaptline.evals.tasks import (
    Items,
    Metrics,
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

_NOTHING = "nothing to evaluate on"
_SOMETHING = 'Name task files, tasks = ["tasks/*.toml"], or take rows with a test split.'


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
            answering.classifying(weights, batch_size)
            if kind == "classifier"
            else answering.writing(weights, batch_size, max_new_tokens)
        )
        entries = []
        for number, items in enumerate(sets):
            desk.progress(number, len(sets), items.task)
            entries.append(scored.scored(items, *answer(items)))
    pq.write_table(scored.table(entries), desk.output / "items.parquet", compression="zstd")
    report = scored.report(weights, entries, kind) | {"signatures": signatures}
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
