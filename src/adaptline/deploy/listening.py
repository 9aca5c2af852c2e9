"""The server under the gateway: uvicorn with what it leaves out. Knows connections; knows nothing of requests' meaning.

Adds a bound of the time and the size of a request's headers, a bound of connections, errors of HTTP in OpenAI's shape, and
an end on SIGTERM that leaves with exit code 0.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from adaptline.deploy import errors
from adaptline.deploy.calls import BackendError
from adaptline.deploy.gateway import Gateway

HEAD_LIMIT = 64 * 1024  # bytes of a request's line and headers
CONNECTIONS = 8192
KEEP_ALIVE_SECONDS = 75  # nginx's; longer than clients keep theirs, so that they close first
_PHRASES = {400: b"Bad Request", 431: b"Request Header Fields Too Large", 503: b"Service Unavailable"}


class Protocol(HttpToolsProtocol):
    """uvicorn's connection, with bounds while headers arrive."""

    begun_at = 0.0  # when the headers that have not ended yet began; 0 between requests
    head_bytes = 0
    header_bytes = 0  # of one request, before its body and after it

    def connection_made(self, transport: Any) -> None:
        """A client has connected; one too many is told so."""
        super().connection_made(transport)
        self.begun_at = time.monotonic()
        if len(self.connections) > CONNECTIONS:
            self._refuse(503, "too many connections")

    def data_received(self, data: bytes) -> None:
        """Bytes of a request."""
        if self.parser is None or self.transport.is_closing():
            return
        super().data_received(data)
        if self.begun_at:
            self.head_bytes += len(data)
            if self.head_bytes > HEAD_LIMIT and not self.transport.is_closing():
                self._refuse(431, f"the headers are larger than {HEAD_LIMIT:,} bytes")

    def on_message_begin(self) -> None:
        """A request begins."""
        self.begun_at = time.monotonic()
        self.head_bytes = self.header_bytes = 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header, also one that follows a body: those have a bound too, whoever sends them."""
        self.header_bytes += len(name) + len(value)
        if self.header_bytes > HEAD_LIMIT:
            if not self.begun_at:
                self.transport.abort()
            return
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Its headers have ended."""
        self.begun_at = 0.0
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """What is not HTTP."""
        self._refuse(400, msg)

    def _refuse(self, status: int, message: str) -> None:
        data = errors.body(BackendError(status, message))
        head = b"HTTP/1.1 %d %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
        self.transport.write(head % (status, _PHRASES[status], len(data)) + data)
        self.transport.close()


class Server(uvicorn.Server):
    """Serves a gateway until it is told to stop: SIGTERM or SIGINT, then grace for what goes on; a second one ends it."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.when_started: Callable[[], None] | None = None
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # what it would say, the gateway says
        super().__init__(
            uvicorn.Config(
                gateway,
                loop="uvloop",
                http=Protocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                date_header=False,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=max(1, round(gateway.limits.grace)),
            )
        )

    async def serve_on(self, listener: socket.socket) -> None:
        """Starts the gateway, serves, and closes it."""
        await self.gateway.start()
        sweeping = asyncio.create_task(self._sweep())
        try:
            await self.serve(sockets=[listener])
        finally:
            sweeping.cancel()
            await asyncio.gather(sweeping, return_exceptions=True)
            await self.gateway.close()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn does, then says so."""
        await super().startup(sockets)
        if self.when_started is not None:
            self.when_started()

    async def _sweep(self) -> None:
        """Closes connections whose headers do not end."""
        seconds = self.gateway.limits.header_timeout
        while True:
            await asyncio.sleep(min(1.0, seconds / 2))
            late = time.monotonic() - seconds
            for connection in list(self.server_state.connections):
                if isinstance(connection, Protocol) and 0 < connection.begun_at < late:
                    connection.transport.close()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn does, but the signal is not raised again: an end in good order is one."""
        with contextlib.ExitStack() as stack:
            for number in (signal.SIGINT, signal.SIGTERM):
                with contextlib.suppress(ValueError):  # not in the main thread: a test
                    stack.callback(signal.signal, number, signal.signal(number, self.handle_exit))
            yield

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Stops; at once when told again."""
        self.force_exit = self.should_exit
        super().handle_exit(sig, frame)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises OSError."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except BaseException:
        listener.close()
        raise
    listener.setblocking(False)
    return listener
