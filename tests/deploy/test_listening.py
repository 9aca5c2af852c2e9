"""What the server under the gateway bounds."""

from __future__ import annotations

import socket
import time

from production import Running


def test_headers_after_a_body_have_a_bound_too(gateway: Running) -> None:
    """Trailers of a chunked body, also after the answer is there, as it is where a request is refused."""
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as client:
        client.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
            b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
        )
        sent, until = 0, time.monotonic() + 10
        try:
            while time.monotonic() < until and sent < 4_000_000:
                sent += client.send(b"x-more: " + b"a" * 1000 + b"\r\n")
        except (ConnectionResetError, BrokenPipeError):
            pass
        assert sent < 4_000_000
