"""Guards see all that is asked, or refuse."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from adaptline.deploy import guarding
from adaptline.deploy.calls import Endpoint
from adaptline.deploy.errors import RefusedError

SEEN: list[str] = []


def card(text: str) -> str | None:
    SEEN.append(text)
    return "a card" if "credit card" in text else None


GUARDS: guarding.Guards = (("card", card),)


def refused(endpoint: Endpoint, body: dict[str, Any]) -> bool:
    try:
        guarding.check(GUARDS, endpoint, body)
    except RefusedError as error:
        return error.code == "content_filter"
    return False


def chat(*contents: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": content} for content in contents]}


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        ("chat/completions", chat("my credit card")),
        ("chat/completions", chat("hello", "my credit card")),
        ("chat/completions", chat([{"type": "text", "text": "credit"}, {"type": "text", "text": " card"}])),
        ("completions", {"prompt": "my credit card"}),
        ("completions", {"prompt": ["a", "my credit card"]}),
        ("classify", {"input": ["my credit card"]}),
        # what stands beside what is asked, or is no text: it cannot be judged
        ("completions", {"prompt": "credit card", "messages": "hi"}),
        ("classify", {"input": "credit card", "prompt": "hi"}),
        ("completions", {"prompt": "hi", "suffix": "credit card"}),
        ("completions", {"prompt": [1, 2, 3]}),
        ("chat/completions", chat([{"type": "text", "role": "x", "text": "credit card"}])),
        ("chat/completions", chat([{"type": "image_url", "text": "hi"}])),
        ("chat/completions", {"messages": [{"role": "assistant", "content": "hi", "tool_calls": [{}]}]}),
        ("chat/completions", chat("hi") | {"tools": [{"description": "credit card"}]}),
        ("chat/completions", {"messages": "credit card"}),
    ],
)
def test_what_is_refused(endpoint: Endpoint, body: dict[str, Any]) -> None:
    assert refused(endpoint, body)


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        ("chat/completions", chat("hello", [{"type": "text", "text": "there"}])),
        ("completions", {"prompt": "hello", "tools": []}),
        ("classify", {"input": ["hello", "there"]}),
    ],
)
def test_what_is_not(endpoint: Endpoint, body: dict[str, Any]) -> None:
    assert not refused(endpoint, body)
    assert "hello" in SEEN[-1]


def test_a_guard_that_fails_refuses_and_tells_no_text(caplog: pytest.LogCaptureFixture) -> None:
    def broken(text: str) -> str | None:
        raise ValueError(text)

    with caplog.at_level(logging.ERROR), pytest.raises(RefusedError, match="refused by broken: it could not judge"):
        guarding.check((("broken", broken),), "completions", {"prompt": "my secret"})
    assert "broken failed with ValueError" in caplog.text
    assert "my secret" not in caplog.text
