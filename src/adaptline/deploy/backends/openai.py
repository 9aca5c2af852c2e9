"""openai: answers come from any OpenAI-compatible server. Knows its API; knows nothing of models or channels.

Bodies go on as the client sent them, with the upstream's name for the model; answers come back byte for byte. Asked
again, before anything was passed on: where no connection could be made, and for 502, 503, 504 and 429 with Retry-After.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from adaptline.core.store import Store
from adaptline.deploy.calls import Backend, BackendError, Call, Reply, Served, Usage, Whole
from adaptline.deploy.upstream import Connection, Pool, UpstreamError, place_of
from adaptline.errors import UserError

RETRIES = 2  # after the first attempt, as the official client does
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0  # seconds; twice as long each time, less up to half by chance
_TRY_AGAIN = (502, 503, 504)
_MOST_TOKENS = 1 << 40  # more, or what is no number, is no count
_TAIL = 2048  # bytes of a stream's end in which its usage is looked for
_USAGE = re.compile(rb'"usage"\s*:\s*(?=\{)')
_ANSWERED, _ERROR, _BUSY, _FAILED, _LAST = 200, 400, 429, 500, 599
_decode = json.JSONDecoder().raw_decode
_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


def open(  # noqa: A001 - the one name that every backend has
    store: Store,  # noqa: ARG001 - a backend may need it; this one does not
    *,
    upstream: str | None = None,
    upstream_key: str | None = None,
    aliases: Mapping[str, str] | None = None,
    concurrency: int = 64,
) -> Backend:
    """A backend that asks an upstream.

    Args:
        store: where releases are.
        upstream: the base URL, as http://127.0.0.1:8001/v1.
        upstream_key: sent as a bearer token.
        aliases: the upstream's model for a served name or a channel; the served name itself by default.
        concurrency: how many answers go on at most; this many idle connections are kept.

    Raises:
        UserError: no URL, or not one.
    """
    if not upstream:
        raise UserError("the backend openai needs an upstream", do="--upstream http://127.0.0.1:8001/v1")
    if upstream_key is not None and not re.fullmatch(r"[\x21-\x7e]+", upstream_key):
        raise UserError("the upstream's key is not one line of printable ASCII")
    return OpenAI(Pool(place_of(upstream), most_idle=concurrency), upstream_key, dict(aliases or {}))


class OpenAI:
    """An upstream's API as a backend."""

    def __init__(self, pool: Pool, key: str | None, aliases: dict[str, str]) -> None:
        self.pool, self.aliases = pool, aliases
        self.busy = 0
        authorization = f"authorization: Bearer {key}\r\n" if key else ""
        path = pool.place.path.replace("%", "%%")
        self._head = (
            f"POST {path}/%s HTTP/1.1\r\nhost: {pool.place.host_header}\r\nuser-agent: adaptline\r\n"
            f"content-type: application/json\r\n{authorization.replace('%', '%%')}"
            "x-request-id: %s\r\ncontent-length: %d\r\n\r\n"
        )

    async def start(self) -> None:
        """Nothing is connected before the first call."""
        self.pool.start()

    async def close(self) -> None:
        """Closes idle connections."""
        self.pool.close()

    async def ready(self, served: Served) -> None:
        """The upstream has it or says so when asked."""

    async def release(self, served: Served) -> None:
        """The upstream's models are its own matter."""

    def load(self) -> Mapping[str, float]:
        """Answers that go on, and connections that wait."""
        return {"busy": self.busy, "idle_connections": len(self.pool.idle)}

    async def answer(self, call: Call) -> Reply:
        """The upstream's answer. Raises BackendError with the upstream's own error where it has one."""
        model = self.aliases.get(call.served.name) or self.aliases.get(call.channel) or call.served.name
        body = _encode({**call.body, "model": model}).encode()
        request = (self._head % (call.endpoint, call.id, len(body))).encode() + body
        connection, streams = None, False
        self.busy += 1
        try:
            connection = await self._ask(request, streaming=call.stream)
            if connection.status != _ANSWERED:
                raise await _error_of(connection)
            content_type = connection.content_type or "application/json"
            streams = call.stream and "event-stream" in content_type
            if not streams:
                return await _whole(connection, content_type)
            usage = Usage()
            return Reply(_Events(connection, usage, self._ended), 200, content_type, usage)
        except UpstreamError as error:
            raise BackendError(502 if error.connected else 503, str(error), code="upstream_error") from error
        finally:
            if not streams:
                if connection is not None:
                    connection.finish()
                self._ended()

    def _ended(self) -> None:
        self.busy -= 1

    async def _ask(self, request: bytes, *, streaming: bool) -> Connection:
        """The connection on which an answer has begun, after as many attempts as there may be."""
        for attempt in range(RETRIES + 1):
            last = attempt == RETRIES
            pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2**attempt) * random.uniform(0.5, 1)  # noqa: S311 - no secret
            try:
                connection = await self.pool.post(request, streaming=streaming)
            except UpstreamError as error:
                if error.connected or last:
                    raise
            else:
                told = seconds(connection.retry_after)
                again = connection.status in _TRY_AGAIN or (connection.status == _BUSY and told is not None)
                if not again or last or (told or 0) > LONGEST_PAUSE:
                    return connection
                connection.finish()
                pause = max(pause, told or 0)
            await asyncio.sleep(pause)
        raise AssertionError  # the last attempt returns or raises


class _Events:
    """A stream's bytes as they come, counted on the way."""

    __slots__ = ("connection", "ended", "events", "tail", "usage")

    def __init__(self, connection: Connection, usage: Usage, ended: Callable[[], None]) -> None:
        self.connection, self.usage, self.ended = connection, usage, ended
        self.events = 0
        self.tail = b""

    def __aiter__(self) -> _Events:
        return self

    async def __anext__(self) -> bytes:
        try:
            piece = await self.connection.read()
        except UpstreamError as error:
            self._count()
            raise BackendError(502, str(error), code="upstream_error") from error
        if not piece:
            self._count()
            if b"[DONE]" not in self.tail:
                raise BackendError(502, "the upstream's stream ended without [DONE]", code="upstream_error")
            raise StopAsyncIteration
        self.events += piece.count(b"\ndata:") + piece.startswith(b"data:")
        self.tail = piece[-_TAIL:] if len(piece) >= _TAIL else (self.tail + piece)[-_TAIL:]
        return piece

    def aclose(self) -> Awaitable[None]:
        """Keeps the connection if the stream has ended, and closes it otherwise: the upstream stops."""
        ended, self.ended = self.ended, _nothing
        ended()
        self._count()
        self.connection.finish()
        return _done()

    def _count(self) -> None:
        """The usage that the upstream told, else one token an event, less the first (a role) and the last ([DONE])."""
        if not _read_usage(self.tail, self.usage):
            self.usage.completion_tokens = max(0, self.events - (2 if b"[DONE]" in self.tail else 1))


def _nothing() -> None:
    """In the place of a callback that was called."""


async def _done() -> None:
    """What an `aclose` that had nothing to wait for returns."""


async def _whole(connection: Connection, content_type: str) -> Reply:
    data = await connection.whole()
    whole = is_json(data) if connection.ends_with_connection else data.strip()[:1] in (b"{", b"[")
    if not whole:  # where no length was told, nothing but its grammar tells
        raise UpstreamError("the upstream's answer is no JSON, or cut")
    usage = Usage()
    _read_usage(data, usage)
    return Reply(Whole(data), connection.status, content_type, usage)


def _read_usage(data: bytes, usage: Usage) -> bool:
    """Reads the last usage of a body or of a stream's tail, without parsing the rest. False where there is none."""
    at = data.rfind(b'"usage"')
    while at >= 0:
        if found := _USAGE.match(data, at):
            with contextlib.suppress(ValueError, TypeError, AttributeError):
                told = _decode(data[found.end() : found.end() + _TAIL].decode("utf-8", "ignore"))[0]
                counts = [told.get(name) for name in ("prompt_tokens", "completion_tokens")]
                if all(count is None or (type(count) is int and 0 <= count <= _MOST_TOKENS) for count in counts):
                    usage.prompt_tokens, usage.completion_tokens = (count or 0 for count in counts)
                    return True
        at = data.rfind(b'"usage"', 0, at)
    return False


@dataclass(frozen=True)
class _Told:
    message: str
    type: str | None = None
    code: str | None = None
    param: str | None = None


async def _error_of(connection: Connection) -> BackendError:
    """The upstream's error, in OpenAI's shape whatever shape it has there."""
    status = connection.status
    if not _ERROR <= status <= _LAST:
        return BackendError(502, f"the upstream answered {status}, which is no answer", code="upstream_error")
    told = _told(await connection.whole(), status)
    if status in (401, 403):  # the upstream's key is not the client's
        return BackendError(502, f"the upstream refuses the gateway's key ({status})", code="upstream_error")
    return BackendError(
        status,
        told.message,
        retry_after=seconds(connection.retry_after),
        type=told.type,
        code=told.code,
        param=told.param,
    )


def _told(data: bytes, status: int) -> _Told:
    unknown = _Told(f"the upstream answered {status}", code="upstream_error" if status >= _FAILED else None)
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return unknown
    if isinstance(found, dict) and isinstance(found.get("error"), dict):
        found = found["error"]
    if not isinstance(found, dict) or not isinstance(found.get("message"), str):
        return unknown
    texts = {key: str(found[key]) for key in ("type", "code", "param") if found.get(key) is not None}
    return _Told(found["message"], **texts)


def is_json(data: bytes) -> bool:
    """Whether the data is one whole JSON value."""
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True


def seconds(retry_after: str) -> float | None:
    """Retry-After where it gives seconds; None for none and for a date."""
    try:
        return float(retry_after) if 0 <= float(retry_after) < 1e6 else None  # noqa: PLR2004 - and no NaN or infinity
    except ValueError:
        return None
