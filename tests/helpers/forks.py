"""Work in a fork of this warm process: what is killed, limited or stripped of rights there does not touch the tests."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Child:
    """A fork at work. `said` is a pipe on which it says what went wrong."""

    process: int
    said: int

    def kill(self) -> None:
        os.kill(self.process, signal.SIGKILL)

    def end(self) -> tuple[int, str]:
        """Waits; the exit code (minus the signal that ended it), and the error as "KindOfError: message" if there was one."""
        with open(self.said, encoding="utf-8") as said:  # noqa: PTH123 - a descriptor
            error = said.read()
        return os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1]), error


def start(work: Callable[[], object]) -> Child:
    """Starts `work` in a fork, which ends with code 0, or with 1 where it raised."""
    read, write = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(read)
        code = 1
        try:
            work()
            code = 0
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test is told
            with open(write, "w", encoding="utf-8") as said:  # noqa: PTH123 - not os.write, which a test may have patched
                said.write(f"{type(error).__name__}: {error}")
        finally:
            os._exit(code)
    os.close(write)
    return Child(process, read)


def in_child(work: Callable[[], object], *, kill_after: float | None = None) -> int:
    """Runs `work` in a fork; returns its exit code, or -9 where it was killed after some seconds."""
    child = start(work)
    if kill_after is not None:
        time.sleep(kill_after)
        child.kill()
    return child.end()[0]
