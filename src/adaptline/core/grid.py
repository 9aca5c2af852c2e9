"""The grid: which artifacts a recipe makes, and from which. Known before anything runs.

A step's signature decides how it meets the cells of its inputs: a parameter `Weights` maps over them, `list[Weights]`
gathers them; `by` gathers within groups, `where` narrows. Knows cells and kinds. Knows nothing of keys or the store.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from adaptline.core import hub, registry, signatures
from adaptline.core.recipe import Cell, Recipe, Table, in_grid, label
from adaptline.errors import UserError, did_you_mean


@dataclass(eq=False)
class Node:
    """One artifact to be: a step in one cell, with the nodes that it is made from, by parameter."""

    table: Table
    cell: Cell
    kind: str
    values: dict[str, Any]
    inputs: dict[str, list[Node]] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Step and cell in a few words."""
        return f"{self.table.name} [{label(self.cell)}]" if self.cell else self.table.name

    def ancestors(self) -> list[Node]:
        """Every node that this one is made from, directly or not, each once, the nearest first."""
        found: dict[int, Node] = {}
        waiting = [self]
        for node in waiting:  # grows while it is walked
            new = [parent for parents in node.inputs.values() for parent in parents if id(parent) not in found]
            found |= {id(parent): parent for parent in new}
            waiting += new
        return list(found.values())


@hub.one_look()
def build(recipe: Recipe) -> dict[str, list[Node]]:
    """Step name -> its nodes, in the recipe's order. Checks every parameter of every cell. Raises UserError."""
    nodes: dict[str, list[Node]] = {}
    for table in recipe.tables:
        kind = registry.load("step", table.step).options["output"]
        made = []
        for joined, inputs in _meetings(recipe, table, nodes):
            for own in table.cells:
                if clash := set(own) & set(joined):
                    recipe.fail(
                        table.name,
                        "each",
                        f"the grid key {min(clash)!r} comes from an earlier step already",
                        "Give it another name there, or leave it out here.",
                    )
                node = Node(table, {**joined, **own}, kind, recipe.values(table, own), inputs)
                _check(recipe, node)
                made.append(node)
        nodes[table.name] = made
    return nodes


def _check(recipe: Recipe, node: Node) -> None:
    """What the step itself refuses, given its values and where its inputs come from; told at the line of its table."""
    check: Any = registry.load("step", node.table.step).check
    try:
        check(node)
    except UserError as error:
        if error.where is not None:
            raise
        place = getattr(error, "place", None)
        recipe.fail(node.table.name, place and in_grid(place, node.cell), error.what, error.do)


def _meetings(recipe: Recipe, table: Table, nodes: dict[str, list[Node]]) -> list[tuple[Cell, dict[str, list[Node]]]]:
    """The combinations of input nodes that the step is called with, each with the cell that they share."""
    assigned = _assign(recipe, table, nodes)
    signature = signatures.of_step(table.step)
    gathered = {i.name: assigned[i.name] for i in signature.inputs if i.gathers and i.name in assigned}
    mapped = {i.name: assigned[i.name] for i in signature.inputs if not i.gathers and i.name in assigned}
    meetings: list[tuple[Cell, dict[str, list[Node]]]] = [({}, {})]
    for name, candidates in mapped.items():
        meetings = [
            ({**cell, **node.cell}, {**inputs, name: [node]})
            for cell, inputs in meetings
            for node in candidates
            if all(cell.get(key, value) == value for key, value in node.cell.items())
        ]
    if gathered:
        meetings = [
            (
                {**cell, **group},
                {**inputs, **{name: _of_group(table, members, group) for name, members in gathered.items()}},
            )
            for cell, inputs in meetings
            for group in _groups(recipe, table, gathered)
        ]
    elif table.by is not None:
        recipe.fail(
            table.name,
            "by",
            "by needs a step that gathers a grid",
            f"{table.step} takes one artifact at a time; use where to choose some.",
        )
    if not meetings:
        recipe.fail(
            table.name,
            "from",
            "its inputs share no cell of their grids",
            "Narrow them with where, or take them from one grid.",
        )
    return meetings


def _assign(recipe: Recipe, table: Table, nodes: dict[str, list[Node]]) -> dict[str, list[Node]]:
    """Which input parameter gets which nodes, by kind."""
    signature = signatures.of_step(table.step)
    assigned: dict[str, list[Node]] = {}
    for source in table.sources:
        candidates = _narrowed(recipe, table, nodes, source)
        kind = candidates[0].kind
        fits = [i for i in signature.inputs if i.kind == kind]
        free = [i for i in fits if i.gathers or i.name not in assigned]
        if not free:
            takes = ", ".join(i.kind for i in signature.inputs) or "nothing"
            recipe.fail(
                table.name,
                "from",
                f"{source!r} gives {kind}, and {table.step} has no place for {'more of it' if fits else 'it'}",
                f"{table.step} takes: {takes}.",
            )
        assigned.setdefault(free[0].name, []).extend(candidates)
    for i in signature.inputs:
        if not i.optional and i.name not in assigned:
            recipe.fail(table.name, "from", f"{table.step} needs {i.kind}", f"Add a step that makes {i.kind} to from.")
    return assigned


def _narrowed(recipe: Recipe, table: Table, nodes: dict[str, list[Node]], source: str) -> list[Node]:
    """A source's nodes that fit `where`. A key that it does not have does not narrow it, if another source has it."""
    candidates = nodes[source]
    known = _grid_keys(candidates)
    everywhere = _grid_keys([node for other in table.sources for node in nodes[other]])
    for key in table.where:
        if key not in everywhere:
            recipe.fail(
                table.name, "where", f"no grid key {key!r} in what it takes from", did_you_mean(key, everywhere)
            )
    wanted = {key: value if isinstance(value, list) else [value] for key, value in table.where.items() if key in known}
    found = [node for node in candidates if all(node.cell.get(key) in values for key, values in wanted.items())]
    if not found:
        recipe.fail(
            table.name,
            "where",
            f"no cell of {candidates[0].table.name!r} fits {table.where}",
            "Cells: " + "; ".join(label(node.cell) for node in candidates[:8]),
        )
    return found


def _grid_keys(nodes: list[Node]) -> set[str]:
    return {key for node in nodes for key in node.cell}


def _groups(recipe: Recipe, table: Table, gathered: dict[str, list[Node]]) -> list[Cell]:
    """The groups of `by`: every combination of its keys' values that occurs; one group of all where there is no `by`."""
    if table.by is None:
        return [{}]
    members = [node for nodes in gathered.values() for node in nodes]
    known = _grid_keys(members)
    for key in table.by:
        if key not in known:
            recipe.fail(table.name, "by", f"no grid key {key!r} in what it takes from", did_you_mean(key, known))
    groups: list[Cell] = []
    for node in members:
        group = _group_of(table, node)
        if group not in groups:
            groups.append(group)
    return groups


def _group_of(table: Table, node: Node) -> Cell:
    return {key: node.cell[key] for key in table.by or () if key in node.cell}


def _of_group(table: Table, members: list[Node], group: Cell) -> list[Node]:
    """The nodes of a group; one without a key of `by` is in the group without it, not in every one."""
    return [node for node in members if _group_of(table, node) == group]
