"""A small HTTP/1.1 client for one upstream: a pool of connections, answers as they arrive.

Knows bytes, connections and HTTP's grammar (httptools, as the server does). Knows nothing of models, retries or JSON.
It is strict: an answer that breaks off is an error and never an end, and what arrives unasked closes the connection.
Reading stops while nobody takes what has arrived, so a slow client costs a bounded buffer.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

import httptools

from adaptline.errors import UserError

HEAD_LIMIT = 64 * 1024  # bytes of status line and headers
BUFFER = 256 * 1024  # bytes of a stream that wait for the client before reading pauses
WHOLE_LIMIT = 64 * 1024 * 1024  # bytes of a whole answer
IDLE_SECONDS = 30.0  # an unused connection is closed after this
_FIRST_FINAL, _SWITCHING = 200, 101
_BODILESS = (204, 304)


class UpstreamError(Exception):
    """No answer, or no more of it. `stale`: a kept connection was closed before anything arrived; ask another."""

    def __init__(self, message: str, *, connected: bool = True, stale: bool = False) -> None:
        super().__init__(message)
        self.connected, self.stale = connected, stale


@dataclass(frozen=True)
class Place:
    """Where an upstream is. `path` is the base path without a slash at its end."""

    host: str
    port: int
    secure: bool
    path: str

    @property
    def host_header(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"


def place_of(url: str) -> Place:
    """The place that a base URL names. Raises UserError."""
    do = "An OpenAI-compatible base URL: http://127.0.0.1:8001/v1"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UserError(f"not a URL: {url!r}", do=do) from error
    plain = url.isascii() and url.isprintable() and " " not in url
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or not plain:
        raise UserError(f"not a base URL: {url!r}", do=do)
    if parts.username or parts.password:
        raise UserError("a base URL must not hold a password", do="Give the key with --upstream-key env:NAME.")
    secure = parts.scheme == "https"
    return Place(parts.hostname, port or (443 if secure else 80), secure, parts.path.rstrip("/"))


class Connection(asyncio.Protocol):
    """One connection and the answer that it carries now."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.loop = pool.loop
        self.transport: asyncio.Transport
        self.parser = httptools.HttpResponseParser(self)
        self.closed = False
        self.idle_since = 0.0
        self.asked = False  # whether an answer is expected or going on
        self.paused = False
        self._waiter: asyncio.Future[None] | None = None
        self._begin(streaming=False)

    def _begin(self, *, streaming: bool) -> None:
        self.streaming = streaming
        self.status = 0
        self.content_type = ""
        self.retry_after = ""
        self.heard = False  # anything of this answer
        self.headed = False  # its headers
        self.done = False  # all of it
        self.ends_with_connection = False
        self.error: UpstreamError | None = None
        self._head_bytes = 0
        self._has_length = False
        self._pieces: list[bytes] = []
        self._buffered = 0

    # What the pool and the reader call

    async def ask(self, request: bytes, *, streaming: bool) -> None:
        """Sends a request and waits for the headers of its answer (all of it, unless streaming). Raises UpstreamError."""
        self._begin(streaming=streaming)
        self.asked = True
        self.transport.write(request)
        try:
            while not (self.done or self.error or (self.headed and streaming)):
                await self._wait()
        except asyncio.CancelledError:
            self.abort()
            raise
        if self.error and not self.headed:
            raise self.error

    async def read(self) -> bytes:
        """What has arrived since the last call; b"" at the answer's end. Raises UpstreamError where it broke off."""
        while not self._pieces:
            if self.error:
                raise self.error
            if self.done:
                return b""
            await self._wait()
        data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces = []
        self._buffered = 0
        if self.paused:
            self.paused = False
            if not self.closed:
                self.transport.resume_reading()
        return data

    async def whole(self) -> bytes:
        """All of the answer. Raises UpstreamError where it breaks off or is longer than WHOLE_LIMIT."""
        data = await self.read()
        if self.done:
            return data + b"".join(self._pieces)
        pieces = [data]
        while data := await self.read():
            pieces.append(data)
            if sum(map(len, pieces)) > WHOLE_LIMIT:
                raise UpstreamError("the upstream's answer is too long")
        return b"".join(pieces)

    def finish(self) -> None:
        """Gives the connection back if its answer has ended well, and closes it otherwise. May be called twice."""
        if not self.asked:
            return
        if self.done and not self.closed and not self.ends_with_connection and not self.error:
            self.asked = False
            self._pieces = []
            if self.paused:
                self.paused = False
                self.transport.resume_reading()
            self.pool.keep(self)
        else:
            self.abort()

    def abort(self) -> None:
        """Closes at once; the upstream sees it as a client that went away."""
        self.asked = False
        if not self.closed:
            self.closed = True
            self.transport.abort()

    async def _wait(self) -> None:
        self._waiter = self.loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, message: str, *, stale: bool = False) -> None:
        if self.error is None and not self.done:
            self.error = UpstreamError(message, stale=stale)
        if not self.closed:
            self.closed = True
            self.transport.abort()
        self._wake()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """Bytes of the answer."""
        if not self.asked or self.done:
            self.pool.forget(self)
            self.ends_with_connection = True  # what nobody asked for: of no further use
            if not self.asked:
                self.abort()
            return
        self.heard = True
        try:
            self.parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail("the upstream's answer is not HTTP")
            return
        if not self.headed:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_LIMIT:
                self._fail("the headers of the upstream's answer are too long")
            return
        if self.done or self.streaming:
            self._wake()

    def eof_received(self) -> bool:
        """Half-closed by the upstream; nothing more will come."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Closed by either side."""
        self.closed = True
        self.pool.forget(self)
        if not self.asked or self.done:
            return
        if self.ends_with_connection and not self._has_length and self.headed and exc is None and not self.error:
            self.done = True  # its length was not told: the close is its end (RFC 9112, 6.3)
            self._wake()
        else:
            self._fail("the upstream closed the connection before its answer was whole", stale=not self.heard)

    # httptools

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header; only those that matter are kept."""
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > HEAD_LIMIT:
            raise ValueError("headers too long")  # a parser error: httptools wraps it
        lowered = name.lower()
        if lowered == b"content-type":
            self.content_type = value.decode("latin-1")
        elif lowered in (b"content-length", b"transfer-encoding"):
            self._has_length = True
        elif lowered == b"retry-after":
            self.retry_after = value.decode("latin-1")
        elif lowered == b"content-encoding" and value.lower() != b"identity":
            raise ValueError("an encoding that was not asked for")

    def on_headers_complete(self) -> None:
        """Status and headers are there."""
        self.status = self.parser.get_status_code()
        if self.status == _SWITCHING:
            raise ValueError("switches protocols unasked")
        if self.status >= _FIRST_FINAL:
            self.headed = True
            self.ends_with_connection = not self.parser.should_keep_alive()
            self._has_length = self._has_length or self.status in _BODILESS

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._pieces.append(body)
        self._buffered += len(body)
        if self.streaming and self._buffered > BUFFER and not self.paused:
            self.paused = True
            self.transport.pause_reading()
        elif self._buffered > WHOLE_LIMIT:
            raise ValueError("too long an answer")

    def on_message_complete(self) -> None:
        """The end of the answer, or of an interim one (1xx)."""
        if self.status >= _FIRST_FINAL:
            if self.done:
                self.ends_with_connection = True
            self.done = True


class Pool:
    """Connections to one place. `post` asks on a kept one, or on a new one."""

    def __init__(self, place: Place, *, connect_timeout: float = 5.0, most_idle: int = 512) -> None:
        self.place = place
        self.connect_timeout, self.most_idle = connect_timeout, most_idle
        self.loop: asyncio.AbstractEventLoop
        self.idle: list[Connection] = []
        self.opened = 0  # connections ever made
        self._tls = ssl.create_default_context() if place.secure else None

    def start(self) -> None:
        """Binds the pool to the running loop."""
        self.loop = asyncio.get_running_loop()

    def close(self) -> None:
        """Closes what is idle; answers that go on are their readers' to end."""
        for connection in self.idle[:]:
            connection.abort()
        self.idle.clear()

    async def post(self, request: bytes, *, streaming: bool) -> Connection:
        """Sends a request and returns the connection once its answer has begun. The caller calls `finish` on it.

        A kept connection that the upstream closed meanwhile is replaced by a new one, once: nothing was answered.
        Raises UpstreamError.
        """
        connection = self._kept()
        if connection is not None:
            try:
                await connection.ask(request, streaming=streaming)
            except UpstreamError as error:
                if not error.stale:
                    raise
            else:
                return connection
        connection = await self._connect()
        await connection.ask(request, streaming=streaming)
        return connection

    def keep(self, connection: Connection) -> None:
        """Takes a connection whose answer has ended."""
        now = connection.idle_since = self.loop.time()
        self.idle.append(connection)
        while len(self.idle) > self.most_idle or self.idle[0].idle_since < now - IDLE_SECONDS:
            self.idle.pop(0).abort()

    def forget(self, connection: Connection) -> None:
        """A connection has closed."""
        with contextlib.suppress(ValueError):
            self.idle.remove(connection)

    def _kept(self) -> Connection | None:
        while self.idle:
            connection = self.idle.pop()
            if not connection.closed and not connection.transport.is_closing():
                return connection
        return None

    async def _connect(self) -> Connection:
        place = self.place
        try:
            async with asyncio.timeout(self.connect_timeout):
                _, connection = await self.loop.create_connection(
                    lambda: Connection(self), place.host, place.port, ssl=self._tls
                )
        except TimeoutError as error:
            raise UpstreamError("the upstream does not take connections in time", connected=False) from error
        except (OSError, ssl.SSLError) as error:
            raise UpstreamError("the upstream cannot be reached", connected=False) from error
        self.opened += 1
        return connection
