"""What the gateway asks of a backend, and what it gets back. Knows neither HTTP nor models.

A backend is any object of the shape `Backend`; deploy/backends/NAME.py has `open(store, *, ...) -> Backend`, whose
keyword parameters say which of the options of `adaptline serve` it takes: `concurrency` (int), `timeout` (seconds),
`bases` (digest of a base -> its folder, as the recipe names them), `upstream` (URL), `upstream_key` (the key itself),
`aliases` (served name or channel -> the upstream's model).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

Endpoint = Literal["chat/completions", "completions", "classify"]
Kind = Literal["classifier", "writer"]


@dataclass(frozen=True, slots=True)
class Served:
    """What answers: a release, or a bare base (no digest, no folder)."""

    name: str
    digest: str | None
    kind: Kind
    base: str
    folder: Path | None


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `body` is the client's JSON object, its `model` as the client named it; nobody changes it.

    `channel` is where the request came in, "" where it named a release or a base itself.
    """

    endpoint: Endpoint
    body: dict[str, Any]
    served: Served
    stream: bool
    id: str
    channel: str = ""


@dataclass(slots=True)
class Usage:
    """Tokens of one answer, filled in while its chunks pass; right once they have ended."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


class Chunks(Protocol):
    """An async iterator of bytes that can be closed early; every async generator is one."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Itself."""

    def __anext__(self) -> Awaitable[bytes]:
        """The next bytes. Raises BackendError where the answer breaks off, StopAsyncIteration only at its true end."""

    def aclose(self) -> Awaitable[None]:
        """Ends the answer; called always, also after its end. What computed it is free at once."""


@dataclass(slots=True)
class Reply:
    """An answer: one chunk for a whole one, server-sent events with `data: [DONE]` at the end for a stream.

    Nothing is sent to the client before the first chunk is there, so a BackendError raised until then has its status.
    After it, the gateway adds an error event and cuts the connection.
    """

    chunks: Chunks
    status: int = 200
    content_type: str = "application/json"
    usage: Usage = field(default_factory=Usage)


class Backend(Protocol):
    """What computes answers. Its methods are called on one event loop, many at a time."""

    async def start(self) -> None:
        """Called once, before anything else."""

    async def close(self) -> None:
        """Called once, after the last answer has ended or was cancelled."""

    async def ready(self, served: Served) -> None:
        """Loads it if it must; called again it does nothing. Raises BackendError. No call comes before this returned."""

    async def release(self, served: Served) -> None:
        """No arm points at it and its last answer has ended; `ready` may follow later."""

    async def answer(self, call: Call) -> Reply:
        """Begins an answer. Raises BackendError. Cancelled, or its chunks closed early: its slot is free at once."""

    def load(self) -> Mapping[str, float]:
        """Numbers for /metrics by name: "queue" (calls that wait), "busy" (slots that compute), "slots"."""


class BackendError(Exception):
    """Why there is no answer, or no more of it. The fields are those of an error of OpenAI's API.

    Args:
        status: the HTTP status: 4xx for what the client asked, 5xx for what failed here.
        message: for the client; names no path, host or text.
        retry_after: seconds after which it may work, where known.
        type: OpenAI's type; by default from the status.
        code: OpenAI's code, as "model_not_found".
        param: the key of the body that is wrong.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        retry_after: float | None = None,
        type: str | None = None,  # noqa: A002 - OpenAI's word
        code: str | None = None,
        param: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.retry_after = status, message, retry_after
        self.type, self.code, self.param = type, code, param


class Whole:
    """The chunks of an answer that is there already: one."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data: bytes | None = data

    def __aiter__(self) -> Whole:
        return self

    async def __anext__(self) -> bytes:
        data, self.data = self.data, None
        if data is None:
            raise StopAsyncIteration
        return data

    async def aclose(self) -> None:
        """Forgets it."""
        self.data = None
