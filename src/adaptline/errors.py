"""The mistakes a user can make. Every message says what is wrong, where, and what to do; none shows a traceback."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class UserError(Exception):
    """A mistake that the user can mend. The command line prints it and ends with exit code 1."""

    def __init__(self, what: str, *, where: str | Path | None = None, line: int | None = None, do: str = "") -> None:
        """What is wrong, where (a file, with its line if known) and what to do about it.

        A line is written as "a.csv, line 3": "a.csv:3" is the address of the third row, which in a csv starts elsewhere.
        """
        self.what, self.where, self.line, self.do = what, where, line, do
        place = "" if where is None else f"{where}, line {line}: " if line else f"{where}: "
        super().__init__(f"{place}{what}" + (f"\n  {do}" if do else ""))

    def __reduce__(self) -> tuple[Any, ...]:
        """Errors cross from a worker process to ours with what they carry."""
        return _rebuild, (self.what, self.where, self.line, self.do)

    def at(self, where: str | Path, line: int | None = None) -> UserError:
        """The same mistake with a place, for code that learns the place later than the mistake."""
        return self if self.where is not None else UserError(self.what, where=where, line=line, do=self.do)


def _rebuild(what: str, where: str | Path | None, line: int | None, do: str) -> UserError:
    return UserError(what, where=where, line=line, do=do)


class RunError(Exception):
    """Something failed while running; what was done stays done. The command line ends with exit code 3.

    `brief` says it without words of others, which may hold texts of rows: what may be kept.
    """

    def __init__(self, what: str, *, brief: str | None = None) -> None:
        """What failed; and in brief, if that is not the same."""
        self.brief = what if brief is None else brief
        super().__init__(what)

    def __reduce__(self) -> tuple[Any, ...]:
        """Errors cross from a worker process to ours with what they carry."""
        return _rebuild_failure, (str(self), self.brief)


def _rebuild_failure(what: str, brief: str) -> RunError:
    return RunError(what, brief=brief)


def printable(text: str, *, keep: str = "") -> str:
    """Text without what a terminal would obey: escape sequences, line ends, turns of the writing's direction."""
    return "".join(c if c.isprintable() or c in keep else "\N{REPLACEMENT CHARACTER}" for c in text)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """'Did you mean X?' when a known word is close, else the list of the known words."""
    known = sorted(known)
    close = difflib.get_close_matches(word, known, n=1)
    return f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(known) or 'none'}."
