"""A process in which the guards of one release look at prompts: a slow one holds up no answer, and other prompts shortly.

Run as `python -m adaptline.deploy.guard_process`. The first line of its input says which guards, each further one holds a
prompt; each line of its output says what came of one, in their order. It ends when its input ends.

    {"guards": [{"use": ..., "parameters": ..., "identity": ...}], "beside": FOLDER, "seconds": S}
                            -> {"ready": [names]} or {"failed": why}
    {"text": ...}           -> {}, or {"guard": NAME} with "reason": ... or "failed": why

Knows guards and time. Knows nothing of requests, releases or the store.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from adaptline.core.artifacts import Use
from adaptline.errors import UserError

Guards = list[tuple[str, Callable[[str], str | None]]]
Line = dict[str, Any]


class TimeUp(BaseException):
    """A guard's time is over. No Exception: a guard that catches those must not catch this."""


def prepare(bound: Iterable[Line], beside: Path) -> Guards:
    """Guards as plain functions. Raises UserError for one that is not what its release was made with."""
    found: Guards = []
    for one in bound:
        method = Use(one["use"], "guard", one["parameters"], {}, one["identity"], beside).load()
        found.append((method.name, functools.partial(method.function, **one["parameters"])))
    return found


def judged(guards: Guards, text: str, seconds: float) -> Line:
    """What the guards say of a text: of the first that has a reason, or that could not judge; nothing if all are content.

    The time, in seconds, is for all of them together. Python looks for signals between steps of its own and every few
    thousand steps of a regular expression. Must run in the main thread.
    """
    name, reason = "", None
    over = time.monotonic() + seconds
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            for current, guard in guards:
                name = current  # whose time it is, should it be over
                reason = guard(text)
                if reason is not None:
                    break
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except TimeUp:
        pass
    except Exception as error:  # noqa: BLE001 - a guard that cannot tell is a guard that refuses
        # Not the error's own words: they may hold the prompt.
        return {"guard": name, "failed": type(error).__name__}
    if time.monotonic() >= over:  # also where a guard caught what ended it, and said that all is well
        return {"guard": name, "failed": f"no judgement within {seconds:g} s"}
    return {} if reason is None else {"guard": name, "reason": str(reason)}


def warm(guards: Guards) -> None:
    """Calls each guard once, on no text and without a limit: what it reads or compiles at first is not a prompt's time."""
    for _, guard in guards:
        with contextlib.suppress(Exception):
            guard("")


def _time_up(*_: object) -> None:
    raise TimeUp


def _read(inbox: queue.SimpleQueue[str]) -> None:
    """Takes lines in. When they end so does the process, whatever a guard is at: nobody would hear it."""
    for text in sys.stdin:
        inbox.put(text)
    os._exit(0)


def main() -> None:
    """Judges until its input ends."""
    out = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    os.dup2(2, 1)  # what a guard prints must not be taken for an answer

    def say(line: Line) -> None:
        out.write(json.dumps(line) + "\n")

    inbox: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(inbox,), daemon=True).start()
    signal.signal(signal.SIGALRM, _time_up)
    first = json.loads(inbox.get())
    try:
        guards = prepare(first["guards"], Path(first["beside"]))
    except Exception as error:  # noqa: BLE001 - a user's own file may raise anything
        say({"failed": str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"})
        return
    warm(guards)
    say({"ready": [name for name, _ in guards]})
    with contextlib.suppress(BrokenPipeError):  # whoever asked has gone
        while True:
            say(judged(guards, json.loads(inbox.get())["text"], first["seconds"]))


if __name__ == "__main__":
    main()
