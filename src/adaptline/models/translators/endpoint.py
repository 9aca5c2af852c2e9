r"""endpoint: translation by a language model behind any OpenAI-compatible server.

Knows the chat API, retries and time limits. Knows nothing of texts. Nothing but the texts, the model's name and the key
are sent, and to the server that the recipe names only: no proxy is asked and no redirect followed.
"""

from __future__ import annotations

import http.client
import io
import json
import os
import socket
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from adaptline.core.servers import Server
from adaptline.errors import RunError, UserError

RETRIES = 3  # after the first attempt
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 20.0  # seconds; twice as long each time, or as Retry-After says
_TRY_AGAIN = (408, 429, 500, 502, 503, 504)
_OK = 200
_LONGEST_ANSWER = 16 * 1024 * 1024  # bytes
_ASK = (
    "Translate the user's message from {source} to {target}. Give the translation only, on as many lines. "
    "Keep numbers, names, code and words such as Zqxaa as they are."
)


@dataclass(frozen=True)
class Endpoint:
    """A translator that asks a server's model, with temperature 0 and a fixed seed, line by line."""

    server: Server
    model: str
    draws = False
    by_sentence = False  # a whole line: such a model makes use of what stands around a sentence

    def translate(self, texts: Sequence[str], source: str, target: str, salts: Sequence[int] = ()) -> list[str]:  # noqa: ARG002 - nothing is drawn
        """A translation per text, as the model gives it.

        Raises:
            UserError: the key's environment variable is not set.
            RunError: the server cannot be reached, refuses, or gives no chat completion; `source` and `target` do not
                matter to it.
        """
        head = {"content-type": "application/json", "user-agent": "adaptline", **_authorization(self.server.key)}
        ask = _ASK.format(source=source, target=target)
        with ThreadPoolExecutor(self.server.concurrency) as pool:
            waiting = [pool.submit(self._one, ask, text, head) for text in texts]
            try:
                return [answer.result() for answer in waiting]
            finally:
                for answer in waiting:  # the first that fails ends it: no server is asked a thousand times in vain
                    answer.cancel()

    def _one(self, ask: str, text: str, head: dict[str, str]) -> str:
        messages = [{"role": "system", "content": ask}, {"role": "user", "content": text}]
        body = {"model": self.model, "messages": messages, "temperature": 0, "seed": 0, "stream": False}
        data = json.dumps(body).encode()
        for attempt in range(RETRIES + 1):
            pause = min(FIRST_PAUSE * 2**attempt, LONGEST_PAUSE)
            try:
                status, told, answer = self._post(data, head)
            except (OSError, http.client.HTTPException) as error:
                problem = f"cannot be reached: {type(error).__name__}: {error}"
            else:
                if status == _OK:
                    return _content(self.server, answer)
                problem = f"answers {status}"
                if status not in _TRY_AGAIN:
                    break
                pause = min(float(told), LONGEST_PAUSE) if told.isascii() and told.isdigit() else pause
            if attempt < RETRIES:
                time.sleep(pause)
        raise RunError(
            f"the server {self.server.url} {problem}. The children that were stored before stay; run again.",
            brief=f"the server {self.server.url} gave no answer",
        )

    def _post(self, data: bytes, head: dict[str, str]) -> tuple[int, str, bytes]:
        """Status, Retry-After and body of an answer."""
        parts = urlsplit(self.server.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        until = time.monotonic() + self.server.timeout
        connection = kind(parts.hostname or "", parts.port, timeout=self.server.timeout)
        try:
            connection.connect()
            connection.sock.settimeout(_left(until))
            connection.request("POST", f"{parts.path.rstrip('/')}/chat/completions", data, head)
            response = http.client.HTTPResponse(_Received(connection.sock, until), method="POST")  # type: ignore[arg-type]
            response.begin()
            return response.status, response.getheader("retry-after") or "", response.read(_LONGEST_ANSWER)
        finally:
            connection.close()


class _Received(io.RawIOBase):
    """What a socket receives up to a deadline. A socket's own time limit begins anew with every byte that comes."""

    def __init__(self, sock: socket.socket, until: float) -> None:
        self.sock, self.until = sock, until

    def makefile(self, _: str) -> io.BufferedReader:
        """What http.client asks of a socket."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """The next bytes. Raises TimeoutError at the deadline."""
        self.sock.settimeout(_left(self.until))
        return self.sock.recv_into(buffer)


def _left(until: float) -> float:
    """Seconds to a deadline. Raises TimeoutError where none are left."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("no whole answer in time")
    return left


def refuse_unset(server: Server) -> None:
    """Raises UserError where the environment has no key of the name that the recipe gives."""
    _authorization(server.key)


def _authorization(key: str | None) -> dict[str, str]:
    if key is None:
        return {}
    name = key.removeprefix("env:")
    value = os.environ.get(name, "")
    if not (value.isascii() and value.isprintable() and value.strip()):
        raise UserError(f"the key env:{name}, which the environment does not have", do=f"export {name}=...")
    return {"authorization": f"Bearer {value}"}


def _content(server: Server, answer: bytes) -> str:
    try:
        found: Any = json.loads(answer)["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError) as error:
        brief = f"the server {server.url} gives no chat completion"
        raise RunError(f"{brief}, but {answer[:80]!r}", brief=brief) from error
    if not isinstance(found, str):
        brief = f"the server {server.url} gives no text"
        raise RunError(f"{brief}, but {found!r}", brief=brief)
    return found.strip()
