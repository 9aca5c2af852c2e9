"""The server under the gateway: uvicorn with bounded connections, and with what signals mean to a service.

Knows sockets and signals; knows nothing of requests' meaning. SIGTERM and SIGINT end it with exit code 0 once its answers
have ended; SIGHUP opens the access log anew, as after its rotation.
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

from adaptline.deploy.connection import Connection
from adaptline.deploy.gateway import Gateway

KEEP_ALIVE_SECONDS = 75  # nginx's; longer than clients keep theirs, so that they close first


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
                http=Connection,
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
        with self._rotated():
            try:
                await self.gateway.start()
                sweeping = asyncio.create_task(self._sweep())
                try:
                    await self.serve(sockets=[listener])
                finally:
                    sweeping.cancel()
                    await asyncio.gather(sweeping, return_exceptions=True)
            finally:
                await self.gateway.close()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn does, then says so."""
        await super().startup(sockets)
        if self.when_started is not None:
            self.when_started()

    async def _sweep(self) -> None:
        """Ends what clients leave unfinished."""
        limits = self.gateway.limits
        while True:
            await asyncio.sleep(min(1.0, limits.header_timeout / 2, limits.chunk_timeout / 2))
            now = time.monotonic()
            for connection in list(self.server_state.connections):
                if isinstance(connection, Connection):
                    connection.sweep(now, limits)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn does, but the signal is not raised again: an end in good order is one."""
        with contextlib.ExitStack() as stack:
            for number in (signal.SIGINT, signal.SIGTERM):
                with contextlib.suppress(ValueError):  # not in the main thread: a test
                    stack.callback(signal.signal, number, signal.signal(number, self.handle_exit))
            yield

    @contextlib.contextmanager
    def _rotated(self) -> Iterator[None]:
        """SIGHUP opens the file of the log anew. Without one it does what it does to any process: ends it."""
        log = self.gateway.log
        with contextlib.ExitStack() as stack:
            if log is not None and log.path is not None:
                with contextlib.suppress(ValueError):  # not in the main thread: a test
                    stack.callback(signal.signal, signal.SIGHUP, signal.signal(signal.SIGHUP, lambda *_: log.reopen()))
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
