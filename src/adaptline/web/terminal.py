"""What the verbs print: plain text made from the data that the library returns. Knows words and columns only."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from adaptline.core.failures import Failure
from adaptline.core.fates import cause, did
from adaptline.core.keys import short
from adaptline.core.recipe import label
from adaptline.core.run import Artifact
from adaptline.core.versions import flat
from adaptline.errors import printable
from adaptline.web import parameters, rewritten, texts

_TEXT_WIDTH = 100
_REASONS = 10


def artifacts(found: list[dict[str, Any]], *, whole: bool) -> str:
    """A line per artifact; with `whole` its methods, metrics and record too."""
    lines = []
    for entry in found:
        lines.append(
            f"{entry['step']} {label(entry['cell'])}".rstrip()
            + f"  {entry['kind']}  {short(entry['digest'])}  {entry['summary']}"
        )
        lines += [f"  drift: {difference}" for difference in entry["drift"]]
        if whole:
            for method in entry.get("methods", []):
                what = "" if method["kind"] == "transform" else f"dropped {method['dropped']:,}"
                if method["changed"] or not what:  # a review both drops and mends
                    what += f"{', ' if what else ''}changed {method['changed']:,}"
                unjudged = f", {method['unjudged']:,} unjudged" if method["unjudged"] else ""
                lines.append(
                    f"  {method['name']:<14} {method['before']:>9,} rows: {what}{unjudged}  {_bounds(method, entry['record'])}".rstrip()
                )
                lines += [f"    {told}" for told in method["told"]]
            lines += _of_children(entry)
            lines += _of_rows(entry)
            if "path" in entry:
                lines.append(f"  in {_near(Path(entry['path']))}")
            lines += [f"  {line}" for line in _numbers(entry.get("metrics", {}))]
            lines += [f"  {name}: {value}" for name, value in flat(entry["record"]) if not name.startswith("versions.")]
    return _joined(lines)


def failure(failed: Failure, recipe: Path, shown: Iterable[str]) -> str:
    """What ended the last run too early, what was done before, and how it goes on; `shown` are steps that have something."""
    left = [failed.step, *failed.left]
    old = [step for step in left if step in shown]
    earlier = f"; what is shown of {', '.join(old)} is of an earlier run" if old else ""
    return _joined(
        [
            f"The run of {failed.time[:19].replace('T', ' ')} UTC failed in {failed.step}: {_cut(failed.why)}",
            f"  done before: {', '.join(failed.done) or 'nothing'}",
            f"  not made: {', '.join(left)}{earlier}",
            f"  adaptline run {shlex.quote(str(recipe))} goes on where it was, and tells it in full if it fails again",
        ]
    )


def _of_children(entry: dict[str, Any]) -> Iterator[str]:
    """What an augment step's augmenters made, and how varied the rows are before and after."""
    for told in entry.get("augmenters", []):
        refused = ", ".join(f"{gate} {count:,}" for gate, count in told["refused"].items())
        by = f", refused: {refused}" if refused else ""
        yield f"  {told['name']:<14} {told['made']:>9,} children of {told['asked']:,} asked for{by}"
    measures = entry.get("measures", {})
    for name, value in flat(measures.get("before", {})):
        if not name.startswith("labels."):
            yield f"  {name}: {value} before, {dict(flat(measures['after'])).get(name)} after"


def _of_rows(entry: dict[str, Any]) -> Iterator[str]:
    """Files, what could not be read and why, and the kept rows of each split."""
    for file in entry.get("files", []):
        facts = [file["format"], file["encoding"], "byte order mark" if file["bom"] else None, file["compression"]]
        taken = ", ".join(f"{name} = {value}" for name, value in file["columns"].items())
        yield f"  {file['file']}: {file['rows']:,} {'row' if file['rows'] == 1 else 'rows'}, {', '.join(filter(None, facts))}; {taken}"
    for reason, count in list(entry.get("unreadable", {}).items())[:_REASONS]:
        yield f"  could not be read: {count:,} x {reason}"
    if splits := entry.get("splits"):
        yield "  kept rows per split: " + ", ".join(f"{name} {count:,}" for name, count in splits.items())


def _numbers(found: dict[str, Any]) -> Iterator[str]:
    """What a report holds, in a few lines; all of it is in its report.json and in --json."""
    for name, value in found.get("metrics", {}).items():
        yield f"{name}: {value:.4f}"
    for candidate in found.get("candidates", []):
        ends = "{:.3f} to {:.3f}".format(*candidate["interval"]) if candidate["interval"] else "beyond a limit"
        yield f"{candidate['name']}: {candidate['mean']:.3f} ({ends})"
    for pair in found.get("differences", []):
        yield str(pair["verdict"])
    yield from (str(note) for note in found.get("notes", []))
    for kind, of in found.get("kinds", {}).items():
        looked = f"{of['found']:,} of {of['planted']:,} found" if of["looked_for_by"] else "not looked for"
        yield f"{kind}: {looked}"


def life(found: dict[str, Any]) -> str:
    """A row's life as a tree, or what stands behind a step's artifacts."""
    if "artifacts" in found:
        return _joined(line for entry in found["artifacts"] for line in _behind(entry, 0))
    origin = found["origin"]
    place = f"{origin['file']}, row {origin['row']}" + (f" (line {origin['line']})" if origin["line"] else "")
    lines = [
        place,
        f"  {_cut(origin['text']) if origin['unreadable'] is None else 'unreadable: ' + origin['unreadable']}",
    ]
    lines.append(
        f"  read by {origin['step']} as {short(origin['shard'])}:{origin['position']}"
        + (f", label {origin['label']}" if origin["label"] else "")
    )
    for step in found["steps"]:
        lines.append(
            f"{step['step']} {label(step['cell'])}".rstrip() + f"  {short(step['digest'])}  {did(step)}".rstrip()
        )
        lines += [f"  {_method(method)}" for method in step.get("methods", [])]
        if parent := step.get("parent"):
            lines.append(f"  a child of {short(parent['shard'])}:{parent['position']}: {_cut(step['text'])}")
    lines += [line for child in found["children"] for line in _child(child, 1)]
    return _joined(lines)


def _child(child: dict[str, Any], depth: int) -> Iterator[str]:
    """A row that was made of another, and its own life."""
    name = f"{child['step']} {label(child['cell'])}".rstrip()
    yield (
        "  " * depth
        + f"child by {child['by']} in {name}  {short(child['shard'])}:{child['position']}  {_cut(child['text'])}"
    )
    for step in child["steps"]:
        yield "  " * (depth + 1) + f"{step['step']} {label(step['cell'])}".rstrip() + f"  {did(step)}"
    for grandchild in child["children"]:
        yield from _child(grandchild, depth + 1)


def history(found: list[dict[str, Any]]) -> str:
    """A line per artifact that a run made, and one with what its rules did."""
    lines = []
    for e in found:
        lines.append(
            f"{e['time'][:19]}  {e['step']} {label(e['cell'])}".rstrip() + f"  {short(e['digest'])}  {e['summary']}"
        )
        did = [
            f"{entry['rule']} {what} {entry[what]:,}"
            for entry in e.get("rules", [])
            for what in ("dropped", "changed")
            if entry[what]
        ]
        lines += ["    " + ", ".join(did)] if did else []
    return _joined(lines) or "nothing has run yet"


def channel(found: dict[str, Any]) -> str:
    """A channel: who answers which share of its users, with what evidence, and how it came to that."""
    lines = [f"{found['channel']}  version {found['version']}"]
    for name in ("stable", "canary"):
        if arm := found[name]:
            bare = "  the bare base" if arm["answers"] else "  nobody answers: a bare encoder has no labels"
            lines.append(f"  {name:<8} {arm['percent']:>5g} %  {arm['name']}" + ("" if arm["digest"] else bare))
            lines += [f"             {line}" for line in _evidence(arm["evidence"] or {})]
    if found["rolled_back"]:
        lines.append(f"  rolled back: {', '.join(found['rolled_back'])}")
    if found["earlier"]:
        lines.append(f"  stable before: {', '.join(found['earlier'])}")
    lines.append("last moves:")
    for move in found["moves"]:
        at = f" at {move['percent']:g} %" if move["canary"] else ""
        of = move["canary"] or move["stable"]
        why = f": {_cut(move['why'])}" if move["why"] else ""
        lines.append(
            f"  {move['time'][:19]}  {move['version']:>3}  {move['verb']:<8}  {of}{at}  by {_cut(move['who'])}{why}"
        )
    return _joined(lines)


def _evidence(told: dict[str, Any]) -> Iterator[str]:
    if metrics := told.get("metrics"):
        yield ", ".join(f"{name} {value:.3f}" for name, value in metrics.items())
    if verdict := told.get("verdict"):
        yield verdict


def difference(found: dict[str, Any]) -> str:
    """Two versions of a step, side by side."""
    name = f"{found['step']} {label(found['cell'])}".strip()
    lines = [f"{name}: {short(found['old'])} -> {short(found['new'])}"]
    for name, (old, new) in found["parameters"].items():
        lines += [f"  {told}" for told in parameters.difference(name, old, new)]
    if "moved" not in found:
        lines += [f"  {name}: {old} -> {new}" for name, (old, new) in found["record"].items()]
        return _joined(lines)
    lines.append(
        f"  rows: {found['added']:,} added, {found['gone']:,} gone, {found['changed']:,} changed at the source, {found['rewritten']:,} come out with another text"
    )
    for which in ("added", "gone"):
        if fates := found["fates"][which]:
            lines.append(f"    {which}: " + ", ".join(f"{fate} {count:,}" for fate, count in fates.items()))
    for entry in found["rules"]:
        sides = [(what, *entry[what]) for what in ("dropped", "changed") if any(entry[what])]
        told = ", ".join(f"{what} {_number(old)} -> {_number(new)}" for what, old, new in sides if old != new)
        lines += [f"  {entry['rule']}: {told}"] if told else []
    for rule, count in found["moved"].items():
        lines.append(f"  {rule}: {count:,}")
        lines += [f"    {sample['file']}:{sample['row']}  {_cut(sample['text'])}" for sample in found["samples"][rule]]
    if not found["moved"]:
        lines.append("  no verdict moved")
    return _joined(lines)


def _number(count: int | None) -> str:
    return "none" if count is None else f"{count:,}"


def closing(recipe: Path, store: Path | None, made: list[Artifact]) -> str:
    """What a run ends with: where the report is, what won with what confidence, and what to try next."""
    from adaptline import library  # noqa: PLC0415 - the library shows through us

    ran = sum(not artifact.cached for artifact in made)
    path = library.report_path(recipe, store=store)
    lines = [
        f"{ran} of {len(made)} artifacts ran, {len(made) - ran} were there already."
        if ran
        else f"Nothing to run: all {len(made)} artifacts are there already."
    ]
    for artifact in made:
        verdict = artifact.path / "report.json"
        if artifact.kind == "report" and verdict.exists() and "verdict" in (found := json.loads(verdict.read_bytes())):
            lines.append(f"{artifact.step}: {found['verdict']}")
    lines.append(f"Report: {_near(path)}")
    typed = shlex.quote(str(recipe))
    option = f" --store {shlex.quote(str(store))}" if store else ""
    rows = [artifact.step for artifact in made if artifact.kind == "rows"]
    lines.append("Next:")
    if rows:
        lines.append(f"  adaptline trace {typed} {rows[-1]}:0{option}    # one row's whole life")
    lines.append(f"  adaptline show {typed} {made[-1].step}{option}    # numbers and records")
    last = made[-1]
    out = "OUT.jsonl" if last.kind == "rows" else "OUT"
    cell = ",".join(f"{key}={value}" for key, value in last.cell.items())
    which = f" --cell {shlex.quote(cell)}" if cell else ""
    lines.append(f"  adaptline export {typed} {last.step}{which}{option} -o {out}    # what it made, outside the store")
    lines.append("  adaptline new YOUR_FILE.jsonl    # a first recipe for data of your own")
    return _joined(lines)


def _joined(lines: Iterable[str]) -> str:
    """Lines as one text. Each is cleaned whole: labels, reasons, names of files and of fields are all foreign."""
    return "\n".join(printable(line) for line in lines)


def _near(path: Path) -> str:
    """A path as one would type it from here."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _behind(entry: dict[str, Any], depth: int) -> Iterator[str]:
    name = f"{entry['step']} {label(entry.get('cell', {}))}".rstrip()
    yield "  " * depth + f"{name}  {short(entry['digest'])}"
    for file, rows in entry.get("files", []):
        yield "  " * (depth + 1) + file + (f"  {rows:,} rows" if rows is not None else "")
    for parent in entry["inputs"]:
        yield from _behind(parent, depth + 1)


def _method(method: dict[str, Any]) -> str:
    score = method.get("score")
    shown = f"{score:.4g}" if isinstance(score, float) else score
    parts = [f"{method['name']:<14} {method['verdict']}"]
    parts += [f"score {shown}"] if shown is not None else ["no score"] if "score" in method else []
    parts += [bounds] if (bounds := _bounds(method, method)) else []
    parts += [said] if (said := cause(method)) else []
    parts += [" -> ".join(rewritten.pair(method["was"], method["text"], _TEXT_WIDTH))] if "text" in method else []
    parts += [f"-> label {_cut(method['label'])}"] if "label" in method else []
    parts += [f"which stays: {_cut(method['kept_row']['text'])}"] if "kept_row" in method else []
    return ", ".join(parts)


def _bounds(method: dict[str, Any], record: Mapping[str, Any]) -> str:
    """A method's parameters, and the bounds of its score; `record` knows the names of folders."""
    given = {**method["parameters"], **method["settings"]}
    words = [f"{name} {parameters.told(value, record, between=' ')}" for name, value in given.items() if name != "on"]
    return f"({', '.join(words)})" if words else ""


def _cut(text: str | None) -> str:
    shown = " ".join(text.split()) if text else "" if text == "" else "-"
    shown = printable(shown)
    return texts.fitted(shown, _TEXT_WIDTH)
