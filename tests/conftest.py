"""Fixtures that more than one room uses."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("shared machines", deadline=None)  # an example may take long where others work too
settings.load_profile("shared machines")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def real_data() -> Callable[[str], Path]:
    """A file or folder of the real data sets by its name; skips where they are absent."""
    base = Path(os.environ.get("ADAPTLINE_DATA", ROOT.parent / "shared" / "data"))

    def find(name: str) -> Path:
        path = base / name
        if not path.exists():
            pytest.skip(f"real data set {name} is absent: set ADAPTLINE_DATA to the folder that holds it")
        return path

    return find
