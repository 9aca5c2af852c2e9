"""trace: one row's whole life, forward and backward, from what the steps stored anyway.

Knows manifests, positions and parents. Every question is a look-up in a manifest and a read of a few small files: no
index, because a scan of one shard is quick. A row is addressed as FILE:ROW (1-based record of a source file),
STEP:POSITION (0-based position among a step's rows, dropped ones counted) or DIGEST:POSITION (of a step's artifact or
of a shard).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from adaptline.core import keys
from adaptline.core.descent import Line, Place, births, children
from adaptline.core.rows import Ref, texts
from adaptline.core.store import Store
from adaptline.errors import UserError, did_you_mean

_SHORTEST_DIGEST = 6
_DROPPED_EARLIER = -1
MOST_CHILDREN = 100  # of one row whose lives are told; a step lists all that it made


@dataclass(frozen=True)
class History:
    """What a recipe's last run left in a store: per step its artifacts' manifests, in the order of the recipe."""

    store: Store
    recipe: str
    manifests: dict[str, list[dict[str, Any]]]

    @classmethod
    def open(cls, store: Store, recipe: str, order: list[str]) -> History:
        """The manifests that a recipe's refs point at. Raises UserError where it never ran."""
        refs = store.refs(recipe)
        if not refs:
            raise UserError(
                f"recipe {recipe!r} has not run in this store",
                where=store.root,
                do="adaptline run it first, or name its store with --store.",
            )
        manifests = {
            step: [{**m, "name": step, "cell": ref["cell"]} for ref in refs[step] if (m := store.manifest(ref["key"]))]
            for step in order
            if step in refs
        }
        return cls(store, recipe, manifests)

    def of_kind(self, kind: str) -> Iterator[dict[str, Any]]:
        """The manifests of a kind, in the recipe's order."""
        for manifests in self.manifests.values():
            yield from (manifest for manifest in manifests if manifest["kind"] == kind)

    def by_digest(self, digest: str) -> dict[str, Any] | None:
        """The recipe's manifest of a digest. Not by key: a step that ran again and gave the same bytes has another."""
        for manifests in self.manifests.values():
            for manifest in manifests:
                if manifest["digest"] == digest:
                    return manifest
        return None


def trace_row(history: History, address: str) -> dict[str, Any]:
    """The life of a row: `origin`, then what each step did with it, who trained on it and what saw it; and its `children`.

    Those are the rows that steps made of it beside it, each with its life from then on.

    Raises:
        UserError: the address fits nothing; the error says what addresses look like.
    """
    manifest, shard, position = _find(history, address)
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


def _find(history: History, address: str) -> tuple[dict[str, Any], int, int]:
    """The manifest, shard and position of an address."""
    name, _, number = address.rpartition(":")
    if not name or not number.isdecimal():
        raise UserError(
            f"{address!r} names no row",
            do="Rows are FILE:ROW (data.jsonl:17), STEP:POSITION (clean:16) or DIGEST:POSITION.",
        )
    if (named := history.manifests.get(name)) and named[0]["kind"] == "rows":
        return _by_position(named[0], int(number), address)
    sources = [manifest for manifest in history.of_kind("rows") if "segments" in manifest["detail"]]
    for manifest in sources:
        if found := _by_source(history, manifest, name, int(number)):
            return manifest, *found
    if len(name) >= _SHORTEST_DIGEST and (shard := _by_digest(history, name, int(number), address)):
        return shard
    files = {file for manifest in sources for _, file, _, _ in _segments(manifest)}
    mine = {file for manifest in sources for file in _files_named(manifest, name)}
    last = max((first + rows - 1 for m in sources for _, file, first, rows in _segments(m) if file in mine), default=0)
    raise UserError(
        f"no row {address!r}",
        do=f"{name} has rows 1 to {last}." if last else did_you_mean(name, [*files, *history.manifests]),
    )


def _by_digest(history: History, digest: str, position: int, address: str) -> tuple[dict[str, Any], int, int] | None:
    """A position in the step's artifact or the shard whose digest begins so."""
    for manifest in history.of_kind("rows"):
        if manifest["digest"].startswith(digest):
            return _by_position(manifest, position, address)
    for manifest in history.of_kind("rows"):
        for i, shard in enumerate(manifest["shards"]):
            if shard["text"][1].startswith(digest) and position < shard["text"][2]:
                return manifest, i, position
    return None


def _by_position(manifest: dict[str, Any], position: int, address: str) -> tuple[dict[str, Any], int, int]:
    total = 0
    for i, shard in enumerate(manifest["shards"]):
        if position < total + shard["text"][2]:
            return manifest, i, position - total
        total += shard["text"][2]
    raise UserError(f"no row {address!r}", do=f"The step has rows 0 to {total - 1}.")


def _by_source(history: History, manifest: dict[str, Any], name: str, row: int) -> tuple[int, int] | None:
    files = _files_named(manifest, name)
    if len(files) > 1:
        raise UserError(f"{name!r} names {len(files)} files", do=f"Give the path: {', '.join(sorted(files))}.")
    for i, file, first, rows in _segments(manifest):
        if file in files and first <= row < first + rows:
            shard = history.store.read(_ref(manifest["shards"][i]["text"]), ["file", "row"])
            mine = pc.and_(pc.equal(shard["file"], file), pc.equal(shard["row"], row))
            return i, int(pc.index(mine, value=True).as_py())
    return None


def row_at_line(history: History, address: str) -> str:
    """The address FILE:ROW of the row in which a line lies that is given as FILE:LINE.

    Raises:
        UserError: the address fits no file, its rows have no lines, or the line comes before all rows.
    """
    name, _, number = address.rpartition(":")
    starts: list[tuple[int, int]] = []
    for manifest in history.of_kind("rows"):
        files = _files_named(manifest, name) if "segments" in manifest["detail"] else set[str]()
        for shard in sorted({i for i, file, _, _ in _segments(manifest) if file in files} if files else ()):
            table = history.store.read(_ref(manifest["shards"][shard]["text"]), ["file", "row", "line"])
            mine = table.filter(pc.and_(pc.is_in(table["file"], pa.array(files)), pc.is_valid(table["line"])))
            starts += zip(mine["line"].to_pylist(), mine["row"].to_pylist(), strict=True)
    if not starts or not number.isdecimal():
        raise UserError(f"{address!r} names no line of a file that was read", do="Lines are FILE:LINE (data.csv:17).")
    before = [start for start in starts if start[0] <= int(number)]
    if not before:
        raise UserError(f"line {number} of {name} is in no row", do=f"Its first row starts at line {min(starts)[0]}.")
    return f"{name}:{max(before)[1]}"


def _segments(manifest: dict[str, Any]) -> Iterator[tuple[int, str, int, int]]:
    """(shard, file, first row, rows) of every piece of a source."""
    for i, segments in enumerate(manifest["detail"]["segments"]):
        for file, first, rows in segments:
            yield i, file, first, rows


def _files_named(manifest: dict[str, Any], name: str) -> set[str]:
    """The source of this path, or those of this name without a path."""
    files = {file for _, file, _, _ in _segments(manifest)}
    return {name} & files or {file for file in files if Path(file).name == name}


def _to_ingest(
    history: History, manifest: dict[str, Any], shard: int, position: int
) -> tuple[dict[str, Any], int, int, Line]:
    """Back along parents to the artifact that read the row from a file; and every shard on the way."""
    ref, line = _ref(manifest["shards"][shard]["text"]), Line()
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
                return _ref(found)
    raise UserError(f"shard {keys.short(digest)} is not in this recipe any more", do="Run the recipe again.")


def _all_refs(manifest: dict[str, Any]) -> Iterator[list[Any]]:
    for shard in manifest["shards"]:
        yield shard["text"]
    for method in manifest["detail"].get("methods", []):
        yield from method.get("texts", [])


def _origin(history: History, manifest: dict[str, Any], shard: int, position: int) -> dict[str, Any]:
    ref = _ref(manifest["shards"][shard]["text"])
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
        return next((self.places[parent] for parent in _parents(manifest) if parent in self.places), None)

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
    before = _ancestors(history, born)
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
                yield {**_entry(manifest), **told, **_life_in_rows(history, manifest, *birth.place)}
            continue
        for manifest in manifests:
            if (not unborn or manifest["digest"] in before) and (life := _life(history, manifest, followed)):
                yield {**_entry(manifest), **life}


def _text_at(history: History, manifest: dict[str, Any], place: Place) -> str | None:
    shard, position = place
    table = history.store.read(_ref(manifest["shards"][shard]["text"]), ["messages"])
    text: str | None = texts(table.slice(position, 1))[0].as_py()
    return text


def _entry(manifest: dict[str, Any]) -> dict[str, Any]:
    told = {name: manifest[name] for name in ("cell", "key", "digest")}
    return {"step": manifest["name"], **told, "from": _parents(manifest)}


def _life(history: History, manifest: dict[str, Any], followed: _Followed) -> dict[str, Any] | None:
    """What an artifact has to do with a row, None if nothing; follows the row into it."""
    place, parents, folder = followed.place_in(manifest), _parents(manifest), history.store.folder(manifest["key"])
    if manifest["kind"] == "rows" and place is not None:
        followed.add(manifest, place)
        return _life_in_rows(history, manifest, *place)
    if manifest["kind"] == "weights" and place is not None:
        if used := _consumed(folder, followed.line):
            followed.judged.add(manifest["digest"])
            return {"did": used}
    elif manifest["kind"] == "report" and (saw := followed.judged & set(parents)):
        followed.judged.add(manifest["digest"])
        released = manifest["record"].get("adapter")
        if released in {None, *followed.judged}:  # another that it did not take may have seen it
            return {"did": _said(manifest, len(saw))}
    elif manifest["kind"] == "report" and place is not None and _consumed(folder, followed.line, "items.parquet"):
        return {"did": "scored it"}
    return None


def _ancestors(history: History, digests: Iterable[str]) -> set[str]:
    """The digests of all that some artifacts of rows were made from, and their own."""
    found: set[str] = set()
    waiting = list(digests)
    while waiting:
        digest = waiting.pop()
        if digest not in found and (manifest := history.by_digest(digest)):
            found.add(digest)
            waiting += _parents(manifest)
    return found


def _said(manifest: dict[str, Any], saw: int) -> str:
    """What a report says of adapters, `saw` of which saw the row."""
    if "adapter" in manifest["record"]:
        return "released an adapter that saw it"
    return (
        f"chose among {saw} that saw it"
        if "reports" in manifest["meaning"]["inputs"]
        else "judged an adapter that saw it"
    )


def _life_in_rows(history: History, manifest: dict[str, Any], shard: int, position: int) -> dict[str, Any]:
    store, entry = history.store, manifest["shards"][shard]
    found: dict[str, Any] = {"shard": entry["text"][1], "position": position}
    if manifest["detail"].get("augmenters"):
        if made := list(children(store, manifest, (shard, position))):
            found["children"] = made
    elif entry["split"] is not None and not manifest["detail"].get("methods"):
        found |= store.read_row(_ref(entry["split"]), position)
    if methods := manifest["detail"].get("methods"):
        dropped_by = store.read_row(_ref(manifest["detail"]["verdicts"][shard]), position)["dropped_by"]
        found["kept"] = dropped_by is None
        found["methods"] = []
        for number, method in enumerate(methods):
            if dropped_by == _DROPPED_EARLIER:
                found["did"] = "dropped before this step"
                break
            found["methods"].append(
                _life_in_method(history, manifest, method, shard, position, out=dropped_by == number)
            )
            if dropped_by == number:
                found["dropped_by"] = method["use"]
                break
    return found


def _life_in_method(
    history: History, manifest: dict[str, Any], method: dict[str, Any], shard: int, position: int, *, out: bool
) -> dict[str, Any]:
    store = history.store
    found: dict[str, Any] = {
        "use": method["use"],
        "settings": method["settings"],
        "verdict": "dropped" if out else "kept",
    }
    if "scores" in method:
        found |= store.read_row(_ref(method["scores"][shard]), position)
    if "changes" in method:
        changes = store.read(_ref(method["changes"][shard]))
        mine = changes.filter(pc.equal(changes["row"], position)).to_pylist()
        if mine and not out:
            found["verdict"] = "changed"
        if said := [change["content"] for change in mine if change["message"] is not None]:
            found["text"] = "\n".join(said)
        if labels := [change["content"] for change in mine if change["message"] is None]:
            found["label"] = labels[0]
    if out and "matches" in method:
        matches = store.read(_ref(method["matches"]))
        match = matches.filter(
            pc.and_(pc.equal(matches["shard"], shard), pc.equal(matches["row"], position))
        ).to_pylist()[0]
        kept = _ref(manifest["shards"][match["of_shard"]]["text"])
        other = store.read(kept).slice(match["of_row"], 1)
        found |= {
            "score": match["score"],
            "because": f"{other['file'][0].as_py()}:{other['row'][0].as_py()}",
            "kept_row": {
                "file": other["file"][0].as_py(),
                "row": other["row"][0].as_py(),
                "text": texts(other)[0].as_py(),
                "shard": kept.digest,
                "position": match["of_row"],
            },
        }
    return found


def _consumed(folder: Path, digests: dict[str, int], name: str = "consumed.parquet") -> str | None:
    """What an artifact says that it did with one of these positions, by its own list of what it consumed."""
    path = folder / name
    if not path.exists():
        return None
    with pq.ParquetFile(path) as file:
        listed = file.read(columns=["shard", "row", "split"], use_threads=False)
    for digest, position in digests.items():
        found = listed.filter(pc.and_(pc.equal(listed["shard"], digest), pc.equal(listed["row"], position)))
        if found.num_rows:
            return (
                "validated on it"
                if found["split"][0].as_py() == "validation"
                else "trained on it"
                if name == "consumed.parquet"
                else "scored it"
            )
    return None


def _behind(history: History, manifest: dict[str, Any]) -> dict[str, Any]:
    """An artifact and, inside it, what it was made from."""
    found = [(digest, history.by_digest(digest)) for digest in _parents(manifest)]
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


def _parents(manifest: dict[str, Any]) -> list[str]:
    """The digests of what an artifact was made from."""
    return [digest for inputs in manifest["meaning"]["inputs"].values() for digest, *_ in inputs]


def _ref(triple: list[Any]) -> Ref:
    return Ref(*triple)
