"""Guards before an answer: what of a request is prompt, and a process that looks at it.

Knows what of a body is text that is asked about, and who judges it. Knows nothing of what a guard looks for. Fails closed: a
guard that raises or takes too long refuses, and so does a prompt of which not all can be seen as text.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from adaptline.deploy.calls import BackendError, Endpoint
from adaptline.deploy.errors import RefusedError
from adaptline.deploy.process import Line, Process

_START_SECONDS = 60.0  # for the files of guards to be imported
_PATIENCE = 5.0  # seconds beyond a guard's own time until a process that says nothing is killed
_log = logging.getLogger("adaptline.deploy")


class Judge:
    """The guards of one release, in a process of their own, which is started again where it has died.

    Args:
        bound: the guards as the release binds them.
        beside: the recipe's folder, for guards of a user's own file.
        seconds: for all guards to look at one prompt.
    """

    def __init__(self, bound: Sequence[Mapping[str, Any]], beside: Path, seconds: float) -> None:
        self._first = {"guards": list(bound), "beside": str(beside), "seconds": seconds}
        self._patience = seconds + _PATIENCE
        self._names: list[str] = []
        self._process: Process | None = None
        self._starting: asyncio.Future[Line] | None = None
        self._asked: dict[int, asyncio.Future[Line]] = {}
        self._numbers = itertools.count()
        self._heard_at = 0.0
        self._lock = asyncio.Lock()

    async def start(self) -> None:
        """Starts the process if there is none. Raises BackendError where its guards are not what the release has."""
        async with self._lock:
            if self._names and self._process is not None and self._process.running:
                return
            await self.close()
            process = self._process = Process("adaptline.deploy.guard_process", heard=self._hear, ended=self._ended)
            starting = self._starting = asyncio.get_running_loop().create_future()
            await process.start()
            process.say(self._first)
            try:
                said = await asyncio.wait_for(starting, _START_SECONDS)
            except TimeoutError:
                said = {"failed": f"they could not be loaded in {_START_SECONDS:g} s"}
                process.kill()
            if "failed" in said:
                raise BackendError(503, f"its guards are not ready: {said['failed']}")
            self._names = said["ready"]

    async def close(self) -> None:
        """Ends the process."""
        process, self._process, self._names = self._process, None, []
        if process is not None:
            await process.close()

    async def check(self, endpoint: Endpoint, body: Mapping[str, Any]) -> None:
        """Raises RefusedError where a guard has a reason, and BackendError where there is nobody to judge.

        The reason is the guard's own words and holds no text of the prompt.
        """
        if not self._names or self._process is None or not self._process.running:
            # Shielded: whoever asked may leave, and what is half started would count as whole.
            await asyncio.shield(asyncio.ensure_future(self.start()))
        text = prompt(endpoint, body)
        said = {"guard": self._names[0], "reason": "no text to judge"} if text is None else await self._ask(text)
        if "failed" in said:
            _log.error("guard %s failed with %s; its prompt was refused", said["guard"], said["failed"])
            said["reason"] = "it could not judge"
        if "guard" in said:
            raise RefusedError(400, f"refused by {said['guard']}: {said['reason']}", code="content_filter")

    async def _ask(self, text: str) -> Line:
        """What is said of a text. Raises BackendError where the process ends before."""
        process, loop = self._process, asyncio.get_running_loop()
        assert process is not None  # noqa: S101 - `check` has started it
        if not self._asked:
            self._heard_at = loop.time()
        number = next(self._numbers)
        answer = self._asked[number] = loop.create_future()
        process.say({"id": number, "text": text})
        try:
            while not answer.done():
                await asyncio.wait({answer}, timeout=self._patience)
                if not answer.done() and loop.time() - self._heard_at >= self._patience:
                    _log.error("the guards said nothing for %g s; their process is started again", self._patience)
                    process.kill()
            said: Line = answer.result()
            return said
        finally:
            self._asked.pop(number, None)

    def _hear(self, line: Line) -> None:
        self._heard_at = asyncio.get_running_loop().time()
        waiting = self._asked.get(line["id"]) if "id" in line else self._starting
        if waiting is not None and not waiting.done():
            waiting.set_result(line)

    def _ended(self, code: int) -> None:
        if self._starting is not None and not self._starting.done():
            self._starting.set_result({"failed": f"their process ended with {code}"})
        for waiting in self._asked.values():
            if not waiting.done():
                waiting.set_exception(BackendError(503, "the guards' process ended", retry_after=1))


# What may stand in a body and be read by whoever answers, besides the prompt itself: a guard does not see it.
_UNSEEN = ("tools", "functions", "suffix", "prediction", "audio", "response_format", "prompt", "messages", "input")
_ASKED: dict[Endpoint, str] = {"chat/completions": "messages", "completions": "prompt", "classify": "input"}
_ROLES = {"role", "content", "name"}  # what a message may have


def prompt(endpoint: Endpoint, body: Mapping[str, Any]) -> str | None:
    """All text that a body asks about; None where it holds more than such text: tokens, images, calls of tools."""
    asked = _ASKED[endpoint]
    if any(body.get(name) for name in _UNSEEN if name != asked):
        return None
    value = body.get(asked)
    if endpoint == "chat/completions":
        pieces = [_of_message(message) for message in value] if isinstance(value, list) else [None]
    else:
        entries = value if isinstance(value, list) else [value]
        pieces = [entry if isinstance(entry, str) else None for entry in entries]
    return None if None in pieces else "\n".join(piece for piece in pieces if piece is not None)


def _of_message(message: Any) -> str | None:
    """A message's text, its parts without a gap between them as one might have been put there on purpose."""
    if not isinstance(message, dict) or any(value for name, value in message.items() if name not in _ROLES):
        return None
    content = message.get("content")
    if not isinstance(content, list):
        return content if isinstance(content, str) else None
    parts = [_of_part(part) for part in content]
    return None if None in parts else "".join(part for part in parts if part is not None)


def _of_part(part: Any) -> str | None:
    plain = isinstance(part, dict) and part.keys() == {"type", "text"} and part["type"] == "text"
    return part["text"] if plain and isinstance(part["text"], str) else None
