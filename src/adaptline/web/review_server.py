"""The review's page on loopback: HTTP, and who may ask.

Knows paths, headers and the token that stands in every path. Knows nothing of rows: reviewing.py says what there is.
Only the page itself may write: a request must name this host (no rebound name), come from this origin where it says from
where, be JSON (which no form of another site can send) and hold the token, which a browser tells no other site
(Referrer-Policy). The content security policy allows the page's own script and style and nothing else.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from jinja2 import PackageLoader

from adaptline.errors import RunError, UserError
from adaptline.web import report
from adaptline.web.review_words import MOST_MENDED_CHARS
from adaptline.web.reviewing import Review

_MOST_BYTES = 4096  # of a request's body: a verdict has under 100
_MOST_MENDED_BYTES = 8 * MOST_MENDED_CHARS  # of one with a row's new words: a character has up to 6 in JSON
_MOST_DIGITS = 18  # of a row's number: more than any sample has
_MOST_CHARS = 300  # of what the page tells of a failure
_HTML, _JSON = "text/html; charset=utf-8", "application/json"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class ReviewServer(ThreadingHTTPServer):
    """Serves one review. `url` is where, with the token."""

    daemon_threads = True

    def __init__(self, review: Review, *, port: int = 0, title: str = "") -> None:
        """Listens on 127.0.0.1; port 0 takes a free one. Raises UserError where the port is taken."""
        self.review, self.token = review, secrets.token_urlsafe(24)
        self.files = _files(title)
        try:
            super().__init__(("127.0.0.1", port), _Handler)
        except OSError as error:
            raise UserError(f"port {port}: {error.strerror}", do="Name another with --port.") from error

    @property
    def host(self) -> str:
        """What the page's requests name as their host."""
        return f"127.0.0.1:{self.server_address[1]}"

    @property
    def url(self) -> str:
        """The page."""
        return f"http://{self.host}/{self.token}/"


class _Handler(BaseHTTPRequestHandler):
    server: ReviewServer
    protocol_version = "HTTP/1.1"
    timeout = 60  # seconds that a connection may say nothing

    def do_GET(self) -> None:
        """The page, its two files, and what there is to know of a row."""
        name = self._allowed()
        review = self.server.review
        if name is None:
            return
        if name in self.server.files:
            content_type, data = self.server.files[name]
            self._answer(HTTPStatus.OK, data, content_type)
        elif name in ("start", "summary"):
            self._tell(review.start if name == "start" else review.summary)
        elif name.startswith(("row/", "why/", "words/")):
            kind, _, number = name.partition("/")
            told = {"row": review.row, "why": review.why, "words": review.words}[kind]
            if number.isascii() and number.isdecimal() and len(number) <= _MOST_DIGITS:
                self._tell(lambda: told(int(number)))
            else:
                self._refuse(HTTPStatus.NOT_FOUND, "no such row")
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "no such page")

    def do_POST(self) -> None:
        """A verdict, a row's new words, or the taking back of either."""
        name = self._allowed(writing=True)
        if name is None:
            return
        most, told = _MOST_BYTES, f"more than {_MOST_BYTES:,} bytes"
        if name == "mend":
            most, told = _MOST_MENDED_BYTES, f"more than {MOST_MENDED_CHARS:,} characters: mend it in the source"
        length = self._length()
        if length is not None and length > most:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, told)
            return
        given = None if length is None else self._body(length)
        if given is None:
            self._refuse(HTTPStatus.BAD_REQUEST, "no JSON object")
        elif name == "undo":
            self._tell(self.server.review.undo)
        elif name == "verdict" and type(given.get("row")) is int:
            self._tell(lambda: self.server.review.say(given["row"], str(given.get("verdict"))))
        elif name == "mend" and _is_mend(given):
            self._tell(lambda: self.server.review.mend(given["row"], given["contents"], given.get("label")))
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "no such page")

    def _allowed(self, *, writing: bool = False) -> str | None:
        """What is asked for, without the token; None where it was refused."""
        token, slash, name = self.path.removeprefix("/").partition("/")
        origin, site = self.headers.get("Origin"), self.headers.get("Sec-Fetch-Site", "none")
        if not slash or not secrets.compare_digest(token.encode(), self.server.token.encode()):
            self._refuse(HTTPStatus.NOT_FOUND, "no such page")
        elif self.headers.get("Host") != self.server.host:
            self._refuse(HTTPStatus.MISDIRECTED_REQUEST, "another host")
        elif origin not in (None, f"http://{self.server.host}") or site not in ("none", "same-origin"):
            self._refuse(HTTPStatus.FORBIDDEN, "another site")
        elif writing and self.headers.get("Content-Type") != _JSON:
            self._refuse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "no JSON")
        else:
            return name
        return None

    def _length(self) -> int | None:
        """How many bytes a request's body has; None where it does not say."""
        length = self.headers.get("Content-Length", "")
        return int(length) if length.isascii() and length.isdecimal() and len(length) <= _MOST_DIGITS else None

    def _body(self, length: int) -> dict[str, Any] | None:
        try:
            given = json.loads(self.rfile.read(length))
        except (ValueError, RecursionError):
            return None
        return given if isinstance(given, dict) else None

    def _tell(self, ask: Callable[[], dict[str, Any]]) -> None:
        try:
            found = ask()
        except UserError as error:
            self._refuse(HTTPStatus.BAD_REQUEST, str(error))
        except (RunError, OSError) as error:  # a file changed, or the disk does not give it
            told = str(error).partition("\n")[0][:_MOST_CHARS]
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, f"It failed: {told}")
        else:
            self._answer(HTTPStatus.OK, json.dumps(found).encode(), _JSON)

    def _refuse(self, status: HTTPStatus, why: str) -> None:
        self.close_connection = True  # a body may be left unread
        self._answer(status, json.dumps({"error": why}).encode(), _JSON)

    def _answer(self, status: HTTPStatus, data: bytes, content_type: str) -> None:
        self.send_response_only(status)
        for header, value in _HEADERS.items():
            self.send_header(header, value)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Nothing: paths hold the token."""


def _is_mend(given: dict[str, Any]) -> bool:
    """Whether a request's body says which row, and per message a text or nothing, and a label or none."""
    contents, label = given.get("contents"), given.get("label")
    return (
        type(given.get("row")) is int
        and isinstance(contents, list)
        and all(text is None or isinstance(text, str) for text in contents)
        and (label is None or isinstance(label, str))
    )


def _files(title: str) -> dict[str, tuple[str, bytes]]:
    """The page and what it loads, by name."""
    environment = report.environment()
    loader = PackageLoader("adaptline.web")
    style, script = (loader.get_source(environment, f"review/review.{kind}")[0] for kind in ("css", "js"))
    page = environment.get_template("review/review.html").render(title=title)
    return {
        "": (_HTML, page.encode()),
        "review.css": ("text/css; charset=utf-8", f"{report.style_sheet()}\n{style}".encode()),
        "review.js": ("text/javascript; charset=utf-8", script.encode()),
    }
