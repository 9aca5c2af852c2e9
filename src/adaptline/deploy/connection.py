"""One client's connection: uvicorn's, with a bound on everything that a client can leave unfinished.

Knows bytes, HTTP and time. Knows nothing of requests' meaning. What never ends by itself is ended by `sweep`, which the
server calls about every second: headers, the rest of a body that was answered already, an answer that nobody reads.
"""

from __future__ import annotations

import time
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from adaptline.deploy import errors
from adaptline.deploy.calls import BackendError
from adaptline.deploy.limits import Limits

HEAD_LIMIT = 64 * 1024  # bytes of a request's line and headers
CONNECTIONS = 8192
PIPELINED = 32  # requests that wait behind the one that is answered
LINGER_SECONDS = 2.0  # for the rest of a body whose answer is out: closed at once, the answer might not be read
_PHRASES = {400: b"Bad Request", 431: b"Request Header Fields Too Large", 503: b"Service Unavailable"}
_UPGRADE_HEADERS = {b"upgrade", b"http2-settings"}


class Connection(HttpToolsProtocol):
    """uvicorn's protocol with bounds."""

    begun_at = 0.0  # when the headers that have not ended yet began; 0 between requests
    answered_at = 0.0  # when the answer to a request that still arrives was whole; 0 where none is
    arriving = False  # whether a request's body has not ended
    header_bytes = 0  # of one request, before its body and after it
    silent_bytes = 0  # that told nothing yet: an endless line is held by the parser, and nobody hears of it
    told = False  # whether the parser told anything of the bytes at hand
    overlong = False  # whether the request at hand has more headers than it may
    full = False  # whether more requests wait than may; what follows is not read
    unread, unread_since = 0, 0.0  # bytes that the client had left unread at the last sweep, and since when so many
    closing_since = 0.0
    running: RequestResponseCycle | None = None  # the request that is answered

    # What arrives

    def connection_made(self, transport: Any) -> None:
        """A client has connected; one too many is told so."""
        super().connection_made(transport)
        self.begun_at = time.monotonic()
        if len(self.connections) > CONNECTIONS:
            self._refuse(503, "too many connections")

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone: so have all of its requests, not only the one that came last."""
        for cycle in (self.running, *(cycle for cycle, _ in self.pipeline)):
            if cycle is not None and not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()
        self.pipeline.clear()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes of a request."""
        if self.parser is None or self.transport.is_closing() or self.full:
            return
        self._unset_keepalive_if_required()
        self.told = False
        self._feed(data)
        if self.transport.is_closing():
            return
        self.silent_bytes = 0 if self.told else self.silent_bytes + len(data)
        if self.silent_bytes > HEAD_LIMIT:
            self._refuse_headers()
        elif not self.begun_at and not self.arriving and self._idle:
            # A line end after an answer, say, which the parser skips: a request must follow, or the connection ends.
            self.begun_at = time.monotonic()

    def _feed(self, data: bytes) -> None:
        while not self.transport.is_closing():
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as stopped:
                if self.parser.get_method() == b"CONNECT":
                    self._refuse(400, "this is no proxy")
                elif self.overlong:
                    self._refuse_headers()
                else:
                    # Offered HTTP/2, the parser takes what follows for that. Nobody has to accept (RFC 9110, 7.8).
                    head = self._without_upgrade()
                    self.parser = _parser(self)
                    data = head + data[stopped.args[0] :]
            except httptools.HttpParserError:
                self._refuse(400, "Invalid HTTP request received.")
            else:
                if self.overlong:
                    self._refuse_headers()
                return

    def _without_upgrade(self) -> bytes:
        """The head of the request at hand as if it had offered no other protocol."""
        lines = [b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())]
        for name, value in self.headers:
            if name == b"connection":
                kept = [word for word in value.split(b",") if word.strip().lower() not in _UPGRADE_HEADERS]
                lines.append(name + b": " + b",".join(kept))
            elif name not in _UPGRADE_HEADERS:
                lines.append(name + b": " + value)
        return b"\r\n".join(lines) + b"\r\n\r\n"

    # What the parser tells

    def on_message_begin(self) -> None:
        """A request begins."""
        self.told = True
        self.begun_at, self.header_bytes = time.monotonic(), 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A part of its address."""
        self.header_bytes += len(url)
        if self.header_bytes > HEAD_LIMIT:
            self.overlong = True
        else:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header, also one that follows a body: those have a bound too, whoever sends them."""
        self.told = True
        self.header_bytes += len(name) + len(value)
        if self.header_bytes > HEAD_LIMIT:
            self.overlong = True
        else:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Its headers have ended."""
        self.told = True
        if self.overlong or self.full or self.parser.should_upgrade():
            return  # without the offer of another protocol, they come again
        self.begun_at = self.answered_at = 0.0
        self.arriving = True
        super().on_headers_complete()
        if len(self.pipeline) >= PIPELINED:
            self.full = True
            self.pipeline[0][0].keep_alive = False  # the last of them; its answer ends the connection

    def on_body(self, body: bytes) -> None:
        """A part of its body."""
        self.told = True
        if not self._skipped:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Its body has ended."""
        self.told = True
        if not self._skipped:
            self.arriving, self.answered_at = False, 0.0
            super().on_message_complete()

    @property
    def _skipped(self) -> bool:
        """Whether what the parser tells is of no request that is answered."""
        return self.overlong or self.parser.should_upgrade() or (self.full and not self.arriving)

    # What is answered

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self.running = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        """Its answer is whole."""
        if self.arriving and self.cycle.response_complete:
            self.answered_at = time.monotonic()
        if self.begun_at:
            self.begun_at = time.monotonic()  # half a head that came meanwhile: from now on the rest is waited for
        super().on_response_complete()

    @property
    def _idle(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def sweep(self, now: float, limits: Limits) -> None:
        """Ends what would never end by itself. `now` is monotonic, in seconds."""
        late = self.begun_at and self._idle and now - self.begun_at > limits.header_timeout
        if late or (self.answered_at and now - self.answered_at > LINGER_SECONDS):
            self.transport.close()
        unread = self.transport.get_write_buffer_size()
        if not unread or unread != self.unread:
            self.unread, self.unread_since = unread, now
        elif now - self.unread_since > limits.chunk_timeout:
            self.transport.abort()
        if self.transport.is_closing():
            self.closing_since = self.closing_since or now
            if now - self.closing_since > limits.chunk_timeout:
                self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        """What is not HTTP."""
        self._refuse(400, msg)

    def _refuse_headers(self) -> None:
        self._refuse(431, f"the headers are larger than {HEAD_LIMIT:,} bytes")

    def _refuse(self, status: int, message: str) -> None:
        """The connection's end, with an answer where it cannot be taken for a part of another."""
        if self.pipeline or (self.arriving if self._idle else self.cycle.response_started):
            self.transport.abort()
            return
        if not self._idle:  # it is this request's own answer
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        data = errors.body(BackendError(status, message))
        head = b"HTTP/1.1 %d %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
        self.transport.write(head % (status, _PHRASES[status], len(data)) + data)
        self.transport.close()


def _parser(protocol: Connection) -> httptools.HttpRequestParser:
    """A parser as uvicorn makes it: with `connection: close`, bytes behind the request are passed over."""
    parser = httptools.HttpRequestParser(protocol)
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser
