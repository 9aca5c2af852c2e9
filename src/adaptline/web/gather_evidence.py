"""Reads from a store what a report tells of training and comparison.

Knows what train, evaluate and select write into their artifacts. Knows nothing of HTML.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from adaptline.core.history import History
from adaptline.core.recipe import label
from adaptline.core.store import Store
from adaptline.web import view, view_evidence

_WORST = 8
_CONFUSIONS = 10
_PROCEDURE = (
    "Paired on the same items. The variance over items and over seeds is estimated from a two-way layout; Student's t "
    "with Satterthwaite's degrees of freedom for the part of the seeds. Intervals of differences hold together "
    "(Bonferroni), p-values are corrected for all pairs (Holm). A candidate's own interval is for it alone; that of the "
    "winner in the verdict is corrected for choosing it among all."
)


def verdict(manifest: dict[str, Any], found: dict[str, Any]) -> view.Verdict:
    """The winner, or that there is none, in words."""
    if not found["differences"]:
        return view.Verdict("none", f"{found['winner']['name']} is the only candidate", found["verdict"])
    # Of a candidate with one seed the comparison takes the others' variation for its own, and a note says so.
    measured = any(len(candidate["runs"]) > 1 for candidate in found["candidates"] if candidate["within_limits"])
    shown = measured and all(pair["better"] for pair in found["differences"])
    but = "no difference to the closest was shown" if measured else "with one seed each that may be chance"
    headline = f"{found['winner']['name']} wins" if shown else f"{found['winner']['name']} leads; {but}"
    sentences = [
        found["verdict"],
        *found["notes"],
        f"Taken: {label(found['winner']['cell'])}, {found['winner']['because']}",
    ]
    return view.Verdict(
        "winner" if shown else "tie",
        headline,
        " ".join(f"{s[0].upper()}{s[1:]}." for s in sentences) + f" Decided by [{manifest['name']}].",
    )


def verdicts(selected: list[tuple[dict[str, Any], dict[str, Any]]]) -> view.Verdict:
    """The verdict of the first select step, which is the headline, with those of the others told after it."""
    first, *others = [verdict(manifest, found) for manifest, found in selected]
    return replace(
        first, explanation=" ".join([first.explanation, *(f"{v.headline}. {v.explanation}" for v in others)])
    )


def figures(found: dict[str, Any]) -> tuple[view.Figure, ...]:
    """The winner's score, with the interval that holds although it was chosen for that score."""
    winner = found["winner"]
    low, high = winner["interval"]
    among = f", corrected for choosing among {winner['among']}" if winner["among"] > 1 else ""
    unit = _unit(found)
    ends = f"{100 * low:.1f} to {100 * high:.1f} %" if unit == "share" else f"{low:.4g} to {high:.4g}"
    return (
        view.Figure(found["best"], found["metrics"][found["best"]], unit, f"{ends}{among}, {found['items']:,} items"),
    )


def _unit(found: dict[str, Any]) -> view.Unit:
    """A metric whose every mean lies between 0 and 1 is written as a share."""
    return "share" if all(0 <= candidate["mean"] <= 1 for candidate in found["candidates"]) else "number"


def training(history: History, manifests: list[dict[str, Any]]) -> view_evidence.Training:
    """The learning curves, a chart per candidate and a line per seed."""
    charts: dict[str, list[view_evidence.SeedCurve]] = {}
    notes: dict[str, str] = {}
    for manifest in manifests:
        found = json.loads((history.store.folder(manifest["key"]) / "training.json").read_bytes())
        rest = {key: value for key, value in manifest["cell"].items() if key != "seed"}
        name = label(rest) or manifest["name"]
        epochs = found["epochs"]
        best = found.get("best_epoch")
        charts.setdefault(name, []).append(
            view_evidence.SeedCurve(
                str(manifest["cell"].get("seed", "")),
                tuple(epoch["train_loss"] for epoch in epochs),
                tuple(epoch["validation_accuracy"] for epoch in epochs),
                best,
                bool(found.get("stopped_early")),
            )
        )
        trainable, total = (manifest["record"]["parameters"][key] for key in ("trainable", "total"))
        notes[name] = f"{trainable:,} of {total:,} parameters train"
    curves = tuple(view_evidence.CandidateCurves(name, tuple(seeds), notes[name]) for name, seeds in charts.items())
    return view_evidence.Training(manifests[0]["name"], "accuracy on the validation split", "share", curves)


def comparison(
    store: Store, found: dict[str, Any], evaluated: dict[str, tuple[dict[str, Any], dict[str, Any]]]
) -> view_evidence.Comparison:
    """The candidates with their intervals, the leader's differences, all of their scores, and where the winner errs."""
    task, _, metric = found["best"].rpartition(".")
    winner = found["winner"]["name"]
    pairs = {pair["second"]: pair for pair in found["differences"]}
    about = {
        report["weights"]["digest"]: (manifest, report)
        for manifest, report in evaluated.values()
        if task in report["items"]
    }
    manifest, of_winner = about.get(found["winner"]["digest"], (None, {}))
    return view_evidence.Comparison(
        task=task,
        metric=metric,
        unit=_unit(found),
        higher_is_better=True,
        split=task,
        items=found["items"],
        level=found["confidence"],
        procedure=_PROCEDURE,
        candidates=tuple(
            _candidate(entry, leader=entry["name"] == winner)
            for entry in sorted(found["candidates"], key=lambda entry: -entry["mean"])
        ),
        differences=tuple(
            view_evidence.Difference(
                name, -pair["mean"], -pair["high"], -pair["low"], pair["p_corrected"], pair["better"], pair["verdict"]
            )
            for name, pair in pairs.items()
        ),
        weak_labels=_weak_labels(of_winner, task) if "labels" in of_winner else (),
        confusions=_confusions(of_winner, task) if "labels" in of_winner else (),
        measures=tuple(_measures(found, {digest: report for digest, (_, report) in about.items()})),
        answers=_answers(store, manifest, found["best"]) if manifest and "answers" in of_winner else None,
    )


def _measures(found: dict[str, Any], about: dict[str, dict[str, Any]]) -> Iterator[view_evidence.Measure]:
    """Every metric of every task, and each candidate's mean of it over its runs."""
    for entry in found["candidates"]:
        reports = [about[run["weights"]] for run in entry["runs"] if run["weights"] in about]
        for name in reports[0]["metrics"] if reports else ():
            task, _, metric = name.rpartition(".")
            mean = sum(report["metrics"][name] for report in reports) / len(reports)
            yield view_evidence.Measure(
                task, metric, entry["name"], mean, reports[0].get("signatures", {}).get(name, "")
            )


def _answers(store: Store, manifest: dict[str, Any], best: str) -> tuple[view_evidence.Answer, ...]:
    """The weakest answers by a metric; of equal ones the first."""
    task, _, metric = best.rpartition(".")
    table = pq.read_table(store.folder(manifest["key"]) / "items.parquet")
    rows = table.filter(pc.equal(table["task"], task)).to_pylist()
    weakest = sorted(rows, key=lambda row: (row[metric], row["item"]))[:_WORST]
    return tuple(view_evidence.Answer(row["item"], row["prediction"], row["label"], row[metric]) for row in weakest)


def _candidate(entry: dict[str, Any], *, leader: bool) -> view_evidence.Candidate:
    low, high = entry["interval"] or (None, None)
    seeds = tuple(view_evidence.SeedScore(str(run["cell"].get("seed", "")), run["mean"]) for run in entry["runs"])
    note = "" if entry["trainable"] is None else f"{entry['trainable']:,} parameters train"
    return view_evidence.Candidate(
        entry["name"],
        entry["mean"],
        low,
        high,
        seeds,
        leader,
        note if entry["within_limits"] else f"{note}; beyond a limit",
    )


def _weak_labels(report: dict[str, Any], task: str) -> tuple[view_evidence.LabelScore, ...]:
    labels = report["labels"].get(task, {})
    mistaken: dict[str, str] = {}
    for confusion in report["confusions"].get(task, []):
        mistaken.setdefault(confusion["label"], confusion["prediction"])
    worst = sorted(
        labels.items(), key=lambda entry: (entry[1]["recall"] if entry[1]["recall"] is not None else 2.0, entry[0])
    )
    return tuple(
        view_evidence.LabelScore(name, scores["count"], scores["recall"], mistaken.get(name, ""))
        for name, scores in worst[:_WORST]
    )


def _confusions(report: dict[str, Any], task: str) -> tuple[view_evidence.Confusion, ...]:
    return tuple(
        view_evidence.Confusion(entry["label"], entry["prediction"], entry["count"])
        for entry in report["confusions"].get(task, [])[:_CONFUSIONS]
    )
