"""The access log: a JSON line per answer, gathered and written a few times a second.

Knows lines and a file. Holds no text of prompts or answers and no raw identity unless its caller was told to give them.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import logging
import os
import queue
import sys
import threading
from pathlib import Path

from adaptline.errors import UserError

FLUSH_SECONDS = 0.2
CLOSE_SECONDS = 2.0
_FLUSH_BYTES = 256 * 1024
_WAITING = 64  # flushes
_log = logging.getLogger("adaptline.deploy")
_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT


class AccessLog:
    """Lines for a file, or for standard error. What was gathered in the last 0.2 s is lost to a `kill -9`.

    A thread writes: a pipe that nobody reads, as of a log driver that is full, must not stop an answer. What does not fit
    into the queue before it is lost, and counted.
    """

    def __init__(self, path: Path | None = None) -> None:
        """Opens the file for appending. Raises UserError where it cannot be."""
        self._lines: list[str] = []
        self._bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._second = -1
        self._shown = ""
        self._descriptor = sys.stderr.fileno()
        self._path = path
        self._owned = path is not None
        self._queue: queue.Queue[tuple[bytes, int] | None] = queue.Queue(_WAITING)
        self._writer: threading.Thread | None = None
        self._torn = False  # whether the last line written is half of one
        self.failed = 0  # lines that could not be written: a full disk stops no answer
        if path is not None:
            try:
                self._descriptor = _opened(path)
            except OSError as error:
                do = "Name a file in a folder that is there, and that may be written."
                raise UserError(f"no log can be written: {error.strerror}", where=path, do=do) from error

    def add(self, line: str) -> None:
        """Gathers a line, without its end."""
        self._lines.append(line)
        self._bytes += len(line)
        if self._bytes > _FLUSH_BYTES:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)

    def flush(self) -> None:
        """Hands on what was gathered."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._lines:
            return
        data = ("\n".join(self._lines) + "\n").encode("utf-8", "backslashreplace")
        count, self._lines, self._bytes = len(self._lines), [], 0
        if self._writer is None:
            self._writer = threading.Thread(target=self._write, daemon=True)
            self._writer.start()
        try:
            self._queue.put_nowait((data, count))
        except queue.Full:
            self.failed += count

    @property
    def path(self) -> Path | None:
        """The file; None for standard error."""
        return self._path

    def reopen(self) -> None:
        """Goes on in a new file under the same name, after somebody moved the old one. Where it cannot, the old one stays."""
        if self._path is None or not self._owned:
            return
        try:
            fresh = _opened(self._path)
        except OSError as error:
            _log.error("the access log cannot be opened anew: %s", error)
            return
        os.dup2(fresh, self._descriptor, inheritable=False)  # at once, also for the thread that writes
        os.close(fresh)

    def close(self) -> None:
        """Writes what was gathered, as far as that takes no longer than two seconds, and closes the file."""
        self.flush()
        if self._writer is not None:
            with contextlib.suppress(queue.Full):
                self._queue.put(None, timeout=CLOSE_SECONDS)
            self._writer.join(CLOSE_SECONDS)
        if self._owned and (self._writer is None or not self._writer.is_alive()):
            os.close(self._descriptor)
            self._owned = False

    def _write(self) -> None:
        while (entry := self._queue.get()) is not None:
            data, count = entry
            left = memoryview(b"\n" + data if self._torn else data)
            try:
                while left:
                    left = left[os.write(self._descriptor, left) :]
                    self._torn = True
                self._torn = False
            except OSError:
                self.failed += count

    def time(self, now: float) -> str:
        """Seconds since 1970 as ISO 8601 in UTC with milliseconds. The text of a second is made once."""
        second = int(now)
        if second != self._second:
            self._second = second
            self._shown = dt.datetime.fromtimestamp(second, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return f"{self._shown}.{int((now - second) * 1000):03d}Z"


def _opened(path: Path) -> int:
    """A file to append to. A pipe that nobody reads is an error here, not something to wait for."""
    descriptor = os.open(path, _APPEND | os.O_NONBLOCK, 0o640)
    os.set_blocking(descriptor, True)
    return descriptor
