"""audit: what curation found, beside what somebody planted. A measured answer to "does my cleaning work?".

Knows the file of planted defects and the verdicts of curate. Looks at nothing before curation is done.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from adaptline.core import naming
from adaptline.core.artifacts import Desk
from adaptline.core.grid import Node
from adaptline.core.registry import step
from adaptline.core.rows import Ref, Rows, texts
from adaptline.core.signatures import BadParameterError
from adaptline.core.sources import Files
from adaptline.data.jsons import objects
from adaptline.errors import UserError

QUARANTINE = "quarantine"
_UNREADABLE = "unreadable"
_EXAMPLE = '{"kind": "near_duplicate", "file": "messages.jsonl", "row": 17}'
_GRADE = 0.1  # the width of a class of similarity


_UNCURATED = "audit needs rows that a curate step made"
_CURATED = 'from = "clean", the name of the curate step'


def _check(node: Node) -> None:
    if node.inputs["rows"][0].table.step != "curate":
        raise BadParameterError("", _UNCURATED, _CURATED, place=("from",))


@step(version=2, output="report", reads_detail=True, check=_check)
def audit(rows: Rows, *, desk: Desk, planted: Files) -> dict[str, Any]:
    """Counts, per kind of planted defect, what curation found, missed and dropped besides.

    A defect is found if a method that looks for its kind (its `finds`) dropped or changed the row; mended if the row's
    text came out as the entry's `clean`. A kind that no method looks for is told as such, not as missed.

    Args:
        rows: what a curate step made.
        desk: where the report goes.
        planted: JSON lines of {"kind", "file", "row"} with `file` relative to this file, and for graded kinds
            "similarity": {measure: value}.

    Raises:
        UserError: a line that is not such an object, a row that is not there, or rows that were not curated.
    """
    if "methods" not in rows.detail:
        raise UserError(_UNCURATED, do=_CURATED)
    entries = [entry for path, name in zip(planted.paths, planted.names, strict=True) for entry in _read(path, name)]
    fates = _fates(desk, rows, {(entry["file"], entry["row"]) for entry in entries})
    finders: dict[str, list[str]] = {_UNREADABLE: [QUARANTINE]}
    for name, method in zip(_names(rows), rows.detail["methods"], strict=True):
        for kind in method["finds"]:
            finders.setdefault(kind, []).append(name)
    for entry in entries:
        entry["fate"] = fates.get((entry["file"], entry["row"]))
        if entry["fate"] is None:
            raise UserError(
                f"no row {entry['file']}:{entry['row']} in the data",
                where=entry["listed"],
                line=entry["line"],
                do="Plant and ingest the same files.",
            )
    kinds = {
        kind: _kind([e for e in entries if e["kind"] == kind], finders.get(kind, []))
        for kind in sorted({e["kind"] for e in entries})
    }
    dropped_at_all = Counter(
        rule for shard in range(len(rows.shards)) for rule in _rules(desk, rows, shard) if rule is not None
    )
    places = {(entry["file"], entry["row"]): entry["fate"]["dropped_by"] for entry in entries}
    of_planted = Counter(places.values())  # rows, of which one may be planted with two defects
    not_planted = {rule: count - of_planted[rule] for rule, count in sorted(dropped_at_all.items())}
    (desk.output / "report.json").write_text(
        json.dumps({"kinds": kinds, "dropped_not_planted": not_planted}, indent=1, sort_keys=True), "utf-8"
    )
    found, looked_for = (
        sum(k["found"] for k in kinds.values()),
        sum(k["planted"] for k in kinds.values() if k["looked_for_by"]),
    )
    return {"summary": f"{found:,} of {looked_for:,} planted defects found"}


def _read(path: Path, name: str) -> list[dict[str, Any]]:
    entries = []
    for number, entry in objects(path, _EXAMPLE):
        kinds = {"kind": str, "file": str, "row": int}
        wrong = [key for key, kind in kinds.items() if type(entry.get(key)) is not kind]
        if wrong:
            what = f"{wrong[0]} = {entry.get(wrong[0])!r} in a planted defect"
            raise UserError(what, where=path, line=number, do=f"A line is like {_EXAMPLE}")
        file = os.path.normpath(Path(name).parent / entry["file"])
        entries.append({**entry, "file": file, "listed": path, "line": number})
    return entries


def _fates(desk: Desk, rows: Rows, wanted: set[tuple[str, int]]) -> dict[tuple[str, int], dict[str, Any]]:
    """(file, row) -> who dropped it, who changed it, and its text as it came out."""
    files = {file for file, _ in wanted}
    fates = {}
    for i, shard in enumerate(rows.shards):
        table = desk.read(shard.text)
        if not files & set(pc.unique(table["file"]).to_pylist()):
            continue
        rules = _rules(desk, rows, i)
        changed = {
            name: set(desk.read(Ref(*method["changes"][i]))["row"].to_pylist())
            for name, method in zip(_names(rows), rows.detail["methods"], strict=True)
            if "changes" in method
        }
        now = texts(table).to_pylist()
        for position, place in enumerate(zip(table["file"].to_pylist(), table["row"].to_pylist(), strict=True)):
            if place in wanted and place not in fates:  # a child, which comes later, names its parent's place
                fates[place] = {
                    "dropped_by": rules[position],
                    "changed_by": [use for use, touched in changed.items() if position in touched],
                    "text": now[position],
                }
    return fates


def _names(rows: Rows) -> list[str]:
    """The methods, told apart. Not as the recipe calls them: what a report says would then depend on names."""
    return naming.numbered([method["use"] for method in rows.detail["methods"]])


def _rules(desk: Desk, rows: Rows, shard: int) -> list[str | None]:
    """Per row of a shard the method that dropped it, "quarantine", or None."""
    uses = _names(rows)
    unreadable = desk.read(rows.shards[shard].text)["unreadable"].to_pylist()
    dropped = desk.read(Ref(*rows.detail["verdicts"][shard]))["dropped_by"].to_pylist()
    return [
        QUARANTINE if why else None if by is None else "an earlier step" if by < 0 else uses[by]
        for by, why in zip(dropped, unreadable, strict=True)
    ]


def _kind(entries: list[dict[str, Any]], looked_for_by: list[str]) -> dict[str, Any]:
    hits = [_is_found(entry, looked_for_by) for entry in entries]
    found: dict[str, Any] = {
        "planted": len(entries),
        "found": sum(hits),
        "missed": sum(not hit for hit in hits) if looked_for_by else None,
        "dropped_by_others": sum(
            not hit and entry["fate"]["dropped_by"] is not None for hit, entry in zip(hits, entries, strict=True)
        ),
        "looked_for_by": looked_for_by,
    }
    if any("clean" in entry for entry in entries):
        found["mended"] = sum(entry["fate"]["text"] == entry.get("clean") for entry in entries)
    if any("similarity" in entry for entry in entries):
        found["grades"] = _grades(entries, hits)
    missed = [entry for hit, entry in zip(hits, entries, strict=True) if not hit and looked_for_by]
    found["missed_samples"] = [{"file": e["file"], "row": e["row"], "text": e["fate"]["text"]} for e in missed[:5]]
    return found


def _is_found(entry: dict[str, Any], looked_for_by: list[str]) -> bool:
    fate = entry["fate"]
    return fate["dropped_by"] in looked_for_by or bool(set(fate["changed_by"]) & set(looked_for_by))


def _grades(entries: list[dict[str, Any]], hits: list[bool]) -> dict[str, list[dict[str, Any]]]:
    """Per measure of similarity, in classes of a tenth: how many were planted and found."""
    measures = sorted({measure for entry in entries for measure in entry.get("similarity", {})})
    grades: dict[str, list[dict[str, Any]]] = {}
    for measure in measures:
        classes: dict[int, list[bool]] = {}
        for hit, entry in zip(hits, entries, strict=True):
            if measure in entry.get("similarity", {}):
                classes.setdefault(min(int(entry["similarity"][measure] / _GRADE + 1e-9), 9), []).append(hit)
        grades[measure] = [
            {"from": round(c * _GRADE, 1), "planted": len(of), "found": sum(of)} for c, of in sorted(classes.items())
        ]
    return grades
