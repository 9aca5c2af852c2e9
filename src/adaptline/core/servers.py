"""A server that a recipe names: where it is, with which key, and how it is asked. None of it is part of a key.

Knows names of servers. Asks none.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv6Address, ip_address
from typing import Any

from adaptline.errors import UserError

_MOST_AT_ONCE = 1024
_MOST_PORTS = 65_535
_LONGEST_NAME = 253  # characters; a label up to 63 (RFC 1035, 2.3.4)
_NAME = r"[\w-]{1,63}(?:\.[\w-]{1,63})*\.?"
_URL = re.compile(rf"https?://(?P<host>{_NAME}|\[[0-9a-fA-F:.]+\])(?::(?P<port>\d{{1,5}}))?(?:/[\w./~%-]*)?", re.ASCII)


@dataclass(frozen=True)
class Server:
    """A server that is asked for something. Where it is, who asks, and how fast, is no part of what it is asked for.

    Each process asks for itself: with several workers, a server gets `concurrency` questions at once from each.
    """

    url: str
    key: str | None = None  # "env:NAME", or none
    concurrency: int = 4  # questions at once, of each process
    timeout: float = 60.0  # seconds for one whole answer

    @property
    def meaning(self) -> None:
        """What enters a key: nothing. What is asked for (a model's name) is a parameter of its own."""


def is_server(value: Any) -> bool:
    """Whether a recipe's value can name a server: a URL, or a table of what a Server has."""
    table = {"url": value} if isinstance(value, str) else value
    kinds = {"url": str, "key": str, "concurrency": int, "timeout": int | float}
    return (
        isinstance(table, dict)
        and "url" in table
        and all(isinstance(value, kinds.get(key, ())) and not isinstance(value, bool) for key, value in table.items())
    )


def find_server(value: str | dict[str, Any]) -> Server:
    """A server by its URL, or a table of url, key, concurrency and timeout; it is not asked yet.

    Raises:
        UserError: not a URL of http or https, or one with a password; a key that is not env:NAME, or one that would
            be sent to another machine in the clear; a bad number.
    """
    server = Server(value) if isinstance(value, str) else Server(**value)
    host = _host(server.url)
    if host is None:
        # The URL is not shown: it may hold a password.
        raise UserError("not a server's URL", do='url = "http://127.0.0.1:8001/v1", without a password.')
    if server.key is not None and re.fullmatch(r"env:\w+", server.key) is None:
        raise UserError(
            "a server's key does not stand in a recipe", do='Put it into the environment: key = "env:NAME".'
        )
    if server.key is not None and server.url.startswith("http:") and not _is_here(host):
        raise UserError(
            "a key for a server that is asked by http: it would cross the network unencrypted",
            do="Ask by https, or leave the key out; http is for a server on this machine (127.0.0.1, [::1], localhost).",
        )
    if not (1 <= server.concurrency <= _MOST_AT_ONCE and 0 < server.timeout < math.inf):
        raise UserError(
            f"a server is asked from 1 to {_MOST_AT_ONCE} questions at once, each with a timeout above 0 seconds"
        )
    return server


def _host(url: str) -> str | None:
    """The host of a URL; None for what is no URL, or one with a host or a port that there cannot be."""
    found = _URL.fullmatch(url)
    if found is None or not 1 <= int(found["port"] or 1) <= _MOST_PORTS or len(found["host"]) > _LONGEST_NAME:
        return None
    try:
        if found["host"].startswith("["):
            IPv6Address(found["host"][1:-1])
    except AddressValueError:
        return None
    return found["host"]


def _is_here(host: str) -> bool:
    """Whether a host is this machine: what is sent there crosses no network."""
    if host.lower().rstrip(".").rpartition(".")[2] == "localhost":  # RFC 6761, 6.3
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
