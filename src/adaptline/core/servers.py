"""A server that a recipe names: where it is, with which key, and how it is asked. None of it is part of a key.

Knows names of servers. Asks none.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from adaptline.errors import UserError

_MOST_AT_ONCE = 1024
_URL = re.compile(r"https?://(?:[\w.-]+|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?(?:/[\w./~%-]*)?", re.ASCII)


@dataclass(frozen=True)
class Server:
    """A server that is asked for something. Where it is, who asks, and how fast, is no part of what it is asked for."""

    url: str
    key: str | None = None  # "env:NAME", or none
    concurrency: int = 4
    timeout: float = 60.0  # seconds for one answer

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
        UserError: not a URL of http or https, or one with a password; a key that is not env:NAME; a bad number.
    """
    server = Server(value) if isinstance(value, str) else Server(**value)
    if _URL.fullmatch(server.url) is None:
        # The URL is not shown: it may hold a password.
        raise UserError("not a server's URL", do='url = "http://127.0.0.1:8001/v1", without a password.')
    if server.key is not None and re.fullmatch(r"env:\w+", server.key) is None:
        raise UserError(
            "a server's key does not stand in a recipe", do='Put it into the environment: key = "env:NAME".'
        )
    if not (1 <= server.concurrency <= _MOST_AT_ONCE and 0 < server.timeout < math.inf):
        raise UserError(
            f"a server is asked from 1 to {_MOST_AT_ONCE} questions at once, each with a timeout above 0 seconds"
        )
    return server
