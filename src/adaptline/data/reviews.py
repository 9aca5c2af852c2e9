"""A person's review of rows: a file of verdicts on positions in source files.

Knows positions and verdicts. Knows nothing of what the rows say, or of what is done with a verdict. A row that is to be mended
comes with what it is to say, and with the digest of what it said when a person looked.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from adaptline.core import keys
from adaptline.core.sources import Files, refuse_changed
from adaptline.data.jsons import objects
from adaptline.data.records import half_pair
from adaptline.errors import UserError, did_you_mean

KEEP, DROP, MEND = VERDICTS = ("keep", "drop", "mend")
_EXAMPLE = '{"file": "messages.jsonl", "row": 12, "verdict": "drop", "why": "not a request", "by": "anna"}'
_MENDED = (
    '{"file": "messages.jsonl", "row": 12, "verdict": "mend", "was": "0a1b2c3d4e5f", "contents": ["the new text"]}'
)
_TYPES = {"file": str, "row": int, "verdict": str, "why": str, "by": str, "was": str, "label": str}
_NEEDED = ("file", "row", "verdict")

Place = tuple[str, int]  # a source file, relative to the recipe, and the 1-based row in it


@dataclass(frozen=True)
class Mend:
    """What a row is to say: the content of each of its messages, None for one that stays, and its label, None if it stays.

    `was` is the digest of the row that the person looked at.
    """

    was: str
    contents: tuple[str | None, ...]
    label: str | None = None


@dataclass(frozen=True)
class Verdict:
    """What one person said of one row, and the line that says it."""

    source: str
    row: int
    verdict: str
    by: str
    why: str
    where: Path
    name: str
    line: int
    mend: Mend | None = None

    @property
    def because(self) -> str:
        """Where it stands, who said it, and why."""
        by = f" by {self.by}" if self.by else ""
        return f"{self.name}, line {self.line}{by}" + (f": {self.why}" if self.why else "")


@lru_cache(maxsize=2)
def read(files: Files) -> dict[Place, tuple[Verdict, ...]]:
    """What each person said last of each row, the latest last; read once per process, not once per shard.

    Raises:
        UserError: a line is no verdict; with file and line.
    """
    said: dict[Place, dict[str, Verdict]] = {}
    for path, name in zip(files.paths, files.names, strict=True):
        for place, verdict in lines(path, name):
            people = said.setdefault(place, {})
            people.pop(verdict.by, None)  # so that the latest verdict stands last
            people[verdict.by] = verdict
    refuse_changed(files)  # what is read once per process must be what its key says
    return {place: tuple(verdicts.values()) for place, verdicts in said.items()}


def row_digest(messages: Sequence[dict[str, Any]] | None, label: str | None) -> str:
    """What tells whether a row still says what it said: a digest of its messages, each with role and content, and its label."""
    said = [[message["role"], message["content"]] for message in messages or ()]
    return keys.short(keys.key("row", said, label))


def refuse_unwritable(contents: Sequence[str | None], label: str | None) -> None:
    """Raises UserError, without a place, for what is no row, or none that can be written.

    Args:
        contents: what all messages of the row are to say; none where that is not known.
        label: its new label, if it gets one.
    """
    if contents and not any((text or "").strip() for text in contents):
        raise UserError("nothing is left of the row", do="Drop it instead.")
    if label is not None and not label.strip():
        raise UserError("an empty label", do="Name one, or leave it as it is.")
    if why := half_pair([*contents, label]):
        raise UserError(why, do="Take it out.")


def is_agreed(verdicts: Sequence[Verdict]) -> bool:
    """Whether all who spoke of a row say the same; of a row that is to be mended, with the same words."""
    return len({(verdict.verdict, verdict.mend) for verdict in verdicts}) == 1


def refuse_difference(verdicts: Sequence[Verdict]) -> None:
    """Raises UserError where different people say different things of one row."""
    last = verdicts[-1]
    mine = (last.verdict, last.mend)
    other = next((verdict for verdict in verdicts if (verdict.verdict, verdict.mend) != mine), None)
    if other is not None:
        raise UserError(
            f"{last.by or 'nobody named'} says {last.verdict!r} of {last.source}:{last.row}, "
            f"{other.by or 'nobody named'} says {other.verdict!r}{_how_else(last, other)} at {other.name}, line {other.line}",
            where=last.where,
            line=last.line,
            do='Agree, and add or remove a line; or let the filter review take such rows for unjudged: disagreement = "unjudged".',
        )


def _how_else(last: Verdict, other: Verdict) -> str:
    """In what two verdicts that are the same word differ."""
    if last.mend is None or other.mend is None:
        return ""
    same = (last.mend.contents, last.mend.label) == (other.mend.contents, other.mend.label)
    if not same:
        return ", with other words,"
    return f", of another version of the row (was = {other.mend.was!r}, not {last.mend.was!r}),"


def lines(path: Path, name: str) -> Iterator[tuple[Place, Verdict]]:
    """The verdicts of a file in its order, each with the row that it is about.

    Args:
        path: the file.
        name: it relative to the recipe: sources are named relative to the file.

    Raises:
        UserError: a line is no verdict; with file and line.
    """
    for number, value in objects(path, _EXAMPLE):
        try:
            _check(value)
        except UserError as error:
            raise error.at(path, number) from error
        source = os.path.normpath(Path(name).parent / value["file"])
        said = Verdict(
            source,
            value["row"],
            value["verdict"],
            value.get("by") or "",
            value.get("why") or "",
            path,
            name,
            number,
            Mend(value["was"], tuple(value.get("contents") or ()), value.get("label"))
            if value["verdict"] == MEND
            else None,
        )
        yield (source, value["row"]), said


def _check(value: dict[str, Any]) -> None:
    """Raises UserError, without a place, for an object that is no verdict."""
    if why := half_pair(value):
        raise UserError(why, do="Take it out.")
    if missing := [key for key in _NEEDED if value.get(key) is None]:
        raise UserError(f"a review has no {', '.join(missing)}", do=f"A line is like {_EXAMPLE}")
    for key, kind in _TYPES.items():
        given = value.get(key)
        if given is not None and (not isinstance(given, kind) or isinstance(given, bool)):
            raise UserError(f"{key} = {given!r} is no {'whole number' if kind is int else 'string'}", do=_EXAMPLE)
    if value["row"] < 1:
        raise UserError(f"row = {value['row']}: rows count from 1")
    if value["verdict"] not in VERDICTS:
        raise UserError(f"unknown verdict {value['verdict']!r}", do=did_you_mean(value["verdict"], VERDICTS))
    if value["verdict"] == MEND:
        _check_mend(value)


def _check_mend(value: dict[str, Any]) -> None:
    """Raises UserError, without a place, for a verdict that mends without saying how."""
    if not value.get("was"):
        raise UserError(
            "a row that is mended needs was, the digest of what it said",
            do=f"adaptline review writes it. A line is like {_MENDED}",
        )
    contents = value.get("contents")
    if contents is not None and not (
        isinstance(contents, list) and all(entry is None or isinstance(entry, str) for entry in contents)
    ):
        raise UserError("contents is no list of texts, or null for a message that stays", do=_MENDED)
    if value.get("label") is None and all(entry is None for entry in contents or ()):
        raise UserError("a row is mended, but neither contents nor label says how", do=_MENDED)
    refuse_unwritable([] if None in (contents or ()) else contents or [], value.get("label"))
