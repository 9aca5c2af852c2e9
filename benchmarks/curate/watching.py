"""Runs a command and says what its whole tree of processes cost. Linux only: it reads /proc.

CPU: processes whose parent ended before them become ours (a "child subreaper", prctl(2)), so the kernel's accounts of
all of them are read when they end, those of workers, too, that nobody waited for. Memory: the private pages of all
processes of the tree, Private_Clean + Private_Dirty of /proc/PID/smaps_rollup, summed and asked for ten times a second;
pages that they share (libraries, what a fork has not written to, files in memory) count nothing, and a peak between two
looks is not seen. It does not know what the command does.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
_LOOK_SECONDS = 0.1


class CommandError(Exception):
    """The command did not end well; the message is its last lines."""


@dataclass(frozen=True)
class Cost:
    """What a command cost."""

    wall_seconds: float
    cpu_seconds: float
    memory_mb: float  # 10^6 bytes


def descendants(root: int) -> list[int]:
    """The processes below one, as they are now."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text("utf-8", "replace")
            except OSError:  # it has ended
                continue
            # The name, in brackets, may hold anything; after it come the state and the parent: proc_pid_stat(5).
            children.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry.name))
    found, front = [], [root]
    while front:
        below = children.get(front.pop(), [])
        found += below
        front += below
    return found


def private_bytes(process: int) -> int:
    """Memory that nobody else has; 0 for one that has ended."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text("utf-8").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(("Private_Clean:", "Private_Dirty:")))


class _Peak:
    """The most private memory that all below this process had at one time, while the block runs."""

    def __enter__(self) -> Self:
        self.bytes = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def _look(self) -> None:
        while not self._ended.wait(_LOOK_SECONDS):
            self.bytes = max(self.bytes, sum(map(private_bytes, descendants(os.getpid()))))

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()


def _reap(first: int, patience_seconds: float) -> tuple[int, float, float]:
    """Waits for all below us: the first one's exit code, the CPU-seconds of all, and when the first one ended.

    What is still there some time after the first one ended is killed: a helper that waits for more work.
    """
    cpu, code, ended = 0.0, None, 0.0
    while True:
        try:
            process, status, usage = os.wait4(-1, 0 if code is None else os.WNOHANG)
        except ChildProcessError:  # nobody is left
            return (1 if code is None else code), cpu, ended
        if process == 0:
            if time.perf_counter() - ended > patience_seconds:
                for left in descendants(os.getpid()):
                    os.kill(left, signal.SIGKILL)
            time.sleep(_LOOK_SECONDS)
            continue
        cpu += usage.ru_utime + usage.ru_stime
        if process == first:
            code, ended = os.waitstatus_to_exitcode(status), time.perf_counter()


def cost(command: Sequence[str], *, folder: Path, environment: dict[str, str], patience_seconds: float = 30) -> Cost:
    """Runs it in the folder to its end, output to `folder/output.txt`. Raises CommandError where it fails.

    The caller must have no other child processes: they would be counted.
    """
    if ctypes.CDLL(None, use_errno=True).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")
    output = folder / "output.txt"
    with output.open("ab") as file, _Peak() as peak:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=file
        )
        process.returncode, cpu, ended = _reap(process.pid, patience_seconds)
    if process.returncode:
        raise CommandError("\n".join(output.read_text("utf-8", "replace").splitlines()[-12:]))
    return Cost(wall_seconds=ended - start, cpu_seconds=cpu, memory_mb=peak.bytes / 1e6)
