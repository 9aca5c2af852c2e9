"""A process of ours that is told JSON lines and says JSON lines: what must not stop the gateway computes in one.

Knows processes and lines; knows nothing of what they say.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Any

_LINE_BYTES = 1 << 26  # of what it says at once
_END_SECONDS = 5.0  # it gets to end by itself
_LOOK_SECONDS = 0.5  # how often its end is looked for where its output tells nothing

Line = dict[str, Any]


class Process:
    """One process, from `start` until it ends or is closed; it ends when its input ends.

    Args:
        module: run as `python -m`.
        words: its command line.
        heard: called with each line that it says.
        ended: called once when it has ended, with its exit code.
        environment: beside what this process has.
    """

    def __init__(
        self,
        module: str,
        *words: str,
        heard: Callable[[Line], None],
        ended: Callable[[int], None],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._command = [sys.executable, "-P", "-m", module, *words]  # -P: a json.py in this folder is not ours
        self._heard, self._ended = heard, ended
        self._environment = {**os.environ, **(environment or {})}
        self._process: asyncio.subprocess.Process | None = None
        self._hearing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Starts it. Raises OSError."""
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_LINE_BYTES,
            env=self._environment,
            start_new_session=True,  # Ctrl-C is for the gateway, which ends its answers first
        )
        self._hearing = asyncio.create_task(self._hear(self._process))

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        """Its number; 0 before it was started."""
        return self._process.pid if self._process is not None else 0

    def say(self, line: Line) -> None:
        """Tells it something; nothing where it has ended: `ended` tells that."""
        if self._process is not None and self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.write(json.dumps(line).encode() + b"\n")

    def kill(self) -> None:
        """Ends it at once, with what it has started."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def close(self) -> None:
        """Ends it: it goes when its input ends, or is killed."""
        if self.running and self._process is not None:
            if self._process.stdin is not None:
                self._process.stdin.close()
            if not await self._has_ended(_END_SECONDS):
                self.kill()
        if self._hearing is not None:
            await asyncio.gather(self._hearing, return_exceptions=True)

    async def _hear(self, process: asyncio.subprocess.Process) -> None:
        """Gives on what it says until it has ended. What it has started may hold its output open: the end is its own."""
        reading = asyncio.create_task(self._read(process))
        try:
            while not reading.done() and self.running:
                await asyncio.wait({reading}, timeout=_LOOK_SECONDS)
            await asyncio.wait({reading}, timeout=_LOOK_SECONDS)  # what it said last
        finally:
            reading.cancel()
            self.kill()  # whatever went wrong in hearing it, nobody hears it any more
            await asyncio.gather(reading, return_exceptions=True)
            await self._has_ended(_END_SECONDS)
            self._ended(process.returncode if process.returncode is not None else -signal.SIGKILL)

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None  # noqa: S101 - it was asked for
        async for text in process.stdout:
            self._heard(json.loads(text))

    async def _has_ended(self, seconds: float) -> bool:
        """Waits for its end, at most so long: asyncio's own wait can wait for whoever holds its output, too."""
        end = asyncio.get_running_loop().time() + seconds
        while self.running and asyncio.get_running_loop().time() < end:  # noqa: ASYNC110 - nobody tells of the end alone
            await asyncio.sleep(0.01)
        return not self.running
