"""Reads from a store what a report tells of rows: what was read, what each method did.

Knows manifests of rows steps. Knows nothing of HTML. Reads verdicts whole, and texts only for samples.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from adaptline.core import moves
from adaptline.core.recipe import label
from adaptline.core.rows import Ref, texts
from adaptline.core.store import Store
from adaptline.data import opinions
from adaptline.data.builder import raw_texts
from adaptline.data.verdicts import reason
from adaptline.web import (
    gather_conflicts,
    gather_review,
    gather_scores,
    gather_spread,
    parameters,
    view,
    view_rows,
    view_scores,
)

_SAMPLES = 5
_SHOWN = ["file", "row", "messages", "label"]  # of a row that is shown
_FILES = 40
_NO_SPLIT = "no split"


def intake(store: Store, manifest: dict[str, Any]) -> view_rows.Intake:
    """What an ingest step read, with what it could not read."""
    reasons: Counter[str] = Counter()
    samples: list[view_rows.Unreadable] = []
    unreadable: Counter[str] = Counter()
    total = 0
    for shard in manifest["shards"]:
        table = store.read(Ref(*shard["text"]), ["file", "unreadable"])
        total += table.num_rows
        bad = table.filter(pc.is_valid(table["unreadable"]))
        reasons.update(bad["unreadable"].to_pylist())
        unreadable.update(bad["file"].to_pylist())
        if bad.num_rows and len(samples) < _SAMPLES * 2:
            whole = store.read(Ref(*shard["text"]), ["file", "row", "line", "unreadable", "extra"])
            chosen = whole.filter(pc.is_valid(whole["unreadable"])).slice(0, _SAMPLES * 2 - len(samples))
            samples += [
                view_rows.Unreadable(view.Origin(row["file"], row["row"]), row["unreadable"], raw or "", row["line"])
                for row, raw in zip(chosen.drop("extra").to_pylist(), raw_texts(chosen["extra"]), strict=True)
            ]
    rows: Counter[str] = Counter()
    for segments in manifest["detail"].get("segments", []):
        for file, _, count in segments:
            rows[file] += count
    sources = tuple(
        view_rows.Source(
            entry["file"],
            entry.get("format") or "",
            entry.get("encoding") or "",
            rows[entry["file"]],
            unreadable[entry["file"]],
            "with BOM" if entry.get("bom") else "",
        )
        for entry in manifest["detail"].get("files", [])[:_FILES]
    )
    tallies = tuple(view.Tally(name, count) for name, count in reasons.most_common(_SAMPLES * 2))
    notes = tuple(manifest["detail"].get("notes", ()))
    return view_rows.Intake(_title(manifest), total, sum(unreadable.values()), sources, tallies, tuple(samples), notes)


def curation(
    store: Store, manifest: dict[str, Any]
) -> tuple[view_rows.Curation, list[view_scores.Histogram | view_scores.LabelChart]]:
    """A curate step's funnel with samples, and the spread of its scores."""
    methods = manifest["detail"]["methods"]
    fates = opinions.fates(store, manifest)
    names, splits = _splits(store, manifest)
    gone = np.zeros((len(methods) + 1, len(names)), np.int64)  # rows by the rule that dropped them, the kept ones last
    for fate, split in zip(fates, splits, strict=True):
        np.add.at(gone, (fate[fate >= 0], split[fate >= 0]), 1)
    stages, charts = [], []
    for number, (rule, method) in enumerate(zip(moves.rules(manifest), methods, strict=True)):
        alive = [fate >= number for fate in fates]
        changed = np.zeros(len(names), np.int64)
        for touched, split in zip(_changed(store, method, alive), splits, strict=True):
            changed += np.bincount(split[touched], minlength=len(names))
        stages.append(_stage(store, manifest, number, fates, _flows(names, gone[number:], gone[number], changed)))
        if chart := gather_scores.chart(store, rule, method, alive):
            charts.append(chart)
    whole = _flows(names, gone, gone[:-1].sum(axis=0), np.zeros(len(names), np.int64))
    first, last = int(gone.sum()), int(gone[-1].sum())
    spread, agreements = gather_spread.spread(store, manifest, fates), gather_review.agreements(store, manifest)
    return view_rows.Curation(_title(manifest), first, last, whole, tuple(stages), spread, agreements), charts


def _flows(
    names: list[str], reached: npt.NDArray[np.int64], gone: npt.NDArray[np.int64], changed: npt.NDArray[np.int64]
) -> tuple[view_rows.Flow, ...]:
    """Per split: `reached` are its rows by their fates (fates, splits), `gone` and `changed` those of each split."""
    before = reached.sum(axis=0)
    return tuple(
        view_rows.Flow(name, int(before[i]), int(gone[i]), int(changed[i]), int(before[i] - gone[i]))
        for i, name in enumerate(names)
    )


def audit(report: dict[str, Any], manifest: dict[str, Any]) -> view_rows.Audit:
    """Found beside planted."""
    lines, grades, notes = [], [], []
    besides = report["dropped_not_planted"]
    for kind, found in report["kinds"].items():
        finders = tuple(found["looked_for_by"])
        wrongly = sum(besides.get(use, 0) for use in finders) if finders and finders != ("quarantine",) else None
        lines.append(
            view_rows.AuditLine(
                kind.replace("_", " "), found["planted"], found["found"], found["missed"] or 0, wrongly, finders
            )
        )
        if "mended" in found:
            notes.append(
                f"{kind.replace('_', ' ')}: {found['mended']} of {found['planted']} came out exactly as they were before the damage"
            )
        if kind == "near_duplicate" and found.get("grades"):
            measure = "char5" if "char5" in found["grades"] else next(iter(found["grades"]))
            grades = [
                view_rows.Grade(grade["from"], round(grade["from"] + 0.1, 1), grade["planted"], grade["found"])
                for grade in found["grades"][measure]
            ]
    planted = manifest["meaning"]["parameters"].get("planted", [["", "", None]])
    return view_rows.Audit(", ".join(entry[0] for entry in planted), tuple(lines), tuple(grades), note="; ".join(notes))


def _stage(
    store: Store,
    manifest: dict[str, Any],
    number: int,
    fates: list[npt.NDArray[Any]],
    flows: tuple[view_rows.Flow, ...],
) -> view_rows.Stage:
    method = manifest["detail"]["methods"][number]
    settings = method["settings"]
    samples = list(_dropped(store, manifest, number, fates))
    samples += gather_conflicts.conflicts(store, manifest, method, {drop.origin for drop in samples})
    return view_rows.Stage(
        moves.rules(manifest)[number],
        method["kind"],
        method.get("meaning", ""),
        method["before"],
        method["dropped"],
        method["changed"],
        method["before"] - method["dropped"],
        method["unjudged"],
        settings.get("unjudged", "keep"),
        tuple(
            view.Fact(name, parameters.told(value, manifest["record"])) for name, value in method["parameters"].items()
        ),
        tuple(
            view.Fact(
                name,
                ", ".join(value)
                if isinstance(value, list)
                else f"{value:g}"
                if isinstance(value, float)
                else str(value),
            )
            for name, value in settings.items()
            if name not in ("unjudged", "on")
        ),
        flows,
        tuple(samples),
        tuple(_changes(store, method)),
        method.get("compared_in_part", 0),
        tuple(method.get("told", ())),
    )


def _dropped(
    store: Store, manifest: dict[str, Any], number: int, fates: list[npt.NDArray[Any]]
) -> Iterator[view_rows.Drop]:
    """Samples of what a method dropped, from shards spread over the whole."""
    method = manifest["detail"]["methods"][number]
    having = [i for i, fate in enumerate(fates) if (fate == number).any()]
    chosen = having[:: max(1, len(having) // _SAMPLES)][:_SAMPLES]
    each = -(-_SAMPLES // len(chosen)) if chosen else 0
    shown = 0
    for i in chosen:
        rows = np.flatnonzero(fates[i] == number)
        rows = rows[gather_spread.evenly(len(rows), each)]
        table = store.read(Ref(*manifest["shards"][i]["text"]), _SHOWN).take(pa.array(rows))
        scores = (
            store.read(Ref(*method["scores"][i])).take(pa.array(rows)).to_pylist()
            if "scores" in method
            else [{}] * len(rows)
        )
        matches = _matches(store, method, i, rows)
        for row, position, text, score in zip(table.to_pylist(), rows, texts(table).to_pylist(), scores, strict=True):
            if shown == _SAMPLES:
                return
            shown += 1
            match = matches.get((i, int(position)))
            value = match["score"] if match else score.get("score")
            kept = _kept(store, manifest, match) if match else None
            bound = "" if "matches" in method else reason(value, method["settings"])
            origin, because = view.Origin(row["file"], row["row"]), score.get("because") or ""
            yield gather_conflicts.labelled(view_rows.Drop(origin, text, value, bound, because, kept), row["label"])


def _matches(
    store: Store, method: dict[str, Any], shard: int, rows: npt.NDArray[np.int64]
) -> dict[tuple[int, int], dict[str, Any]]:
    """The matches of some rows of a shard."""
    if "matches" not in method:
        return {}
    matches = store.read(Ref(*method["matches"]))
    mine = pc.and_(pc.equal(matches["shard"], shard), pc.is_in(matches["row"], pa.array(rows)))
    return {(match["shard"], match["row"]): match for match in matches.filter(mine).to_pylist()}


def _kept(store: Store, manifest: dict[str, Any], match: dict[str, Any]) -> view_rows.Kept:
    table = store.read(Ref(*manifest["shards"][match["of_shard"]]["text"]), _SHOWN).slice(match["of_row"], 1)
    (row,) = table.to_pylist()
    return view_rows.Kept(view.Origin(row["file"], row["row"]), texts(table)[0].as_py(), row["label"])


def _changes(store: Store, method: dict[str, Any]) -> Iterator[view_rows.Change]:
    """Samples of what a transform changed."""
    shown = 0
    for before, triple in zip(method.get("texts", []), method.get("changes", []), strict=True):
        if not triple[2] or shown == _SAMPLES:
            continue
        changes = store.read(Ref(*triple)).slice(0, _SAMPLES - shown).to_pylist()
        table = store.read(Ref(*before), _SHOWN)
        for change in changes:
            row = table.slice(change["row"], 1).to_pylist()[0]
            shown += 1
            is_label = change["message"] is None
            before_ = row["label"] if is_label else row["messages"][change["message"]]["content"]
            origin = view.Origin(row["file"], row["row"])
            yield view_rows.Change(origin, before_, change["content"], "label" if is_label else "")


def _changed(store: Store, method: dict[str, Any], alive: list[npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
    touched = [np.zeros(len(mask), bool) for mask in alive]
    for mask, triple in zip(touched, method.get("changes", []), strict=False):
        if triple[2]:
            mask[store.read(Ref(*triple))["row"].to_numpy()] = True
    return [mask & living for mask, living in zip(touched, alive, strict=True)]


def _splits(store: Store, manifest: dict[str, Any]) -> tuple[list[str], list[npt.NDArray[np.int64]]]:
    """The splits' names, train first; and per shard each row's number among them."""
    columns = [
        pc.fill_null(store.read(Ref(*(shard["split"] or shard["text"])), ["split"])["split"], _NO_SPLIT)
        for shard in manifest["shards"]
    ]
    found = {name for column in columns for name in pc.unique(column).to_pylist()}
    names = sorted(found, key=lambda name: (name != "train", name))
    known = pa.array(names, pa.string())
    return names, [np.asarray(pc.index_in(column, known).to_numpy(), np.int64) for column in columns]


def _title(manifest: dict[str, Any]) -> str:
    return f"{manifest['name']} {label(manifest['cell'])}".rstrip()
