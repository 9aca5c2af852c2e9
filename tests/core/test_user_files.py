"""A user's file is taken as it is now, with its helpers, and leaves nothing behind in the process."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from adaptline.core import registry, user_files


def value(folder: Path, use: str = "./mine.py:value") -> object:
    """What a user's filter returns."""
    return registry.load_row_method(use, folder).function([])


def write_value(folder: Path, code: str, file: str = "mine.py", head: str = "") -> None:
    text = f"{head}\nfrom adaptline.core.registry import filter\n@filter(version=1)\ndef value(texts):\n    return {code}\n"
    (folder / file).write_text(text)


def test_an_edit_within_the_same_second_counts(tmp_path: Path) -> None:
    for i in range(10):
        write_value(tmp_path, str(i))
        assert value(tmp_path) == i


def test_an_edited_helper_is_read_anew(tmp_path: Path) -> None:
    write_value(tmp_path, "helper.VALUE", head="import helper")
    for i in range(3):
        (tmp_path / "helper.py").write_text(f"VALUE = {i}\n")
        assert value(tmp_path) == i


def test_a_helper_package_is_read_anew(tmp_path: Path) -> None:
    write_value(tmp_path, "inner.VALUE", head="from kit import inner")
    (tmp_path / "kit").mkdir()
    for i in range(3):
        (tmp_path / "kit" / "inner.py").write_text(f"VALUE = {i}\n")
        assert value(tmp_path) == i


def test_helpers_of_one_name_in_two_folders_are_two(tmp_path: Path) -> None:
    for who in ("a", "b"):
        (tmp_path / who).mkdir()
        write_value(tmp_path / who, "helper.VALUE", head=f"import helper  # {who}")
        (tmp_path / who / "helper.py").write_text(f"VALUE = '{who}'\n")
    assert [value(tmp_path / who) for who in "aba"] == ["a", "b", "a"]


def test_what_somebody_imported_before_stays_theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = ModuleType("helper")
    theirs.__file__ = str(tmp_path / "helper.py")
    monkeypatch.setitem(sys.modules, "helper", theirs)
    write_value(tmp_path, "helper.VALUE", head="import helper")
    (tmp_path / "helper.py").write_text("VALUE = 1\n")
    assert value(tmp_path) == 1
    assert sys.modules["helper"] is theirs


def test_loading_leaves_no_trace(tmp_path: Path) -> None:
    write_value(tmp_path, "helper.VALUE", head="import helper")
    (tmp_path / "helper.py").write_text("VALUE = 1\n")
    path, writes, modules = list(sys.path), sys.dont_write_bytecode, set(sys.modules)
    value(tmp_path)
    assert (sys.path, sys.dont_write_bytecode) == (path, writes)
    assert all(name.startswith("adaptline_user_") for name in set(sys.modules) - modules)
    assert {path.name for path in tmp_path.iterdir()} == {"mine.py", "helper.py"}


def test_the_package_itself_is_never_taken_for_a_helper() -> None:
    before = sys.modules["adaptline.core.keys"]
    with user_files._importable(registry.PACKAGE.parent):
        assert sys.modules["adaptline.core.keys"] is before
