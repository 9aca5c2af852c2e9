"""plan: what a run would do, and why. Knows keys and manifests; makes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from adaptline.core import changes, machine, naming, registry
from adaptline.core.artifacts import Use
from adaptline.core.grid import Node
from adaptline.core.line import Line
from adaptline.core.recipe import Recipe

_ALSO = {
    "methods": "versions of methods that it uses",
    "behind": "what stands behind its input",
    "secret": "the secret of subjects",
}  # of a key's meaning
State = Literal["cached", "kept", "will run", "may run"]


@dataclass(frozen=True)
class Planned:
    """What a run would do about one artifact, and why. `seconds` is what it took last time, None if never."""

    step: str
    cell: dict[str, Any]
    kind: str
    state: State
    why: str
    key: str | None
    seconds: float | None
    drift: tuple[str, ...]
    notes: tuple[str, ...] = ()  # what the step says of its place in the recipe


def plan(
    source: Path | str | Recipe, step: str | None = None, *, store: Path | str | None = None, keep: Iterable[str] = ()
) -> list[Planned]:
    """What a run would do and why, without doing it.

    "will run" is certain; "may run" depends on what comes out before it: the same bytes, and it will not.

    Raises:
        UserError: a mistake in the recipe or its sources.
    """
    line = Line.open(source, store, keep, make=False)
    return [replace(_plan_node(line, node), notes=_notes(node)) for node in line.chosen(step)]


def _notes(node: Node) -> tuple[str, ...]:
    notes = registry.load("step", node.table.step).options["notes"]
    return tuple(notes(node)) if notes else ()


def _plan_node(line: Line, node: Node) -> Planned:
    key, manifest = line.look_up(node)
    last = line.last(node)
    seconds = last["record"].get("seconds") if last else None
    if manifest is not None:
        kept = key != line.key(node)
        drift = machine.drift(manifest["record"])
        return Planned(
            node.table.name,
            node.cell,
            node.kind,
            "kept" if kept else "cached",
            "accepted with --keep" if kept else "",
            key,
            seconds,
            drift,
        )
    if key is None:
        parents = [parent for parents in node.inputs.values() for parent in parents]
        # All of its inputs may be there, kept as they are, while something behind them that it reads is not.
        waiting = _not_there(line, parents) or _not_there(line, node.ancestors())
        return Planned(
            node.table.name, node.cell, node.kind, "may run", f"if {' or '.join(waiting)} changes", None, seconds, ()
        )
    return Planned(
        node.table.name, node.cell, node.kind, "will run", _why(node, line.meaning(node) or {}, last), key, seconds, ()
    )


def _not_there(line: Line, nodes: list[Node]) -> list[str]:
    """The steps of nodes that have no artifact yet."""
    return sorted({node.table.name for node in nodes if id(node) not in line.manifests})


def _why(node: Node, meaning: dict[str, Any], last: dict[str, Any] | None) -> str:
    """What differs from the last time, in words."""
    if last is None:
        return "new"
    before = last["meaning"]
    if before["step"] != meaning["step"]:
        return f"{meaning['step'][1]} is version {meaning['step'][2]} now, was {before['step'][2]}"
    others = sorted(
        f"what {name} gives" for name in meaning["inputs"] if before["inputs"].get(name) != meaning["inputs"][name]
    )
    others += [word for name, word in _ALSO.items() if before.get(name) != meaning.get(name)]
    rules = naming.rules_in(node.values)
    planned = {"kind": node.kind, "meaning": meaning, "detail": {}, "names": naming.names(rules)}
    changed = changes.words(changes.alike(last, planned), planned, [] if others else _stored(rules)) + others
    return f"changed: {', '.join(changed)}" if changed else "its artifact is gone"


def _stored(rules: Sequence[Use]) -> list[str]:
    """The filters that scored every row: their scores are there whatever bounds have moved. Costly ones scored some rows."""
    return [
        name
        for name, use in zip(naming.names(rules), rules, strict=True)
        if use.kind == "filter" and use.load().cost_with(use.parameters) == "low"
    ]
