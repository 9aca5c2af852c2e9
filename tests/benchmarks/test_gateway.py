from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "serve" / "gateway.py"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="CPU of other processes is read from /proc")
def test_it_runs_with_what_is_installed_and_every_request_is_answered() -> None:
    """LiteLLM would have to be installed from a package index."""
    command = [sys.executable, str(SCRIPT), "--quick", "--without", "LiteLLM"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "| whole answer, 32 clients | adaptline | " in done.stdout
    assert "CPU-µs of one more chunk, 2 ms apart: adaptline " in done.stdout
    assert "LiteLLM" not in done.stdout
