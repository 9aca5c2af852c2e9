"""Progress on a terminal: what runs now, how far it is, what is done. Plain lines where there is no terminal.

Knows how to show. Knows nothing of what is shown. A worker process reports through a file in its scratch folder: it
costs nothing, and nothing waits for it.
"""

from __future__ import annotations

import contextlib
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol, Self, TextIO

_EVERY_SECONDS = 0.5
_PLAIN_EVERY_SECONDS = 10.0
_FILE = "progress.json"


class Progress(Protocol):
    """Where a run tells how far it is."""

    def say(self, line: str) -> None:
        """A line that stays."""

    def at(self, task: str, done: float, total: float, note: str = "") -> None:
        """How far a task is."""

    def end(self, task: str) -> None:
        """A task is over."""


class Silent:
    """Shows nothing; for use as a library."""

    def say(self, line: str) -> None:
        """Nothing."""

    def at(self, task: str, done: float, total: float, note: str = "") -> None:
        """Nothing."""

    def end(self, task: str) -> None:
        """Nothing."""


class Plain:
    """Lines for a log: what stays, and every ten seconds how far each task is."""

    def __init__(self, stream: TextIO | None = None, every_seconds: float = _PLAIN_EVERY_SECONDS) -> None:
        self.stream, self.every_seconds = stream or sys.stderr, every_seconds
        self.shown: dict[str, float] = {}

    def say(self, line: str) -> None:
        """A line that stays."""
        print(line, file=self.stream, flush=True)

    def at(self, task: str, done: float, total: float, note: str = "") -> None:
        """A line, if this task had none for a while."""
        now = time.monotonic()
        if now - self.shown.setdefault(task, now) >= self.every_seconds:
            self.shown[task] = now
            self.say(f"  {task}: {done:,.0f} of {total:,.0f}  {note}".rstrip())

    def end(self, task: str) -> None:
        """Forgets the task."""
        self.shown.pop(task, None)


class Live:
    """Bars on a terminal, by rich."""

    def __init__(self) -> None:
        from rich.console import Console  # noqa: PLC0415 - start-up time
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

        self.bars = Progress(
            TextColumn("  {task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            console=Console(stderr=True),
            transient=True,
        )
        self.tasks: dict[str, Any] = {}
        self.lock = threading.Lock()

    def __enter__(self) -> Self:
        self.bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bars.stop()

    def say(self, line: str) -> None:
        """A line that stays."""
        self.bars.console.print(line, highlight=False, markup=False, soft_wrap=True)

    def at(self, task: str, done: float, total: float, note: str = "") -> None:
        """Moves the task's bar."""
        with self.lock:
            if task not in self.tasks:
                self.tasks[task] = self.bars.add_task(task.replace("[", r"\["), total=total, note=note)
            self.bars.update(self.tasks[task], completed=done, total=total, note=note)

    def end(self, task: str) -> None:
        """Removes the task's bar."""
        with self.lock:
            if task in self.tasks:
                self.bars.remove_task(self.tasks.pop(task))


@contextlib.contextmanager
def for_terminal() -> Iterator[Progress]:
    """Bars if standard error is a terminal, else plain lines."""
    if sys.stderr.isatty():
        with Live() as live:
            yield live
    else:
        yield Plain()


def to_file(scratch: Path) -> Callable[[int, int, str], None]:
    """A reporter for another process: at most twice a second it leaves (done, total, note) in a file."""
    last = 0.0

    def report(done: int, total: int, note: str) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _EVERY_SECONDS:
            last = now
            (scratch / _FILE).write_text(json.dumps([done, total, note]))

    return report


@contextlib.contextmanager
def watched(progress: Progress, scratches: dict[str, Path]) -> Iterator[None]:
    """While the block runs, shows what the tasks' reporters leave in their scratch folders. Task name -> folder."""
    over = threading.Event()
    for scratch in scratches.values():
        (scratch / _FILE).unlink(missing_ok=True)  # what a killed run left says nothing of this one

    def watch() -> None:
        while not over.wait(_EVERY_SECONDS):
            for task, scratch in scratches.items():
                # A report may be missing, or half written at this moment: the next look will find it.
                with contextlib.suppress(OSError, ValueError):
                    progress.at(task, *json.loads((scratch / _FILE).read_text()))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
        for task in scratches:
            progress.end(task)
