"""A request as it arrives: headers, body and what the body asks for, each checked before anything is done with it.

Knows ASGI's messages and OpenAI's requests as far as the gateway must look at them. Knows nothing of who answers. What it
refuses is a 4xx; fields that it does not know pass on as they are.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, NoReturn

from adaptline.deploy.calls import Endpoint
from adaptline.deploy.errors import RefusedError

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

ENDPOINTS: dict[str, Endpoint] = {
    "/v1/chat/completions": "chat/completions",
    "/v1/completions": "completions",
    "/v1/classify": "classify",
}
_LONGEST_NAME = 512  # characters of a model's name or a user's identifier
_MOST_ANSWERS = 128  # OpenAI's own bound of n
_DEEPEST = 100  # levels of JSON: far below where Python's own recursion ends, and far above what anybody asks
_BYTES_PER_BYTE, _BYTES_PER_VALUE = (
    4,
    80,
)  # of memory, for a body's text and for what its brackets, commas and colons part
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")


class Gone(Exception):  # noqa: N818 - no error: the client has left
    """The client went away before its request was whole."""


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _finite(digits: str) -> float:
    found = float(digits)
    if math.isinf(found):  # written out again, it would be no JSON
        raise ValueError(f"{digits} is too large")
    return found


_decode = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite).decode


class Head:
    """The headers that matter, each at most once."""

    __slots__ = ("authorization", "content_length", "content_type", "host", "request_id")

    def __init__(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Reads headers, whose names are in lower case. Raises RefusedError."""
        self.authorization = self.content_type = self.host = self.request_id = b""
        self.content_length: int | None = None
        seen = set()
        for name, value in headers:
            if name not in _HEADERS:
                continue
            if name in seen:
                raise RefusedError(400, f"the header {name.decode()} was sent twice")
            seen.add(name)
            if name == b"content-length":
                self.content_length = int(value) if value.isdigit() and len(value) < 19 else _no_length()  # noqa: PLR2004 - below 2^63
            elif name == b"x-request-id":
                self.request_id = value if _REQUEST_ID.fullmatch(value) else b""
            else:
                setattr(self, _HEADERS[name], value)


_HEADERS = {
    b"authorization": "authorization",
    b"content-length": "content_length",
    b"content-type": "content_type",
    b"host": "host",
    b"x-request-id": "request_id",
}


def _no_length() -> NoReturn:
    raise RefusedError(400, "content-length is no number")


def key_of(authorization: bytes) -> str | None:
    """The key of an Authorization header: a bearer token, or the password of Basic, as browsers ask for it."""
    scheme, _, rest = authorization.partition(b" ")
    if scheme.lower() == b"bearer":
        return rest.strip().decode("latin-1") or None
    if scheme.lower() == b"basic":
        try:
            return base64.b64decode(rest, validate=True).partition(b":")[2].decode("latin-1") or None
        except binascii.Error:
            return None
    return None


async def body_of(receive: Receive, head: Head, limit: int, hold: Callable[[int], None]) -> bytes:
    """The whole body. The caller bounds the time.

    Args:
        receive: ASGI's.
        head: the request's headers.
        limit: bytes.
        hold: told how many bytes have arrived, before they are kept. What it raises ends the request.

    Raises:
        RefusedError: 413, or 415.
        Gone: the client left.
    """
    if head.content_type.partition(b";")[0].strip().lower() != b"application/json":
        # Whatever else a browser may send to another site without asking, it may not send this.
        raise RefusedError(415, "send JSON: content-type: application/json")
    if (head.content_length or 0) > limit:
        raise _too_large(limit)
    message = await _next(receive)
    data: bytes = message["body"]
    hold(len(data))
    if message.get("more_body"):
        data = await _rest(receive, bytearray(data), limit, hold)
    if len(data) > limit:
        raise _too_large(limit)
    return data


async def _rest(receive: Receive, data: bytearray, limit: int, hold: Callable[[int], None]) -> bytes:
    while True:
        message = await _next(receive)
        hold(len(message["body"]))
        data += message["body"]
        if len(data) > limit:
            raise _too_large(limit)
        if not message.get("more_body"):
            return bytes(data)


async def _next(receive: Receive) -> Message:
    message = await receive()
    if message["type"] != "http.request":
        raise Gone
    return message


def _too_large(limit: int) -> RefusedError:
    return RefusedError(413, f"the body is larger than {limit:,} bytes", code="request_too_large")


def parsed(data: bytes) -> dict[str, Any]:
    """A body as a JSON object. Raises RefusedError (400)."""
    try:
        found = _decode(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise RefusedError(400, "the body is not UTF-8") from None
    except RecursionError:
        raise RefusedError(400, f"the body is nested deeper than {_DEEPEST} levels") from None
    except ValueError as error:
        what = str(error) if isinstance(error, json.JSONDecodeError) else "a number that is none, or too large"
        raise RefusedError(400, f"the body is not JSON: {what}") from None
    if not isinstance(found, dict):
        raise RefusedError(400, "the body must be a JSON object")
    if data.count(b"[") + data.count(b"{") > _DEEPEST and _deeper(found, _DEEPEST):
        raise RefusedError(400, f"the body is nested deeper than {_DEEPEST} levels")
    return found


def _deeper(value: dict[str, Any], most: int) -> bool:
    """Whether JSON has more levels than so many."""
    level: list[Any] = [value]
    for _ in range(most):
        inner = (child for one in level for child in (one.values() if isinstance(one, dict) else one))
        level = [child for child in inner if isinstance(child, dict | list)]
        if not level:
            return False
    return True


def weight(data: bytes) -> int:
    """About how many bytes of memory a body takes once it is parsed: `{"1f":331}` takes 40 times its length."""
    values = sum(map(data.count, (b",", b":", b"[", b"{")))
    return _BYTES_PER_BYTE * len(data) + _BYTES_PER_VALUE * values


def checked(endpoint: Endpoint, body: dict[str, Any], max_tokens: int | None) -> bool:
    """Checks what the gateway relies on. Returns whether the answer is a stream. Raises RefusedError (400)."""
    get = body.get
    model = get("model")
    if not isinstance(model, str) or not 0 < len(model) <= _LONGEST_NAME:
        raise _wrong("model", "name a model")
    for name in ("safety_identifier", "user"):
        identifier = get(name)
        if identifier is not None and not (isinstance(identifier, str) and len(identifier) <= _LONGEST_NAME):
            raise _wrong(name, f"{name} must be a string of at most {_LONGEST_NAME} characters")
    for name in ("max_tokens", "max_completion_tokens"):
        if (asked := get(name)) is not None:
            if type(asked) is not int or asked < 1:
                raise _wrong(name, f"{name} must be a whole number of at least 1")
            if max_tokens is not None and asked > max_tokens:
                raise _wrong(name, f"{name} is {asked}; at most {max_tokens} are allowed here")
    if (answers := get("n")) is not None and not (type(answers) is int and 1 <= answers <= _MOST_ANSWERS):
        raise _wrong("n", f"n must be a whole number from 1 to {_MOST_ANSWERS}")
    stream = get("stream")
    if stream not in (True, False, None) or (isinstance(stream, int | float) and not isinstance(stream, bool)):
        raise _wrong("stream", "stream must be true or false")
    _CHECKS[endpoint](body)
    return bool(stream)


def cap(endpoint: Endpoint, body: dict[str, Any], max_tokens: int | None) -> None:
    """Asks for the cap in the place of a client that asks for no number. Raises RefusedError for more answers than fit."""
    if max_tokens is None or endpoint == "classify":
        return
    names = [name for name in ("max_completion_tokens", "max_tokens") if body.get(name) is not None]
    if not names:
        body["max_tokens"] = max_tokens
    if (body.get("n") or 1) * (body[names[0]] if names else max_tokens) > max_tokens and (body.get("n") or 1) > 1:
        raise _wrong("n", f"n answers together may have at most {max_tokens} tokens here")


def _wrong(name: str, message: str) -> RefusedError:
    return RefusedError(400, message, param=name)


def _check_chat(body: dict[str, Any]) -> None:
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise _wrong("messages", "messages must be a list of at least one message")
    for number, message in enumerate(messages):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise _wrong(f"messages[{number}]", "a message is an object with a role")
        if not isinstance(message.get("content"), str | list | None):
            raise _wrong(f"messages[{number}].content", "content must be a string or a list of parts")


def _check_completion(body: dict[str, Any]) -> None:
    if not isinstance(body.get("prompt"), str | list):
        raise _wrong("prompt", "prompt must be a string or a list")


def _check_classify(body: dict[str, Any]) -> None:
    given = body.get("input")
    if not isinstance(given, str) and not (isinstance(given, list) and all(isinstance(text, str) for text in given)):
        raise _wrong("input", "input must be a string or a list of strings")
    if body.get("stream"):
        raise _wrong("stream", "a classification is no stream")


_CHECKS: dict[Endpoint, Callable[[dict[str, Any]], None]] = {
    "chat/completions": _check_chat,
    "completions": _check_completion,
    "classify": _check_classify,
}
