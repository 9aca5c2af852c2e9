"""What people said of rows, read like a filter.

Knows rows' positions. What a file of verdicts says, reviews.py reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import pyarrow as pa

from adaptline.core.registry import filter
from adaptline.core.sources import Files
from adaptline.data.reviews import VERDICTS, Verdict, is_agreed, read, refuse_difference
from adaptline.errors import UserError

_SAID = pa.list_(pa.struct([("by", pa.string()), ("verdict", pa.string())]))


def _refuse_unplaced(scored: Iterable[pa.Table], *, file: Files, **_: object) -> None:
    """A verdict that names no row would be lost in silence: a file was renamed, or a number is wrong."""
    used = {because for scores in scored for because in scores["because"].drop_null().to_pylist()}
    for verdicts in read(file).values():
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
    verdicts = read(file)
    places = zip(rows["file"].to_pylist(), rows["row"].to_pylist(), strict=True)
    people = [verdicts.get(place, ()) for place in places]
    for one in people:
        if one and disagreement == "refuse":
            refuse_difference(one)
    agreed = [one[-1].verdict if one and is_agreed(one) else None for one in people]
    because = ["; ".join(_telling(one)) or None for one in people]
    said = [[{"by": one.by, "verdict": one.verdict} for one in of_row] or None for of_row in people]
    columns = [pa.array(agreed, pa.string()), pa.array(because, pa.string()), pa.array(said, _SAID)]
    return pa.StructArray.from_arrays(columns, names=["score", "because", "said"])


def _telling(verdicts: Sequence[Verdict]) -> list[str]:
    """Where the last verdict stands; of people who differ, where each one's does."""
    if not is_agreed(verdicts):
        return [f"{verdict.verdict} in {verdict.because}" for verdict in verdicts]
    return [verdict.because for verdict in verdicts[-1:]]
