"""How much at once, how long and how large: the bounds of one gateway, and the queue before its slots.

Knows numbers and waiting. Knows nothing of requests.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass

from adaptline.deploy.errors import RefusedError


@dataclass(frozen=True)
class Limits:
    """Bounds of a gateway. Times are in seconds.

    Args:
        concurrency: answers that go on at once.
        queue: requests that wait for a slot; more are refused with 429.
        timeout: for a whole answer, from the request's last byte to the answer's.
        chunk_timeout: between two chunks of a stream.
        body_timeout: for a request's body to arrive.
        header_timeout: for a request's headers to arrive.
        max_body: bytes of a request.
        max_tokens: the most that a request may ask for; None for no cap.
        grace: for answers to end once the gateway was told to stop.
        guard_seconds: for all guards of a release to look at one prompt; where they take longer, it is refused.
        memory: bytes that all requests which are here may take, by a rough measure of each; more are refused with 429.
    """

    concurrency: int = 256
    queue: int = 1024
    timeout: float = 600.0
    chunk_timeout: float = 60.0
    body_timeout: float = 20.0
    header_timeout: float = 10.0
    max_body: int = 1 << 20
    max_tokens: int | None = None
    grace: float = 30.0
    guard_seconds: float = 0.25
    memory: int = 1 << 30


class Slots:
    """So many at once, so many waiting in order; more are refused."""

    def __init__(self, slots: int, queue: int) -> None:
        self.slots, self.queue = slots, queue
        self.busy = 0
        self.waiting: deque[asyncio.Future[None]] = deque()

    async def take(self) -> None:
        """Waits for a slot. Raises RefusedError (429) where too many wait already."""
        if self.busy < self.slots:
            self.busy += 1
            return
        if len(self.waiting) >= self.queue:
            raise RefusedError(429, "too many requests at once", retry_after=1, code="queue_full")
        turn = asyncio.get_running_loop().create_future()
        self.waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give()  # it was our turn already
            else:
                with contextlib.suppress(ValueError):  # `give` may have passed over it
                    self.waiting.remove(turn)
            raise

    def give(self) -> None:
        """Gives a slot back, or on to who waits longest."""
        while self.waiting:
            turn = self.waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.busy -= 1


class Memory:
    """So many bytes for all requests together, while each arrives and while it waits and is answered."""

    def __init__(self, most: int) -> None:
        self.most, self.held = most, 0

    def hold(self, size: int) -> int:
        """Takes bytes for a request, and returns them for `let`. Raises RefusedError (429) where too many are held."""
        if self.held + size > self.most:
            raise RefusedError(429, "too many large requests at once", retry_after=1, code="queue_full")
        self.held += size
        return size

    def let(self, size: int) -> None:
        """Gives them back."""
        self.held -= size
