"""What is recorded beside a key: found without importing what it asks about."""

from __future__ import annotations

import datetime as dt
import os
import platform
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from adaptline.core import machine


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit."""
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "recipe.toml").write_text("1")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "--quiet", "--message", "x")
    return tmp_path


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True)  # noqa: S607 - the user's own git
    return done.stdout.strip()


def test_a_record_says_when_how_long_and_with_what(tmp_path: Path) -> None:
    found = machine.record(tmp_path, seconds=1.23456, cpu_seconds=0.98765)
    assert abs(dt.datetime.fromisoformat(found["made"]) - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=1)
    assert (found["seconds"], found["cpu_seconds"], found["git"]) == (1.235, 0.988, None)
    assert found["versions"]["pyarrow"] == pa.__version__
    assert found["versions"]["python"] == platform.python_version()
    assert found["hardware"]["cores"] == os.cpu_count()
    assert found["hardware"]["processor"]


def test_peak_memory_is_in_megabytes_and_never_falls() -> None:
    before = machine.peak_memory_mb()
    assert 10 < before < 1e6
    held = b"x" * 300_000_000
    assert machine.peak_memory_mb() >= max(before, 300)
    del held
    assert machine.peak_memory_mb() >= max(before, 300)


def test_only_libraries_that_are_installed_are_named() -> None:
    assert set(machine.versions()) <= {"python", *machine.LIBRARIES}
    assert "numpy" in machine.versions()


def test_versions_are_found_without_an_import() -> None:
    code = "import sys; from adaptline.core import machine; machine.versions(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


class TestDrift:
    def test_none_where_nothing_changed(self, tmp_path: Path) -> None:
        assert machine.drift(machine.record(tmp_path, seconds=1, cpu_seconds=1)) == ()

    def test_libraries_and_processor(self) -> None:
        now = machine.versions()["numpy"]
        recorded = {
            "versions": {"numpy": "1.0", "pyarrow": pa.__version__, "gone": "1"},
            "hardware": {"processor": "Z80"},
        }
        assert machine.drift(recorded) == (f"numpy 1.0 -> {now}", f"processor Z80 -> {machine.hardware()['processor']}")

    def test_an_old_record_without_them(self) -> None:
        assert machine.drift({}) == ()


class TestProcessor:
    def test_the_first_model_name_of_linux(self, tmp_path: Path) -> None:
        (tmp_path / "cpuinfo").write_text(
            "processor\t: 0\nmodel name\t: Fast: 3 GHz\nprocessor\t: 1\nmodel name\t: Other\n"
        )
        assert machine._processor(tmp_path / "cpuinfo") == "Fast: 3 GHz"

    @pytest.mark.parametrize("content", ["processor\t: 0\nCPU part\t: 0xd0c\n", None])
    def test_what_the_platform_says_where_there_is_none(self, tmp_path: Path, content: str | None) -> None:
        if content is not None:
            (tmp_path / "cpuinfo").write_text(content)
        assert machine._processor(tmp_path / "cpuinfo") == (platform.processor() or platform.machine())


class TestCommit:
    def test_of_a_repository(self, repository: Path) -> None:
        assert machine.git_commit(repository) == git(repository, "rev-parse", "HEAD")

    def test_changes_are_told_and_files_that_git_does_not_know_are_none(self, repository: Path) -> None:
        (repository / "new").touch()
        (repository / "sub").mkdir()
        assert not str(machine.git_commit(repository / "sub")).endswith("+changes")
        (repository / "recipe.toml").write_text("2")
        assert machine.git_commit(repository) == git(repository, "rev-parse", "HEAD") + "+changes"

    def test_none_outside_a_repository(self, tmp_path: Path) -> None:
        assert machine.git_commit(tmp_path) is None
        assert machine.git_commit(tmp_path / "gone") is None

    def test_none_without_git(self, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", str(repository))
        assert machine.git_commit(repository) is None

    def test_none_before_the_first_commit(self, tmp_path: Path) -> None:
        git(tmp_path, "init", "--quiet")
        assert machine.git_commit(tmp_path) is None


def test_a_library_that_is_not_installed_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "LIBRARIES", ("numpy", "a-library-that-nobody-has"))
    assert set(machine.versions.__wrapped__()) == {"python", "numpy"}
