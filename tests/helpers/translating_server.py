"""An OpenAI-compatible server that translates word by word, over real HTTP, and fails as it is told to."""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

TO_SPANISH = {
    "where": "d\u00f3nde",
    "is": "est\u00e1",
    "the": "la",
    "card": "tarjeta",
    "my": "mi",
    "house": "casa",
    "new": "nueva",
    "table": "mesa",
    "order": "pedido",
}
TO_ENGLISH = {spanish: english for english, spanish in TO_SPANISH.items()} | {
    "tarjeta": "bank card",
    "casa": "home",
    "mesa": "good table",
    "pedido": "recent purchase",
}


class TranslatingServer:
    """Runs in a thread of its own while used as a context manager. `failures`: (status, headers) of the next answers."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.heads: list[dict[str, str]] = []
        self.failures: list[tuple[int, dict[str, str]]] = []
        self.fails_on = ""  # a question with this word is refused
        self.body: bytes | None = None  # answered instead of a completion
        self.at_once = self.most_at_once = 0
        self._lock = threading.Lock()
        self._gate: threading.Barrier | None = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def wait_for(self, questions: int) -> None:
        """From now on an answer is given once so many are asked at a time."""
        self._gate = threading.Barrier(questions)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, body: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        with self._lock:
            self.asked.append(body)
            if self.failures:
                return *self.failures.pop(0), b"{}"
        ask, text = (message["content"] for message in body["messages"])
        if self.fails_on and self.fails_on in text:
            return 400, {}, b"{}"
        words = TO_SPANISH if " to es" in ask else TO_ENGLISH
        said = re.sub(r"\w+", lambda match: words.get(match[0].lower(), match[0]), text)
        told = {"choices": [{"message": {"role": "assistant", "content": said}, "finish_reason": "stop"}]}
        return 200, {}, self.body if self.body is not None else json.dumps(told).encode()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                with server._lock:
                    server.at_once += 1
                    server.most_at_once = max(server.most_at_once, server.at_once)
                    server.heads.append({name.lower(): value for name, value in self.headers.items()})
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                status, headers, data = server.answer(body) if self.path == "/v1/chat/completions" else (404, {}, b"")
                if server._gate is not None:
                    server._gate.wait(30)
                with server._lock:
                    server.at_once -= 1
                self.send_response(status)
                for name, value in {**headers, "content-length": str(len(data))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler
