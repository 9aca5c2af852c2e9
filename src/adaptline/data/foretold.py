"""What a curate step costs or leaves undone that may not be meant: `plan` tells it.

Knows a step's place in a recipe. Knows nothing of rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from adaptline.core import naming, registry, signatures
from adaptline.core.grid import Node
from adaptline.data.ranking import best_of
from adaptline.data.tasks import is_held_out


def notes(node: Node) -> list[str]:
    """What to know of a curate step before it runs."""
    return [*_of_idle(node), *_of_best(node), *_of_children(node), *_of_own_tasks(node), *_of_personal_data(node)]


def _of_idle(node: Node) -> Iterator[str]:
    """Filters without a bound, and methods that stand there twice with nothing between that writes."""
    uses = node.values["do"]
    best = {best_of(use) for use in uses}
    seen: list[Any] = []
    for place, name, use in zip(naming.places([use.identity for use in uses]), naming.names(uses), uses, strict=True):
        unbound = not {"min", "max", "keep", "drop"} & use.settings.keys() and use.settings.get("unjudged") != "drop"
        if use.kind == "filter" and unbound and place not in best:
            fit = {"number": "min or max", "label": "keep or drop"}.get(
                registry.score_kind(use.load()) or "", "a bound"
            )
            yield f"{name} judges and drops nothing: give {fit}"
        if (meaning := signatures.meaning(use)) in seen:
            yield f"{name} stands there twice with the same parameters: the second time it finds nothing new"
        if use.kind == "transform" or use.load().options.get("writes"):
            seen.clear()  # what is written may be judged anew
        if use.kind != "transform" or ":" not in use.use:  # one of a user's own may do more each time
            seen.append(meaning)


def _of_best(node: Node) -> Iterator[str]:
    uses = node.values["do"]
    called = dict(zip(naming.places([use.identity for use in uses]), naming.names(uses), strict=True))
    for name, use in zip(naming.names(uses), uses, strict=True):
        if (best := best_of(use)) is not None:
            sign = use.parameters["best"].removesuffix(best)
            yield (
                f"{name} keeps the best by {sign + called.get(best, best)!r}: appended rows may take the place of kept ones, so every "
                "run after an append matches all rows anew, and old verdicts may change"
            )


def _of_children(node: Node) -> Iterator[str]:
    for before in node.ancestors():
        uses = node.values["do"] if before.table.step == "augment" else []
        for name, use in zip(naming.names(uses), uses, strict=True):
            if use.kind == "matcher":
                yield (
                    f"{name} matches the children that [{before.table.name}] makes after all other rows: each run after an "
                    "append matches them anew, and a child may be dropped for a row that was appended"
                )


def _of_own_tasks(node: Node) -> Iterator[str]:
    """A task whose items are read as rows, too: all of them are found in it but those that are held out."""
    sources = [before for before in node.ancestors() if before.table.step == "ingest"]
    read = {
        digest: (name, before.table.name)
        for before in sources
        for name, digest, part in _files(before)
        if not is_held_out(part)
    }
    for use in node.values["do"]:
        for task in use.parameters["against"] if use.use == "decontaminate" else ():
            for name, step in (read[digest] for digest in task.files.digests if digest in read):
                yield (
                    f"decontaminate drops rows of {name}, which [{step}] reads, that are in no split that is held out (as test is): "
                    f"they are the items of the task {task.name!r}; those that are held out stay"
                )


def _files(ingest: Node) -> Iterator[tuple[str, str, str | None]]:
    """Name, digest and split of each file that a step reads."""
    files = ingest.values["files"]
    return zip(files.names, files.digests, files.parts, strict=True)


def _of_personal_data(node: Node) -> Iterator[str]:
    if any(use.use == "mask_pii" for use in node.values["do"]):
        yield (
            "mask_pii looks at what rows say: label, references and other fields of the source stay as they are, also where "
            "rows are exported"
        )
