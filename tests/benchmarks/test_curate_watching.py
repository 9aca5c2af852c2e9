"""Each command is watched by a process of its own: the watcher becomes the parent of every orphan below it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks" / "curate"
WATCH = """
import dataclasses, json, os, sys
from pathlib import Path
from watching import CommandError, cost
try:
    found = cost([sys.executable, "-c", sys.argv[1]], folder=Path(sys.argv[2]), environment=dict(os.environ), patience_seconds=float(sys.argv[3]))
    print(json.dumps(dataclasses.asdict(found)))
except CommandError as error:
    print(json.dumps(str(error)))
"""
BURN = "import time\nwhile time.process_time() < 0.4: pass\n"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what other processes cost is read from /proc")


def watched(code: str, folder: Path, patience_seconds: int = 60) -> dict[str, float] | str:
    command = [sys.executable, "-c", WATCH, code, str(folder), str(patience_seconds)]
    environment = os.environ | {"PYTHONPATH": str(FOLDER)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120, env=environment)
    found: dict[str, float] | str = json.loads(done.stdout)
    return found


def test_workers_that_nobody_waits_for_are_counted(tmp_path: Path) -> None:
    """The first process ends at once; what it started goes on, and starts one more."""
    inner = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {BURN!r}])\n{BURN}"
    found = watched(f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {inner!r}])", tmp_path)
    assert isinstance(found, dict)
    assert 0.8 <= found["cpu_seconds"] < 5


def test_the_memory_of_all_processes_is_summed(tmp_path: Path) -> None:
    """Two processes hold 60 MB each, for fifteen looks: nothing tells them from outside when they were seen."""
    hold = "import time; held = b'x' * 60_000_000; time.sleep(1.5)"
    found = watched(
        f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', {hold!r}]); {hold}; p.wait()", tmp_path
    )
    assert isinstance(found, dict)
    assert 120 <= found["memory_mb"] < 200


def test_a_helper_that_stays_is_ended(tmp_path: Path) -> None:
    """The command is done when it ends, not when its helper does."""
    found = watched("import subprocess; subprocess.Popen(['sleep', '600'])", tmp_path, patience_seconds=1)
    assert isinstance(found, dict)
    assert found["wall_seconds"] < 60


def test_a_command_that_fails_says_why(tmp_path: Path) -> None:
    found = watched("raise SystemExit('no such corpus')", tmp_path)
    assert isinstance(found, str)
    assert found.endswith("no such corpus")
