"""Releases in a store: found by step, digest or served name, and what each is called.

Knows what a release step writes. Knows nothing of channels or of how a release is served.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from adaptline.core import keys
from adaptline.core.recipe import label
from adaptline.core.store import Store
from adaptline.data.records import encode_strictly
from adaptline.errors import UserError, did_you_mean

_STEP = "release"
_SHORTEST_DIGEST = 6
_MAKE = "`adaptline run` makes releases; --store names the store where it did."


@dataclass(frozen=True)
class Release:
    """What can go into production. `name` is what it is served as: no other bytes ever have it."""

    digest: str
    name: str
    kind: Literal["classifier", "writer"]
    base: str  # the digest of the base's folder
    folder: Path  # its adapter lies in adapter/
    facts: dict[str, Any]  # release.json
    made: str = ""  # when, in ISO 8601; empty where nothing says so


def load(store: Store, digest: str) -> Release:
    """The release of a digest, once its files are seen to be what the digest says.

    Raises:
        UserError: it is not in the store, or its files have changed.
    """
    folders = [store.folder(manifest["key"]) for manifest in _manifests(store) if manifest["digest"] == digest]
    if not folders:
        raise UserError(f"no release {keys.short(digest)} in this store", where=store.root, do=_MAKE)
    for folder in folders:  # two runs may have made the same one
        if folder.is_dir() and keys.folder_digest(folder) == digest:
            return _opened(folder, digest)
    raise UserError(
        f"the release {keys.short(digest)} is not what it was: its files have changed",
        where=folders[0],
        do="`adaptline gc --damaged --store DIR` removes it; then run again: it is made anew.",
    )


def find(store: Store, recipe: str, what: str) -> Release:
    """The release that somebody means: a step of the recipe, the first characters of a digest, or a served name.

    Raises:
        UserError: nothing has this name, or more than one release does; or its files have changed.
    """
    releases = known(store)
    steps = {step: {ref["digest"] for ref in refs} & releases.keys() for step, refs in store.refs(recipe).items()}
    if what in store.refs(recipe):
        if not steps[what]:
            raise UserError(f"step {what!r} made no release", do=_known(steps, releases))
        fitting = steps[what]
    else:
        named = len(what) >= _SHORTEST_DIGEST
        fitting = {d for d, found in releases.items() if found.name == what or (named and d.startswith(what))}
    if len(fitting) > 1:
        cells = {ref["digest"]: label(ref["cell"]) for ref in store.refs(recipe).get(what, [])}
        lines = [f"{keys.short(digest)}  {cells.get(digest) or releases[digest].name}" for digest in sorted(fitting)]
        raise UserError(f"{what!r} is {len(fitting)} releases", do="Name one by its digest:\n  " + "\n  ".join(lines))
    if not fitting:
        if 0 < len(what) < _SHORTEST_DIGEST and any(digest.startswith(what) for digest in releases):
            do = f"Give at least {_SHORTEST_DIGEST} characters of a digest."
            raise UserError(f"{what!r} is too short for a release", do=do)
        raise UserError(f"no release {what!r}", do=did_you_mean(what, _names(steps, releases)) if releases else _MAKE)
    return load(store, fitting.pop())


def known(store: Store) -> dict[str, Release]:
    """Digest -> every release whose facts can be read. Their files are not looked at."""
    found = {}
    for manifest in _manifests(store):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            release = _opened(store.folder(manifest["key"]), manifest["digest"])
            found[release.digest] = replace(release, made=manifest.get("record", {}).get("made", ""))
    return found


def bare_name(base: str) -> str:
    """What a bare base is served as, by the digest of its folder."""
    return f"base-{keys.short(base)}"


def evidence(release: Release) -> dict[str, Any]:
    """What speaks for a release, in numbers and verdicts: for events, and for people. A number that is none is null."""
    found = _table(release.facts, "evidence")
    selection, metrics = _table(found, "selection"), _table(_table(found, "evaluation"), "metrics")
    chosen = {name: selection.get(name) for name in ("verdict", "winner", "interval")}
    told = {
        "release": release.name,
        "digest": release.digest,
        "metrics": metrics,
        **chosen,
    }
    plain: dict[str, Any] = json.loads(encode_strictly(told))
    return plain


def _table(of: dict[str, Any], name: str) -> dict[str, Any]:
    """A table of a table; an empty one where there is none: a release may have to be taken back because of what it says."""
    found = of.get(name)
    return found if isinstance(found, dict) else {}


def _manifests(store: Store) -> Iterator[dict[str, Any]]:
    return (manifest for manifest in store.manifests() if manifest.get("step") == _STEP)


def _opened(folder: Path, digest: str) -> Release:
    facts = json.loads((folder / "release.json").read_bytes())
    base = facts["base"]["digest"]
    name = f"{bare_name(base)}:{facts['adapter']['method']}@{keys.short(digest)}"
    return Release(digest, name, facts["kind"], base, folder, facts)


def _known(steps: dict[str, set[str]], releases: dict[str, Release]) -> str:
    return f"Releases: {', '.join(_names(steps, releases))}." if releases else _MAKE


def _names(steps: dict[str, set[str]], releases: dict[str, Release]) -> list[str]:
    """What releases can be called: their steps, where they have only one, and their served names."""
    return [*(step for step, digests in steps.items() if len(digests) == 1), *(r.name for r in releases.values())]
