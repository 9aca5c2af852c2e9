"""Fixtures of the tests of the core."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import histories
import pytest

from adaptline.core.history import History
from adaptline.core.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "store")


@pytest.fixture
def history(tmp_path: Path) -> History:
    return histories.of_seven_rows(tmp_path)


@pytest.fixture
def python() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a process that runs code with a store opened as `store`; none outlives the test."""
    head = "import sys, time\nfrom pathlib import Path\nfrom adaptline.core.store import Store\nstore = Store.open(Path(sys.argv[1]))\n"
    started = []

    def start(code: str, *arguments: Path) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", head + code, *map(str, arguments)]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()
