"""What people said of rows: a file of verdicts, read like a filter.

Knows positions in source files and verdicts. Knows nothing of what the rows say.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from adaptline.core.registry import filter
from adaptline.core.sources import Files, refuse_changed
from adaptline.data.jsons import objects
from adaptline.errors import UserError, did_you_mean

VERDICTS = ("keep", "drop")
_EXAMPLE = '{"file": "messages.jsonl", "row": 12, "verdict": "drop", "why": "not a request", "by": "anna"}'
_TYPES = {"file": str, "row": int, "verdict": str, "why": str, "by": str}
_NEEDED = ("file", "row", "verdict")

_SAID = pa.list_(pa.struct([("by", pa.string()), ("verdict", pa.string())]))

Place = tuple[str, int]  # a source file, relative to the recipe, and the 1-based row in it


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

    @property
    def because(self) -> str:
        """Where it stands, who said it, and why."""
        by = f" by {self.by}" if self.by else ""
        return f"{self.name}:{self.line}{by}" + (f": {self.why}" if self.why else "")


def _refuse_unplaced(scored: Iterable[pa.Table], *, file: Files, **_: object) -> None:
    """A verdict that names no row would be lost in silence: a file was renamed, or a number is wrong."""
    used = {because for scores in scored for because in scores["because"].drop_null().to_pylist()}
    for verdicts in _read(file).values():
        last = verdicts[-1]
        if "; ".join(_telling(verdicts)) not in used:
            raise UserError(
                f"no row {last.source}:{last.row} that could be read is in the data",
                where=last.where,
                line=last.line,
                do="`file` is relative to the review file, and rows count from 1. Correct the line, or remove it.",
            )


@filter(version=2, defaults={"drop": ["drop"]}, labels=lambda: VERDICTS, settle=_refuse_unplaced)
def review(rows: pa.Table, *, file: Files, disagreement: Literal["refuse", "unjudged"] = "refuse") -> pa.StructArray:
    """The verdict of a person on each row, "keep" or "drop"; null where nobody looked. Drops "drop" by default.

    The file has one JSON object per line, with `file` (a source, relative to the review file), `row` (1-based record
    of it), `verdict`, and optionally `why` and `by`. Positions are those of the source, so verdicts hold whatever other
    steps do. A later line by the same person on the same row replaces the earlier one.

    Args:
        rows: a shard.
        file: the review files.
        disagreement: two people who say different things of a row are an error ("refuse"): one of them changes their mind, or
            the file has one line less. "unjudged" takes such a row for one that nobody looked at.

    Returns:
        Per row `score`, the verdict, `because`: "file:line by whom: why", and `said`: each person's verdict.

    Raises:
        UserError: a line that is no such object or names no row, an unknown verdict, or a disagreement, with file and
            line.
    """
    verdicts = _read(file)
    places = zip(rows["file"].to_pylist(), rows["row"].to_pylist(), strict=True)
    people = [verdicts.get(place, ()) for place in places]
    agreed = [one[-1].verdict if one and not _differing(one, disagreement) else None for one in people]
    because = ["; ".join(_telling(one)) or None for one in people]
    said = [[{"by": one.by, "verdict": one.verdict} for one in of_row] or None for of_row in people]
    columns = [pa.array(agreed, pa.string()), pa.array(because, pa.string()), pa.array(said, _SAID)]
    return pa.StructArray.from_arrays(columns, names=["score", "because", "said"])


@lru_cache(maxsize=2)
def _read(files: Files) -> dict[Place, tuple[Verdict, ...]]:
    """What each person said last of each row; read once per process, not once per shard."""
    said: dict[Place, dict[str, Verdict]] = {}
    for path, name in zip(files.paths, files.names, strict=True):
        for place, verdict in lines(path, name):
            people = said.setdefault(place, {})
            people.pop(verdict.by, None)  # so that the latest verdict stands last
            people[verdict.by] = verdict
    refuse_changed(files)  # what is read once per process must be what its key says
    return {place: tuple(verdicts.values()) for place, verdicts in said.items()}


def _telling(verdicts: Sequence[Verdict]) -> list[str]:
    """Where the last verdict stands; of people who differ, where each one's does."""
    if len({verdict.verdict for verdict in verdicts}) > 1:
        return [f"{verdict.verdict} in {verdict.because}" for verdict in verdicts]
    return [verdict.because for verdict in verdicts[-1:]]


def _differing(verdicts: Sequence[Verdict], disagreement: str) -> bool:
    """Whether different people say different things of one row. Raises UserError for it where it is to be refused."""
    last = verdicts[-1]
    other = next((verdict for verdict in verdicts if verdict.verdict != last.verdict), None)
    if other is not None and disagreement == "refuse":
        raise UserError(
            f"{last.by or 'nobody named'} says {last.verdict!r} of {last.source}:{last.row}, "
            f"{other.by or 'nobody named'} says {other.verdict!r} at {other.name}:{other.line}",
            where=last.where,
            line=last.line,
            do='Agree, and add or remove a line; or take such rows for unjudged: disagreement = "unjudged".',
        )
    return other is not None


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
            source, value["row"], value["verdict"], value.get("by") or "", value.get("why") or "", path, name, number
        )
        yield (source, value["row"]), said


def _check(value: dict[str, Any]) -> None:
    """Raises UserError, without a place, for an object that is no verdict."""
    if missing := [key for key in _NEEDED if value.get(key) is None]:
        raise UserError(f"a review has no {', '.join(missing)}", do=f"A line is like {_EXAMPLE}")
    for key, kind in _TYPES.items():
        given = value.get(key)
        if given is not None and (not isinstance(given, kind) or isinstance(given, bool)):
            raise UserError(f"{key} = {given!r} is no {'whole number' if kind is int else 'string'}", do=_EXAMPLE)
    if value["row"] < 1:
        raise UserError(f"row = {value['row']}: rows count from 1")
    if value["verdict"] == "mend":
        raise UserError(
            "the verdict 'mend' is not read by this version", do="Drop the row, and add the mended text to a source."
        )
    if value["verdict"] not in VERDICTS:
        raise UserError(f"unknown verdict {value['verdict']!r}", do=did_you_mean(value["verdict"], VERDICTS))
