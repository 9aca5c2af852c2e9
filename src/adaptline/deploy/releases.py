"""Releases in a store: found by digest, and what each is called."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from adaptline.core import keys
from adaptline.core.artifacts import Use
from adaptline.core.store import Store
from adaptline.errors import UserError


@dataclass(frozen=True)
class Release:
    """What can go into production; its facts are release.json of its folder."""

    digest: str
    name: str
    kind: Literal["classifier", "writer"]
    base: str
    folder: Path
    facts: dict[str, Any]


def load(store: Store, digest: str) -> Release:
    """The release of a digest. Raises UserError where there is none."""
    for path in (store.root / "artifacts").glob("*/*.json"):
        manifest = json.loads(path.read_bytes())
        if manifest["digest"] == digest:
            folder = store.folder(manifest["key"])
            facts = json.loads((folder / "release.json").read_bytes())
            base = facts["base"]["digest"]
            name = f"{bare_name(base)}:{facts['adapter']['method']}@{keys.short(digest)}"
            return Release(digest, name, facts["kind"], base, folder, facts)
    raise UserError(f"no release {keys.short(digest)} in this store", where=store.root)


def bare_name(base: str) -> str:
    """What a bare base is served as, by the digest of its folder."""
    return f"base-{keys.short(base)}"


def guards(release: Release, beside: Path) -> list[Use]:
    """The guards of a release, in order; a user's own are looked for in the folder `beside`, the recipe's."""
    return [
        Use(bound["use"], "guard", bound["parameters"], {}, bound["identity"], beside)
        for bound in release.facts["guards"]
    ]
