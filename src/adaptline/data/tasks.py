"""A task file's items as rows: read once, checked once, whoever asks (a filter that looks for leaks, an evaluation).

Knows the settings of a task file that say how its files are read. Knows nothing of metrics or of what is done with items.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.compute as pc

from adaptline.core import signatures
from adaptline.core.demands import Demand
from adaptline.core.places import line_of
from adaptline.core.sources import Task
from adaptline.data.encodings import is_encoding
from adaptline.data.reading import read_table
from adaptline.data.schemas import Columns
from adaptline.errors import UserError, did_you_mean

_COLUMNS = ("text", "label", "prompt", "context", "completion", "messages", "system", "history", "references")
# What corpora call the splits that nothing is learnt from. A name that is not known may be one that is: it is taken for that.
HELD_OUT = frozenset(["test", "testing", "eval", "evaluation", "held_out", "heldout", "holdout", "benchmark"])
READING: dict[str, Any] = {
    **dict.fromkeys(_COLUMNS, str),
    "format": Annotated[str, "format"],
    "encoding": Annotated[str, Demand(is_encoding, "that is an encoding's name")],
    "one_per_prompt": bool,  # rows of one prompt are one item with all of their references
}


def is_held_out(split: str | None) -> bool:
    """Whether a split's name says that nothing is learnt from its rows; however it is written ("Test", "held-out")."""
    return split is not None and split.strip().casefold().replace("-", "_").replace(" ", "_") in HELD_OUT


def check_settings(task: Task, known: Mapping[str, Any]) -> dict[str, Any]:
    """The settings as a schema has them (name -> annotation), files and methods resolved. "name" and "files" are gone.

    Raises:
        UserError: a setting that is unknown or does not fit, with its line.
    """
    checked = {}
    for name, value in task.settings.items():
        line = line_of(task.path.read_text("utf-8"), None, name)
        if name not in known:
            do = did_you_mean(name, (*known, "name", "files"))
            raise UserError(f"{name!r} is not a setting of a task", where=task.path, line=line, do=do)
        try:
            checked[name] = signatures.check(name, value, known[name], task.path.parent)
        except UserError as error:
            raise error.at(task.path, line) from error
    try:
        _columns(checked).check()
    except UserError as error:
        raise error.at(task.path) from error
    return checked


def read_items(task: Task) -> Iterator[pa.Table]:
    """The items of a task, a table of core/rows.COLUMNS per file.

    Raises:
        UserError: a setting does not fit, or an item cannot be read (with its file and line).
    """
    settings = check_settings(task, {**READING, "metrics": Any})
    reading = {name: settings.get(name) for name in ("format", "encoding")}
    for path, name in zip(task.files.paths, task.files.names, strict=True):
        items = read_table(path, columns=_columns(settings), name=name, **reading)
        for item in items.filter(pc.is_valid(items["unreadable"])).slice(0, 1).to_pylist():
            raise UserError(
                f"row {item['row']} cannot be read: {item['unreadable']}",
                where=item["file"],
                line=item["line"],
                do=f"Mend it: every item of task {task.name!r} counts.",
            )
        yield items


def _columns(settings: Mapping[str, Any]) -> Columns:
    return Columns(**{name: settings[name] for name in _COLUMNS if name in settings})
