"""The access log: a JSON line per answer, gathered and written a few times a second.

Knows lines and a file. Holds no text of prompts or answers and no raw identity unless its caller was told to give them.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import sys
from pathlib import Path

from adaptline.core import disk

FLUSH_SECONDS = 0.2
_FLUSH_BYTES = 256 * 1024


class AccessLog:
    """Lines for a file, or for standard error. What was gathered in the last 0.2 s is lost to a `kill -9`."""

    def __init__(self, path: Path | None = None) -> None:
        """Opens the file for appending. Raises UserError where it cannot be."""
        self._lines: list[str] = []
        self._bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._second = -1
        self._shown = ""
        self._descriptor = sys.stderr.fileno()
        self._owned = path is not None
        self.failed = 0  # lines that could not be written: a full disk stops no answer
        if path is not None:
            with disk.explained(path):
                self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)

    def add(self, line: str) -> None:
        """Gathers a line, without its end."""
        self._lines.append(line)
        self._bytes += len(line)
        if self._bytes > _FLUSH_BYTES:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)

    def flush(self) -> None:
        """Writes what was gathered."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._lines:
            return
        data = memoryview(("\n".join(self._lines) + "\n").encode("utf-8", "backslashreplace"))
        count, self._lines, self._bytes = len(self._lines), [], 0
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError:
            self.failed += count

    def close(self) -> None:
        """Writes what was gathered and closes the file."""
        self.flush()
        if self._owned:
            os.close(self._descriptor)
            self._owned = False

    def time(self, now: float) -> str:
        """Seconds since 1970 as ISO 8601 in UTC with milliseconds. The text of a second is made once."""
        second = int(now)
        if second != self._second:
            self._second = second
            self._shown = dt.datetime.fromtimestamp(second, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return f"{self._shown}.{int((now - second) * 1000):03d}Z"
