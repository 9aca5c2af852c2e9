"""One request while it goes on, and the line that is logged when it has ended. Knows times, tokens and its arm."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from adaptline.deploy.routing import Arm


class Request:
    """What is known of a request while it goes on."""

    __slots__ = (
        *("arm", "begun", "body", "completion_tokens", "first", "half", "held", "id", "key", "last", "prompt_tokens"),
        *("said", "sent", "status", "stopped", "stream", "task", "unit_hash", "watch"),
    )

    def __init__(self, number: str, begun: float) -> None:
        self.id = number
        self.begun = begun
        self.last = self.first = 0.0  # when something last happened, and when the first bytes went out
        self.arm: Arm | None = None
        self.body: dict[str, Any] | None = None
        self.key: str | None = None
        self.unit_hash = ""
        self.held = 0  # bytes of memory
        self.stream = False
        self.sent = False  # whether an answer has begun
        self.half = False  # whether what was sent of a stream ends within an event
        self.status = 0
        self.stopped = ""  # why its task was cancelled
        self.task = asyncio.current_task()
        self.watch: asyncio.TimerHandle | asyncio.Task[None] | None = None
        self.prompt_tokens = self.completion_tokens = 0
        self.said: list[bytes] | None = None

    def stop(self, why: str) -> None:
        """Ends it."""
        if not self.stopped and self.task is not None:
            self.stopped = why
            self.task.cancel()

    def line(self, now: float, time: str) -> str:
        """A line of the access log: every value is a number, ours, or encoded. `now` is of the clock of `begun`."""
        arm = self.arm
        line = (
            f'{{"time":"{time}","id":"{self.id}","channel":"{arm.channel if arm else ""}",'
            f'"arm":"{arm.name if arm else ""}","release":"{arm.served.name if arm else ""}",'
            f'"status":{self.status},"ms":{1000 * (now - self.begun):.1f},'
            f'"ttft_ms":{1000 * max(0.0, self.first - self.begun):.1f},'
            f'"prompt_tokens":{self.prompt_tokens},"completion_tokens":{self.completion_tokens},'
            f'"stream":{"true" if self.stream else "false"},"user":"{self.unit_hash}","key":"{self.key or ""}"'
        )
        if self.said is not None:
            text = b"".join(self.said).decode("utf-8", "replace")
            line += f',"request":{json.dumps(self.body)},"answer":{json.dumps(text)}'
        return line + "}"
