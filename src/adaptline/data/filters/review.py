"""What people said of rows, read like a filter; and what they wrote, which takes the place of what a row said.

Knows rows' positions. What a file of verdicts says, reviews.py reads.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

import pyarrow as pa

from adaptline.core.demands import EMPTY_FILES
from adaptline.core.registry import filter
from adaptline.core.rows import extra_values
from adaptline.core.sources import Files
from adaptline.data.respelling import holds_other, like_in
from adaptline.data.reviews import (
    MEND,
    VERDICTS,
    Mend,
    Verdict,
    is_agreed,
    read,
    refuse_difference,
    refuse_unwritable,
    row_digest,
)
from adaptline.errors import UserError

_SAID = pa.list_(pa.struct([("by", pa.string()), ("verdict", pa.string())]))
_WRITTEN = pa.list_(pa.struct([("message", pa.int32()), ("content", pa.string())]))
_CHANGED = "not mended: the row has changed since, "  # followed by its digest as it is


def _refuse_unplaced(
    scored: Iterable[pa.Table], *, file: Files, changed: Literal["refuse", "unjudged"] = "refuse", **_: object
) -> None:
    """A verdict that names no row would be lost in silence: a file was renamed, or a number is wrong.

    So would one that mends, if no row of its place is what the person saw.
    """
    used = {because for scores in scored for because in scores["because"].drop_null().to_pylist()}
    stale = {because.partition("; " + _CHANGED)[0]: because for because in used if _CHANGED in because}
    for verdicts in read(file).values():
        last, told = verdicts[-1], "; ".join(_telling(verdicts))
        if told in used:
            continue
        if told not in stale:
            raise UserError(
                f"no row {last.source}:{last.row} that could be read is in the data",
                where=last.where,
                line=last.line,
                do="`file` is relative to the review file, and rows count from 1. Correct the line, or remove it.",
            )
        if changed == "refuse":
            raise UserError(
                f"{last.source}:{last.row} is not what it was when it was mended: was = {last.mend and last.mend.was!r}, "
                f"and now it is {stale[told].rpartition(_CHANGED)[2]!r}",
                where=last.where,
                line=last.line,
                do="Review it again, or remove the line. Rules that write texts must stand on the same side of this one as when "
                'the row was looked at. With changed = "unjudged" such rows stay as they are.',
            )


def _written(scores: pa.Table) -> pa.Table:
    """What is written into the rows that are mended, as a transform's changes."""
    found = [
        {"row": row, **change} for row, changes in enumerate(scores["written"].to_pylist()) for change in changes or ()
    ]
    return pa.Table.from_pylist(
        found, pa.schema([("row", pa.int64()), ("message", pa.int32()), ("content", pa.string())])
    )


@filter(version=4, defaults={"drop": ["drop"]}, labels=lambda: VERDICTS, settle=_refuse_unplaced, writes=_written)
def review(
    rows: pa.Table,
    *,
    file: Annotated[Files, EMPTY_FILES],
    disagreement: Literal["refuse", "unjudged"] = "refuse",
    changed: Literal["refuse", "unjudged"] = "refuse",  # noqa: ARG001 - only all shards together tell: _refuse_unplaced
) -> pa.StructArray:
    """The verdict of a person on each row, "keep", "drop" or "mend"; null where nobody looked. Drops "drop", and mends "mend".

    The file has one JSON object per line, with `file` (a source, relative to the review file), `row` (1-based record
    of it), `verdict`, and optionally `why` and `by`. Positions are those of the source, so verdicts hold whatever other
    steps do. A later line by the same person on the same row replaces the earlier one. A line that mends has `contents` (per
    message its new text, null for one that stays), `label`, or both, and `was`, the digest of the row that the person saw
    (reviews.row_digest); rows that are something else by now, as children of that row are, are not mended. A row that says what was written is.

    Args:
        rows: a shard.
        file: the review files. An empty one has no verdicts yet.
        disagreement: two people who say different things of a row are an error ("refuse"): one of them changes their mind, or
            the file has one line less. "unjudged" takes such a row for one that nobody looked at.
        changed: a row that is to be mended, but has changed since the person saw it, is an error ("refuse"), or stays as it is
            and counts as one that nobody looked at ("unjudged").

    Returns:
        Per row `score`, the verdict, `because`: "file:line by whom: why", `said`: each person's verdict, and `written`: what
        changes in it.

    Raises:
        UserError: a line that is no such object or names no row, an unknown verdict, a disagreement, or a row that has
            changed, a label that the source cannot hold, with file and line.
    """
    verdicts = read(file)
    places = zip(rows["file"].to_pylist(), rows["row"].to_pylist(), strict=True)
    people = [verdicts.get(place, ()) for place in places]
    for one in people:
        if one and disagreement == "refuse":
            refuse_difference(one)
    agreed = [one[-1].verdict if one and is_agreed(one) else None for one in people]
    because = ["; ".join(_telling(one)) or None for one in people]
    written: list[list[dict[str, Any]] | None] = [None] * len(people)
    for place, verdict in enumerate(agreed):
        if verdict == MEND:
            row = rows.select(["messages", "label"]).slice(place, 1).to_pylist()[0]
            written[place] = _changes(people[place][-1], row["messages"] or [], row["label"])
            if any(change["message"] is None for change in written[place] or ()):
                _refuse_other_kind(people[place][-1], rows.slice(place, 1))
            if written[place] is None:
                agreed[place] = None
                because[place] = f"{because[place]}; {_CHANGED}{row_digest(row['messages'], row['label'])}"
    said = [[{"by": one.by, "verdict": one.verdict} for one in of_row] or None for of_row in people]
    columns = [pa.array(agreed, pa.string()), pa.array(because, pa.string()), pa.array(said, _SAID)]
    columns.append(pa.array(written, _WRITTEN))
    return pa.StructArray.from_arrays(columns, names=["score", "because", "said", "written"])


def _changes(verdict: Verdict, messages: Sequence[dict[str, Any]], label: str | None) -> list[dict[str, Any]] | None:
    """What a person writes into a row, nothing where it says that already; None if it is not the row that they saw."""
    mend = verdict.mend
    if mend is None or not (mend.was == row_digest(messages, label) or _is_mended(mend, messages, label)):
        return None
    _refuse_other_length(verdict, mend, len(messages))
    after = [was["content"] if new is None else new for was, new in zip(messages, mend.contents, strict=False)]
    try:
        refuse_unwritable(after, mend.label)  # only the whole row tells whether anything is left of it
    except UserError as error:
        raise error.at(verdict.where, verdict.line) from error
    found: list[dict[str, Any]] = [
        {"message": at, "content": content}
        for at, content in enumerate(mend.contents)
        if content not in (None, messages[at]["content"])
    ]
    if mend.label is not None and mend.label != label:
        found.append({"message": None, "content": mend.label})
    return found


def _is_mended(mend: Mend, messages: Sequence[dict[str, Any]], label: str | None) -> bool:
    """Whether a row says what a person wrote, as after a filter before that read the same file."""
    says = [message["content"] for message in messages]
    is_so = not mend.contents or len(mend.contents) == len(says)
    return (
        is_so
        and mend.label in (None, label)
        and all(new in (None, old) for new, old in zip(mend.contents, says, strict=False))
    )


def _refuse_other_kind(verdict: Verdict, row: pa.Table) -> None:
    """Raises UserError for a label that the row's source cannot hold: among numbers it must be one, as JSON spells it."""
    told = json.loads((row.schema.metadata or {}).get(b"adaptline", b"{}")).get("files", {})
    name = told.get(verdict.source, {}).get("columns", {}).get("label")
    if name is None or verdict.mend is None or verdict.mend.label is None:
        return
    label = verdict.mend.label
    kind = row["extra"].type
    own = kind.field(name).type if pa.types.is_struct(kind) and kind.get_field_index(name) >= 0 else None
    like = like_in([] if pa.types.is_struct(kind) else extra_values(row, name), own)
    held = holds_other(label, like, own)
    if held is not None:
        raise UserError(
            f"label = {label!r} cannot go back to {name!r} of {verdict.source}:{verdict.row}, which holds {held}",
            where=verdict.where,
            line=verdict.line,
            do="Give a label of the same kind, spelt as the others are, or mend it in the source.",
        )


def _refuse_other_length(verdict: Verdict, mend: Mend, messages: int) -> None:
    if mend.contents and len(mend.contents) != messages:
        raise UserError(
            f"contents has {len(mend.contents)} texts, and {verdict.source}:{verdict.row} {messages} messages",
            where=verdict.where,
            line=verdict.line,
            do="Give one for each message, null for one that stays.",
        )


def _telling(verdicts: Sequence[Verdict]) -> list[str]:
    """Where the last verdict stands; of people who differ, where each one's does."""
    if not is_agreed(verdicts):
        return [f"{verdict.verdict} in {verdict.because}" for verdict in verdicts]
    return [verdict.because for verdict in verdicts[-1:]]
