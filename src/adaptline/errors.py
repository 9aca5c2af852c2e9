"""The mistakes a user can make. Every message says what is wrong, where, and what to do; none shows a traceback."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class UserError(Exception):
    """A mistake that the user can mend. The command line prints it and ends with exit code 1.

    `brief` says what is wrong without words of others, which may hold texts of rows: what may be kept beside the place.
    """

    def __init__(
        self, what: str, *, where: str | Path | None = None, line: int | None = None, do: str = "", brief: str = ""
    ) -> None:
        """What is wrong, where (a file, with its line if known) and what to do about it; and in brief.

        A line is written as "a.csv, line 3": "a.csv:3" is the address of the third row, which in a csv starts elsewhere.
        """
        self.what, self.where, self.line, self.do, self.brief = what, where, line, do, brief
        super().__init__(f"{self.located}{what}" + (f"\n  {do}" if do else ""))

    @property
    def located(self) -> str:
        """Where, as messages begin; empty if that is not known."""
        return "" if self.where is None else f"{self.where}, line {self.line}: " if self.line else f"{self.where}: "

    def __reduce__(self) -> tuple[Any, ...]:
        """Errors cross from a worker process to ours with what they carry."""
        return _rebuild, (self.what, self.where, self.line, self.do, self.brief)

    def at(self, where: str | Path, line: int | None = None) -> UserError:
        """The same mistake with a place, for code that learns the place later than the mistake."""
        if self.where is not None:
            return self
        return UserError(self.what, where=where, line=line, do=self.do, brief=self.brief)


def _rebuild(what: str, where: str | Path | None, line: int | None, do: str, brief: str) -> UserError:
    return UserError(what, where=where, line=line, do=do, brief=brief)


class RunError(Exception):
    """Something failed while running; what was done stays done. The command line ends with exit code 3.

    `brief` says it without words of others, which may hold texts of rows: what may be kept.
    """

    def __init__(self, what: str, *, brief: str | bool = "") -> None:
        """What failed; and in brief, True if that is the same."""
        self.brief = what if brief is True else brief or ""
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
