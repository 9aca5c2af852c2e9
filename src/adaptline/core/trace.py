"""trace: one row's whole life, forward and backward, from what the steps stored anyway.

Knows manifests, positions and parents. Every question is a look-up in a manifest and a read of a few small files: no
index, because a scan of one shard is quick.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from adaptline.core import keys
from adaptline.core.addresses import find
from adaptline.core.descent import Line, Place, births
from adaptline.core.fates import consumed, life_in_rows
from adaptline.core.history import History, ancestors, parents
from adaptline.core.rows import Ref, texts
from adaptline.errors import UserError, did_you_mean

MOST_CHILDREN = 100  # of one row whose lives are told; a step lists all that it made


def trace_row(history: History, address: str) -> dict[str, Any]:
    """The life of a row: `origin`, then what each step did with it, who trained on it and what saw it; and its `children`.

    Those are the rows that steps made of it beside it, each with its life from then on.

    Raises:
        UserError: the address fits nothing; the error says what addresses look like.
    """
    manifest, shard, position = find(history, address)
    root, shard, position, line = _to_ingest(history, manifest, shard, position)
    steps = list(_forward(history, root, shard, position, line))
    return {
        "row": address,
        "origin": _origin(history, root, shard, position),
        "steps": steps,
        "children": list(_children(history, steps[_born(steps) :])),
    }


def _born(steps: list[dict[str, Any]]) -> int:
    """Where a row's own life begins among the steps: after its birth, if it is a child; before, they are its ancestors'."""
    return max((number for number, entry in enumerate(steps, 1) if "parent" in entry), default=0)


def _children(history: History, steps: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The children that the steps of a life list, each once, whatever cells of a grid have it; the first MOST_CHILDREN."""
    seen: set[tuple[str, int]] = set()
    for step in steps:
        for child in step.get("children", ()):
            place = (child["shard"], child["position"])
            if place in seen or len(seen) == MOST_CHILDREN:
                continue
            seen.add(place)
            life = trace_row(history, f"{child['shard']}:{child['position']}")
            told = {name: step[name] for name in ("step", "cell", "key", "digest")} | child
            yield {
                **told,
                "parent": step["shard"],
                "steps": life["steps"][_born(life["steps"]) :],
                "children": life["children"],
            }


def trace_artifact(history: History, step: str) -> dict[str, Any]:
    """What stands behind a step's artifacts, back to the source files. Raises UserError for a step that did not run."""
    if step not in history.manifests:
        raise UserError(f"no artifact of step {step!r}", do=did_you_mean(step, history.manifests))
    return {"artifacts": [_behind(history, manifest) for manifest in history.manifests[step]]}


def _to_ingest(
    history: History, manifest: dict[str, Any], shard: int, position: int
) -> tuple[dict[str, Any], int, int, Line]:
    """Back along parents to the artifact that read the row from a file; and every shard on the way."""
    ref, line = Ref(*manifest["shards"][shard]["text"]), Line()
    while True:
        line[ref.digest] = position
        row = history.store.read_row(ref, position)
        if row["parent_shard"] is None:
            break
        ref, position = _shard_of_digest(history, row["parent_shard"]), row["parent_row"]
    for source in history.of_kind("rows"):
        for i, entry in enumerate(source["shards"]):
            if "segments" in source["detail"] and entry["text"][1] == ref.digest:
                return source, i, position, line
    raise UserError(
        f"the file behind shard {keys.short(ref.digest)} is not in this recipe any more", do="Run the recipe again."
    )


def _shard_of_digest(history: History, digest: str) -> Ref:
    """A parent's shard: the transform that wrote the child keeps a reference to it."""
    for manifest in history.of_kind("rows"):
        for found in _all_refs(manifest):
            if found[1] == digest:
                return Ref(*found)
    raise UserError(f"shard {keys.short(digest)} is not in this recipe any more", do="Run the recipe again.")


def _all_refs(manifest: dict[str, Any]) -> Iterator[list[Any]]:
    for shard in manifest["shards"]:
        yield shard["text"]
    for method in manifest["detail"].get("methods", []):
        yield from method.get("texts", [])


def _origin(history: History, manifest: dict[str, Any], shard: int, position: int) -> dict[str, Any]:
    ref = Ref(*manifest["shards"][shard]["text"])
    table = history.store.read(ref).slice(position, 1)
    row = table.to_pylist()[0]
    return {
        "step": manifest["name"],
        "file": row["file"],
        "row": row["row"],
        "line": row["line"],
        "label": row["label"],
        "split": row["split"],
        "text": texts(table)[0].as_py(),
        "unreadable": row["unreadable"],
        "shard": ref.digest,
        "position": position,
    }


@dataclass
class _Followed:
    """A row on its way through the steps: its place in artifacts, its position in shards, and who saw it."""

    places: dict[str, Place]  # by an artifact's digest
    line: Line
    judged: set[str] = field(default_factory=set)  # adapters that saw it, and the reports about them

    def place_in(self, manifest: dict[str, Any]) -> Place | None:
        """Where it is in what an artifact was made from. Steps keep a row's place, also those that add rows behind it."""
        return next((self.places[parent] for parent in parents(manifest) if parent in self.places), None)

    def add(self, manifest: dict[str, Any], place: Place) -> None:
        """Follows it into an artifact of rows."""
        self.places[manifest["digest"]] = place
        self.line[manifest["shards"][place[0]]["text"][1]] = place[1]


def _forward(history: History, root: dict[str, Any], shard: int, position: int, line: Line) -> Iterator[dict[str, Any]]:
    """What each later step did with the row, in the recipe's order.

    A child is its parent until it is born; of that time only the rows that it comes from are told.
    """
    followed = _Followed({}, {})
    followed.add(root, (shard, position))
    born = births(history.of_kind("rows"), line)
    before = ancestors(history, born)
    unborn = {step for step, manifests in history.manifests.items() for m in manifests if m["digest"] in born}
    for step, manifests in history.manifests.items():
        if step in unborn:
            unborn.remove(step)
            followed = _Followed({}, {})
            for manifest in (one for one in manifests if one["digest"] in born):
                birth = born[manifest["digest"]]
                followed.add(manifest, birth.place)
                told = {
                    "did": f"made by {birth.by}",
                    "parent": birth.of,
                    "text": _text_at(history, manifest, birth.place),
                }
                yield {**_entry(manifest), **told, **life_in_rows(history, manifest, *birth.place)}
            continue
        for manifest in manifests:
            if (not unborn or manifest["digest"] in before) and (life := _life(history, manifest, followed)):
                yield {**_entry(manifest), **life}


def _text_at(history: History, manifest: dict[str, Any], place: Place) -> str | None:
    shard, position = place
    table = history.store.read(Ref(*manifest["shards"][shard]["text"]), ["messages"])
    text: str | None = texts(table.slice(position, 1))[0].as_py()
    return text


def _entry(manifest: dict[str, Any]) -> dict[str, Any]:
    told = {name: manifest[name] for name in ("cell", "key", "digest")}
    return {"step": manifest["name"], **told, "from": parents(manifest)}


def _life(history: History, manifest: dict[str, Any], followed: _Followed) -> dict[str, Any] | None:
    """What an artifact has to do with a row, None if nothing; follows the row into it."""
    place, behind, folder = followed.place_in(manifest), parents(manifest), history.store.folder(manifest["key"])
    if manifest["kind"] == "rows" and place is not None:
        followed.add(manifest, place)
        return life_in_rows(history, manifest, *place)
    if manifest["kind"] == "weights" and place is not None:
        if used := consumed(folder, followed.line):
            followed.judged.add(manifest["digest"])
            return {"did": used}
    elif manifest["kind"] == "report" and (saw := followed.judged & set(behind)):
        followed.judged.add(manifest["digest"])
        released = manifest["record"].get("adapter")
        if released in {None, *followed.judged}:  # another that it did not take may have seen it
            return {"did": _said(manifest, len(saw))}
    elif manifest["kind"] == "report" and place is not None and consumed(folder, followed.line, "items.parquet"):
        return {"did": "scored it"}
    return None


def _said(manifest: dict[str, Any], saw: int) -> str:
    """What a report says of adapters, `saw` of which saw the row."""
    if "adapter" in manifest["record"]:
        return "released an adapter that saw it"
    return (
        f"chose among {saw} that saw it"
        if "reports" in manifest["meaning"]["inputs"]
        else "judged an adapter that saw it"
    )


def _behind(history: History, manifest: dict[str, Any]) -> dict[str, Any]:
    """An artifact and, inside it, what it was made from."""
    found = [(digest, history.by_digest(digest)) for digest in parents(manifest)]
    inputs = [
        _behind(history, parent) if parent else {"step": "?", "digest": digest, "inputs": []}
        for digest, parent in found
    ]
    files = (
        [[entry["file"], entry.get("rows")] for entry in manifest["detail"].get("files", [])]
        if manifest["kind"] == "rows"
        else []
    )
    return {
        "step": manifest["name"],
        "cell": manifest["cell"],
        "kind": manifest["kind"],
        "key": manifest["key"],
        "digest": manifest["digest"],
        "files": files,
        "inputs": inputs,
    }
