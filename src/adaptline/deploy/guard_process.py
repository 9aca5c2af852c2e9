"""A process in which the guards of one release look at prompts: a slow one stops its own prompt, and no answer.

Run as `python -m adaptline.deploy.guard_process`. The first line of its input says which guards, each further one holds a
prompt; each line of its output says what came of one. It ends when its input ends.

    {"guards": [{"use": ..., "parameters": ..., "identity": ...}], "beside": FOLDER, "seconds": S}
                            -> {"ready": [names]} or {"failed": why}
    {"id": I, "text": ...}  -> {"id": I}, or {"id": I, "guard": NAME} with "reason": ... or "failed": why

Knows guards and time. Knows nothing of requests, releases or the store.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import signal
import sys
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
    name = ""
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            for name, guard in guards:
                reason = guard(text)
                if reason is not None:
                    return {"guard": name, "reason": str(reason)}
            return {}
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except TimeUp:
        return {"guard": name, "failed": f"no judgement within {seconds:g} s"}
    except Exception as error:  # noqa: BLE001 - a guard that cannot tell is a guard that refuses
        # Not the error's own words: they may hold the prompt.
        return {"guard": name, "failed": type(error).__name__}


def _time_up(*_: object) -> None:
    raise TimeUp


def main() -> None:
    """Judges until its input ends."""
    out = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    os.dup2(2, 1)  # what a guard prints must not be taken for an answer

    def say(line: Line) -> None:
        out.write(json.dumps(line) + "\n")

    signal.signal(signal.SIGALRM, _time_up)
    first = json.loads(sys.stdin.readline())
    try:
        guards = prepare(first["guards"], Path(first["beside"]))
    except Exception as error:  # noqa: BLE001 - a user's own file may raise anything
        say({"failed": str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"})
        return
    say({"ready": [name for name, _ in guards]})
    with contextlib.suppress(BrokenPipeError):  # whoever asked has gone
        for text in sys.stdin:
            line = json.loads(text)
            say({"id": line["id"], **judged(guards, line["text"], first["seconds"])})


if __name__ == "__main__":
    main()
