"""Guards before an answer: what of a request is prompt, and a process that looks at it.

Knows what of a body is text that is asked about, and who judges it. Knows nothing of what a guard looks for. Fails closed: a
guard that raises or takes too long refuses, and so does a prompt of which not all can be seen as text.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from adaptline.deploy.calls import BackendError, Endpoint
from adaptline.deploy.errors import RefusedError
from adaptline.deploy.process import Line, Process

_START_SECONDS = 60.0  # for the files of guards to be imported
_PATIENCE = 5.0  # seconds beyond a guard's own time until a process that says nothing is killed
_PAUSE_SECONDS = 1.0  # until a start that failed is tried again
_MOST_WAITING = 64  # prompts of one release; more are refused, so that its guards hold up no other release's answers
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
        self._starting: asyncio.Task[None] | None = None
        self._ready: asyncio.Future[Line] | None = None
        self._answer: asyncio.Future[Line] | None = None  # to the prompt that it has
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._failed, self._again_at = "", 0.0  # why the last start failed, and until when that is not tried again
        self._closed = False

    async def start(self) -> None:
        """Starts the process if there is none; whoever asks meanwhile waits for the same start.

        Raises:
            BackendError: its guards are not what the release has, or cannot be loaded.
        """
        if self._closed:
            raise BackendError(503, "the release was let go", retry_after=1)
        if self._is_ready:
            return
        if self._starting is None:
            if asyncio.get_running_loop().time() < self._again_at:
                raise BackendError(503, self._failed, retry_after=1)
            self._starting = asyncio.create_task(self._start())
            self._starting.add_done_callback(self._started)
        await asyncio.shield(self._starting)  # whoever asked may leave: others wait for it too

    async def close(self) -> None:
        """Ends the process, for good."""
        self._closed = True
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        await self._end()

    async def check(self, endpoint: Endpoint, body: Mapping[str, Any]) -> None:
        """Raises RefusedError where a guard has a reason, and BackendError where there is nobody to judge.

        The reason is the guard's own words and holds no text of the prompt.
        """
        await self._be_ready()
        text = prompt(endpoint, body)
        said = {"guard": self._names[0], "reason": "no text to judge"} if text is None else await self._ask(text)
        if "failed" in said:
            _log.error("guard %s failed with %s; its prompt was refused", said["guard"], said["failed"])
            said["reason"] = "it could not judge"
        if "guard" in said:
            raise RefusedError(400, f"refused by {said['guard']}: {said['reason']}", code="content_filter")

    @property
    def _is_ready(self) -> bool:
        return bool(self._names) and self._process is not None and self._process.running

    async def _be_ready(self) -> None:
        """As `start`, for a client, who is not told what is wrong with a file of ours."""
        try:
            await self.start()
        except BackendError as error:
            _log.error("%s", error.message)
            raise BackendError(503, "the guards of this release are not ready", retry_after=1) from None

    async def _start(self) -> None:
        await self._end()
        process = self._process = Process("adaptline.deploy.guard_process", heard=self._hear, ended=self._ended)
        self._ready = asyncio.get_running_loop().create_future()
        await process.start()
        process.say(self._first)
        try:
            said = await asyncio.wait_for(asyncio.shield(self._ready), _START_SECONDS)
        except TimeoutError:
            said = {"failed": f"they could not be loaded in {_START_SECONDS:g} s"}
            process.kill()
        if "failed" in said:
            raise BackendError(503, f"its guards are not ready: {said['failed']}")
        self._names = said["ready"]

    def _started(self, starting: asyncio.Task[None]) -> None:
        self._starting = None
        if not starting.cancelled() and (error := starting.exception()) is not None:
            self._failed = error.message if isinstance(error, BackendError) else f"its guards are not ready: {error}"
            self._again_at = asyncio.get_running_loop().time() + _PAUSE_SECONDS

    async def _end(self) -> None:
        process, self._process, self._names = self._process, None, []
        if process is not None:
            await process.close()

    async def _ask(self, text: str) -> Line:
        """What is said of a text. Raises BackendError where too many wait, or the process ends before it has said."""
        if self._waiting >= _MOST_WAITING:
            raise RefusedError(429, "too many prompts wait for the guards", retry_after=1, code="queue_full")
        self._waiting += 1
        try:
            async with self._turn:  # one prompt at a time: those whose clients leave are never told
                if self._answer is not None:
                    await self._said(self._answer)  # of a client that left when its prompt was there already
                await self._be_ready()  # it may have died meanwhile
                process = self._process
                assert process is not None  # noqa: S101 - it was started
                answer = self._answer = asyncio.get_running_loop().create_future()
                process.say({"text": text})
                said = await self._said(answer)
        finally:
            self._waiting -= 1
        if "gone" in said:
            raise BackendError(503, "the guards' process ended", retry_after=1)
        return said

    async def _said(self, answer: asyncio.Future[Line]) -> Line:
        """An answer; a process that has none in time is killed."""
        done, _ = await asyncio.wait({answer}, timeout=self._patience)
        if not done:
            _log.error("the guards said nothing for %g s; their process is started again", self._patience)
            if self._process is not None:
                self._process.kill()
            await asyncio.wait({answer})
        return answer.result()

    def _hear(self, line: Line) -> None:
        waiting = self._ready if "ready" in line or ("guard" not in line and "failed" in line) else self._answer
        if waiting is not None and not waiting.done():
            waiting.set_result(line)

    def _ended(self, code: int) -> None:
        for waiting, line in (
            (self._ready, {"failed": f"their process ended with {code}"}),
            (self._answer, {"gone": code}),
        ):
            if waiting is not None and not waiting.done():
                waiting.set_result(line)


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
