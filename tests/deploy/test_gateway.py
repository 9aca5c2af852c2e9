"""The gateway as the official client meets it, over real sockets."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import load
import openai
import pytest
from guards import bind
from openai import OpenAI
from production import BASE, DIGESTS, Running, move, name, running, store
from upstreams import Upstream

from adaptline.core.store import Store
from adaptline.deploy import asking
from adaptline.deploy.access_log import AccessLog
from adaptline.deploy.backends import openai as backend
from adaptline.deploy.guarding import Judge
from adaptline.deploy.limits import Limits

HELLO: Any = [{"role": "user", "content": "hello"}]


def until(true: Callable[[], object], seconds: float = 5.0) -> None:
    """Waits until something is so."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.002)


def settled(read: Callable[[], int], pause: float = 0.3) -> int:
    """What a counter that grew stays at."""
    before = -1
    end = time.monotonic() + 20
    while (now := read()) != before:
        assert time.monotonic() < end
        before = now
        time.sleep(pause)
    return now


def raw(gateway: Running, data: bytes, *, wait: float = 5.0) -> bytes:
    """What comes back for bytes on a socket, until the other side closes or is silent."""
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=wait) as connection:
        connection.sendall(data)
        found = b""
        try:
            while piece := connection.recv(65536):
                found += piece
                if (b"content-length" in found and found.endswith(b"}")) or b"\r\n0\r\n\r\n" in found:
                    break
        except TimeoutError:
            pass
        return found


# Answers


def test_chat_answers_whole_and_as_a_stream(client: OpenAI, upstream: Upstream) -> None:
    said = client.chat.completions.with_raw_response.create(model="support", messages=HELLO)
    assert said.headers["x-adaptline-release"] == name("1")
    assert said.headers["x-adaptline-arm"] == "stable"
    assert said.headers["x-adaptline-channel"] == "support"
    assert said.headers["x-request-id"].startswith("req-")
    answer = said.parse()
    assert answer.choices[0].message.content == f"{name('1')} " * 5
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 5
    pieces = [
        chunk.choices[0].delta.content
        for chunk in client.chat.completions.create(model="support", messages=HELLO, stream=True)
        if chunk.choices
    ]
    assert pieces == [f"{name('1')} "] * 5
    assert [request["model"] for request in upstream.requests] == [name("1")] * 2
    assert upstream.requests[0]["messages"] == HELLO


def test_completions_answer_whole_and_as_a_stream(client: OpenAI) -> None:
    assert client.completions.create(model="support", prompt="a").choices[0].text.startswith("base-")
    stream = client.completions.create(model="support", prompt="a", stream=True)
    assert "".join(chunk.choices[0].text for chunk in stream if chunk.choices) == f"{name('1')} " * 5


def test_classify_passes_through(gateway: Running) -> None:
    found = httpx.post(gateway.url + "/v1/classify", json={"model": "support", "input": ["a", "b"]})
    assert found.json()["data"][0]["label"] == name("1")


def test_a_stream_passes_byte_for_byte(gateway: Running, upstream: Upstream) -> None:
    asked = {"model": "support", "messages": HELLO, "stream": True}
    ours = httpx.post(gateway.url + "/v1/chat/completions", json=asked).content
    theirs = httpx.post(upstream.url + "/chat/completions", json={**asked, "model": name("1")}).content
    assert ours == theirs


def test_models_are_the_channels_and_what_is_live(client: OpenAI, opened: Store) -> None:
    assert [model.id for model in client.models.list()] == ["support", name("1")]
    move(opened, "1", "2", 10.0)
    until(lambda: len(list(client.models.list())) == 3)
    assert client.models.retrieve("support").owned_by == "adaptline"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nobody")


def test_a_release_or_a_bare_base_can_be_named_itself(client: OpenAI, opened: Store) -> None:
    move(opened, "1", "2", 50.0)
    until(lambda: len(list(client.models.list())) == 3)
    said = client.chat.completions.with_raw_response.create(model=name("2"), messages=HELLO)
    assert (said.headers["x-adaptline-release"], said.headers["x-adaptline-arm"]) == (name("2"), "direct")
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model=name("3"), messages=HELLO)
    bare = f"base-{BASE[:12]}"
    with pytest.raises(openai.NotFoundError):  # nobody deployed it here, and no guard of a release is before it
        client.chat.completions.create(model=bare, messages=HELLO)
    move(opened, None, "2", 50.0)
    until(lambda: bare in [model.id for model in client.models.list()])
    told = client.chat.completions.with_raw_response.create(model=bare, messages=HELLO)
    assert told.headers["x-adaptline-release"] == bare


def test_a_channel_may_point_at_the_bare_base(client: OpenAI, opened: Store) -> None:
    move(opened, None)
    until(lambda: f"base-{BASE[:12]}" in [model.id for model in client.models.list()])
    said = client.chat.completions.with_raw_response.create(model="support", messages=HELLO)
    assert said.headers["x-adaptline-release"] == f"base-{BASE[:12]}"


def test_the_canary_is_sticky_and_grows(client: OpenAI, opened: Store) -> None:
    def arms() -> list[str]:
        return [
            client.chat.completions.with_raw_response.create(
                model="support", messages=HELLO, extra_body={"safety_identifier": f"u{number}"}, user="same"
            ).headers["x-adaptline-arm"]
            for number in range(60)
        ]

    before = [False] * 60
    for percent in (20.0, 60.0, 100.0):
        move(opened, "1", "2", percent)
        until(lambda: len(list(client.models.list())) == 3)
        now = [arm == "canary" for arm in arms()]
        assert now == [arm == "canary" for arm in arms()]
        assert all(later for earlier, later in zip(before, now, strict=True) if earlier)
        assert sum(now) > sum(before)
        before = now
    assert all(before)


# Errors


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, openai.BadRequestError),
        (404, openai.NotFoundError),
        (422, openai.UnprocessableEntityError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
    ],
)
def test_the_upstreams_errors_pass_in_openais_shape(
    client: OpenAI, upstream: Upstream, status: int, kind: type[openai.APIStatusError]
) -> None:
    upstream.script.append((status, {}, b'{"error": {"message": "no", "type": "t", "code": "c", "param": "p"}}'))
    with pytest.raises(kind) as caught:
        client.chat.completions.create(model="support", messages=HELLO, stream=status == 400)
    assert caught.value.status_code == status
    assert caught.value.body == {"message": "no", "type": "t", "code": "c", "param": "p"}
    assert caught.value.response.headers["x-adaptline-release"] == name("1")


def test_an_unknown_model_is_not_found_and_nothing_is_listed(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="suport", messages=HELLO)
    assert caught.value.code == "model_not_found"
    assert "support" not in str(caught.value)


BODY = json.dumps({"model": "support", "messages": HELLO}).encode()
WRONG: dict[str, tuple[Any, int]] = {
    "no JSON": (b"{", 400),
    "no object": (b"[1]", 400),
    "NaN": (b'{"model": NaN}', 400),
    "no UTF-8": (b'{"model": "\xff"}', 400),
    "deep": (b"[" * 200_000, 400),
    "deep inside": (b'{"model": "support", "messages": ' + b'{"a":' * 900 + b"1" + b"}" * 900 + b"}", 400),
    "deep beside": (BODY[:-1] + b', "metadata": ' + b"[" * 980 + b"]" * 980 + b"}", 400),
    "an endless number": (BODY[:-1] + b', "temperature": 1e999}', 400),
    "a long number": (b'{"model": ' + b"1" * 5000 + b"}", 400),
    "empty": (b"", 400),
    "no model": ({"messages": HELLO}, 400),
    "model of another type": ({"model": 1, "messages": HELLO}, 400),
    "a surrogate": (b'{"model": "\\ud800", "messages": [{"role": "user", "content": "a"}]}', 404),
    "no messages": ({"model": "support"}, 400),
    "messages of another type": ({"model": "support", "messages": ["a"]}, 400),
    "content of another type": ({"model": "support", "messages": [{"role": "user", "content": 1}]}, 400),
    "stream of another type": ({"model": "support", "messages": HELLO, "stream": 1}, 400),
    "no tokens": ({"model": "support", "messages": HELLO, "max_tokens": 0}, 400),
    "too many tokens": ({"model": "support", "messages": HELLO, "max_completion_tokens": 101}, 400),
    "n of another type": ({"model": "support", "messages": HELLO, "n": True}, 400),
    "a user of another type": ({"model": "support", "messages": HELLO, "user": 3}, 400),
    "too large": (b" " * 5000, 413),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_with_a_body_is_said(opened: Store, upstream: Upstream, what: str) -> None:
    limit = 3000 if what == "too large" else 1 << 20
    body, status = WRONG[what]
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    limits = Limits(max_body=limit, max_tokens=100)
    with running(opened, backend.open(opened, upstream=upstream.url), limits=limits) as gateway:
        found = httpx.post(
            gateway.url + "/v1/chat/completions", content=data, headers={"content-type": "application/json"}
        )
        assert found.status_code == status, found.text
        assert set(found.json()["error"]) == {"message", "type", "param", "code"}
    assert not upstream.requests


def test_large_bodies_are_bounded_together(opened: Store, upstream: Upstream) -> None:
    """Of 1 MiB of `[],[],...` Python makes 20 MB: what many of them would take is refused before they are parsed."""
    upstream.delay = 0.5
    large = BODY[:-1] + b', "metadata": [' + b"[]," * 50_000 + b"0]}"
    post = b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    limits = Limits(memory=2 * asking.weight(large) + len(large))
    with running(opened, backend.open(opened, upstream=upstream.url), limits=limits) as gateway, ExitStack() as stack:
        clients = [
            stack.enter_context(socket.create_connection(("127.0.0.1", gateway.port), timeout=10)) for _ in range(5)
        ]
        for one in clients:
            one.sendall(post + b"content-length: %d\r\n\r\n" % len(large) + large)
        statuses = sorted(one.recv(65536).split()[1] for one in clients)
        assert statuses == [b"200", b"200", b"429", b"429", b"429"]
        until(lambda: gateway.gateway.memory.held == 0)


@pytest.mark.parametrize("path", ["/v1/completions", "/v1/classify"])
def test_other_endpoints_check_what_they_are_asked(gateway: Running, path: str) -> None:
    for body in ({"model": "support"}, {"model": "support", "prompt": 1, "input": [1]}):
        assert httpx.post(gateway.url + path, json=body).status_code == 400
    assert httpx.post(gateway.url + "/v1/classify", json={"model": "a", "input": "", "stream": True}).status_code == 400


def test_other_methods_paths_and_types_are_refused(gateway: Running) -> None:
    for method, path, status in [
        ("GET", "/v1/chat/completions", 405),
        ("DELETE", "/v1/models", 405),
        ("POST", "/v1/embeddings", 404),
        ("GET", "/nothing", 404),
        ("GET", "/%ff%00", 404),
        ("OPTIONS", "/v1/chat/completions", 405),
    ]:
        found = httpx.request(method, gateway.url + path)
        assert found.status_code == status, path
        assert found.json()["error"]["code"] == "unknown_url"
    found = httpx.post(gateway.url + "/v1/chat/completions", content=b"{}", headers={"content-type": "text/plain"})
    assert found.status_code == 415


def test_http_that_is_none_is_refused_in_openais_shape(gateway: Running) -> None:
    def error(data: bytes) -> tuple[int, Any]:
        head, _, body = raw(gateway, data).partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(body)["error"]["message"]

    post = b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    assert error(b"nonsense\r\n\r\n")[0] == 400
    assert error(post + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}")[0] == 400
    assert error(post + b"content-length: -1\r\n\r\n{}")[0] == 400
    assert error(post + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")[0] == 400
    assert error(post + b"authorization: a\r\nauthorization: b\r\ncontent-length: 2\r\n\r\n{}")[0] == 400
    assert error(post + b"\r\n") == (400, "the body is not JSON: Expecting value: line 1 column 1 (char 0)")
    assert error(post + b"x: " + b"a" * 70_000 + b"\r\n\r\n")[0] == 431
    assert error(post.replace(b"localhost", b"evil.example") + b"content-length: 2\r\n\r\n{}")[0] == 403
    chunked = post + b"transfer-encoding: chunked\r\n\r\n"
    assert error(chunked + b"2\r\n{}\r\n0\r\n\r\n") == (400, "name a model")
    assert error(chunked + b"%x\r\n" % (2 << 20) + b" " * (2 << 20) + b"\r\n0\r\n\r\n")[0] == 413


def test_a_fault_of_ours_is_a_500_without_a_traceback(
    gateway: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> bool:
        raise ZeroDivisionError

    monkeypatch.setattr(asking, "checked", fail)
    found = httpx.post(gateway.url + "/v1/chat/completions", json={})
    assert found.status_code == 500
    assert "Traceback" not in found.text
    assert "ZeroDivisionError" in caplog.text


# Limits


def test_more_than_may_wait_are_told_to_come_back(opened: Store, upstream: Upstream) -> None:
    upstream.delay = 0.3
    limits = Limits(concurrency=2, queue=3)
    with running(opened, backend.open(opened, upstream=upstream.url), limits=limits) as gateway:
        data = load.request("/v1/chat/completions", {"model": "support", "messages": HELLO})
        found = asyncio.run(load.run("127.0.0.1", gateway.port, data, 9, 9))
        assert found.statuses == {200: 5, 429: 4}
        assert upstream.most_at_once == 2
        slots = gateway.gateway.slots
        assert (slots.busy, len(slots.waiting)) == (0, 0)


def test_a_client_that_leaves_frees_its_slot_and_stops_the_upstream(opened: Store, upstream: Upstream) -> None:
    upstream.tokens, upstream.token_delay = 1000, 0.05
    limits = Limits(concurrency=1)
    with running(opened, backend.open(opened, upstream=upstream.url), limits=limits) as gateway:
        slots = gateway.gateway.slots
        asked = {"model": "support", "messages": HELLO, "stream": True}
        with httpx.stream("POST", gateway.url + "/v1/chat/completions", json=asked) as answer:
            next(answer.iter_bytes())
            assert slots.busy == 1
        until(lambda: slots.busy == 0, 3.0)
        until(lambda: upstream.cancelled == 1, 3.0)
        # before the first byte, and while it waits for a slot
        upstream.delay = 10
        data = load.request("/v1/chat/completions", {"model": "support", "messages": HELLO})
        going = [socket.create_connection(("127.0.0.1", gateway.port)) for _ in range(2)]
        for connection in going:
            connection.sendall(data)
        until(lambda: len(slots.waiting) == 1)
        going[1].close()
        until(lambda: len(slots.waiting) == 0, 3.0)
        going[0].close()
        until(lambda: slots.busy == 0 and upstream.cancelled == 2, 3.0)


def test_time_is_bounded_for_an_answer_and_between_its_chunks(opened: Store, upstream: Upstream) -> None:
    limits = Limits(timeout=1.0, chunk_timeout=0.4)
    with running(opened, backend.open(opened, upstream=upstream.url), limits=limits) as gateway:
        with OpenAI(base_url=gateway.url + "/v1", api_key="x", max_retries=0) as client:
            upstream.delay = 5
            with pytest.raises(openai.InternalServerError) as caught:
                client.chat.completions.create(model="support", messages=HELLO)
            assert (caught.value.status_code, caught.value.code) == (504, "timeout")
            upstream.delay, upstream.token_delay = 0, 5
            with pytest.raises(openai.APIError, match="nothing came"):
                list(client.chat.completions.create(model="support", messages=HELLO, stream=True))
        assert gateway.gateway.slots.busy == 0
        until(lambda: upstream.cancelled == 2)


def test_slow_headers_and_slow_bodies_end(opened: Store, upstream: Upstream) -> None:
    limits = Limits(header_timeout=0.3, body_timeout=0.3)
    with running(opened, backend.open(opened, upstream=upstream.url), limits=limits) as gateway:
        assert raw(gateway, b"POST /v1/chat/completions HTTP/1.1\r\nhost: loc") == b""
        assert raw(gateway, b"") == b""
        head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        for start in (b"", b'{"model"'):
            found = raw(gateway, head + b"content-length: 100\r\n\r\n" + start)
            assert found.startswith(b"HTTP/1.1 408"), found
            assert b"did not arrive" in found


def test_a_slow_client_pauses_the_upstream(opened: Store, upstream: Upstream) -> None:
    upstream.tokens, upstream.padding = 5000, 10_000  # 50 MB
    with running(opened, backend.open(opened, upstream=upstream.url)) as gateway:
        data = load.request("/v1/chat/completions", {"model": "support", "messages": HELLO, "stream": True})
        with socket.create_connection(("127.0.0.1", gateway.port)) as connection:
            connection.sendall(data)
            assert connection.recv(10)
            assert settled(lambda: upstream.sent) < 20e6  # what sockets and our bounded buffers hold
        until(lambda: upstream.cancelled == 1)


# Breaks


def test_an_upstream_that_breaks_off_is_never_a_whole_answer(client: OpenAI, upstream: Upstream) -> None:
    upstream.cut_after = 2
    with pytest.raises(openai.APIError, match="closed the connection") as caught:
        list(client.chat.completions.create(model="support", messages=HELLO, stream=True))
    assert not isinstance(caught.value, openai.APIConnectionError)  # an event told it
    with pytest.raises(openai.InternalServerError) as refused:
        client.chat.completions.create(model="support", messages=HELLO)
    assert refused.value.status_code == 502


def test_half_an_event_is_cut_and_not_mended(gateway: Running, upstream: Upstream) -> None:
    upstream.raw = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 99\r\n\r\ndata: {"
    asked = {"model": "support", "messages": HELLO, "stream": True}
    with httpx.stream("POST", gateway.url + "/v1/chat/completions", json=asked) as answer:
        got = b""
        with pytest.raises(httpx.RemoteProtocolError):  # noqa: PT012 - what came before is looked at
            for piece in answer.iter_bytes():
                got += piece
        assert got == b"data: {"


# People, logs, pages


def test_the_log_names_the_release_and_holds_no_text_and_no_identity(
    opened: Store, upstream: Upstream, tmp_path: Path
) -> None:
    path = tmp_path / "access.jsonl"
    for log_text in (False, True):
        with running(
            opened, backend.open(opened, upstream=upstream.url), log=AccessLog(path), log_text=log_text
        ) as gateway:
            asked = {"model": "support", "messages": [{"role": "user", "content": "a secret"}], "user": "jane@x.org"}
            headers = {"x-request-id": "mine-1"}
            assert httpx.post(gateway.url + "/v1/chat/completions", json=asked, headers=headers).status_code == 200
            httpx.post(gateway.url + "/v1/chat/completions", json={**asked, "model": "no"})
    text = path.read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["status"] for line in lines] == [200, 404, 200, 404]
    first = lines[0]
    assert first["id"] == "mine-1"
    assert (first["channel"], first["arm"], first["release"]) == ("support", "stable", name("1"))
    assert (first["prompt_tokens"], first["completion_tokens"]) == (7, 5)
    assert len(first["user"]) == 64
    assert "a secret" not in "".join(text.splitlines()[:2])
    assert "jane" not in "".join(text.splitlines()[:2])
    assert lines[2]["request"]["messages"][0]["content"] == "a secret"
    assert name("1") in lines[2]["answer"]


def test_pages_can_be_hung_in(opened: Store, upstream: Upstream) -> None:
    async def shows(path: str) -> tuple[int, str, bytes, list[tuple[bytes, bytes]]] | None:
        return (200, "text/html", b"<p>hello", [(b"x-page", b"1")]) if path == "/" else None

    with running(opened, backend.open(opened, upstream=upstream.url), pages=shows) as gateway:
        assert httpx.get(gateway.url + "/").text == "<p>hello"
        httpx.post(gateway.url + "/v1/chat/completions", json={"model": "support", "messages": HELLO})
        state = httpx.get(gateway.url + "/state.json").json()
        assert state["channels"]["support"]["stable"] == name("1")
        assert state["arms"][0]["requests"] == 1
        assert state["arms"][0]["ttft_p50_ms"] > 0
        assert httpx.get(gateway.url + "/healthz").text == "ok\n"
        assert httpx.get(gateway.url + "/readyz").json() == {"ready": True, "problems": []}


GUARDS = """
@guard(version=1)
def polite(text: str) -> str | None:
    return "has 'damn'" if "damn" in text else None

@guard(version=1)
def broken(text: str) -> str | None:
    return str(1 / 0) if "x" in text else None
"""


def test_guards_refuse_before_the_upstream_is_asked(tmp_path: Path, upstream: Upstream) -> None:
    opened = store(tmp_path)
    with running(opened, backend.open(opened, upstream=upstream.url)) as gateway:
        model = gateway.gateway.routes.models[BASE, DIGESTS["1"]]
        model.judge = Judge(bind(tmp_path, GUARDS, "polite", "broken"), tmp_path, 5.0)
        for content, message in [
            ("damn", "refused by polite: has 'damn'"),
            ([{"type": "text", "text": "damn"}], "refused by polite: has 'damn'"),
            ("x", "refused by broken: it could not judge"),
            ([{"type": "image_url", "image_url": {"url": "x"}}], "refused by polite: no text to judge"),
        ]:
            asked = {"model": "support", "messages": [{"role": "user", "content": content}]}
            found = httpx.post(gateway.url + "/v1/chat/completions", json=asked)
            assert (found.status_code, found.json()["error"]["code"]) == (400, "content_filter")
            assert found.json()["error"]["message"] == message
        assert not upstream.requests
        asked = {"model": "support", "messages": HELLO}
        assert httpx.post(gateway.url + "/v1/chat/completions", json=asked).status_code == 200


def test_the_gateway_imports_no_engine() -> None:
    code = "import sys, adaptline.deploy.gateway; print([n for n in ('torch', 'transformers') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
