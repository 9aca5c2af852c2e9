"""What a client is told when there is no answer: the errors of OpenAI's API. Knows their shape only."""

from __future__ import annotations

import json
from http import HTTPStatus

from adaptline.deploy.calls import BackendError

_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    408: "timeout_error",
    429: "rate_limit_error",
    503: "service_unavailable_error",
    504: "timeout_error",
}


class RefusedError(BackendError):
    """A request that the gateway answers with an error itself."""


def type_of(status: int) -> str:
    """The type of an error where nothing more is known than its status."""
    return _TYPES.get(status, "invalid_request_error" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "server_error")


def body(error: BackendError) -> bytes:
    """An error as a body, as the official client reads it."""
    shown = {
        "message": error.message,
        "type": error.type or type_of(error.status),
        "param": error.param,
        "code": error.code,
    }
    return json.dumps({"error": shown}, separators=(",", ":")).encode()


def event(error: BackendError) -> bytes:
    """An error as a server-sent event, for a stream that has begun."""
    return b"data: " + body(error) + b"\n\n"


def headers(error: BackendError) -> list[tuple[bytes, bytes]]:
    """The headers that an error adds: when to try again, in whole seconds."""
    if error.retry_after is None:
        return []
    return [(b"retry-after", str(max(1, round(error.retry_after))).encode())]
