"""log and diff: the versions of a step's artifacts that a store remembers, and what differs between two of them.

Knows the event log and manifests. A row is the same in two versions if its file and original text are; a row of the
same file and number with another text has changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from adaptline.core import changes, keys, moves, naming
from adaptline.core.recipe import label
from adaptline.core.rows import Ref, texts
from adaptline.core.store import Store
from adaptline.errors import UserError

_FEWEST = 2  # versions that a comparison takes
Row = tuple[str, str]  # file and text


def log(store: Store, recipe: str, step: str | None = None) -> list[dict[str, Any]]:
    """What runs of a recipe made, oldest first: time, step, cell, key, digest, a summary, and what each rule dropped or changed."""
    found = []
    for event in store.events():
        if event["verb"] == "run" and event["recipe"] == recipe:
            chosen = [made for made in event["made"] if step in (None, made["step"])]
            for made in chosen:
                manifest = _read(store, made)
                entry = {"time": event["time"], **made, "summary": summary(manifest)}
                found.append(entry | ({"rules": tallies} if manifest and (tallies := _tallies(manifest)) else {}))
    return found


def _read(store: Store, ref: dict[str, Any]) -> dict[str, Any] | None:
    """The manifest of a ref, or of what an event says was made, with the names that its rules had then."""
    manifest = store.manifest(ref["key"])
    return manifest and naming.with_rules(manifest, ref)


def _tallies(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """What each rule of a step that has some did, in its order."""
    methods = manifest["detail"].get("methods", []) if manifest["kind"] == "rows" else []
    return [
        {"rule": name, "dropped": method["dropped"], "changed": method["changed"]}
        for name, method in zip(moves.rules(manifest), methods, strict=True)
    ]


def diff(store: Store, recipe: str, step: str, old: str | None = None, new: str | None = None) -> dict[str, Any]:
    """What differs between two versions of a step, named by the first characters of their digests; the last two by default.

    Returns:
        For rows: counts and samples of rows added, gone and changed, with their `fates`; what each of the `rules` dropped and
        changed in either version; and verdicts that `moved`, from rule to rule. For weights
        and reports: parameters and metrics that differ.

    Raises:
        UserError: no such version, or fewer than two.
    """
    cells = _versions(store, recipe, step)
    last = [] if old and new else _last_two(cells, step)
    first = _named(cells, old, step) if old else last[0]
    second = _named(cells, new, step) if new else last[1]
    first = changes.alike(first, second)
    found = {
        "step": step,
        "cell": second["cell"],
        "old": first["digest"],
        "new": second["digest"],
        "parameters": _changed(changes.tables(first), changes.tables(second)),
    }
    if second["kind"] == "rows":
        return found | _diff_rows(store, first, second)
    return found | {"record": _changed(_metrics(first), _metrics(second))}


def _versions(store: Store, recipe: str, step: str) -> list[list[dict[str, Any]]]:
    """Per cell of a step, its distinct versions that are still there, oldest first; the cell that changed last comes last."""
    current = [{**ref, "step": step} for ref in store.refs(recipe).get(step, [])]  # of a store without its event log
    cells: dict[str, dict[str, dict[str, Any]]] = {}
    for entry in [*current, *log(store, recipe, step)]:
        if manifest := _read(store, entry):
            cell = keys.key(entry["cell"])
            versions = cells.pop(cell, {})
            versions.pop(manifest["digest"], None)
            cells[cell] = {**versions, manifest["digest"]: {**manifest, "cell": entry["cell"]}}
    return [list(versions.values()) for versions in cells.values()]


def _last_two(cells: list[list[dict[str, Any]]], step: str) -> list[dict[str, Any]]:
    """The last two versions of the cell that was made last, of those that have two."""
    for versions in reversed(cells):
        if len(versions) >= _FEWEST:
            return list(versions[-_FEWEST:])
    raise UserError(
        f"step {step!r} has {'1 version' if cells else 'no version'} in this store",
        do="diff needs two: change something and run again, or name two versions of different cells.",
    )


def _named(cells: list[list[dict[str, Any]]], wanted: str, step: str) -> dict[str, Any]:
    """The version, of any cell, whose digest or key begins so."""
    known = [manifest for versions in cells for manifest in versions]
    found = [m for m in known if m["digest"].startswith(wanted) or m["key"].startswith(wanted)]
    if not found:
        raise UserError(
            f"step {step!r} has no version {wanted!r}",
            do="Versions: " + ", ".join(f"{keys.short(m['digest'])} {label(m['cell'])}".strip() for m in known),
        )
    return found[-1]


def _diff_rows(store: Store, old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    pairs = moves.pairs(old, new)
    before = _rows(store, old, new, {i for i, _ in pairs})
    after = _rows(store, new, old, {j for _, j in pairs})
    gone, added = _without(before, after), _without(after, before)
    numbers = {(file, number): text for (file, text), entries in gone.items() for number, _, _ in entries}
    changed = [
        {"file": file, "row": number, "old": numbers[file, number], "new": text}
        for (file, text), entries in added.items()
        for number, _, _ in entries
        if (file, number) in numbers
    ]
    moved = moves.Moves()
    for i, j in pairs:
        if _identity(old, i) != _identity(new, j):
            moved.compare(store, (old, i, moves.rules(old)), (new, j, moves.rules(new)))
    for (file, text), entries in after.items():
        for (_, was, old_text), (number, verdict, now) in zip(before.get((file, text), []), entries, strict=False):
            moved.rewritten += old_text != now
            if was != verdict:
                moved.add(was, verdict, 1, [{"file": file, "row": number, "text": now}])
    count = {"added": _size(added) - len(changed), "gone": _size(gone) - len(changed), "changed": len(changed)}
    return {
        **count,
        "rewritten": moved.rewritten,
        "rules": _side_by_side(old, new),
        "fates": {"added": _fates(added), "gone": _fates(gone)},
        "moved": dict(moved.counts.most_common()),
        "samples": {"changed": changed[: moves.SAMPLES], **moved.samples},
    }


def _side_by_side(old: dict[str, Any], new: dict[str, Any]) -> list[dict[str, Any]]:
    """Per rule of either version the rows that it dropped and changed in each; None where a version lacks it."""
    before, after = ({entry["rule"]: entry for entry in _tallies(manifest)} for manifest in (old, new))
    return [
        {"rule": rule}
        | {what: [side.get(rule, {}).get(what) for side in (before, after)] for what in ("dropped", "changed")}
        for rule in {**after, **before}
    ]


def _fates(rows: dict[Row, list[tuple[int, str | None, str]]]) -> dict[str, int]:
    """What became of rows that one version alone has, changed ones among them: how many were kept, and dropped by which rule."""
    counts = Counter(rule or "kept" for entries in rows.values() for _, rule, _ in entries)
    return dict(counts.most_common())


def _rows(
    store: Store, manifest: dict[str, Any], other: dict[str, Any], besides: set[int]
) -> dict[Row, list[tuple[int, str | None, str]]]:
    """(file, original text) -> [(row number, the rule that dropped it, its text now)], of shards that the other does not share."""
    shared = {_identity(other, i) for i in range(len(other["shards"]))}
    found: dict[Row, list[tuple[int, str | None, str]]] = {}
    for i, shard in enumerate(manifest["shards"]):
        if i in besides or _identity(manifest, i) in shared:
            continue
        table = store.read(Ref(*shard["text"]))
        verdicts = moves.verdicts(store, manifest, i, moves.rules(manifest)).to_pylist()
        original = texts(store.read(Ref(*moves.original(manifest, i)))).to_pylist()
        now = texts(table).to_pylist()
        for j, (file, number) in enumerate(zip(table["file"].to_pylist(), table["row"].to_pylist(), strict=True)):
            found.setdefault((file, original[j] or ""), []).append((number, verdicts[j], now[j] or ""))
    return found


def _identity(manifest: dict[str, Any], shard: int) -> tuple[Any, ...]:
    verdicts = manifest["detail"].get("verdicts")
    return (
        manifest["shards"][shard]["text"][1],
        verdicts and verdicts[shard][1],
        manifest["shards"][shard]["split"] and manifest["shards"][shard]["split"][1],
        tuple(moves.rules(manifest)),
    )


def _without(some: dict[Row, list[Any]], others: dict[Row, list[Any]]) -> dict[Row, list[Any]]:
    """The rows that the others lack, copies counted."""
    rest = {row: entries[len(others.get(row, [])) :] for row, entries in some.items()}
    return {row: entries for row, entries in rest.items() if entries}


def _size(rows: dict[Row, list[Any]]) -> int:
    return sum(len(entries) for entries in rows.values())


def _changed(old: dict[str, Any], new: dict[str, Any]) -> dict[str, list[Any]]:
    return {name: [old.get(name), new.get(name)] for name in sorted({*old, *new}) if old.get(name) != new.get(name)}


def _metrics(manifest: dict[str, Any]) -> dict[str, Any]:
    """The numbers of a record that say something about quality, flattened: not times, not versions."""
    return dict(
        flat(
            {
                key: manifest["record"][key]
                for key in ("metrics", "validation", "parameters", "winner", "verdict", "summary")
                if key in manifest["record"]
            }
        )
    )


def flat(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The entries of nested tables, each under its whole name: "validation.accuracy"."""
    if isinstance(value, dict):
        for key, entry in value.items():
            yield from flat(entry, f"{prefix}.{key}" if prefix else key)
    else:
        yield prefix, value


def summary(manifest: dict[str, Any] | None) -> str:
    """An artifact in a few words."""
    if manifest is None:
        return "removed by gc"
    found = manifest["detail"].get("summary") if manifest["kind"] == "rows" else manifest["record"].get("summary")
    if found and manifest["kind"] == "rows" and (worst := manifest["detail"].get("worst")) is not None:
        found += f"; {moves.rules(manifest)[worst]} dropped {manifest['detail']['methods'][worst]['dropped']:,}"
    if not found and manifest["kind"] == "rows":
        return f"{sum(shard['text'][2] for shard in manifest['shards']):,} rows"
    return str(found or manifest["kind"])
