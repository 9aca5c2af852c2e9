"""Scores against bounds: who is out, and why. Knows bounds. Knows nothing of shards or of how scores came about."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from adaptline.errors import UserError, did_you_mean

Mask = npt.NDArray[np.bool_]
Kind = Literal["number", "label"]


def refuse_bounds(
    use: str,
    settings: dict[str, Any],
    kind: Kind | None,
    labels: Collection[str] = (),
    bounds: tuple[float, float] | None = None,
) -> None:
    """Raises UserError for bounds that no row can be meant to meet, before any row has a score.

    Args:
        use: the filter's name.
        settings: its bounds.
        kind: what its scores are, if that is known.
        labels: all that it can give, if they are known.
        bounds: the lowest and the highest number that it can give, if they are known.
    """
    if kind is not None:
        _refuse_other_kind(use, settings, kind)
    low, high = settings.get("min"), settings.get("max")
    if low is not None and high is not None and low > high:
        raise UserError(f"min of {use} is {low:g} and max {high:g}: nothing lies between", do="Swap them.")
    if bounds is not None:
        _refuse_beyond(use, settings, *bounds)
    for name in ("keep", "drop"):
        for label in settings.get(name, ()):
            if labels and label not in labels:
                raise UserError(f"{name} of {use} has {label!r}, which it never gives", do=did_you_mean(label, labels))


def judge(scores: pa.ChunkedArray, use: str, settings: dict[str, Any]) -> tuple[Mask, Mask]:
    """Which rows are out, and which have no score; both (rows,).

    A number is in where min <= score <= max; a label where it is in `keep` (if given) and not in `drop`. A row without
    a score is in, unless `unjudged` is "drop".

    Raises:
        UserError: bounds of the other kind.
    """
    unjudged = pc.is_null(scores, nan_is_null=True).to_numpy()
    if scores.null_count < len(scores):  # where no row has a score, nothing tells which kind it would be
        is_label = pa.types.is_string(scores.type) or pa.types.is_large_string(scores.type)
        _refuse_other_kind(use, settings, "label" if is_label else "number")
    out = np.zeros(len(scores), bool)
    for bad in _outside(scores, settings):
        out |= pc.fill_null(bad, False).to_numpy()
    out[unjudged] = settings.get("unjudged") == "drop"
    return out, unjudged


def _refuse_other_kind(use: str, settings: dict[str, Any], kind: Kind) -> None:
    wrong = [name for name in (("min", "max") if kind == "label" else ("keep", "drop")) if name in settings]
    if wrong:
        fit = "keep and drop" if kind == "label" else "min and max"
        raise UserError(f"{use} gives {kind}s, {wrong[0]} does not fit", do=f"Bound it with {fit}.")


def _refuse_beyond(use: str, settings: dict[str, Any], lowest: float, highest: float) -> None:
    reach = f"from {lowest:g} to {highest:g}" if highest < math.inf else f"of {lowest:g} and more"
    for name in ("min", "max"):
        if name in settings and not lowest <= settings[name] <= highest:
            what = f"{name} of {use} is {settings[name]:g}, and it gives numbers {reach}"
            raise UserError(what, do="Set it between, or leave it out.")


def reason(score: Any, settings: dict[str, Any]) -> str:
    """The bound that a score crosses, in words."""
    if score is None:
        return "no score"
    if isinstance(score, str):
        kept = settings.get("keep", [score])
        return (
            f"not {'one of ' if len(kept) > 1 else ''}{', '.join(kept)}"
            if score not in kept
            else "which the recipe drops"
            if score in settings.get("drop", [])
            else "within its bounds"
        )
    low, high = settings.get("min"), settings.get("max")
    return (
        f"< min {low:g}"
        if low is not None and score < low
        else f"> max {high:g}"
        if high is not None and score > high
        else "within its bounds"
    )


def _outside(scores: pa.ChunkedArray, settings: dict[str, Any]) -> list[Any]:
    bounds: dict[str, Callable[[Any], Any]] = {
        "min": lambda value: pc.less(scores, value),
        "max": lambda value: pc.greater(scores, value),
        "keep": lambda value: pc.invert(pc.is_in(scores, pa.array(value, pa.string()))),
        "drop": lambda value: pc.is_in(scores, pa.array(value, pa.string())),
    }
    return [
        bound(settings[name]) for name, bound in bounds.items() if name in settings and scores.null_count < len(scores)
    ]
