"""One client's connection: uvicorn's, with a bound on everything that a client can leave unfinished.

Knows bytes, HTTP and time. Knows nothing of requests' meaning. What never ends by itself is ended by `sweep`, which the
server calls about every second: headers, the rest of a body that was answered already, an answer that nobody reads.
"""

from __future__ import annotations

import time
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from adaptline.deploy import errors
from adaptline.deploy.calls import BackendError
from adaptline.deploy.limits import Limits

HEAD_LIMIT = 64 * 1024  # bytes of a request's line and headers
CONNECTIONS = 8192
LINGER_SECONDS = 2.0  # for the rest of a body whose answer is out: closed at once, the answer might not be read
_PHRASES = {400: b"Bad Request", 431: b"Request Header Fields Too Large", 503: b"Service Unavailable"}
_UPGRADE_HEADERS = {b"upgrade", b"http2-settings"}


class Connection(HttpToolsProtocol):
    """uvicorn's protocol with bounds."""

    begun_at = 0.0  # when the headers that have not ended yet began; 0 between requests
    answered_at = 0.0  # when the answer to a request that still arrives was whole; 0 where none is
    arriving = False  # whether a request's body has not ended
    head_bytes = 0
    header_bytes = 0  # of one request, before its body and after it
    unread, unread_since = 0, 0.0  # bytes that the client had left unread at the last sweep, and since when so many
    closing_since = 0.0

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
        self._unset_keepalive_if_required()
        self._feed(data)
        if self.transport.is_closing():
            return
        if self.begun_at:
            self.head_bytes += len(data)
            if self.head_bytes > HEAD_LIMIT:
                self._refuse(431, f"the headers are larger than {HEAD_LIMIT:,} bytes")
        elif self.cycle.response_complete and not self.arriving:
            # A line end after an answer, say, which the parser skips: a request must follow, or the connection ends.
            self.begun_at, self.head_bytes = time.monotonic(), 0

    def _feed(self, data: bytes) -> None:
        while True:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as stopped:
                if self.parser.get_method() == b"CONNECT":
                    self._refuse(400, "this is no proxy")
                    return
                # Offered HTTP/2, the parser takes what follows for that. Nobody has to accept an offer (RFC 9110, 7.8).
                head = self._without_upgrade()
                self.parser = httptools.HttpRequestParser(self)
                data = head + data[stopped.args[0] :]
            except httptools.HttpParserError:
                self._refuse(400, "Invalid HTTP request received.")
                return
            else:
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
        if self.parser.should_upgrade():
            return  # they come again, without the offer
        self.begun_at = self.answered_at = 0.0
        self.arriving = True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Its body has ended."""
        if self.parser.should_upgrade():
            return
        self.arriving, self.answered_at = False, 0.0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Its answer is whole."""
        if self.arriving and self.cycle.response_complete:
            self.answered_at = time.monotonic()
        super().on_response_complete()

    def sweep(self, now: float, limits: Limits) -> None:
        """Ends what would never end by itself. `now` is monotonic, in seconds."""
        late = self.begun_at and now - self.begun_at > limits.header_timeout
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

    def _refuse(self, status: int, message: str) -> None:
        data = errors.body(BackendError(status, message))
        head = b"HTTP/1.1 %d %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
        self.transport.write(head % (status, _PHRASES[status], len(data)) + data)
        self.transport.close()
