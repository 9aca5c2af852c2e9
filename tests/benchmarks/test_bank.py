from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "serve" / "bank.py"


@pytest.mark.slow
def test_it_runs_and_its_tokens_are_those_of_the_peers() -> None:
    """A script that finds other tokens, or adapters that change none, fails."""
    done = subprocess.run([sys.executable, SCRIPT, "--quick"], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    for way in ("bank, 8 adapters", "PEFT, adapter_names", "engine, bare base", "transformers, bare base"):
        assert f"| {way} | " in done.stdout
    assert "One adapter more beside 8: bank " in done.stdout
    assert "| 16 | " in done.stdout
