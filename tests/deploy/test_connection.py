"""What a client leaves unfinished ends: no connection, slot or memory stays behind."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Callable, Iterator

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
def connected(gateway: Running, *, buffer: int = 0) -> Iterator[socket.socket]:
    """A client that takes in about so many bytes that it does not read; 0 leaves that to the system."""
    with socket.socket() as client:
        if buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
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


def until(holds: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def until_nobody_is_left(gateway: Running) -> None:
    until(lambda: not gateway.server.server_state.connections)


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
    with connected(strict, buffer=4096) as client:
        client.sendall(load.request("/v1/chat/completions", {**ASKED, "stream": True}))
        until_nobody_is_left(strict)
    assert strict.gateway.slots.busy == 0


def test_an_answer_that_nobody_reads_is_let_go(strict: Running, upstream: Upstream) -> None:
    upstream.script.append((200, {}, json.dumps({"choices": [], "said": "x" * 5_000_000}).encode()))
    with connected(strict, buffer=4096) as client:
        client.sendall(load.request("/v1/chat/completions", ASKED))
        until_nobody_is_left(strict)


def test_who_reads_slowly_gets_all(strict: Running, upstream: Upstream) -> None:
    upstream.tokens, upstream.padding = 1600, 10_000  # far more than the kernel's buffers hold
    with connected(strict) as client:
        client.sendall(load.request("/v1/chat/completions", {**ASKED, "stream": True}))
        last, began = b"", time.monotonic()
        while not last.endswith(b"0\r\n\r\n"):
            piece = client.recv(100_000)
            assert piece, last
            last = (last + piece)[-200:]
            time.sleep(0.01)
    assert time.monotonic() - began > 2 * SHORT.chunk_timeout
    assert b"data: [DONE]" in last


def test_a_closing_connection_is_not_read_from_for_ever(opened: Store, upstream: Upstream) -> None:
    upstream.script.append((200, {}, json.dumps({"choices": [], "said": "x" * 40_000_000}).encode()))
    limits = Limits(header_timeout=0.4, chunk_timeout=1.5)  # the system hands on more every 0.6 s at this pace
    request = load.request("/v1/chat/completions", ASKED).replace(b"\r\n", b"\r\nconnection: close\r\n", 1)
    with (
        running(opened, backend.open(opened, upstream=upstream.url), limits=limits) as gateway,
        connected(gateway, buffer=100_000) as client,
    ):
        client.sendall(request)
        assert client.recv(1000).startswith(b"HTTP/1.1 200")
        end = time.monotonic() + 10
        with contextlib.suppress(ConnectionResetError):
            while gateway.server.server_state.connections:
                assert time.monotonic() < end
                client.recv(60_000)  # so little at a time that all of it takes 15 s
                time.sleep(0.02)


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
        client.sendall(one * 20 + last)
        assert rest(client).count(b"HTTP/1.1 200") == 21


def test_it_is_no_proxy(gateway: Running) -> None:
    with connected(gateway) as client:
        client.sendall(b"CONNECT example.org:443 HTTP/1.1\r\nhost: example.org\r\n\r\n")
        assert rest(client).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize("offer", [b"", b"connection: upgrade\r\nupgrade: h2c\r\n"])
def test_headers_that_come_at_once_have_the_same_bound(gateway: Running, upstream: Upstream, offer: bytes) -> None:
    """And what stands behind them is no request of its own."""
    inner = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
    with connected(gateway) as client:
        client.sendall(CHAT + offer + b"x: " + b"a" * 100_000 + b"\r\ncontent-length: %d\r\n\r\n" % len(inner) + inner)
        found = rest(client)
    assert found.startswith(b"HTTP/1.1 431")
    assert found.count(b"HTTP/1.1") == 1
    assert not upstream.requests


def test_one_endless_line_has_a_bound(gateway: Running) -> None:
    for start in (b"GET /", CHAT + b"x: ", CHAT + b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nx: "):
        with connected(gateway) as client:
            client.sendall(start)
            sent, until = 0, time.monotonic() + 20
            with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                while time.monotonic() < until and sent < 20_000_000:
                    sent += client.send(b"a" * 10_000)
            assert sent < 20_000_000


def test_a_long_body_is_no_head_of_what_follows(gateway: Running) -> None:
    body = json.dumps({**ASKED, "metadata": {"a": "x" * 100_000}}).encode()
    with connected(gateway) as client:
        client.sendall(CHAT + b"content-length: %d\r\n\r\n" % len(body) + body + b"GET /healthz HT")
        assert client.recv(65536).startswith(b"HTTP/1.1 200")
        client.sendall(b"TP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        assert b"ok" in rest(client)


def test_bytes_behind_the_last_request_do_not_spoil_its_answer(gateway: Running) -> None:
    for offer in (b"connection: close\r\n", b"connection: close, upgrade\r\nupgrade: h2c\r\n"):
        with connected(gateway) as client:
            client.sendall(CHAT + offer + b"content-length: %d\r\n\r\n" % len(BODY) + BODY + b"\r\nmore")
            assert rest(client).startswith(b"HTTP/1.1 200")


def test_who_leaves_takes_all_requests_along(strict: Running, upstream: Upstream) -> None:
    upstream.delay = 30
    with connected(strict) as client:
        client.sendall(load.request("/v1/chat/completions", ASKED) * 3)
        until(lambda: strict.gateway.slots.busy > 0, 10)
    until(lambda: strict.gateway.slots.busy == 0, 5)


def test_requests_that_wait_on_one_connection_have_a_bound(gateway: Running) -> None:
    """Those taken are answered, the others may be sent again: the connection ends."""
    with connected(gateway) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n" * 1000)
        found = rest(client)
    assert connection.PIPELINED <= found.count(b"HTTP/1.1 200") <= connection.PIPELINED + 2
    assert found.count(b"connection: close") == 1


def test_half_a_request_behind_a_long_answer_ends_nothing(strict: Running, upstream: Upstream) -> None:
    upstream.delay = 3 * SHORT.header_timeout
    with connected(strict) as client:
        one = load.request("/v1/chat/completions", ASKED)
        client.sendall(one + one + one[:40])
        found = b""
        while found.count(b"HTTP/1.1 200") < 2:
            piece = client.recv(65536)
            assert piece, found
            found += piece
        client.sendall(one[40:])
        assert client.recv(65536).startswith(b"HTTP/1.1 200")


def test_a_broken_body_is_answered_once(gateway: Running) -> None:
    with connected(gateway) as client:
        client.sendall(CHAT + b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\nnonsense\r\n")
        found = rest(client)
    assert found.startswith(b"HTTP/1.1 400")
    assert found.count(b"HTTP/1.1") == 1
