"""A recipe: a TOML file of named steps, linked by `from`, checked before any work.

Knows TOML, links and grids. Knows nothing of the store or of how steps run. Every mistake is reported with file,
line, what is wrong and what to do.
"""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

from adaptline.core import naming, registry, signatures
from adaptline.core.places import line_of
from adaptline.core.signatures import LINKS
from adaptline.errors import UserError, did_you_mean

Cell = dict[str, Any]


@dataclass(frozen=True)
class Table:
    """One step of a recipe as it is written. `cells` are the combinations of `each`, one empty one where there is none."""

    name: str
    step: str
    sources: tuple[str, ...]
    parameters: dict[str, Any]
    cells: tuple[Cell, ...]
    by: tuple[str, ...] | None
    where: dict[str, Any]


@dataclass(frozen=True)
class Recipe:
    """A recipe's tables, each after those it takes from. `beside` is the folder that its paths are relative to."""

    name: str
    beside: Path
    tables: tuple[Table, ...]
    path: Path | None
    text: str

    def table(self, name: str) -> Table:
        """The table of a name. Raises UserError for an unknown one."""
        for table in self.tables:
            if table.name == name:
                return table
        raise UserError(
            f"no step [{name}] in the recipe", where=self.path, do=did_you_mean(name, [t.name for t in self.tables])
        )

    def values(self, table: Table, cell: Cell) -> dict[str, Any]:
        """The checked values of a step's parameters in one cell of its own grid."""
        given = _overlay(self, table, cell)
        try:
            return signatures.bind_step(table.step, given, self.beside)
        except signatures.BadParameterError as error:
            self.fail(table.name, in_grid(error.place, cell), error.what, error.do)

    def fail(self, table: str, key: str | Sequence[str] | None, what: str, do: str = "") -> NoReturn:
        """Raises UserError at the line of a table's key, or of a place deeper in it; see places.line_of."""
        raise UserError(f"[{table}] {what}", where=self.path or "recipe", line=line_of(self.text, table, key), do=do)


def read(path: Path) -> Recipe:
    """Reads a recipe file. Raises UserError for anything that can be known without running."""
    try:
        text = path.read_text("utf-8-sig")  # some editors begin with a byte order mark
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UserError("no such recipe", where=path, do="adaptline run RECIPE.toml") from error
    except IsADirectoryError as error:
        raise UserError("is a folder, not a recipe", where=path, do="Name the TOML file inside it.") from error
    except PermissionError as error:
        raise UserError("no permission to read the recipe", where=path, do=f"chmod u+r {path}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"not UTF-8 text: {error}", where=path, do="TOML files are UTF-8.") from error
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        raise UserError(
            f"not TOML: {error}",
            where=path,
            line=int(found[1]) if found else None,
            do="See https://toml.io for the syntax.",
        ) from error
    return from_tables(tables, path.stem, path.absolute().parent, path=path, text=text)


def from_tables(tables: dict[str, Any], name: str, beside: Path, *, path: Path | None = None, text: str = "") -> Recipe:
    """A recipe from tables as TOML gives them; `beside` is the folder that its paths are relative to."""
    recipe = Recipe(name, beside, (), path, text)
    if not tables:
        raise UserError(
            "the recipe is empty",
            where=path,
            do='A step is a table: [raw] with step = "ingest" and files = ["*.jsonl"].',
        )
    parsed = {name: _parse(recipe, name, table) for name, table in tables.items()}
    for table in parsed.values():
        for source in table.sources:
            if source not in parsed:
                recipe.fail(
                    table.name,
                    "from",
                    f"takes from {source!r}, which is no step of this recipe",
                    did_you_mean(source, parsed),
                )
    return Recipe(name, beside, tuple(_in_order(recipe, parsed)), path, text)


def with_and_without(recipe: Recipe, step: str) -> Recipe:
    """The recipe with a grid over `augmented` on a step: all that comes after is made twice, and compared in pairs.

    Raises:
        UserError: there is no such step, or it cannot be left out by `augmented = false`.
    """
    table = recipe.table(step)
    if "augmented" not in signatures.of_step(table.step).parameters:
        augmenting = [t.name for t in recipe.tables if "augmented" in signatures.of_step(t.step).parameters]
        recipe.fail(
            step,
            "step",
            f"{table.step} has no parameter augmented: there is no run without it to compare with",
            f"Steps that have one: {', '.join(augmenting)}." if augmenting else "Only augment has one.",
        )
    # Without it all cells of its own grid are one.
    with_it = [cell | {"augmented": True} for cell in table.cells if cell.get("augmented", True)]
    cells = [{"augmented": False}, *with_it]
    changed = replace(table, cells=tuple(cells))
    return replace(recipe, tables=tuple(changed if each is table else each for each in recipe.tables))


def in_grid(place: Sequence[str], cell: Cell) -> Sequence[str]:
    """A place in a table, or that of the grid's key where the value came from a cell: rank, minhash.threshold."""
    for key in cell:
        method, dot, parameter = key.rpartition(".")
        if (not dot and key in place) or (dot and method in place and place[-1] in (method, parameter)):
            return ("each", key)
    return place


def label(cell: Cell) -> str:
    """A cell in a few words: "rank=8 seed=0"."""
    return " ".join(f"{key}={value}" for key, value in cell.items())


def _parse(recipe: Recipe, name: str, table: Any) -> Table:
    if isinstance(table, list) and all(isinstance(entry, dict) for entry in table):
        recipe.fail(name, None, "is a list of tables", f"A step is one table: [{name}], in single brackets.")
    if not isinstance(table, dict):
        raise UserError(
            f"{name} = {table!r} stands outside any step",
            where=recipe.path,
            line=line_of(recipe.text, None, name),
            do=f"A step is a table: [{name}] with step = ...",
        )
    if "/" in name or name.startswith("."):
        recipe.fail(name, None, "a step's name has no slash and no leading dot")
    step = table.get("step")
    if not isinstance(step, str):
        recipe.fail(name, "step", "has no step", f'Add step = "...". Known: {", ".join(registry.names("step"))}.')
    if step not in registry.names("step"):
        recipe.fail(name, "step", f"unknown step {step!r}", did_you_mean(step, registry.names("step")))
    sources = table.get("from", [])
    sources = [sources] if isinstance(sources, str) else sources
    if not isinstance(sources, list) or not all(isinstance(source, str) for source in sources):
        recipe.fail(name, "from", "from must be a step's name or a list of them")
    own = signatures.of_step(step).parameters
    by, where = table.get("by"), table.get("where", {})
    if "by" not in own and by is not None and not (isinstance(by, list) and all(isinstance(key, str) for key in by)):
        recipe.fail(name, "by", 'by must be a list of grid keys, like ["seed"]')
    if not isinstance(where, dict):
        recipe.fail(name, "where", "where must be a table, like { seed = 0 }")
    parameters = {key: value for key, value in table.items() if key not in LINKS or (key == "by" and "by" in own)}
    grouping = tuple(by) if by is not None and "by" not in own else None
    return Table(
        name, step, tuple(sources), parameters, tuple(_cells(recipe, name, table.get("each"))), grouping, where
    )


def _cells(recipe: Recipe, name: str, each: Any) -> list[Cell]:
    """The combinations of a grid: a table of lists (all with all), or a list of such tables (one after another)."""
    if each is None:
        return [{}]
    tables = each if isinstance(each, list) else [each]
    cells: list[Cell] = []
    for table in tables or [None]:
        if not isinstance(table, dict) or not table:
            recipe.fail(
                name,
                "each",
                "each must be a table of lists, or a list of tables",
                "each = { rank = [8, 16], seed = [0, 1, 2] }",
            )
        lists = [
            [(key, value) for value in (values if isinstance(values, list) else [values])]
            for key, values in _flat(table)
        ]
        if not all(lists):
            recipe.fail(name, "each", "an empty list in each makes no cell")
        cells += [dict(pairs) for pairs in itertools.product(*lists)]
    for i, cell in enumerate(cells):
        if cell in cells[:i]:
            recipe.fail(name, "each", f"the same cell twice: {label(cell)}")
    return cells


def _flat(table: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """A grid's keys and values; TOML reads minhash.threshold without quotes as a table in a table."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from ((f"{key}.{rest}", entry) for rest, entry in _flat(value))
        else:
            yield key, value


def _overlay(recipe: Recipe, table: Table, cell: Cell) -> dict[str, Any]:
    """The table's parameters with a cell's values laid over; a dotted key reaches a method inside a list, or a table."""
    given = table.parameters | {key: value for key, value in cell.items() if "." not in key}
    for key, value in cell.items():
        head, dot, rest = key.partition(".")
        if dot and isinstance(given.get(head), dict):
            given[head] = {**given[head], rest: value}
        elif dot:
            given = _reach_method(recipe, table.name, given, key, value)
    return given


def _reach_method(recipe: Recipe, name: str, given: dict[str, Any], reach: str, value: Any) -> dict[str, Any]:
    """What is given, with a parameter of a method that stands in a list: "minhash.threshold", "./mine.py:polite.min".

    Where the list names its methods, a method goes by its name.
    """
    use, _, parameter = reach.rpartition(".")
    found = False
    changed = dict(given)
    for key, entries in given.items():
        if isinstance(entries, list):
            names = _called(entries)
            alike = [
                entry
                for entry, word in zip(names, _methods(entries), strict=True)
                if word == use == entry.partition("#")[0]
            ]
            if len(alike) > 1:
                do = f'Give each a name of its own: {{ use = "{use}", name = "..." }}.'
                recipe.fail(name, ("each", reach), f"{reach!r} reaches {len(alike)} methods of {key}", do)
            if use in names:
                found = True
                changed[key] = [
                    ({"use": entry} if isinstance(entry, str) else entry) | {parameter: value} if name == use else entry
                    for entry, name in zip(entries, names, strict=True)
                ]
    if not found:
        do = "A dotted key reaches a method that is listed in do, or a key of a table that the step gives."
        recipe.fail(name, ("each", reach), f"{reach!r} reaches nothing: no method or table {use!r} in this step", do)
    return changed


def _called(entries: Sequence[Any]) -> list[str]:
    """What the methods in a list are called there: by their names if they are given some, else as they are used."""
    given = [entry.get("name") if isinstance(entry, dict) else None for entry in entries]
    return naming.called([None if name is None else str(name) for name in given], _methods(entries))


def _methods(entries: Sequence[Any]) -> list[str]:
    return [str(entry.get("use") if isinstance(entry, dict) else entry) for entry in entries]


def _in_order(recipe: Recipe, tables: dict[str, Table]) -> list[Table]:
    """The tables so that each stands after those it takes from, else in the order of the file."""
    ordered: list[Table] = []
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            circle = " -> ".join([*path[path.index(name) :], name])
            recipe.fail(name, "from", f"goes in a circle: {circle}", "A step cannot take from what comes after it.")
        if name not in done:
            for source in tables[name].sources:
                visit(source, (*path, name))
            done.add(name)
            ordered.append(tables[name])

    for name in tables:
        visit(name, ())
    return ordered
