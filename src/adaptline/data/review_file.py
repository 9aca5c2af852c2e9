"""A person's verdicts as they are written: one line each, on disk before it counts.

Knows the file that the filter `review` reads. Knows nothing of rows and pages. Several people may write to one file at once:
every change is made under its lock, and nobody's lines are touched but one's own.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from adaptline.core import disk
from adaptline.data.reviews import MEND, Mend, Place, Verdict, lines
from adaptline.errors import UserError

_BEGINNING = b'{"file": '  # of every line that we write


class ReviewFile:
    """What one person said, in a file. Made when the first verdict is given."""

    def __init__(self, path: Path, *, beside: Path, by: str = "") -> None:
        """Reads what this person said before.

        Args:
            path: the file.
            beside: the recipe's folder: places are relative to it.
            by: who says it; empty for nobody named.

        Raises:
            UserError: a line of the file is no verdict. A line that was cut off while it was written goes.
        """
        self.path, self.by = path, by
        self._beside = beside.absolute()
        self._name = os.path.relpath(path.absolute(), self._beside)
        self.said: dict[Place, str] = {}
        self.mends: dict[Place, Mend] = {}  # of the rows that this person mends
        if path.exists():
            with self._open() as file:
                _mend_end(file)
                self._read()

    def say(self, place: Place, verdict: str, mend: Mend | None = None) -> None:
        """Appends a verdict, with "mend" what the row is to say; it is on disk when this returns.

        Raises:
            UserError: it cannot be written.
        """
        source = os.path.relpath(self._beside / place[0], self.path.absolute().parent)
        entry: dict[str, Any] = {"file": Path(source).as_posix(), "row": place[1], "verdict": verdict}
        if mend:
            entry |= {"was": mend.was, "contents": mend.contents, "label": mend.label}
        line = json.dumps(entry | ({"by": self.by} if self.by else {}), ensure_ascii=False) + "\n"
        new = not self.path.exists()
        with self._open() as file:
            _mend_end(file)
            os.lseek(file, 0, os.SEEK_END)
            _write(file, line.encode("utf-8", "surrogateescape"))
            os.fsync(file)
        if new:
            disk.sync(self.path.parent)
        self._remember(place, verdict, mend)

    def undo(self, among: Collection[Place]) -> Place | None:
        """Takes back this person's last verdict on one of these rows and returns the row; None where there is none.

        What was said of it before counts again. A line in the middle of the file becomes blank. Raises UserError where the
        file is changed meanwhile by what does not lock it.
        """
        if not self.path.exists():
            return None
        with self._open() as file:
            _mend_end(file)
            mine = [(place, said.line) for place, said in self._lines() if said.by == self.by and place in among]
            if not mine:
                return None
            place, number = mine[-1]
            data = self.path.read_bytes()
            start = sum(len(line) + 1 for line in data.split(b"\n")[: number - 1])
            end = data.index(b"\n", start)
            self._refuse_other(data[start:end], place)
            if end + 1 == len(data):
                os.ftruncate(file, start)
            else:
                os.pwrite(file, b" " * (end - start), start)
            os.fsync(file)
            self._read()
        return place

    def _refuse_other(self, line: bytes, place: Place) -> None:
        """Raises UserError where a line is not this person's on a row: somebody wrote to the file without its lock."""
        entry = json.loads(line.decode("utf-8-sig"))
        if (entry["row"], entry.get("by") or "") != (place[1], self.by):
            raise UserError("changed while a verdict was taken back", where=self.path, do="Try again.")

    def _read(self) -> None:
        self.said, self.mends = {}, {}
        for place, said in self._lines():
            if said.by == self.by:
                self._remember(place, said.verdict, said.mend)

    def _remember(self, place: Place, verdict: str, mend: Mend | None) -> None:
        self.said[place] = verdict
        self.mends.pop(place, None)
        if verdict == MEND and mend:
            self.mends[place] = mend

    def _lines(self) -> Iterator[tuple[Place, Verdict]]:
        return lines(self.path, self._name)

    @contextmanager
    def _open(self) -> Iterator[int]:
        """The file, locked until the end of the block."""
        with disk.explained(self.path):
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield file
            finally:
                os.close(file)


def _mend_end(file: int) -> None:
    """Ends a last line that has no end; where it is one of ours that was cut off while it was written, it goes."""
    data = os.pread(file, os.fstat(file).st_size, 0)
    if not data or data.endswith(b"\n"):
        return
    start = data.rfind(b"\n") + 1
    try:
        json.loads(data[start:].decode("utf-8-sig"))
    except ValueError:
        if not data[start:].startswith(_BEGINNING):
            return  # a person's own, which reading it refuses
        os.ftruncate(file, start)
    else:
        os.lseek(file, 0, os.SEEK_END)
        _write(file, b"\n")
    os.fsync(file)


def _write(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]
