"""What a client leaves unfinished ends: no connection, slot or memory stays behind."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Iterator

import load
import pytest
from production import Running, running
from upstreams import Upstream

from adaptline.core.store import Store
from adaptline.deploy import connection
from adaptline.deploy.backends import openai as backend
from adaptline.deploy.limits import Limits

ASKED = {"model": "support", "messages": [{"role": "user", "content": "hello"}]}
CHAT = b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
BODY = json.dumps(ASKED).encode()
SHORT = Limits(header_timeout=0.4, chunk_timeout=0.6, timeout=30)


@pytest.fixture
def strict(opened: Store, upstream: Upstream) -> Iterator[Running]:
    with running(opened, backend.open(opened, upstream=upstream.url), limits=SHORT) as found:
        yield found


@contextlib.contextmanager
def connected(gateway: Running, *, small: bool = False) -> Iterator[socket.socket]:
    """A client; `small` takes in hardly anything that it does not read."""
    with socket.socket() as client:
        if small:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(20)
        client.connect(("127.0.0.1", gateway.port))
        yield client


def rest(client: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := client.recv(65536):
            found += piece
    return found


def until_nobody_is_left(gateway: Running) -> None:
    end = time.monotonic() + 20
    while gateway.server.server_state.connections:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_headers_after_a_body_have_a_bound_too(gateway: Running) -> None:
    """Trailers of a chunked body, also after the answer is there, as it is where a request is refused."""
    with connected(gateway) as client:
        client.sendall(CHAT + b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n")
        sent, until = 0, time.monotonic() + 10
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            while time.monotonic() < until and sent < 4_000_000:
                sent += client.send(b"x-more: " + b"a" * 1000 + b"\r\n")
        assert sent < 4_000_000


def test_a_line_end_after_an_answer_starts_the_time_of_headers(strict: Running) -> None:
    with connected(strict) as client:
        client.sendall(load.request("/v1/chat/completions", ASKED))
        assert client.recv(65536).startswith(b"HTTP/1.1 200")
        client.sendall(b"\r\n")
        rest(client)  # it ends: the test has no other end


def test_the_rest_of_a_body_that_was_answered_is_not_waited_for(strict: Running) -> None:
    with connected(strict) as client:
        client.sendall(CHAT + b"content-length: 9000000\r\n\r\n{")
        began = time.monotonic()
        assert rest(client).startswith(b"HTTP/1.1 413")
        assert time.monotonic() - began > connection.LINGER_SECONDS / 2  # not at once: the answer must be read


def test_a_stream_that_nobody_reads_is_let_go(strict: Running, upstream: Upstream) -> None:
    upstream.tokens, upstream.padding = 5000, 10_000  # 50 MB
    with connected(strict, small=True) as client:
        client.sendall(load.request("/v1/chat/completions", {**ASKED, "stream": True}))
        until_nobody_is_left(strict)
    assert strict.gateway.slots.busy == 0


def test_an_answer_that_nobody_reads_is_let_go(strict: Running, upstream: Upstream) -> None:
    upstream.script.append((200, {}, json.dumps({"choices": [], "said": "x" * 5_000_000}).encode()))
    with connected(strict, small=True) as client:
        client.sendall(load.request("/v1/chat/completions", ASKED))
        until_nobody_is_left(strict)


def test_who_reads_slowly_gets_all(strict: Running, upstream: Upstream) -> None:
    upstream.tokens, upstream.padding = 50, 10_000
    with connected(strict, small=True) as client:
        client.sendall(load.request("/v1/chat/completions", {**ASKED, "stream": True}))
        found, began = b"", time.monotonic()
        while not found.endswith(b"0\r\n\r\n"):
            piece = client.recv(20_000)
            assert piece, found[-200:]
            found += piece
            time.sleep(0.02)
    assert time.monotonic() - began > SHORT.chunk_timeout
    assert b"data: [DONE]" in found


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("chunked", [False, True])
def test_an_offer_of_another_protocol_is_not_taken(gateway: Running, *, apart: bool, chunked: bool) -> None:
    """Java's client offers HTTP/2 with its first request."""
    offer = b"Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAB\r\n"
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY) if chunked else BODY
    told = b"transfer-encoding: chunked\r\n" if chunked else b"content-length: %d\r\n" % len(BODY)
    with connected(gateway) as client:
        client.sendall(CHAT + told + offer + b"\r\n" + (b"" if apart else body))
        if apart:
            time.sleep(0.05)
            client.sendall(body)
        assert rest(client).startswith(b"HTTP/1.1 200")


def test_many_offers_at_once_are_as_many_requests(gateway: Running) -> None:
    one = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"
    last = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
    with connected(gateway) as client:
        client.sendall(one * 500 + last)
        assert rest(client).count(b"HTTP/1.1 200") == 501


def test_it_is_no_proxy(gateway: Running) -> None:
    with connected(gateway) as client:
        client.sendall(b"CONNECT example.org:443 HTTP/1.1\r\nhost: example.org\r\n\r\n")
        assert rest(client).startswith(b"HTTP/1.1 400")
