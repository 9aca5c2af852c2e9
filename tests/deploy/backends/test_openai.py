"""The backend before an OpenAI-compatible server: what is asked again, what is passed on, and what is told when it fails."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
import pytest
from production import Running, name, running
from upstreams import Upstream

from adaptline.core.store import Store
from adaptline.deploy.backends import openai as backend
from adaptline.errors import UserError

ASKED: dict[str, Any] = {"model": "support", "messages": [{"role": "user", "content": "hello"}], "temperature": 0.5}


def ask(gateway: Running, **more: Any) -> httpx.Response:
    return httpx.post(gateway.url + "/v1/chat/completions", json={**ASKED, **more})


def test_names_keys_and_everything_else(opened: Store, upstream: Upstream) -> None:
    for aliases, model in [
        ({}, name("1")),
        ({"support": "their-model"}, "their-model"),
        ({"support": "their-model", name("1"): "closer"}, "closer"),
    ]:
        with running(
            opened, backend.open(opened, upstream=upstream.url, upstream_key="k-1%", aliases=aliases)
        ) as found:
            assert ask(found, tools=[{"type": "function"}], seed=2**60, note="ü\u2028").status_code == 200
        assert upstream.requests[-1] == {
            **ASKED,
            "model": model,
            "tools": [{"type": "function"}],
            "seed": 2**60,
            "note": "ü\u2028",
        }
        head = upstream.heads[-1]
        assert head["authorization"] == "Bearer k-1%"
        assert head["host"] == f"127.0.0.1:{upstream.port}"
        assert head["x-request-id"].startswith("req-")
        assert upstream.paths[-1] == "/v1/chat/completions"


@pytest.mark.parametrize("stream", [False, True])
def test_what_may_pass_is_asked_again_before_anything_was_passed_on(
    gateway: Running, upstream: Upstream, stream: bool
) -> None:
    upstream.script.extend([(503, {}, b""), (429, {"retry-after": "0"}, b"")])
    assert ask(gateway, stream=stream).status_code == 200
    assert len(upstream.requests) == 3
    upstream.script.extend([(502, {}, b""), (504, {}, b""), (503, {"retry-after": "7"}, b"")])
    found = ask(gateway, stream=stream)
    assert (found.status_code, found.headers["retry-after"]) == (503, "7")
    assert len(upstream.requests) == 6
    assert upstream.connections == 1  # errors keep their connection


@pytest.mark.parametrize(("status", "headers"), [(500, {}), (429, {}), (429, {"retry-after": "60"}), (400, {})])
def test_what_will_not_pass_is_not_asked_again(
    gateway: Running, upstream: Upstream, status: int, headers: dict[str, str]
) -> None:
    upstream.script.append((status, headers, b"{}"))
    found = ask(gateway)
    assert (found.status_code, len(upstream.requests)) == (status, 1)
    assert found.headers.get("retry-after") == headers.get("retry-after")


def test_errors_of_every_shape(gateway: Running, upstream: Upstream) -> None:
    for data, message in [
        (b'{"object": "error", "message": "too long", "type": "BadRequestError", "code": 400}', "too long"),
        (b'{"error": {"message": "too long", "code": null}}', "too long"),
        (b'{"detail": "Not Found"}', "the upstream answered 400"),
        (b"<html>", "the upstream answered 400"),
        (b"[" * 100_000, "the upstream answered 400"),
        (b"\xff", "the upstream answered 400"),
    ]:
        upstream.script.append((400, {}, data))
        found = ask(gateway)
        assert found.status_code == 400
        assert found.json()["error"]["message"] == message


def test_the_upstreams_refusal_of_our_key_is_not_the_clients(gateway: Running, upstream: Upstream) -> None:
    upstream.script.append((401, {}, b'{"error": {"message": "Incorrect API key provided: sk-abc"}}'))
    found = ask(gateway)
    assert found.status_code == 502
    assert "sk-" not in found.text


def test_a_dead_upstream_is_said_to_be_dead(opened: Store) -> None:
    with running(opened, backend.open(opened, upstream="http://127.0.0.1:9/v1")) as gateway:
        begun = time.monotonic()
        found = ask(gateway)
        assert (found.status_code, found.json()["error"]["message"]) == (503, "the upstream cannot be reached")
        assert 0.1 < time.monotonic() - begun < 1.5  # it was asked again
        assert gateway.gateway.backend.load()["busy"] == 0


def test_kept_connections_that_the_upstream_closed_are_not_noticed(gateway: Running, upstream: Upstream) -> None:
    for _ in range(3):
        assert ask(gateway).status_code == 200
        upstream.drop_idle()
    upstream.close_each = True
    for _ in range(5):
        assert ask(gateway).status_code == 200


def test_tokens_are_counted_by_what_is_told_else_by_events(gateway: Running, upstream: Upstream) -> None:
    def counted() -> tuple[float, float]:
        (tally,) = gateway.gateway.metrics.tallies.values()
        return tally.input.total, tally.output.total

    ask(gateway, stream=True)
    assert counted() == (7, 5)
    upstream.usage = False
    upstream.tokens = 4
    ask(gateway, stream=True)  # without a role's event of its own, one is taken for it
    assert counted() == (7, 8)
    ask(gateway)
    assert counted() == (14, 12)
    lying = {"usage": {"prompt_tokens": "x"}, "choices": [], "note": '"usage":{"prompt_tokens": 900}'}
    upstream.script.append((200, {}, json.dumps(lying).encode()))
    ask(gateway)
    assert counted() == (14, 12)


def test_where_no_length_is_told_only_a_whole_answer_passes(gateway: Running, upstream: Upstream) -> None:
    upstream.untold = True
    assert ask(gateway).status_code == 200
    assert ask(gateway, stream=True).text.endswith("data: [DONE]\n\n")
    upstream.cut_after = 2
    with pytest.raises(httpx.RemoteProtocolError):
        ask(gateway, stream=True)
    upstream.raw = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{"choices": ['
    assert ask(gateway).status_code == 502


def test_an_answer_that_is_no_stream_passes_as_it_is(gateway: Running, upstream: Upstream) -> None:
    upstream.script.append((200, {}, b'{"choices": []}'))
    found = ask(gateway, stream=True)
    assert found.json() == {"choices": []}
    assert found.headers["content-type"] == "application/json"


def test_options_that_cannot_be(opened: Store) -> None:
    wrong: list[dict[str, Any]] = [{}, {"upstream": "nowhere"}, {"upstream": "http://x", "upstream_key": "a\nb"}]
    for given in wrong:
        with pytest.raises(UserError):
            backend.open(opened, **given)


def test_seconds() -> None:
    assert [
        backend.seconds(text) for text in ("2", "0.5", "", "-1", "nan", "inf", "Wed, 21 Oct 2015 07:28:00 GMT")
    ] == [
        2.0,
        0.5,
        *[None] * 5,
    ]
