"""An OpenAI-compatible server for tests and benchmarks: quick, and as slow, broken or dead as it is told to be.

Every token of an answer names the model that was asked, so that an answer of two models would show. Runs in a thread of
its own (`Upstream()` as a context manager) or as a process: `python upstreams.py PORT`.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Self

import httptools
import uvloop

JSON, EVENTS = "application/json", "text/event-stream"


class Upstream:
    """What is told to it, and what it saw. Attributes may change while it runs."""

    def __init__(self, port: int = 0) -> None:
        self.port = port
        self.tokens = 5
        self.delay = 0.0  # seconds before an answer's first bytes
        self.token_delay = 0.0
        self.padding = 0  # more bytes per token
        self.script: deque[tuple[int, dict[str, str], bytes]] = deque()  # statuses, headers, bodies of the next answers
        self.raw: bytes | None = None  # what is answered instead of HTTP made here; then the connection closes
        self.cut_after: int | None = None  # tokens after which the connection closes
        self.close_each = False  # the connection closes after an answer, without having said so
        self.untold = False  # neither length nor chunks: the close is the end
        self.usage = True
        self.requests: list[dict[str, Any]] = []
        self.heads: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.keep = True  # the lists above
        self.going_on = self.most_at_once = self.cancelled = self.connections = self.sent = 0
        self.loop: asyncio.AbstractEventLoop
        self.server: asyncio.Server | None = None
        self.open: set[_Connection] = set()
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def listen(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.server = await self.loop.create_server(lambda: _Connection(self), "127.0.0.1", self.port, backlog=2048)
        self.port = self.server.sockets[0].getsockname()[1]

    def __enter__(self) -> Self:
        started = threading.Event()
        self._stop: Callable[[], object] = lambda: None

        async def run() -> None:
            await self.listen()
            ended = asyncio.Event()
            self._stop = lambda: self.loop.call_soon_threadsafe(ended.set)
            started.set()
            await ended.wait()
            assert self.server is not None
            self.server.close()
            for connection in list(self.open):
                connection.transport.abort()
            await asyncio.sleep(0.01)

        def main() -> None:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(run())

        self._thread = threading.Thread(target=main, daemon=True)
        self._thread.start()
        assert started.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
        if self._thread is not None:
            self._thread.join(10)

    def drop_idle(self) -> None:
        """Closes connections that wait for a request, as servers do after a while."""
        done = threading.Event()

        def drop() -> None:
            for connection in list(self.open):
                if connection.task is None:
                    connection.transport.close()
            done.set()

        self.loop.call_soon_threadsafe(drop)
        assert done.wait(5)


class _Connection(asyncio.Protocol):
    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self.parser = httptools.HttpRequestParser(self)
        self.transport: asyncio.Transport
        self.task: asyncio.Task[None] | None = None
        self.body = bytearray()
        self.head: dict[str, str] = {}
        self.path = ""
        self.writable = asyncio.Event()
        self.writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        self.upstream.connections += 1
        self.upstream.open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self.upstream.open.discard(self)
        self.writable.set()
        if self.task is not None:
            self.upstream.cancelled += 1
            self.task.cancel()

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self.path = url.decode()

    def on_header(self, name: bytes, value: bytes) -> None:
        self.head[name.decode().lower()] = value.decode()

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        if not self.body:  # a GET: some gateways look what models there are
            self._write(404, {"content-type": JSON}, b"{}")
            return
        asked = json.loads(self.body)
        if self.upstream.keep:
            self.upstream.requests.append(asked)
            self.upstream.heads.append(self.head)
            self.upstream.paths.append(self.path)
        self.body, self.head = bytearray(), {}
        upstream = self.upstream
        if not upstream.delay and not asked.get("stream") and not upstream.script and upstream.raw is None:
            self._whole(asked)  # no task: the quickest that a server can be
            return
        self.task = asyncio.get_running_loop().create_task(self._answer(asked))

    async def _answer(self, asked: dict[str, Any]) -> None:
        upstream = self.upstream
        upstream.going_on += 1
        upstream.most_at_once = max(upstream.most_at_once, upstream.going_on)
        try:
            if upstream.delay:
                await asyncio.sleep(upstream.delay)
            if upstream.raw is not None:
                self.task = None
                self.transport.write(upstream.raw)
                self.transport.close()
            elif upstream.script:
                status, headers, body = upstream.script.popleft()
                self.task = None
                self._write(status, {"content-type": JSON, **headers}, body)
            elif asked.get("stream"):
                await self._stream(asked)
            else:
                self._whole(asked)
        finally:
            self.task = None
            upstream.going_on -= 1

    def _write(self, status: int, headers: dict[str, str], body: bytes) -> None:
        told = {} if self.upstream.untold else {"content-length": str(len(body))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in {**headers, **told}.items())
        self.transport.write(f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode() + body)
        if self.upstream.close_each or self.upstream.untold:
            self.transport.close()

    def _whole(self, asked: dict[str, Any]) -> None:
        model, tokens = asked["model"], self.upstream.tokens
        text = f"{model} " * tokens
        usage = {"prompt_tokens": 7, "completion_tokens": tokens, "total_tokens": 7 + tokens}
        kind = "text_completion" if self.path.endswith("/completions") and "prompt" in asked else "chat.completion"
        choice: dict[str, Any] = {"index": 0, "finish_reason": "stop", "text": text}
        if "messages" in asked:
            choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        answer = {"id": "x", "object": kind, "created": 1, "model": model, "choices": [choice], "usage": usage}
        if "input" in asked:
            answer = {"object": "list", "model": model, "data": [{"index": 0, "label": model, "probs": [1.0]}]}
        body = json.dumps(answer).encode()
        if self.upstream.cut_after is not None:
            head = f"HTTP/1.1 200 OK\r\ncontent-type: {JSON}\r\ncontent-length: {len(body)}\r\n\r\n"
            self.transport.write(head.encode() + body[: len(body) // 2])
            self.transport.close()
            return
        self._write(200, {"content-type": JSON}, body)

    async def _stream(self, asked: dict[str, Any]) -> None:
        upstream, untold = self.upstream, self.upstream.untold
        how = "" if untold else "transfer-encoding: chunked\r\n"
        self.transport.write(f"HTTP/1.1 200 OK\r\ncontent-type: {EVENTS}; charset=utf-8\r\n{how}\r\n".encode())
        base = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": asked["model"]}
        for number in range(upstream.tokens):
            if number == upstream.cut_after:
                self.task = None
                self.transport.close()
                return
            delta = {"content": asked["model"] + " " + "." * upstream.padding}
            choice: dict[str, Any] = {"index": 0, "delta": delta, "finish_reason": None}
            if "prompt" in asked:
                choice = {"index": 0, "text": asked["model"] + " ", "finish_reason": None}
            await self._event(json.dumps({**base, "choices": [choice]}), untold=untold)
            if upstream.token_delay:
                await asyncio.sleep(upstream.token_delay)
        if upstream.usage:
            usage = {"prompt_tokens": 7, "completion_tokens": upstream.tokens, "total_tokens": 7 + upstream.tokens}
            await self._event(json.dumps({**base, "choices": [], "usage": usage}), untold=untold)
        await self._event("[DONE]", untold=untold)
        self.task = None
        if untold:
            self.transport.close()
        else:
            self.transport.write(b"0\r\n\r\n")

    async def _event(self, data: str, *, untold: bool) -> None:
        event = f"data: {data}\n\n".encode()
        self.upstream.sent += len(event)
        await self.writable.wait()
        self.transport.write(event if untold else b"%x\r\n%s\r\n" % (len(event), event))


async def _main(port: int) -> None:
    upstream = Upstream(port)
    upstream.keep = False
    await upstream.listen()
    print(upstream.port, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as _runner:
        _runner.run(_main(int(sys.argv[1])))
