"""Reads from a store what the report of a recipe's last run shows, and writes the page.

Knows manifests and the reports inside artifacts. Knows nothing of HTML. A part that a recipe does not have is left out.
"""

from __future__ import annotations

import datetime as dt
import json
import shlex
from pathlib import Path
from typing import Any

from adaptline.core import disk, machine
from adaptline.core.history import History
from adaptline.core.recipe import label
from adaptline.web import gather_children, gather_evidence, gather_rows, report, view

_FACTS = ("adaptline", "python", "torch", "transformers", "peft", "pyarrow")


def write_report(history: History) -> Path:
    """Writes the report beside the store's other files and returns its path."""
    folder = history.store.root / "reports"
    disk.make_folder(folder)
    path = folder / f"{history.recipe}.html"
    page = report.render(gather(history))
    if not path.exists() or path.read_text("utf-8") != page:
        with history.store.temporary() as temporary:
            disk.replace_file(temporary, path, page.encode())
    return path


def gather(history: History) -> view.ReportView:
    """Everything that the report shows."""
    manifests = [manifest for of_step in history.manifests.values() for manifest in of_step]
    reports = {
        manifest["key"]: read_report(history, manifest) for manifest in manifests if manifest["kind"] == "report"
    }
    curated = [gather_rows.curation(history.store, manifest) for manifest in manifests if manifest["step"] == "curate"]
    audits = [
        gather_rows.audit(reports[manifest["key"]], manifest) for manifest in manifests if manifest["step"] == "audit"
    ]
    trained = [of for of in history.manifests.values() if of and of[0]["step"] == "train"]
    selected = [(manifest, reports[manifest["key"]]) for manifest in manifests if manifest["step"] == "select"]
    evaluated = {
        manifest["key"]: (manifest, reports[manifest["key"]])
        for manifest in manifests
        if manifest["step"] == "evaluate"
    }
    return view.ReportView(
        head=_head(history, manifests, selected),
        intakes=tuple(
            gather_rows.intake(history.store, manifest) for manifest in manifests if manifest["step"] == "ingest"
        ),
        curations=tuple(funnel for funnel, _ in curated) if curated else None,
        scores=tuple(chart for _, charts in curated for chart in charts) if curated else None,
        audits=tuple(audits) if audits else None,
        trainings=tuple(gather_evidence.training(history, of_step) for of_step in trained) or None,
        comparisons=tuple(gather_evidence.comparison(history.store, found, evaluated) for _, found in selected) or None,
        costs=tuple(_cost(manifest) for manifest in manifests),
        commands=_commands(history),
        augmentations=tuple(
            gather_children.augmentation(history.store, manifest)
            for manifest in manifests
            if manifest["step"] == "augment"
        )
        or None,
    )


def read_report(history: History, manifest: dict[str, Any]) -> dict[str, Any]:
    """The report.json of an artifact."""
    found: dict[str, Any] = json.loads((history.store.folder(manifest["key"]) / "report.json").read_bytes())
    return found


def _head(
    history: History, manifests: list[dict[str, Any]], selected: list[tuple[dict[str, Any], dict[str, Any]]]
) -> view.Head:
    records = [manifest["record"] for manifest in manifests]
    made = max((record["made"] for record in records), default=None)
    facts = machine.versions() | (records[-1]["versions"] if records else {})
    warnings = _outdated(manifests) + [
        f"{manifest['name']} {label(manifest['cell'])}".rstrip() + f": {difference}"
        for manifest in manifests
        for difference in machine.drift(manifest["record"])
    ]
    hardware = machine.hardware() if not records else records[-1]["hardware"]
    git = next((record["git"] for record in records if record.get("git")), None)
    return view.Head(
        recipe=history.recipe,
        path=f"{history.recipe}.toml",
        verdict=gather_evidence.verdicts(selected) if selected else None,
        figures=_figures(manifests, selected),
        started=dt.datetime.fromisoformat(made) if made else None,
        hardware=f"{hardware['processor']}, {hardware['cores']} cores, {hardware['system']}",
        wall_seconds=sum(record["seconds"] for record in records),
        cpu_seconds=sum(record["cpu_seconds"] for record in records),
        facts=tuple(view.Fact(name, facts[name]) for name in _FACTS if name in facts)
        + ((view.Fact("git", git),) if git else ()),
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _outdated(manifests: list[dict[str, Any]]) -> list[str]:
    """What was made from something else than what is shown beside it: a run failed before it, or --keep accepted it."""
    current = {manifest["digest"] for manifest in manifests}
    old = [
        f"{manifest['name']} {label(manifest['cell'])}".rstrip()
        for manifest in manifests
        if any(digest not in current for of in manifest["meaning"]["inputs"].values() for digest, *_ in of)
    ]
    return [f"{name} is of an earlier run: it was made from other data than what is shown here" for name in old]


def _figures(
    manifests: list[dict[str, Any]], selected: list[tuple[dict[str, Any], dict[str, Any]]]
) -> tuple[view.Figure, ...]:
    figures = []
    for manifest in manifests:
        if manifest["step"] == "ingest":
            figures.append(
                view.Figure(
                    "rows read", sum(shard["text"][2] for shard in manifest["shards"]), "count", manifest["name"]
                )
            )
        if manifest["step"] == "curate":
            last = manifest["detail"]["methods"][-1] if manifest["detail"]["methods"] else None
            figures.append(
                view.Figure("rows kept", last["before"] - last["dropped"] if last else None, "count", manifest["name"])
            )
    trained = sum(
        manifest["step"] == "train" and manifest["record"]["parameters"]["trainable"] > 0 for manifest in manifests
    )
    if trained:
        figures.append(view.Figure("adapters trained", trained, "count"))
    for _, found in selected:
        figures += gather_evidence.figures(found)
    return tuple(figures)


def _cost(manifest: dict[str, Any]) -> view.Cost:
    record = manifest["record"]
    return view.Cost(
        manifest["name"],
        label(manifest["cell"]),
        wall_seconds=record["seconds"],
        cpu_seconds=record["cpu_seconds"],
        peak_bytes=int(record["peak_memory_mb"] * 1e6),
        examples_per_second=record.get("examples_per_second"),
        key=manifest["key"],
        digest=manifest["digest"],
    )


def _commands(history: History) -> tuple[view.Command, ...]:
    rows = [name for name, manifests in history.manifests.items() if manifests and manifests[0]["kind"] == "rows"]
    elsewhere = history.store.root.name != ".adaptline"
    recipe = f"{history.recipe}.toml" + (f" --store {shlex.quote(str(history.store.root))}" if elsewhere else "")
    found = [view.Command("What a second run would do, and why", f"adaptline plan {recipe}")]
    if rows:
        found.append(
            view.Command("One row's whole life, forward and backward", f"adaptline trace {recipe} {rows[-1]}:0")
        )
        found.append(
            view.Command("What moved since the version before, rule by rule", f"adaptline diff {recipe} {rows[-1]}")
        )
    if history.manifests:
        found.append(
            view.Command("Numbers and records of a step", f"adaptline show {recipe} {list(history.manifests)[-1]}")
        )
    found.append(view.Command("A first recipe for a file of your own", "adaptline new YOUR_FILE.jsonl"))
    return tuple(found)
