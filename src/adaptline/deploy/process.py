"""A process of ours that is told JSON lines and says JSON lines: what must not stop the gateway computes in one.

Knows processes and lines; knows nothing of what they say.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

_LINE_BYTES = 1 << 26  # of what it says at once
_END_SECONDS = 5.0  # it gets to end by itself

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
        """Ends it at once."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def close(self) -> None:
        """Ends it: it goes when its input ends, or is killed."""
        if self._process is not None and self._process.returncode is None:
            if self._process.stdin is not None:
                self._process.stdin.close()
            try:
                await asyncio.wait_for(self._process.wait(), _END_SECONDS)
            except TimeoutError:
                self.kill()
                await self._process.wait()
        if self._hearing is not None:
            await asyncio.gather(self._hearing, return_exceptions=True)

    async def _hear(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None  # noqa: S101 - it was asked for
        try:
            async for text in process.stdout:
                self._heard(json.loads(text))
        finally:
            self.kill()  # whatever went wrong in hearing it, nobody hears it any more
            self._ended(await process.wait())
