"""A task file's items as rows: labelled texts to be judged by.

Knows what an evaluation asks of items, and the metrics that a task names. Knows nothing of models, of how items are read
(data/tasks.py) or of what a metric computes.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pyarrow as pa
import pyarrow.compute as pc

from adaptline.core import signatures
from adaptline.core.artifacts import Use
from adaptline.core.demands import Demand
from adaptline.core.rows import texts
from adaptline.data.tasks import READING, check_settings, read_items
from adaptline.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adaptline.core.sources import Task

Metrics = Annotated[list[Annotated[Use, "metric"]], Demand(bool, "and not empty")]

# What items.parquet of an evaluation holds beside the metrics.
ITEM_COLUMNS = ("task", "item", "prediction", "label", "confidence", "shard", "row", "split")
_USUAL = ("accuracy", "macro_f1")
_SPLIT = "test"


def load_task(task: Task) -> pa.Table:
    """The items of a task, in the order of its files: core/rows.COLUMNS less extra, text and label in each row.

    Raises:
        UserError: a setting that is unknown or of the wrong type, no items, or an item that cannot be read or lacks
            text or label (with its file and line).
    """
    items = pa.concat_tables(
        [table.drop_columns("extra") for table in read_items(task)]
    )  # its type differs from file to file
    _refuse(items, pc.is_null(texts(items)), "has no text", "Leave it out: there is nothing to score.")
    _refuse(items, pc.is_null(items["label"]), "has no label", 'Name the field: label = "intent".')
    return items


def metrics_of(task: Task, otherwise: Sequence[Use]) -> list[Use]:
    """The metrics that the task asks for. Raises UserError for a setting that is unknown or does not fit."""
    found: list[Use] = check_settings(task, {**READING, "metrics": Metrics}).get("metrics", list(otherwise))
    _refuse_twice([metric.load().name for metric in found], task.path)
    return found


def usual_metrics(given: Sequence[Use] | None) -> list[Use]:
    """The metrics that a recipe gives; accuracy and macro_f1 where it gives none. Raises UserError for two of one name."""
    if given is None:
        return [signatures.bind_use("metrics", name, "metric", Path()) for name in _USUAL]
    try:
        _refuse_twice([metric.load().name for metric in given], None)
    except UserError as error:
        raise signatures.BadParameterError("", error.what, error.do, place=("metrics",)) from error
    return list(given)


def promised(values: Mapping[str, Any], *, rows: bool) -> set[str]:
    """What an evaluate step of these values will report, as "task.metric"; the split of its rows is a task too.

    Raises:
        UserError: a task's settings do not fit, or two tasks or two metrics of a task have one name.
    """
    metrics = usual_metrics(values.get("metrics"))
    asked = [(task.name, metrics_of(task, metrics)) for task in values.get("tasks") or ()]
    asked += [(values.get("split", _SPLIT), metrics)] if rows else []
    refuse_two_of_a_name([task for task, _ in asked])
    return {f"{task}.{metric.load().name}" for task, of in asked for metric in of}


def refuse_two_of_a_name(tasks: Sequence[str]) -> None:
    """Raises UserError for two tasks that would be told apart by nothing; a split of rows is a task of its name."""
    for name, count in Counter(tasks).items():
        if count > 1:
            raise UserError(
                f"two tasks are called {name!r}",
                do='Give one of them another name: name = "..." in its file. The split of rows is a task, too.',
            )


def _refuse_twice(names: Sequence[str], where: Path | None) -> None:
    for name in names:
        if name in ITEM_COLUMNS:
            raise UserError(
                f"a metric cannot be called {name!r}", where=where, do="Rename it: items have such a column."
            )
    for name, count in Counter(names).items():
        if count > 1:
            raise UserError(f"two metrics are called {name!r}", where=where, do="Take one away, or rename your own.")


def _refuse(items: pa.Table, wrong: Any, what: str, do: str) -> None:
    """Raises for the first item of a Boolean mask."""
    for item in items.filter(wrong).slice(0, 1).to_pylist():
        raise UserError(f"row {item['row']} {what.format_map(item)}", where=item["file"], line=item["line"], do=do)
