"""A load generator on raw sockets: so many connections, each asking again as soon as it was answered.

`python load.py HOST PORT REQUESTS CONNECTIONS [stream]` prints JSON: requests per second and latencies in milliseconds.
The key that is sent, if any, comes as LOAD_KEY in the environment.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import httptools
import uvloop


@dataclass
class Load:
    """What was measured. Times are in seconds."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    first_bytes: list[float] = field(default_factory=list)
    failed: int = 0
    statuses: dict[int, int] = field(default_factory=dict)

    def summary(self) -> dict[str, Any]:
        ordered, first = sorted(self.latencies), sorted(self.first_bytes)
        return {
            "requests_per_second": round(len(ordered) / self.seconds, 1),
            "p50_ms": _ms(ordered, 0.5),
            "p99_ms": _ms(ordered, 0.99),
            "first_byte_p50_ms": _ms(first, 0.5),
            "failed": self.failed,
            "statuses": self.statuses,
        }


def _ms(ordered: list[float], share: float) -> float:
    return round(1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 3) if ordered else 0.0


def request(path: str, body: dict[str, Any], headers: dict[str, str] | None = None) -> bytes:
    """A POST as bytes."""
    data = json.dumps(body).encode()
    told = {"host": "127.0.0.1", "content-type": "application/json", "content-length": str(len(data))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in {**told, **(headers or {})}.items())
    return f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode() + data


class _Client(asyncio.Protocol):
    def __init__(self, load: Load, data: bytes, left: list[int], ended: asyncio.Future[None]) -> None:
        self.load, self.data, self.left, self.ended = load, data, left, ended
        self.begun = 0.0
        self.first = 0.0
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        self._ask()

    def _ask(self) -> None:
        if self.left[0] <= 0:
            self.begun = 0.0
            self.transport.close()
            return
        self.left[0] -= 1
        self.parser = httptools.HttpResponseParser(self)
        self.begun, self.first = time.perf_counter(), 0.0
        self.transport.write(self.data)

    def data_received(self, data: bytes) -> None:
        self.first = self.first or time.perf_counter()
        self.parser.feed_data(data)

    def on_message_complete(self) -> None:
        now = time.perf_counter()
        status = self.parser.get_status_code()
        self.load.statuses[status] = self.load.statuses.get(status, 0) + 1
        self.load.latencies.append(now - self.begun)
        self.load.first_bytes.append(self.first - self.begun)
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self.load.failed += bool(self.begun)
        if not self.ended.done():
            self.ended.set_result(None)


async def run(host: str, port: int, data: bytes, requests: int, connections: int) -> Load:
    """Sends `data` so many times over so many connections."""
    loop = asyncio.get_running_loop()
    load, left = Load(), [requests]
    ends = [loop.create_future() for _ in range(connections)]
    begun = time.perf_counter()
    for end in ends:
        await loop.create_connection(lambda end=end: _Client(load, data, left, end), host, port)  # type: ignore[misc]
    await asyncio.gather(*ends)
    load.seconds = time.perf_counter() - begun
    return load


def main(host: str, port: str, requests: str, connections: str, *rest: str) -> None:
    body: dict[str, Any] = {
        "model": "support",
        "messages": [{"role": "user", "content": "Is there a table for two tonight?"}],
    }
    if "stream" in rest:
        body["stream"] = True
    key = os.environ.get("LOAD_KEY")
    data = request("/v1/chat/completions", body, {"authorization": f"Bearer {key}"} if key else None)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        load = runner.run(run(host, int(port), data, int(requests), int(connections)))
    print(json.dumps(load.summary()))


if __name__ == "__main__":
    main(*sys.argv[1:])
