"""What ended a recipe's last run too early: in which step, when and why; kept until a run gets past that step.

Knows steps by name, and errors. Holds no text of rows: of an error its place stays and what it says in brief, else its class,
not its words.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from adaptline.core import disk
from adaptline.core.store import Store
from adaptline.errors import RunError, UserError


@dataclass(frozen=True)
class Failure:
    """The step that failed, when (UTC) and why; the steps of that run that are `done`, and those that it did not come to."""

    step: str
    time: str
    why: str
    done: list[str]
    left: list[str]


@contextlib.contextmanager
def noted(store: Store, recipe: str, step: str, done: list[str], left: list[str]) -> Iterator[None]:
    """Notes what ends the block too early; a block that ends well takes back what is noted of its step."""
    try:
        yield
    except BaseException as error:
        now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        with contextlib.suppress(UserError, OSError):  # a full disk: what happened first is what is told
            _write(store, recipe, Failure(step, now, _why(error), done, left))
        raise
    failure = last(store, recipe)
    if failure is not None and failure.step == step:
        _path(store, recipe).unlink(missing_ok=True)


def last(store: Store, recipe: str) -> Failure | None:
    """What a recipe's last run failed of, None if it did not."""
    with contextlib.suppress(OSError, ValueError, TypeError, RecursionError):  # also one that another hand wrote
        failure = Failure(**json.loads(_path(store, recipe).read_bytes()))
        if _is_sound(failure):
            return failure
    return None


def _is_sound(failure: Failure) -> bool:
    words, lists = (failure.step, failure.time, failure.why), (failure.done, failure.left)
    return all(isinstance(steps, list) for steps in lists) and all(
        isinstance(word, str) for word in itertools.chain(words, *lists)
    )


def _write(store: Store, recipe: str, failure: Failure) -> None:
    path = _path(store, recipe)
    path.parent.mkdir(exist_ok=True)
    with store.temporary() as temporary:
        disk.replace_file(temporary, path, json.dumps(asdict(failure), indent=1).encode())


def _why(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "it was stopped by hand"
    place = error.located if isinstance(error, UserError) else ""
    brief = error.brief if isinstance(error, UserError | RunError) else ""
    return place + (brief or type(error).__name__)


def _path(store: Store, recipe: str) -> Path:
    return store.root / "failures" / f"{recipe}.json"
