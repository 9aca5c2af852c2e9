"""A name in production that points at releases: a file of the store, replaced atomically by every move."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from adaptline.core.store import Store
from adaptline.errors import UserError


@dataclass(frozen=True)
class Channel:
    """Where a channel points. `stable` None is the bare base; `percent` is 0 to 100."""

    name: str
    version: int
    base: str
    stable: str | None
    canary: str | None
    percent: float
    salt: str
    rolled_back: tuple[str, ...] = ()
    earlier: tuple[str | None, ...] = ()


def path_of(store: Store, name: str) -> Path:
    """The file of a channel."""
    return store.root / "channels" / f"{name}.json"


def names(store: Store) -> list[str]:
    """Every channel of a store."""
    return sorted(path.stem for path in (store.root / "channels").glob("*.json"))


def parse(data: bytes, where: Path) -> Channel:
    """A channel from its file. Raises UserError for a damaged one."""
    try:
        found = json.loads(data)
        found["rolled_back"], found["earlier"] = tuple(found["rolled_back"]), tuple(found["earlier"])
        return Channel(**found)
    except (ValueError, TypeError, KeyError) as error:
        raise UserError("a channel's file is damaged", where=where) from error
