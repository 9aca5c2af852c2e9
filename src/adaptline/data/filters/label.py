"""Whether a row has a label that can be learnt. Knows what labels look like; nothing of whether one fits its text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from adaptline.core.registry import filter
from adaptline.data.labels import folded, hint, likely
from adaptline.data.measures import FINE
from adaptline.errors import UserError

_LABELS = (FINE, "missing", "empty", "white_space", "spelling", "unknown")


def _check(*, known: Sequence[str] = (), **_: object) -> None:
    for label in known:
        if label != " ".join(label.split()) or not label:
            raise UserError(
                f"known has {label!r}", do="Name labels as they should be, without white space around them."
            )


def _tell(scores: Iterable[pa.Table], **_: object) -> list[str]:
    """That no row has a label, where none has one: a field that is not named is likelier than that."""
    fields: set[str] = set()
    rows = 0
    for table in scores:
        judged = table.filter(pc.is_valid(table["score"]))
        if pc.any(pc.not_equal(judged["score"], "missing")).as_py():
            return []
        rows += len(judged)
        fields.update(pc.unique(judged["because"].drop_null()).to_pylist())
    why = min(fields, default="ingest takes it from the field that label names")
    return [f"no row has a label: {why}"] if rows else []


@filter(version=2, labels=lambda: _LABELS, defaults={"keep": [FINE]}, check=_check, tell=_tell)
def label(rows: pa.Table, *, known: list[str] = []) -> pa.StructArray:  # noqa: B006 - never changed
    """Whether a row's label is one: "fine", or the first of these that is wrong with it. Keeps "fine" by default.

    They are: "missing", no label at all; "empty", white space alone; "white_space" around it, or more than one space inside;
    and where the recipe says which labels are `known`, "spelling", one of them in another case or with a decimal .0, and "unknown", none of them.

    Args:
        rows: a shard.
        known: all labels that there should be; without them any label is known.

    Returns:
        Per row `score`, one of these words, and `because`, the label as it is; where no row has one, which field may be it.
    """
    spelt = {folded(one): one for one in known}
    found = rows["label"].to_pylist()
    scores = [_judged(one, known, spelt) for one in found]
    field = likely(rows["extra"]) if rows["label"].null_count == len(rows) else None
    none = hint(field) if field else None  # why there is no label
    because = [
        None if score == FINE else none if one is None else repr(one) for one, score in zip(found, scores, strict=True)
    ]
    return pa.StructArray.from_arrays(
        [pa.array(scores, pa.string()), pa.array(because, pa.string())], ["score", "because"]
    )


def _judged(label: str | None, known: Sequence[str], spelt: dict[str, str]) -> str:
    if label is None:
        return "missing"
    if not label.strip():
        return "empty"
    if label != " ".join(label.split()):
        return "white_space"
    if not known or label in known:
        return FINE
    return "spelling" if folded(label) in spelt else "unknown"
