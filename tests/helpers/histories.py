"""A recipe of seven rows, one per fate, and one that cannot be read, run; and how its history is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lines

from adaptline.core import recipe as recipes
from adaptline.core.history import History
from adaptline.core.run import run
from adaptline.core.store import Store

ROWS = [
    {"text": "a sound message about a booking", "label": "a", "conversation": 1},
    {"text": "short", "label": "b", "conversation": 2},
    {"text": "A sound message about a  booking", "label": "a", "conversation": 3},
    {"text": "the caf\u00c3\u00a9 on the corner was closed", "label": "b", "conversation": 4},
    {"text": "pi pi shouts somebody very loudly", "label": "b", "conversation": 5},
    {
        "text": "a very long and winding message about the booking of a table for four persons",
        "label": "b",
        "conversation": 6,
    },
    {
        "text": "a very long and winding message about the booking of a table for five persons",
        "label": "b",
        "conversation": 7,
    },
]


def of_seven_rows(folder: Path) -> History:
    """The rows of ROWS and a broken one through the recipe of lines.py."""
    path = lines.make(folder, files=0)
    lines.write(folder / "data" / "rows.jsonl", ROWS)
    with (folder / "data" / "rows.jsonl").open("a") as file:
        file.write('{"text": "broken\n')
    run(path)
    return opened(path)


def opened(path: Path) -> History:
    """What a recipe left in the store beside it."""
    found = recipes.read(path)
    return History.open(Store.open(path.parent / ".adaptline"), found.name, [table.name for table in found.tables])


def step(found: dict[str, Any], name: str) -> dict[str, Any]:
    """What a step did with a row."""
    return next(entry for entry in found["steps"] if entry["step"] == name)


def last_method(found: dict[str, Any]) -> dict[str, Any]:
    """What the last method of the step `clean` that saw a row did with it."""
    method: dict[str, Any] = step(found, "clean")["methods"][-1]
    return method
