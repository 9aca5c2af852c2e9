"""The gateway: OpenAI's API over HTTP, as one ASGI application.

Knows requests, limits, keys and who answers; the life of a request is `Gateway._answer`. Knows no model and imports no
engine: answers come from a backend (calls.py). State is in the channels' files only (routing.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adaptline.core.store import Store
from adaptline.data.records import subject_hash
from adaptline.deploy import asking, errors, showing
from adaptline.deploy.access_log import AccessLog
from adaptline.deploy.api_keys import Keys
from adaptline.deploy.asking import Message, Receive, Send
from adaptline.deploy.calls import Backend, BackendError, Call, Chunks, Endpoint, Reply
from adaptline.deploy.errors import RefusedError
from adaptline.deploy.limits import Limits, Memory, Slots
from adaptline.deploy.metrics import Metrics
from adaptline.deploy.request import Request
from adaptline.deploy.routing import Routes

WATCH_AFTER = 0.005  # seconds until somebody watches whether the client is still there: most answers are quicker
_FAIL_SECONDS = 1.0  # for an error to be taken by the client
_TICK = 0.1  # seconds; how exact timeouts are
_LEFT, _SLOW, _LATE, _STALLED = "left", "slow", "late", "stalled"
_CLIENT_LEFT = 499  # nginx's status for logs; nobody receives it
_STREAM_HEADERS = [(b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no")]
_JSON = "application/json"
_log = logging.getLogger("adaptline.deploy")


class Gateway:
    """An ASGI application, between `start` and `close`."""

    def __init__(
        self,
        store: Store,
        backend: Backend,
        *,
        limits: Limits | None = None,
        keys: Keys | None = None,
        hosts: frozenset[str] | None = None,
        log: AccessLog | None = None,
        log_text: bool = False,
        beside: Path = Path(),
        pages: showing.Pages | None = None,
    ) -> None:
        """A gateway for the channels of a store.

        Args:
            store: where channels and releases are.
            backend: what computes answers.
            limits: the bounds.
            keys: who may ask; anybody if None.
            hosts: without keys, the names that a Host header may have: a page of another site that a browser has open
                must not reach the gateway under a name of its own (DNS rebinding). Any if None.
            log: where answers are logged.
            log_text: whether requests and answers themselves are logged.
            beside: the recipe's folder, for guards of a user's own file.
            pages: what GET of other paths shows.
        """
        self.backend, self.keys, self.hosts, self.log = backend, keys, hosts, log
        self.limits = limits or Limits()
        self.log_text, self.pages = log_text, pages
        self.metrics = Metrics()
        self.metrics.load = self._load
        self.routes = Routes(store, backend, self.metrics, beside, self.limits.guard_seconds)
        self.slots = Slots(self.limits.concurrency, self.limits.queue)
        self.memory = Memory(self.limits.memory)
        self._secret = store.subject_secret()
        self._requests: set[Request] = set()
        self._prefix, self._count = f"req-{secrets.token_hex(6)}-", 0
        self._ticking: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop

    async def start(self) -> None:
        """Starts the backend and makes ready what the channels point at."""
        self._loop = asyncio.get_running_loop()
        await self.backend.start()
        await self.routes.start()
        self._ticking = asyncio.create_task(self._tick())

    async def close(self) -> None:
        """Stops everything. Answers have ended before, or are cut."""
        if self._ticking is not None:
            self._ticking.cancel()
            await asyncio.gather(self._ticking, return_exceptions=True)
        await self.routes.close()
        await self.backend.close()
        if self.log is not None:
            self.log.close()

    def state(self) -> dict[str, Any]:
        """What a console shows: channels with their arms, numbers and limits, as plain data. No text, no identity."""
        now = time.monotonic()
        channels = {
            name: {
                "version": live.channel.version if live.channel else None,
                "percent": live.percent if live.canary else 0.0,
                "stable": live.stable.served.name if live.stable else None,
                "canary": live.canary.served.name if live.canary else None,
                "settled": live.settled,
                "error": live.error or None,
            }
            for name, live in sorted(self.routes.live.items())
        }
        return {
            "ready": self.routes.answers(),
            "uptime_seconds": round(time.time() - self.metrics.started, 3),
            "channels": channels,
            "arms": [tally.state(now) for tally in self.metrics.tallies.values()],
            "problems": self.routes.problems(),
            "load": dict(self._load()),
            "refused": {str(status): count for status, count in sorted(self.metrics.refused.items())},
        }

    def _load(self) -> Mapping[str, float]:
        of_backend = {f"backend_{name}": value for name, value in self.backend.load().items()}
        slots = self.slots
        lost = self.log.failed if self.log is not None else 0
        return {
            "slots": slots.slots,
            "slots_busy": slots.busy,
            "queue": len(slots.waiting),
            "log_lines_lost": lost,
            **of_backend,
        }

    # ASGI

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request. There is no lifespan: who serves calls `start` and `close`."""
        endpoint = asking.ENDPOINTS.get(scope["path"])
        if endpoint is not None and scope["method"] == "POST":
            await self._answer(endpoint, scope, receive, send)
        else:
            await showing.show(self, scope, send)

    async def _answer(self, endpoint: Endpoint, scope: Message, receive: Receive, send: Send) -> None:
        """The life of a request, however it ends; it is counted and logged once."""
        self._count += 1
        request = Request(f"{self._prefix}{self._count:x}", time.monotonic())
        self._requests.add(request)
        try:
            await self._ask(request, endpoint, scope, receive, send)
        except BackendError as error:
            await self._fail(request, send, error)
        except asking.Gone:
            request.status = _CLIENT_LEFT
        except asyncio.CancelledError:
            await self._stopped(request, send)
        except Exception:  # noqa: BLE001 - a fault of ours is a 500 in the client's language, and a traceback in ours
            _log.exception("request %s failed", request.id)
            await self._fail(request, send, BackendError(500, "the gateway failed; its log says why"))
        finally:
            if request.watch is not None:
                request.watch.cancel()
            self._requests.discard(request)
            self.memory.let(request.held)
            self._ended(request)

    async def _ask(self, request: Request, endpoint: Endpoint, scope: Message, receive: Receive, send: Send) -> None:
        head = asking.Head(scope["headers"])
        if head.request_id:
            request.id = head.request_id.decode()
        self.admit(request, head)
        data = await self._body(request, receive, head)
        request.last = time.monotonic()
        request.watch = self._loop.call_later(WATCH_AFTER, self._watch, request, receive)
        body = asking.parsed(data)
        request.stream = stream = asking.checked(endpoint, body, self.limits.max_tokens)
        asking.cap(endpoint, body, self.limits.max_tokens)
        if self.log_text:
            request.body, request.said = body, []
        person = body.get("safety_identifier") or body.get("user")
        if person:
            request.unit_hash = subject_hash(self._secret, person)
        client = scope.get("client")
        unit = person or request.key or (client[0] if client else "")
        await self.slots.take()
        try:
            # Who answers is decided when there is a slot: a move counts for what still waits.
            request.arm = arm = self.routes.arm(body["model"], unit)
            arm.tally.going_on += 1
            arm.model.going_on += 1
            try:
                if arm.model.judge is not None:
                    await arm.model.judge.check(endpoint, body)
                channel = "" if arm.name == "direct" else arm.channel
                await self._pass_on(request, Call(endpoint, body, arm.served, stream, request.id, channel), send)
            finally:
                arm.tally.going_on -= 1
                arm.model.going_on -= 1
        finally:
            self.slots.give()

    async def _body(self, request: Request, receive: Receive, head: asking.Head) -> bytes:
        """The whole body, with a hold on the memory that it takes until the request ends. Raises as `body_of`, and 429."""

        def hold(size: int) -> None:
            request.held += self.memory.hold(size)

        data = await asking.body_of(receive, head, self.limits.max_body, hold)
        hold(asking.weight(data) - request.held)
        return data

    def admit(self, request: Request, head: asking.Head) -> None:
        """Raises RefusedError for who may not ask."""
        if self.keys is not None:
            key = asking.key_of(head.authorization)
            request.key = self.keys.name_of(key) if key else None
            if request.key is None:
                message = "this key is not known here" if key else "send a key: authorization: Bearer KEY"
                raise RefusedError(401, message, type="invalid_request_error", code="invalid_api_key")
        elif self.hosts is not None:
            name = head.host.decode("latin-1").lower()
            if name not in self.hosts and name.rpartition(":")[0] not in self.hosts:
                raise RefusedError(403, "without keys, this gateway answers under its own name only")

    async def _pass_on(self, request: Request, call: Call, send: Send) -> None:
        """From the backend's answer to the client, as it comes."""
        reply = await self.backend.answer(call)
        chunks = reply.chunks
        try:
            data = await anext(chunks, b"")
            request.first = request.last = time.monotonic()
            request.status = reply.status
            if reply.content_type.startswith("text/event-stream"):
                await self._stream(request, reply, data, send)
            else:
                length = (b"content-length", str(len(data)).encode())
                await self._begin(request, send, reply.status, reply.content_type, [length])
                if request.said is not None:
                    request.said.append(data)
                await send({"type": "http.response.body", "body": data})
        finally:
            await chunks.aclose()
            request.prompt_tokens = reply.usage.prompt_tokens
            request.completion_tokens = reply.usage.completion_tokens

    async def _stream(self, request: Request, reply: Reply, data: bytes, send: Send) -> None:
        await self._begin(request, send, reply.status, reply.content_type, _STREAM_HEADERS)
        chunks: Chunks = reply.chunks
        monotonic = time.monotonic
        while data:
            await send({"type": "http.response.body", "body": data, "more_body": True})
            request.half = not data.endswith((b"\n\n", b"\r\n\r\n"))
            if request.said is not None:
                request.said.append(data)
            data = await anext(chunks, b"")
            request.last = monotonic()
        await send({"type": "http.response.body", "body": b""})

    async def _begin(
        self, request: Request, send: Send, status: int, content_type: str, more: list[tuple[bytes, bytes]]
    ) -> None:
        headers = [(b"content-type", content_type.encode("latin-1")), (b"x-request-id", request.id.encode()), *more]
        if request.arm is not None:
            headers += request.arm.headers
        request.sent = True
        await send({"type": "http.response.start", "status": status, "headers": headers})

    # Ends

    async def _fail(self, request: Request, send: Send, error: BackendError) -> None:
        """An error as the answer, or at the end of one that had begun, which is then cut: it must not look whole."""
        request.status = error.status
        with contextlib.suppress(TimeoutError):  # of a client that reads nothing; its connection is closed all the same
            async with asyncio.timeout(_FAIL_SECONDS):
                if not request.sent:
                    data = errors.body(error)
                    headers = [(b"content-length", str(len(data)).encode()), *errors.headers(error)]
                    await self._begin(request, send, error.status, _JSON, headers)
                    await send({"type": "http.response.body", "body": data})
                elif not request.half:  # half an event must not be made whole by what follows: there, the cut tells
                    await send({"type": "http.response.body", "body": errors.event(error), "more_body": True})

    async def _stopped(self, request: Request, send: Send) -> None:
        """Its task was cancelled: the client left, time is up, or the gateway ends."""
        if request.stopped == _LEFT:
            request.status = _CLIENT_LEFT
            return
        if request.task is not None:
            request.task.uncancel()
        limits = self.limits
        if request.stopped == _SLOW:
            error: BackendError = RefusedError(408, f"the body did not arrive within {limits.body_timeout:g} s")
        elif request.stopped == _LATE:
            error = BackendError(504, f"no whole answer within {limits.timeout:g} s", code="timeout")
        elif request.stopped == _STALLED:
            error = BackendError(504, f"nothing came for {limits.chunk_timeout:g} s", code="timeout")
        else:
            error = BackendError(503, "the gateway is stopping", retry_after=1, code="stopping")
        await self._fail(request, send, error)

    def _watch(self, request: Request, receive: Receive) -> None:
        """Begins to watch whether the client is still there."""
        request.watch = self._loop.create_task(_until_gone(request, receive))

    async def _tick(self) -> None:
        """Ends requests whose time is up. One timer for all of them costs nothing a chunk."""
        limits = self.limits
        while True:
            await asyncio.sleep(_TICK)
            now = time.monotonic()
            for request in self._requests:
                if not request.last and now - request.begun > limits.body_timeout:
                    request.stop(_SLOW)
                elif now - request.begun > limits.timeout:
                    request.stop(_LATE)
                elif request.sent and now - request.last > limits.chunk_timeout:
                    request.stop(_STALLED)

    def _ended(self, request: Request) -> None:
        now = time.monotonic()
        arm = request.arm
        if arm is None:
            self.metrics.refused[request.status] += 1
        else:
            arm.tally.ended(
                request.status, now, request.begun, request.first, request.prompt_tokens, request.completion_tokens
            )
        if self.log is not None:
            self.log.add(request.line(now, self.log.time(time.time())))


async def _until_gone(request: Request, receive: Receive) -> None:
    """Waits for the client to leave, and ends its request."""
    while (await receive())["type"] != "http.disconnect":
        pass
    request.stop(_LEFT)
