"""What can go into production: weights, what they stand on, and the evidence that chose them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from adaptline.core.store import Store
from adaptline.errors import UserError


@dataclass(frozen=True)
class Release:
    """A release; its facts are release.json of its folder."""

    digest: str
    name: str
    kind: Literal["classifier", "writer"]
    base: str
    folder: Path
    facts: dict[str, Any]


def load(store: Store, digest: str) -> Release:
    """The release of a digest. Raises UserError where there is none."""
    folder = store.root / "releases" / digest
    try:
        facts = json.loads((folder / "release.json").read_bytes())
    except FileNotFoundError as error:
        raise UserError(f"no release {digest[:12]}", where=folder) from error
    name = f"{bare_name(facts['base'])}:lora@{digest[:12]}"
    return Release(digest, name, facts["kind"], facts["base"], folder, facts)


def bare_name(base: str) -> str:
    """The served name of a base without an adapter."""
    return f"base-{base[:12]}"
