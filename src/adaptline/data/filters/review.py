"""What people said of rows, read like a filter.

Knows rows' positions. What a file of verdicts is, data/reviews.py tells.
"""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from adaptline.core.registry import filter
from adaptline.core.sources import Files
from adaptline.data.reviews import VERDICTS, read
from adaptline.errors import UserError


def _refuse_unplaced(scored: Iterable[pa.Table], *, file: Files) -> None:
    """A verdict that names no row would be lost in silence: a file was renamed, or a number is wrong."""
    used = {because for scores in scored for because in scores["because"].drop_null().to_pylist()}
    for (source, row), verdict in read(file).items():
        if verdict.because not in used:
            raise UserError(
                f"no row {source}:{row} that could be read is in the data",
                where=verdict.where,
                line=verdict.line,
                do="`file` is relative to the review file, and rows count from 1. Correct the line, or remove it.",
            )


@filter(version=1, defaults={"drop": ["drop"]}, labels=lambda: VERDICTS, settle=_refuse_unplaced)
def review(rows: pa.Table, *, file: Files) -> pa.StructArray:
    """The verdict of a person on each row, "keep" or "drop"; null where nobody looked. Drops "drop" by default.

    The file has one JSON object per line, with `file` (a source, relative to the review file), `row` (1-based record
    of it), `verdict`, and optionally `why` and `by`. Positions are those of the source, so verdicts hold whatever other
    steps do. A later line by the same person on the same row replaces the earlier one. Two people who disagree are an
    error: one of them changes their mind, or the file has one line less.

    Args:
        rows: a shard.
        file: the review files.

    Returns:
        Per row `score`, the verdict, and `because`: "file:line by whom: why".

    Raises:
        UserError: a line that is no such object or names no row, an unknown verdict, or a disagreement, with file and
            line.
    """
    verdicts = read(file)
    found = [verdicts.get(place) for place in zip(rows["file"].to_pylist(), rows["row"].to_pylist(), strict=True)]
    scores = pa.array([verdict and verdict.verdict for verdict in found], pa.string())
    because = pa.array([verdict and verdict.because for verdict in found], pa.string())
    return pa.StructArray.from_arrays([scores, because], names=["score", "because"])
