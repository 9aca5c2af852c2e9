"""Where compiled loops are kept, and that they work where nothing can be."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from adaptline.data.loops import compiling


def plus_one(x: int) -> int:
    return x + 1


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    monkeypatch.setattr(compiling.config, "CACHE_DIR", str(tmp_path / "cache"))
    compiling.cache_folder.cache_clear()
    yield tmp_path / "cache"
    compiling.cache_folder.cache_clear()


def test_loops_are_kept_in_a_folder_of_the_users_own(fresh: Path) -> None:
    folder = compiling.cache_folder()
    assert folder is not None
    assert folder.parent == fresh / "adaptline"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert compiling.compiled(plus_one)(1) == 2
    assert list(folder.rglob("*.nbi"))
    assert str(fresh) == compiling.config.CACHE_DIR  # as it was


def test_another_source_is_another_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = compiling.cache_folder()
    (tmp_path / "other.py").write_text("SIZE = 2")
    monkeypatch.setattr(compiling, "_SOURCES", (tmp_path / "other.py",))
    compiling.cache_folder.cache_clear()
    assert compiling.cache_folder() != before


def test_where_nothing_can_be_kept_they_are_compiled_all_the_same(fresh: Path) -> None:
    fresh.write_text("a file where the folder would be")
    assert compiling.cache_folder() is None
    assert compiling.compiled(plus_one)(1) == 2
