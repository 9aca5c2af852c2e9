"""What the console shows, as plain data: the same for a page and for its .json twin.

Knows a store's releases, channels and events, and what a gateway tells of itself. Knows nothing of HTML and HTTP. What a
release says of itself is foreign: whatever is not of the expected type is left out, so that one bad file spoils no page.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adaptline import production
from adaptline.core import keys
from adaptline.core.recipe import label
from adaptline.core.store import Store
from adaptline.core.versions import flat
from adaptline.deploy import channels, releases
from adaptline.deploy.releases import Release
from adaptline.errors import UserError

Data = dict[str, Any]
Stamp = tuple[tuple[str, int, int, int], ...]
_ARMS = ("stable", "canary", "direct")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_SHORTEST_DIGEST = 6


@dataclass(frozen=True)
class Shelf:
    """What a store held at one look."""

    releases: Mapping[str, Release]  # by digest
    steps: Mapping[str, list[str]]  # of the recipe, which made a release last: by digest
    channels: Mapping[str, Data]  # as production.shown tells them, or {"error": ...}
    moves: Mapping[str, list[Data]]  # the events of each channel, oldest first


def stamp(store: Store, recipe: str) -> Stamp:
    """What differs if the store holds something else than before: a look at files' and folders' dates, not into them."""
    folders = [store.root / "artifacts", *_entries(store.root / "artifacts")]
    files = [*_entries(store.root / "channels"), store.root / "events.jsonl", store.root / "refs" / f"{recipe}.json"]
    found = []
    for path in (*folders, *files):
        with contextlib.suppress(OSError):
            status = path.stat()
            found.append((str(path), status.st_ino, status.st_mtime_ns, status.st_size))
    return tuple(found)


def look(store: Store, recipe: str) -> Shelf:
    """Reads what a store holds."""
    known = {digest: release for digest, release in releases.known(store).items() if _DIGEST.fullmatch(digest)}
    steps: dict[str, list[str]] = {}
    for step, refs in store.refs(recipe).items():
        for ref in refs:
            steps.setdefault(ref["digest"], []).append(f"{step} {label(ref['cell'])}".rstrip())
    names = channels.names(store)
    return Shelf(
        known,
        {digest: found for digest, found in steps.items() if digest in known},
        {name: _channel(store, name, known) for name in names},
        {name: _moves(store, name) for name in names},
    )


def index(shelf: Shelf, state: Data) -> Data:
    """Channels with their arms, live numbers and moves. `shape` stays the same while nothing but numbers changes."""
    names = sorted({*shelf.channels, *state["channels"]})
    found = [
        _live(name, shelf.channels.get(name, {}), state["channels"].get(name, {}), state["arms"]) for name in names
    ]
    told = {name: state[name] for name in ("ready", "problems", "uptime_seconds", "load", "refused")}
    without_numbers = [{**channel, "numbers": [_row(entry) for entry in channel["numbers"]]} for channel in found]
    still = [without_numbers, told["ready"], told["problems"], [*told["load"]], [*told["refused"]]]
    shape = keys.digest(json.dumps(still, sort_keys=True).encode())[:16]
    return {"shape": shape, **told, "channels": found, "to_deploy": _to_deploy(shelf)}


def all_releases(shelf: Shelf) -> Data:
    """Every release of the store: those in production first, then the newest."""
    found = [_summary(shelf, release) for release in shelf.releases.values()]
    found.sort(key=lambda entry: entry["name"])
    found.sort(key=lambda entry: (_rank(entry["live"]), entry["made"] or ""), reverse=True)
    return {"releases": found}


def one_release(shelf: Shelf, which: str) -> Data | None:
    """A release with all of its evidence, by its digest or the first characters of it; None where none, or two, fit."""
    fitting = [digest for digest in shelf.releases if digest.startswith(which)]
    if len(which) < _SHORTEST_DIGEST or len(fitting) != 1:
        return None
    release = shelf.releases[fitting[0]]
    facts, evidence = release.facts, _table(release.facts.get("evidence"))
    adapter, tokenizer = _table(facts.get("adapter")), _table(facts.get("tokenizer"))
    return {
        **_summary(shelf, release),
        "evaluations": _evaluations(release, evidence),
        "proof": dict(flat(_table(evidence.get("proof")))),
        "validation": dict(flat(_table(evidence.get("validation")))),
        "parameters": dict(flat(_table(adapter.get("parameters")))),
        "guards": [_guard(entry) for entry in _list(facts.get("guards"))],
        "chat_template": _words(facts.get("chat_template")),
        "max_tokens": facts.get("max_tokens"),
        "files": {"adapter": _table(adapter.get("files")), "tokenizer": _table(tokenizer.get("files"))},
        "moves": sorted(_moves_of(shelf, release.digest), key=lambda move: str(move["time"]), reverse=True),
    }


def chat(shelf: Shelf, state: Data) -> Data:
    """Which models can be asked now, and whether each writes or classifies."""
    kinds = {release.name: release.kind for release in shelf.releases.values()}
    answering = {name: _answering(live) for name, live in state["channels"].items()}
    asked = [
        {"name": name, "is": "channel", "kind": kinds.get(served[0], "writer")}
        for name, served in answering.items()
        if served
    ]
    named = sorted({name for served in answering.values() for name in served})
    asked += [
        {"name": name, "is": "release" if name in kinds else "base", "kind": kinds.get(name, "writer")}
        for name in named
    ]
    return {"models": asked}


def _entries(folder: Path) -> list[Path]:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        return sorted(Path(entry.path) for entry in entries if not entry.name.startswith("."))
    return []


def _channel(store: Store, name: str, known: Mapping[str, Release]) -> Data:
    try:
        return production.shown(store, name, known)
    except UserError as error:
        return {"channel": name, "error": error.what}
    except (KeyError, TypeError, AttributeError):  # a release or an event that nothing of ours wrote
        return {"channel": name, "error": "what it points at, or its log, is damaged"}


def _moves(store: Store, name: str) -> list[Data]:
    try:
        return channels.moves(store, name)
    except (ValueError, OSError, AttributeError):  # the channel's own file is damaged, which `_channel` tells
        return []


def _live(name: str, told: Data, live: Data, numbers: list[Data]) -> Data:
    """A channel: what its file says, beside what answers at this moment."""
    arms = []
    for arm in ("stable", "canary"):
        said, answers = told.get(arm), live.get(arm)
        if said is None and answers is None:
            continue
        percent = live.get("percent", 0.0) if arm == "canary" else 100 - live.get("percent", 0.0)
        said = said or {"digest": None, "name": answers, "kind": None, "percent": percent}
        entry = {key: said[key] for key in ("name", "digest", "kind", "percent")}
        arms.append({"arm": arm, **entry, "answers": answers})
    rows = [entry for entry in numbers if entry["channel"] == name]
    return {
        "name": name,
        "version": told.get("version"),
        "error": told.get("error") or live.get("error"),
        "settled": live.get("settled", False),
        "arms": arms,
        "numbers": sorted(rows, key=lambda entry: (_ARMS.index(entry["arm"]), entry["release"])),
        "rolled_back": told.get("rolled_back", []),
        "moves": told.get("moves", [])[::-1],
    }


def _answering(live: Data) -> list[str]:
    """What answers on a channel, by served name; first what most of its users get."""
    arms = ("canary", "stable") if live["percent"] > 50 else ("stable", "canary")  # noqa: PLR2004 - of a hundred
    return [live[arm] for arm in arms if live[arm]]


def _row(numbers: Data) -> list[str]:
    return [numbers["arm"], numbers["release"]]


def _to_deploy(shelf: Shelf) -> str | None:
    """A step that made a release, for the line that a person types who has no channel yet."""
    steps = sorted(step for found in shelf.steps.values() for step in found if " " not in step)
    return steps[-1] if steps else min((keys.short(digest) for digest in shelf.releases), default=None)


def _summary(shelf: Shelf, release: Release) -> Data:
    facts, evidence = release.facts, _table(release.facts.get("evidence"))
    base, selection = _table(facts.get("base")), _table(evidence.get("selection"))
    return {
        "name": release.name,
        "digest": release.digest,
        "kind": _words(release.kind),
        "base": {"name": _words(base.get("name")), "digest": _words(base.get("digest"))},
        "method": _words(_table(facts.get("adapter")).get("method")),
        "made": _words(release.made) or None,
        "steps": shelf.steps.get(release.digest, []),
        "metrics": _table(_table(evidence.get("evaluation")).get("metrics")),
        "verdict": _words(selection.get("verdict")),
        "best": _words(selection.get("best")),
        "winner": _words(selection.get("winner")),
        "interval": _interval(selection.get("interval")),
        "live": list(_live_on(shelf, release.digest)),
    }


def _live_on(shelf: Shelf, digest: str) -> Iterator[Data]:
    for name, told in shelf.channels.items():
        for arm in ("stable", "canary"):
            found = told.get(arm)
            if found and found["digest"] == digest:
                yield {"channel": name, "arm": arm, "percent": found["percent"]}


def _rank(live: list[Data]) -> int:
    arms = {entry["arm"] for entry in live}
    return 2 if "stable" in arms else 1 if arms else 0


def _evaluations(release: Release, evidence: Data) -> list[Data]:
    """Each evaluation's metrics, with bounds and signatures where its own report, which the release holds, has them."""
    told = [_table(evidence.get("evaluation")), *map(_table, _list(evidence.get("further")))]
    found = []
    for number, entry in enumerate(told, start=1):
        file = "evaluation.json" if number == 1 else f"evaluation-{number}.json"
        report: Data = {}
        with contextlib.suppress(OSError, ValueError):
            report = _table(json.loads((release.folder / "evidence" / file).read_bytes()))
        bounds, signatures = _table(report.get("bounds")), _table(report.get("signatures"))
        metrics = [
            {
                "name": name,
                "value": value,
                "bounds": _interval(bounds.get(name)),
                "signature": _words(signatures.get(name)),
            }
            for name, value in _table(entry.get("metrics")).items()
        ]
        found.append({"digest": _words(entry.get("digest")), "items": _table(report.get("items")), "metrics": metrics})
    return found


def _guard(entry: Any) -> Data:
    found = _table(entry)
    return {"use": _words(found.get("use")), "parameters": _table(found.get("parameters"))}


def _moves_of(shelf: Shelf, digest: str) -> Iterator[Data]:
    """The moves that were about a release, or that gave it another arm."""
    for name, events in shelf.moves.items():
        for event in events:
            before, after = _table(event.get("before")), _table(event.get("after"))
            was, now = _arm_of(before, digest), _arm_of(after, digest)
            if was != now or _table(event.get("evidence")).get("digest") == digest:
                told = {key: event.get(key) for key in ("time", "verb", "who", "why")}
                percent = after.get("percent") if now == "canary" else None
                yield {"channel": name, **told, "was": was, "is": now, "percent": percent}


def _arm_of(channel: Data, digest: str) -> str | None:
    return next((arm for arm in ("canary", "stable") if channel.get(arm) == digest), None)


def _table(value: Any) -> Data:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _words(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _interval(value: Any) -> list[float] | None:
    fits = isinstance(value, list) and len(value) == 2 and all(isinstance(end, int | float) for end in value)  # noqa: PLR2004 - its ends
    return value if fits else None
