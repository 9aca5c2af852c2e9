"""The upstream's client: what it takes for an answer, and what it never does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest

from adaptline.deploy.upstream import BUFFER, HEAD_LIMIT, Pool, UpstreamError, place_of
from adaptline.errors import UserError

REQUEST = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\n"
Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def serve(answer: Answer, check: Callable[[Pool], Awaitable[None]]) -> None:
    """Runs a check against a server that answers each connection so; whatever becomes of it, it closes."""
    writers: list[asyncio.StreamWriter] = []

    async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await answer(reader, writer)
        writer.close()

    async def main() -> None:
        async with await asyncio.start_server(answered, "127.0.0.1", 0) as server:
            pool = Pool(place_of(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"))
            pool.start()
            try:
                await check(pool)
            finally:
                pool.close()
                await asyncio.sleep(0.01)
                for writer in writers:
                    writer.transport.abort()
                await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(main(), 10))


def ask(*pieces: bytes, streaming: bool = False, then: str = "close", pause: float = 0.005) -> bytes:
    """The whole answer of a server that sends these pieces and then closes, or stays."""
    found = b""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)
        if then == "stay":
            await reader.read()

    async def check(pool: Pool) -> None:
        nonlocal found
        connection = await pool.post(REQUEST, streaming=streaming)
        try:
            found = await connection.whole()
        finally:
            connection.finish()

    serve(answer, check)
    return found


@pytest.mark.parametrize("streaming", [False, True])
def test_lengths_chunks_and_ends_of_connections(streaming: bool) -> None:
    assert ask(OK + b"content-length: 3\r\n\r\na", b"bc", streaming=streaming, then="stay") == b"abc"
    chunked = OK + b"transfer-encoding: chunked\r\n\r\n"
    assert ask(chunked, b"2\r\nab", b"\r\n1;x=y\r\nc\r\n0", b"\r\n\r\n", streaming=streaming, then="stay") == b"abc"
    assert ask(OK + b"\r\nab", b"c", streaming=streaming) == b"abc"
    assert ask(b"HTTP/1.0 200 OK\r\n\r\nabc", streaming=streaming) == b"abc"
    assert ask(b"HTTP/1.1 204 None\r\n\r\n", streaming=streaming, then="stay") == b""
    assert ask(b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"content-length: 1\r\n\r\na", streaming=streaming) == b"a"
    assert ask(*[bytes([byte]) for byte in OK + b"Content-Length: 1\r\n\r\na"], pause=0) == b"a"


BAD = {
    "no HTTP": b"hello\r\n\r\n",
    "nothing": b"",
    "half a head": OK + b"content-",
    "less than the length": OK + b"content-length: 4\r\n\r\nabc",
    "chunks without an end": OK + b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n",
    "a chunk of no size": OK + b"transfer-encoding: chunked\r\n\r\nz\r\nabc\r\n0\r\n\r\n",
    "two lengths": OK + b"content-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
    "length and chunks": OK + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "an encoding": OK + b"content-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc",
    "another protocol": b"HTTP/1.1 101 X\r\nupgrade: y\r\nconnection: upgrade\r\n\r\nabc",
    "long headers": OK + b"x: " + b"a" * HEAD_LIMIT + b"\r\n\r\n",
    "many headers": OK + b"x: a\r\n" * HEAD_LIMIT + b"\r\n",
    "endless headers": OK + b"x: a\r\n" * HEAD_LIMIT,
}


@pytest.mark.parametrize("what", BAD)
@pytest.mark.parametrize("streaming", [False, True])
def test_what_is_no_whole_answer_is_an_error(what: str, streaming: bool) -> None:
    with pytest.raises(UpstreamError):
        ask(BAD[what], streaming=streaming)


def test_what_arrived_before_a_break_is_read_first() -> None:
    async def main(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK + b"content-length: 9\r\n\r\nabc")

    async def check(pool: Pool) -> None:
        connection = await pool.post(REQUEST, streaming=True)
        await asyncio.sleep(0.05)
        assert await connection.read() == b"abc"
        with pytest.raises(UpstreamError, match="before its answer was whole"):
            await connection.read()
        connection.finish()

    serve(main, check)


async def _polite(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers every request with one byte, and keeps the connection."""
    while True:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK + b"content-length: 1\r\n\r\na")


def test_a_connection_is_kept_and_used_again() -> None:
    async def check(pool: Pool) -> None:
        for _ in range(5):
            connection = await pool.post(REQUEST, streaming=False)
            assert await connection.whole() == b"a"
            connection.finish()
            connection.finish()  # twice is once
        assert (pool.opened, len(pool.idle)) == (1, 1)

    serve(_polite, check)


def test_a_kept_connection_that_has_closed_is_replaced() -> None:
    asked = 0

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        await reader.readuntil(b"\r\n\r\n")
        asked += 1
        writer.write(OK + b"content-length: 1\r\n\r\na")
        await reader.readuntil(b"\r\n\r\n")  # the next one is not answered any more

    async def check(pool: Pool) -> None:
        for _ in range(3):
            connection = await pool.post(REQUEST, streaming=False)
            assert await connection.whole() == b"a"
            connection.finish()
        assert (asked, pool.opened) == (3, 3)

    serve(once, check)


def test_what_nobody_asked_for_closes_the_connection() -> None:
    async def chatty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK + b"content-length: 1\r\n\r\na")
        await asyncio.sleep(0.02)
        writer.write(OK + b"content-length: 1\r\n\r\nb")  # would be taken for the next answer
        await reader.read()

    async def check(pool: Pool) -> None:
        connection = await pool.post(REQUEST, streaming=False)
        assert await connection.whole() == b"a"
        connection.finish()
        assert len(pool.idle) == 1
        await asyncio.sleep(0.05)
        assert not pool.idle

    serve(chatty, check)


def test_reading_pauses_while_nobody_takes_what_came() -> None:
    sent = 0

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK + b"transfer-encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"10000\r\n" + b"a" * 65536 + b"\r\n")
            sent += 65536
            await writer.drain()

    async def check(pool: Pool) -> None:
        connection = await pool.post(REQUEST, streaming=True)
        await asyncio.sleep(0.3)
        stuck = sent
        await asyncio.sleep(0.1)
        assert sent == stuck
        assert connection.paused
        assert BUFFER < len(await connection.read()) < 4 * BUFFER
        await asyncio.sleep(0.05)
        assert sent > stuck
        connection.finish()  # in the middle: closed, not kept
        assert not pool.idle

    serve(endless, check)


def test_cancelled_it_closes() -> None:
    gone = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reader.read()
        gone.set()

    async def check(pool: Pool) -> None:
        task = asyncio.create_task(pool.post(REQUEST, streaming=False))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(gone.wait(), 1)

    serve(silent, check)


def test_nobody_there() -> None:
    async def main() -> None:
        pool = Pool(place_of("http://127.0.0.1:9"))
        pool.start()
        with pytest.raises(UpstreamError, match="cannot be reached") as caught:
            await pool.post(REQUEST, streaming=False)
        assert not caught.value.connected

    asyncio.run(main())


def test_places() -> None:
    place = place_of("https://models.example/openai/v1/")
    assert (place.host, place.port, place.secure, place.path) == ("models.example", 443, True, "/openai/v1")
    assert place.host_header == "models.example"
    assert place_of("http://[::1]:8001").host_header == "[::1]:8001"
    for url in ("models", "ftp://x", "http://", "http://x:99999", "http://a:b@x/v1", "http://x/v1?a=b", "http://x/a b"):
        with pytest.raises(UserError):
            place_of(url)
