"""Functions that tests give to worker processes: importable by name, as the engine asks."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa

from adaptline.core.rows import Ref
from adaptline.errors import UserError


def process() -> int:
    time.sleep(0.05)  # long enough for the other worker to take a call too
    return os.getpid()


def double(value: float) -> float:
    return 2 * value


def slow_first(value: int) -> int:
    time.sleep(0.6 if value == 0 else 0)
    return value


def variables(*names: str) -> list[str | None]:
    return [os.environ.get(name) for name in names]


def script() -> list[str | None]:
    """What a worker knows of the script that started everything."""
    return [getattr(sys.modules.get(name), "__file__", None) for name in ("__main__", "__mp_main__")]


def mistake(where: str) -> None:
    raise UserError("too long", where=Path(where), line=3, do="Cut it.")


def fails(what: str) -> None:
    raise KeyError(what)


class OddError(Exception):
    """Cannot be made again from its message alone, as pickle would."""

    def __init__(self, what: str, code: int) -> None:
        super().__init__(f"{what} ({code})")


def fails_oddly() -> None:
    raise OddError("broken", 7)


def dies() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def stays(path: Path, seconds: float = 60) -> None:
    """Leaves its process's number in a file, and works on."""
    path.with_suffix(".half").write_text(str(os.getpid()))
    path.with_suffix(".half").rename(path)
    time.sleep(seconds)


def burns(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def counted(read: Callable[[Ref], pa.Table], calls: Path, rows: int, text: Ref | None = None) -> pa.Table:
    """A unit's function: a table of some rows, and a line in a file for each call."""
    with calls.open("a") as file:
        file.write(f"{rows}\n")
    before: list[Any] = read(text)["a"].to_pylist() if text else []
    return pa.table({"a": [*before, *range(rows)]})


def refuses(read: Callable[[Ref], pa.Table], rows: int) -> pa.Table:  # noqa: ARG001 - the form of every unit's function
    """A unit's function that takes even numbers only."""
    if rows % 2:
        raise UserError(f"{rows} is odd", do="Take another.")
    return pa.table({"a": range(rows)})
