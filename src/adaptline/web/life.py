"""A row's life as a small graph: from its source through every step and verdict to its children and what trained on them.

Knows what core/trace.py tells. Knows nothing of stores. `graph` is data, for people and programs alike; `page` draws it, a line
per node with its stretch of the graph as inline SVG, so that texts wrap and no script is needed.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from adaptline.core.fates import cause, did
from adaptline.core.keys import short
from adaptline.core.recipe import label
from adaptline.data.verdicts import reason
from adaptline.web import report, rewritten, texts
from adaptline.web.shapes import element

Data = dict[str, Any]
MOST_CHILDREN = 50  # drawn of one row
_COLUMN, _FIRST, _MIDDLE = 22, 12, 15  # pixels: between columns, of the first, and where a node's mark is
_CUT = 300  # characters of a text beside a node


class _Graph:
    """Nodes and edges while they are added. A node's `column` is how far it is from the main line."""

    def __init__(self) -> None:
        self.nodes: list[Data] = []
        self.edges: list[Data] = []

    def add(self, kind: str, title: str, detail: str, column: int, after: int | None, edge: str = "next") -> int:
        """A node, and an edge to it. `kind` says what it is or, of a method, its verdict."""
        number = len(self.nodes)
        self.nodes.append({"id": number, "kind": kind, "title": title, "detail": detail, "column": column})
        if after is not None:
            self.edges.append({"from": after, "to": number, "kind": edge})
        return number


def graph(found: Data) -> Data:
    """Nodes and edges of a row's life: {"nodes": [{id, kind, title, detail, column}], "edges": [{from, to, kind}]}.

    A node comes after those that lead to it. Its kind is source, step, child, kept, dropped, changed (a method by its
    verdict), other (the row that stays instead), or adapter (what saw the row).

    Args:
        found: what core.trace.trace_row gives.
    """
    made = _Graph()
    origin = found["origin"]
    start = made.add("source", f"{origin['file']}:{origin['row']}", _told(origin), 0, None)
    _steps(made, found["steps"], found["children"], {origin["shard"]: start}, start, 0)
    return {"nodes": made.nodes, "edges": made.edges}


def page(found: Data) -> str:
    """A page of its own, which loads nothing and runs no script. It can be written to a file as UTF-8."""
    style = report.style_sheet()
    allowed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    template = report.environment().get_template("row.html")
    safe = Markup(style)  # noqa: S704 - the package's own style sheet
    return template.render(found=found, lines=drawn(graph(found)), style=safe, style_hash=f"sha256-{allowed}")


@dataclass(frozen=True)
class Line:
    """A node as a page shows it: its stretch of the graph, and what stands beside."""

    drawing: Markup
    kind: str
    title: str
    detail: str


def drawn(made: Data) -> list[Line]:
    """A line per node, in order."""
    columns = {node["id"]: node["column"] for node in made["nodes"]}
    width = _x(max(columns.values(), default=0)) + _FIRST
    lines = []
    for node in made["nodes"]:
        shapes = [shape for edge in made["edges"] for shape in _stretch(edge, node["id"], columns)]
        shapes.append(element("circle", cx=_x(node["column"]), cy=_MIDDLE, r=6, class_=f"node {node['kind']}"))
        drawing = element("svg", *shapes, class_="life", width=width, height="100%", aria_hidden="true")
        lines.append(Line(drawing, node["kind"], node["title"], node["detail"]))
    return lines


def _steps(
    made: _Graph, steps: list[Data], children: list[Data], shards: dict[str, int], last: int, column: int
) -> None:
    """The steps of a row, then its children, each from the text that it was made of. Cells of a grid have lines of their own."""
    after = _after(steps)
    drawn: set[int] = set()

    def line(step: Data, last: int, column: int) -> None:
        last = _step(made, step, shards, last, column)
        follow(after.get(id(step), []), last, column)
        mine = [i for i, child in enumerate(children) if child["digest"] == step["digest"] and i not in drawn]
        drawn.update(mine)
        _children(made, [children[i] for i in mine], shards, last, column)

    def follow(found: list[Data], last: int, column: int) -> None:
        for step in found:
            if "shard" not in step:  # weights and reports: they end the line of what they saw
                told = f"{step['did']}, {short(step['digest'])}"
                made.add("adapter", _name(step), told, column + 1, last, "saw")
        ways = [step for step in found if "shard" in step]
        for step in ways:
            line(step, last, column + (len(ways) > 1))

    follow(after.get(None, []), last, column)
    _children(made, [child for i, child in enumerate(children) if i not in drawn], shards, last, column)


def _after(steps: list[Data]) -> dict[int | None, list[Data]]:
    """What comes after each step with rows, by its id; None for the row as it was before all of them."""
    known: dict[str, list[tuple[Data, Data | None]]] = {}  # by digest: cells, and the step whose rows they hold or saw
    found: dict[int | None, list[Data]] = {}
    for step in steps:
        makers = [maker for digest in step["from"] for maker in known.get(digest, ())]
        # Cells that gave the same bytes have one digest: a step's own cell tells which of them it goes on from.
        own = [maker for maker in makers if maker[0].items() <= step["cell"].items()]
        behind = next((rows for _, rows in [*own, *makers]), None)
        found.setdefault(None if behind is None else id(behind), []).append(step)
        known.setdefault(step["digest"], []).append((step["cell"], step if "shard" in step else behind))
    return found


def _name(step: Data) -> str:
    return f"{step['step']} {label(step['cell'])}".rstrip()


def _step(made: _Graph, step: Data, shards: dict[str, int], last: int, column: int) -> int:
    """A step with rows and its methods; the number of the last node."""
    last = made.add("step", _name(step), _became(step), column, last)
    shards[step["shard"]] = last
    for method in step.get("methods", []):
        last = made.add(method["verdict"], method["name"], _judged(method), column, last)
        if "kept_row" in method:
            kept = method["kept_row"]
            made.add("other", f"{kept['file']}:{kept['row']}", _cut(kept["text"]), column + 1, last, "because")
        shards[step["shard"]] = last
    return last


def _children(made: _Graph, children: list[Data], shards: dict[str, int], last: int, column: int) -> None:
    for child in children[:MOST_CHILDREN]:
        name = f"{_name(child)}, {short(child['shard'])}:{child['position']}"
        start = made.add(
            "child",
            f"{child['by']} in {name}",
            _cut(child["text"]),
            column + 1,
            shards.get(child["parent"], last),
            "child",
        )
        _steps(made, child["steps"], child["children"], {child["shard"]: start}, start, column + 1)
    if len(children) > MOST_CHILDREN:
        made.add("child", f"and {len(children) - MOST_CHILDREN:,} more", "", column + 1, last, "child")


def _told(origin: Data) -> str:
    """What the row was when it was read."""
    if origin["unreadable"] is not None:
        return f"unreadable: {origin['unreadable']}"
    return _cut(origin["text"])


def _became(step: Data) -> str:
    """What a step did with the row; of a birth also the text that it was born with."""
    return f"{did(step)}: {_cut(step['text'])}" if "parent" in step else did(step)


def _judged(method: Data) -> str:
    """A verdict with the value and the bound, or the text that a transform wrote."""
    if method["verdict"] == "changed":
        return _wrote(method)
    score = method.get("score")
    if "kept_row" in method:
        return f"like a row that stays: {score:.4g}"
    if "score" not in method:
        return ""
    shown = "" if score is None else f"{score:.4g} " if isinstance(score, float) else f"{score} "
    because = f", {said}" if (said := cause(method)) else ""
    return f"{shown}{reason(score, method['settings'])}{because}"


def _wrote(method: Data) -> str:
    """What a rule wrote; with who it was, where people wrote it."""
    parts = [_written(method["was"], method["text"])] if "text" in method else []
    parts += [f"label {_cut(method['label'])}"] if "label" in method else []
    parts += [said] if (said := cause(method)) else []
    return ", ".join(parts)


def _written(before: str, after: str) -> str:
    """A text that was written: in full, or both around the first place that changed."""
    if len(after) <= _CUT:
        return after
    old, new = rewritten.pair(before, after, _CUT)
    return f"{old} → {new} ({len(after):,} characters in all)"


def _cut(text: str | None) -> str:
    text = text or ""
    return texts.fitted(text, _CUT) + (f" ({len(text):,} characters in all)" if len(text) > _CUT else "")


def _x(column: int) -> int:
    return _FIRST + _COLUMN * column


def _stretch(edge: Data, line: int, columns: dict[int, int]) -> Iterator[Markup]:
    """What one node's line shows of an edge: down the column of where it starts, then across to where it ends."""
    start, end = edge["from"], edge["to"]
    if not start <= line <= end:
        return
    x = _x(columns[start])
    top, bottom = (_MIDDLE if line == start else 0), (_MIDDLE if line == end else "100%")
    yield element("line", x1=x, x2=x, y1=top, y2=bottom, class_=f"edge {edge['kind']}")
    if line == end and columns[end] != columns[start]:
        across = {"x1": x, "x2": _x(columns[end]), "y1": _MIDDLE, "y2": _MIDDLE}
        yield element("line", class_=f"edge {edge['kind']}", **across)
