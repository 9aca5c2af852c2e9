"""Translation by a server: a real one on loopback, asked over HTTP."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from translating_server import TranslatingServer

from adaptline.core.servers import Server
from adaptline.errors import RunError, UserError
from adaptline.models.translators import endpoint
from adaptline.models.translators.endpoint import Endpoint


@pytest.fixture
def server() -> Iterator[TranslatingServer]:
    with TranslatingServer() as running:
        yield running


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "FIRST_PAUSE", 0.001)


def test_every_text_is_asked_for_and_answered_in_its_order(server: TranslatingServer) -> None:
    texts = ["where is the card", "my house", "the new card"] * 5
    found = Endpoint(Server(server.url + "/"), "small").translate(texts, "en", "es")
    assert found == ["d\u00f3nde est\u00e1 la tarjeta", "mi casa", "la nueva tarjeta"] * 5
    assert len(server.asked) == 15
    body = server.asked[0]
    assert (body["model"], body["temperature"], body["seed"]) == ("small", 0, 0)
    assert "from en to es" in body["messages"][0]["content"]
    assert all("authorization" not in head for head in server.heads)


def test_so_many_are_asked_at_once_and_no_more(server: TranslatingServer) -> None:
    server.wait_for(3)
    Endpoint(Server(server.url, concurrency=3), "small").translate(["my card"] * 12, "en", "es")
    assert server.most_at_once == 3


def test_the_key_comes_from_the_environment_and_is_in_no_message(
    server: TranslatingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Endpoint(Server(server.url, key="env:MY_KEY"), "small")
    with pytest.raises(UserError, match="the key env:MY_KEY, which the environment does not have"):
        asked.translate(["my card"], "en", "es")
    monkeypatch.setenv("MY_KEY", "sk-secret\r\nx: y")
    with pytest.raises(UserError, match="env:MY_KEY, which the environment does not have"):
        asked.translate(["my card"], "en", "es")
    monkeypatch.setenv("MY_KEY", "sk-secret")
    asked.translate(["my card"], "en", "es")
    assert server.heads[-1]["authorization"] == "Bearer sk-secret"
    server.failures = [(401, {})]
    with pytest.raises(RunError) as caught:
        asked.translate(["my card"], "en", "es")
    assert "answers 401" in str(caught.value)
    assert "sk-secret" not in f"{caught.value}{asked!r}"


def test_a_busy_server_is_asked_again_and_no_other_failure_is(server: TranslatingServer) -> None:
    server.failures = [(503, {}), (429, {"retry-after": "0"}), (500, {})]
    assert Endpoint(Server(server.url), "small").translate(["my card"], "en", "es") == ["mi tarjeta"]
    assert len(server.asked) == 4
    server.failures = [(503, {})] * 4
    with pytest.raises(RunError, match=r"answers 503\. The children that were stored before stay; run again"):
        Endpoint(Server(server.url), "small").translate(["my card"], "en", "es")
    assert len(server.asked) == 8
    server.failures = [(302, {"location": server.url})]
    with pytest.raises(RunError, match="answers 302"):
        Endpoint(Server(server.url), "small").translate(["my card"], "en", "es")
    assert len(server.asked) == 9


def test_a_server_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "RETRIES", 1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: a connection is refused
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        with pytest.raises(RunError, match=rf"the server {url} cannot be reached: ConnectionRefusedError"):
            Endpoint(Server(url), "small").translate(["my card"] * 500, "en", "es")


def test_a_server_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "RETRIES", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        with pytest.raises(RunError, match="cannot be reached: TimeoutError"):
            Endpoint(Server(url, timeout=0.05), "small").translate(["my card"], "en", "es")


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\n", b"HTTP/1.1 200 OK\r\nx: "])
def test_a_server_that_answers_byte_by_byte_has_no_more_time_than_another(
    monkeypatch: pytest.MonkeyPatch, head: bytes
) -> None:
    monkeypatch.setattr(endpoint, "RETRIES", 0)
    given_up = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            connection, _ = listening.accept()
            with connection, contextlib.suppress(OSError):
                connection.sendall(head)
                for _ in range(400):  # 20 seconds, if it is let
                    if given_up.wait(0.05):
                        break
                    connection.sendall(b"x")

        dripping = threading.Thread(target=drip)
        dripping.start()
        server = Server(f"http://127.0.0.1:{listening.getsockname()[1]}/v1", timeout=0.5)
        began = time.monotonic()
        try:
            with pytest.raises(RunError, match="cannot be reached: TimeoutError"):
                Endpoint(server, "small").translate(["my card"], "en", "es")
            assert time.monotonic() - began < 10
        finally:
            given_up.set()
            dripping.join()


@pytest.mark.parametrize(
    ("body", "match"),
    [
        (b"<html>", "gives no chat completion, but b'<html>'"),
        (b'{"choices": []}', "gives no chat completion"),
        (b'{"choices": [{"message": {"content": null}}]}', "gives no text, but None"),
    ],
)
def test_an_answer_that_is_none_is_told(server: TranslatingServer, body: bytes, match: str) -> None:
    server.body = body
    with pytest.raises(RunError, match=match):
        Endpoint(Server(server.url), "small").translate(["my card"], "en", "es")
