"""What a command and the processes that it starts hold of memory for themselves alone, at its worst moment (Linux)."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path


def run(arguments: list[str], cwd: Path, timeout: float = 900) -> tuple[subprocess.CompletedProcess[str], int]:
    """Runs `adaptline` with arguments; returns how it ended, and the peak of its process tree's private bytes.

    Pages of files that are mapped do not count: the system writes them back and takes them as it likes.
    """
    peak = 0
    command = [sys.executable, "-c", "from adaptline.cli import main; main()", *arguments]
    end = time.monotonic() + timeout
    with subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while True:
            try:
                out, err = process.communicate(timeout=0.2)
            except subprocess.TimeoutExpired:
                peak = max(peak, sum(map(_private, _tree(process.pid))))
                if time.monotonic() > end:
                    process.kill()
                continue
            return subprocess.CompletedProcess(command, process.returncode, out, err), peak


def _tree(root: int) -> list[int]:
    found = [root]
    for pid in found:
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            try:
                found += map(int, task.read_text().split())
            except OSError:  # it ended
                continue
    return found


def _private(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # it ended
        return 0
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith(("Anonymous:", "Swap:")))
