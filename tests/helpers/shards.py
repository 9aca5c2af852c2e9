"""Shards of plain texts in a store, and methods as a recipe uses them: shared by the tests of what runs in a unit of curate."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import stores

from adaptline.core import rows
from adaptline.core.artifacts import Use
from adaptline.core.rows import Ref
from adaptline.core.signatures import bind_use
from adaptline.core.store import Store

MINE = "import adaptline as al\nimport pyarrow as pa\n\n"


def shard(store: Store, texts: Sequence[str | None], **columns: Any) -> Ref:
    """A unit of rows with these texts; a row whose text is None could not be read."""
    messages = [None if text is None else [{"role": "text", "content": text}] for text in texts]
    unreadable = ["broken" if text is None else None for text in texts]
    held = rows.table({"messages": messages, "unreadable": unreadable, **columns}, len(texts))
    return stores.unit(store, f"texts {texts} {sorted(columns.items())}", held)


def use(folder: Path, method: Any) -> Use:
    """A method as a recipe in the folder uses it: its name, or a table."""
    return bind_use("do", method, "row", folder)


def own(folder: Path, body: str, kind: str = "filter", view: str = "list[str]") -> Use:
    """A user's method of one parameter `given`, whose body this is."""
    (folder / "mine.py").write_text(f"{MINE}@al.{kind}(version=1)\ndef mine(given: {view}):\n    {body}\n")
    return use(folder, "./mine.py:mine")
