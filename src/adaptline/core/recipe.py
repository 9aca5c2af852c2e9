"""A recipe: a TOML file of named steps, linked by `from`, checked before any work.

Knows TOML, links and grids. Knows nothing of the store or of how steps run. Every mistake is reported with file,
line, what is wrong and what to do.
"""

from __future__ import annotations

import itertools
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from adaptline.core import registry, signatures
from adaptline.errors import UserError, did_you_mean

LINKS = ("step", "from", "each", "by", "where")  # the keys of a table that are not parameters
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
            self.fail(table.name, error.parameter, error.what, error.do)
        except UserError as error:
            if error.where is not None:
                raise
            self.fail(table.name, _guilty(error, given), error.what, error.do)

    def fail(self, table: str, key: str | None, what: str, do: str = "") -> NoReturn:
        """Raises UserError at the line of a table's key."""
        raise UserError(f"[{table}] {what}", where=self.path or "recipe", line=line_of(self.text, table, key), do=do)


def read(path: Path) -> Recipe:
    """Reads a recipe file. Raises UserError for anything that can be known without running."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError as error:
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


def label(cell: Cell) -> str:
    """A cell in a few words: "rank=8 seed=0"."""
    return " ".join(f"{key}={value}" for key, value in cell.items())


def line_of(text: str, table: str, key: str | None = None) -> int | None:
    """The line of a table's header, or of a key within the table where it is found there; 1-based.

    tomllib keeps no positions. A key may stand in an inline table over several lines, so after the header the first
    line that sets the key, or that names it as a string, is taken.
    """
    header = re.compile(rf"""^\s*\[\s*["']?{re.escape(table)}["']?\s*\]""")
    lines = text.splitlines()
    start = next((i for i, line in enumerate(lines) if header.match(line)), None)
    if start is None:
        return None
    if key is not None:
        name = re.escape(key.split(".")[0])
        for pattern in (rf"""^\s*["']?{name}["']?\s*[=.]""", rf"""[{{,\s"']{name}["']?\s*=""", rf"""["']{name}["']"""):
            for i in range(start + 1, len(lines)):
                if re.match(r"^\s*\[[^\[\],]*\]\s*(#.*)?$", lines[i]):
                    break
                if re.search(pattern, lines[i]):
                    return i + 1
    return start + 1


def _parse(recipe: Recipe, name: str, table: Any) -> Table:
    if not isinstance(table, dict):
        raise UserError(
            f"{name} = {table!r} stands outside any step",
            where=recipe.path,
            line=1,
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
    for table in tables:
        if not isinstance(table, dict) or not table:
            recipe.fail(
                name,
                "each",
                "each must be a table of lists, or a list of tables",
                "each = { rank = [8, 16], seed = [0, 1, 2] }",
            )
        lists = [
            [(key, value) for value in (values if isinstance(values, list) else [values])]
            for key, values in table.items()
        ]
        if not all(lists):
            recipe.fail(name, "each", "an empty list in each makes no cell")
        cells += [dict(pairs) for pairs in itertools.product(*lists)]
    for i, cell in enumerate(cells):
        if cell in cells[:i]:
            recipe.fail(name, "each", f"the same cell twice: {label(cell)}")
    return cells


def _overlay(recipe: Recipe, table: Table, cell: Cell) -> dict[str, Any]:
    """The table's parameters with a cell's values laid over; a dotted key reaches a method inside a list, or a table."""
    given = dict(table.parameters)
    for key, value in cell.items():
        head, _, rest = key.partition(".")
        if not rest:
            given[key] = value
        elif isinstance(given.get(head), dict):
            given[head] = {**given[head], rest: value}
        else:
            given = _reach_method(recipe, table.name, given, head, rest, value)
    return given


def _reach_method(
    recipe: Recipe, name: str, given: dict[str, Any], use: str, parameter: str, value: Any
) -> dict[str, Any]:
    found = False
    changed = dict(given)
    for key, entries in given.items():
        if isinstance(entries, list):
            uses = [
                entry if isinstance(entry, str) else entry.get("use") if isinstance(entry, dict) else None
                for entry in entries
            ]
            if use in uses:
                found = True
                changed[key] = [
                    ({"use": entry} if isinstance(entry, str) else entry) | {parameter: value} if used == use else entry
                    for entry, used in zip(entries, uses, strict=True)
                ]
    if not found:
        recipe.fail(name, "each", f"{use}.{parameter} reaches nothing: no method {use!r} in this step")
    return changed


def _guilty(error: UserError, given: dict[str, Any]) -> str | None:
    """The parameter whose value the error quotes, so that its line can be shown."""
    for key, value in given.items():
        for entry in value if isinstance(value, list) else value.values() if isinstance(value, dict) else [value]:
            if isinstance(entry, str) and repr(entry) in error.what:
                return key
    return None


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
