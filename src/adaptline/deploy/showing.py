"""What GET shows: models, health, metrics, and pages of a console that somebody hangs in. Knows no call."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from adaptline.deploy import asking, errors
from adaptline.deploy.asking import Message, Send
from adaptline.deploy.calls import BackendError
from adaptline.deploy.errors import RefusedError
from adaptline.deploy.request import Request

if TYPE_CHECKING:
    from adaptline.deploy.gateway import Gateway

# (status, content type, body, more headers) of a path, or None where there is no such page
Page = tuple[int, str, bytes, list[tuple[bytes, bytes]]]
Pages = Callable[[str], Awaitable[Page | None]]

_JSON = "application/json"
_log = logging.getLogger("adaptline.deploy")


async def show(gateway: Gateway, scope: Message, send: Send) -> None:
    """GET of what is not an answer: models, health, metrics, pages."""
    try:
        found = await _page(gateway, scope)
    except BackendError as error:
        more = errors.headers(error)
        if error.status == 401 and not scope["path"].startswith("/v1/"):  # noqa: PLR2004
            more.append((b"www-authenticate", b'Basic realm="adaptline"'))
        elif error.status == 405:  # noqa: PLR2004
            more.append((b"allow", b"POST" if scope["path"] in asking.ENDPOINTS else b"GET"))
        gateway.metrics.refused[error.status] += 1
        found = (error.status, _JSON, errors.body(error), more)
    except Exception:  # noqa: BLE001 - a fault of ours
        _log.exception("a page failed")
        found = (500, _JSON, errors.body(BackendError(500, "the gateway failed; its log says why")), [])
    status, content_type, data, more = found
    headers = [
        (b"content-type", content_type.encode()),
        (b"content-length", str(len(data)).encode()),
        (b"x-content-type-options", b"nosniff"),
        *more,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": data})


async def _page(gateway: Gateway, scope: Message) -> Page:
    path, method = scope["path"], scope["method"]
    method = "GET" if method == "HEAD" else method  # the server leaves the body out
    if method == "GET" and (health := _health(gateway, path)) is not None:
        return health
    gateway.admit(Request("", 0.0), asking.Head(scope["headers"]))
    if method != "GET" or path in asking.ENDPOINTS:
        known = path in asking.ENDPOINTS or path in (
            "/metrics",
            "/v1/models",
            "/state.json",
            "/healthz",
            "/readyz",
            "/",
        )
        raise RefusedError(405 if known else 404, f"no {method[:20]} of this path", code="unknown_url")
    if path == "/v1/models":
        return 200, _JSON, _dumped({"object": "list", "data": list(_models(gateway).values())}), []
    if path.startswith("/v1/models/"):
        return 200, _JSON, _dumped(_one_model(gateway, path.removeprefix("/v1/models/"))), []
    if path == "/metrics":
        return 200, "text/plain; version=0.0.4; charset=utf-8", gateway.metrics.text(), []
    return await _other(gateway, path)


def _health(gateway: Gateway, path: str) -> Page | None:
    """What a supervisor asks without a key. Ready is who can answer on every channel, be it with what was there before."""
    if path == "/healthz":
        return 200, "text/plain", b"ok\n", []
    if path == "/readyz":
        answers = gateway.routes.answers()
        # Where keys are asked for, names of channels are for those who have one: /state.json tells them.
        problems = gateway.routes.problems() if gateway.keys is None else []
        data = _dumped({"ready": answers, "problems": problems})
        return (200 if answers else 503), _JSON, data, []
    return None


async def _other(gateway: Gateway, path: str) -> Page:
    if gateway.pages is not None and (page := await gateway.pages(path)) is not None:
        return page
    if path == "/state.json":
        return 200, _JSON, _dumped(gateway.state()), [(b"cache-control", b"no-store")]
    raise RefusedError(404, "no such path", code="unknown_url")


def _one_model(gateway: Gateway, name: str) -> dict[str, Any]:
    if (found := _models(gateway).get(name)) is None:
        raise RefusedError(404, f"The model {name[:200]!r} does not exist", code="model_not_found", param="model")
    return found


def _models(gateway: Gateway) -> dict[str, dict[str, Any]]:
    """Channels, then what is live on them, by the names that a request may give."""
    live = gateway.routes.live
    names = [*sorted(live), *sorted({arm.served.name for arm in gateway.routes.arms()})]
    created = int(gateway.metrics.started)
    return {name: {"id": name, "object": "model", "created": created, "owned_by": "adaptline"} for name in names}


def _dumped(value: Any) -> bytes:
    return json.dumps(value).encode()
