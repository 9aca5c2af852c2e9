"""Fixtures of the tests of what people look at: views, the history of a small run, and a browser."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

import consoles
import lines
import pytest
import sample_report
from browsers import launched

import adaptline as al
from adaptline.core import recipe as recipes
from adaptline.core.history import History
from adaptline.core.store import Store
from adaptline.web import gather
from adaptline.web.view import ReportView

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from consoles import Served
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with launched(tmp_path_factory.mktemp("home")) as found:
        yield found


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A gateway with its console, over a store with releases, channels and answers."""
    recipe, store = consoles.make(tmp_path)
    consoles.fill(recipe, store)
    with consoles.serving(recipe, store) as found:
        yield found


@pytest.fixture(scope="session")
def sample() -> ReportView:
    return sample_report.sample()


def change_fields(value: Any, change: Callable[[str, Any], Any], name: str = "ReportView") -> Any:
    """The value with every field in it, however deep, replaced by change("Class.field", field)."""
    if is_dataclass(value) and not isinstance(value, type):
        owner = type(value).__name__
        new = {
            field.name: change_fields(getattr(value, field.name), change, f"{owner}.{field.name}")
            for field in fields(value)
        }
        return replace(value, **new)
    if isinstance(value, tuple) and any(is_dataclass(entry) for entry in value):
        changed = change(name, value)
        return tuple(change_fields(entry, change, name) for entry in changed)
    return change(name, value)


@pytest.fixture(scope="session")
def with_fields() -> Callable[[Any, Callable[[str, Any], Any]], Any]:
    """change_fields, for tests that walk a whole view."""
    return change_fields


@pytest.fixture(scope="session")
def planted() -> Callable[[ReportView, str], ReportView]:
    """A view in which every text, of whatever meaning, is the given one."""

    def plant(view: ReportView, text: str) -> ReportView:
        def change(_: str, value: Any) -> Any:
            if isinstance(value, str):
                return text
            if isinstance(value, tuple) and value and all(isinstance(entry, str) for entry in value):
                return (text,) * len(value)
            return value

        new: ReportView = change_fields(view, change)
        return new

    return plant


_PLANTED = '{"kind": "exact_duplicate", "file": "data/part-0.jsonl", "row": 1}\n{"kind": "personal_data", "file": "data/part-0.jsonl", "row": 2}\n'


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    """What a run of a small recipe with an audit left."""
    path = lines.make(tmp_path_factory.mktemp("gather"))
    with (path.parent / "data" / "part-0.jsonl").open("a") as file:
        file.write("{broken <script>alert(1)</script>\n")
    (path.parent / "planted.jsonl").write_text(_PLANTED)
    path.write_text(path.read_text() + '\n[truth]\nstep = "audit"\nfrom = "clean"\nplanted = "planted.jsonl"\n')
    al.run(path, workers=1)
    found = recipes.read(path)
    return History.open(Store.open(path.parent / ".adaptline"), found.name, [table.name for table in found.tables])


@pytest.fixture(scope="session")
def report(history: History) -> ReportView:
    """What its report shows."""
    return gather.gather(history)
