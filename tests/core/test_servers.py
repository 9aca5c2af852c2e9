"""Servers that a recipe names."""

from __future__ import annotations

from typing import Any

import pytest

from adaptline.core.servers import Server, find_server, is_server
from adaptline.errors import UserError

URL = "http://127.0.0.1:8001/v1"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (URL, Server(URL)),
        ({"url": "https://a.example"}, Server("https://a.example")),
        ({"url": "http://[::1]:80/v1/", "key": "env:KEY"}, Server("http://[::1]:80/v1/", "env:KEY")),
        ({"url": "https://a.example", "key": "env:KEY"}, Server("https://a.example", "env:KEY")),
        ({"url": "http://localhost:65535", "key": "env:KEY"}, Server("http://localhost:65535", "env:KEY")),
        ("http://some_host.:8000/v1", Server("http://some_host.:8000/v1")),
        ({"url": URL, "concurrency": 2, "timeout": 5}, Server(URL, None, 2, 5)),
    ],
)
def test_a_server_is_a_url_or_a_table_and_means_nothing(value: Any, expected: Server) -> None:
    assert is_server(value)
    assert find_server(value) == expected
    assert expected.meaning is None


@pytest.mark.parametrize(
    "value",
    [5, [], {}, {"key": "env:A"}, {"url": 5}, {"url": URL, "keys": "env:A"}, {"url": URL, "concurrency": True}],
)
def test_what_is_no_server_is_none(value: Any) -> None:
    assert not is_server(value)


@pytest.mark.parametrize(
    ("value", "match"),
    [
        ("localhost:8001", "not a server's URL"),
        ("ftp://a.example", "not a server's URL"),
        ("http://me:secret@a.example/v1", "not a server's URL"),
        ("http://127.0.0.1:99999/v1", "not a server's URL"),
        ("http://127.0.0.1:0/v1", "not a server's URL"),
        ("http://.../v1", "not a server's URL"),
        (f"http://{'a' * 64}.example/v1", "not a server's URL"),
        (f"http://{'a.' * 127}example/v1", "not a server's URL"),
        ("http://[::1::2]/v1", "not a server's URL"),
        ({"url": "http://a.example/v1", "key": "env:KEY"}, "it would cross the network unencrypted"),
        ({"url": "http://10.0.0.1/v1", "key": "env:KEY"}, "it would cross the network unencrypted"),
        ({"url": "http://localhost.a.example/v1", "key": "env:KEY"}, "it would cross the network unencrypted"),
        ({"url": URL, "key": "sk-secret"}, "a server's key does not stand in a recipe"),
        ({"url": URL, "concurrency": 0}, "from 1 to 1024 questions at once"),
        ({"url": URL, "timeout": 0.0}, "a timeout above 0 seconds"),
    ],
)
def test_a_server_that_cannot_be_asked_is_refused_without_its_secret(value: Any, match: str) -> None:
    with pytest.raises(UserError, match=match) as caught:
        find_server(value)
    assert "secret" not in str(caught.value)
