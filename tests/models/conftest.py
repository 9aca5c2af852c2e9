"""A base and rows for tests of training; read only, so made once."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiny


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny encoder, with dropout."""
    return tiny.write_base(tmp_path_factory.mktemp("bases") / "tiny")


@pytest.fixture(scope="session")
def still_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny encoder without dropout, for what is only comparable without chance."""
    return tiny.write_base(tmp_path_factory.mktemp("bases") / "still", dropout=0.0)


@pytest.fixture(scope="session")
def shards() -> tiny.Shards:
    return tiny.Shards()
