"""Fixtures of the data room: files made on the spot, and a store to read them into."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adaptline.core.engines.local import LocalEngine
from adaptline.core.store import Store
from adaptline.core.units import StoreUnits
from adaptline.data.blocks import Source
from adaptline.data.opening import open_source
from adaptline.data.schemas import UNNAMED, Columns


@pytest.fixture
def put(tmp_path: Path) -> Callable[[str, bytes | str], Path]:
    """Writes a file and returns its path."""

    def write(name: str, content: bytes | str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.fixture
def source(put: Callable[[str, bytes | str], Path]) -> Callable[..., Source]:
    """A file made of content, opened by its name."""

    def opened(name: str, content: bytes | str, columns: Columns = UNNAMED, **options: Any) -> Source:
        encoding = options.pop("encoding", None)
        return open_source(put(name, content), name, columns=columns, options=options, encoding=encoding)

    return opened


@pytest.fixture
def new_units(tmp_path: Path) -> Callable[[], StoreUnits]:
    """A run over one store: each call counts its own work."""
    store = Store.open(tmp_path / "store")
    return lambda: StoreUnits(store, LocalEngine(workers=1))
