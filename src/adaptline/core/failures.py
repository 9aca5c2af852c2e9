"""What ended a recipe's last run too early: in which step, when and why; kept until a run gets past that step.

Knows steps by name, and errors. Holds no text of rows: of an error in anybody's code its class and place stay, not its words.
"""

from __future__ import annotations

import contextlib
import datetime as dt
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
    with contextlib.suppress(OSError, ValueError, TypeError):  # also one that another hand wrote
        return Failure(**json.loads(_path(store, recipe).read_bytes()))
    return None


def _write(store: Store, recipe: str, failure: Failure) -> None:
    path = _path(store, recipe)
    path.parent.mkdir(exist_ok=True)
    with store.temporary() as temporary:
        disk.replace_file(temporary, path, json.dumps(asdict(failure), indent=1).encode())


def _why(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "it was stopped by hand"
    if isinstance(error, RunError):
        return error.brief
    return str(error).partition("\n")[0] if isinstance(error, UserError) else type(error).__name__


def _path(store: Store, recipe: str) -> Path:
    return store.root / "failures" / f"{recipe}.json"
