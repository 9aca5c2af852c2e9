"""A task file's items as rows: labelled texts to be judged by.

Knows the settings of a task file (`text`, `label`, `format`, `metrics`). Knows nothing of models; metrics are named here
and loaded where they are used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from adaptline.core.rows import texts
from adaptline.data.reading import read_table
from adaptline.data.schemas import Columns
from adaptline.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adaptline.core.sources import Task

_SETTINGS = ("text", "label", "format", "metrics")  # and name and files, which core/sources.py takes


def load_task(task: Task) -> pa.Table:
    """The items of a task, in the order of its files: core/rows.COLUMNS less extra, text and label in each row.

    Raises:
        UserError: a setting that is unknown or of the wrong type, no items, or an item that cannot be read or lacks
            text or label (with its file and line).
    """
    _check_settings(task)
    columns = Columns(text=task.settings.get("text"), label=task.settings.get("label"))
    named = zip(task.files.paths, task.files.names, strict=True)
    tables = [read_table(path, format=task.settings.get("format"), columns=columns, name=name) for path, name in named]
    items = pa.concat_tables([table.drop_columns("extra") for table in tables])  # its type differs from file to file
    _refuse(items, pc.is_valid(items["unreadable"]), "cannot be read: {unreadable}", "Mend it: every item counts.")
    _refuse(items, pc.is_null(texts(items)), "has no text", "Leave it out: there is nothing to score.")
    _refuse(items, pc.is_null(items["label"]), "has no label", 'Name the field: label = "intent".')
    return items


def metrics_of(task: Task, otherwise: Sequence[str]) -> list[str]:
    """The names of the metrics that the task asks for."""
    return list(task.settings.get("metrics", otherwise))


def _check_settings(task: Task) -> None:
    for name, value in task.settings.items():
        if name not in _SETTINGS:
            raise UserError(
                f"{name!r} is not a setting of a task",
                where=task.path,
                do=did_you_mean(name, (*_SETTINGS, "name", "files")),
            )
        if name == "metrics":
            if not _is_names(value):
                raise UserError(f"metrics must be a list of names, not {value!r}", where=task.path)
        elif not isinstance(value, str):
            raise UserError(f"{name} must be a string, not {value!r}", where=task.path)


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(entry, str) for entry in value)


def _refuse(items: pa.Table, wrong: Any, what: str, do: str) -> None:
    """Raises for the first item of a Boolean mask."""
    for item in items.filter(wrong).slice(0, 1).to_pylist():
        raise UserError(f"row {item['row']} {what.format_map(item)}", where=item["file"], line=item["line"], do=do)
