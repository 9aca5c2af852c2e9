"""What metrics of written answers share: accepted answers for every item, how many these are, the best of them.

Knows texts. Knows nothing of what a metric counts in them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from adaptline.errors import UserError

Form = TypeVar("Form")
References = Sequence[Sequence[str]]


def refuse_unanswerable(metric: str, references: References) -> None:
    """Raises UserError where there are no items, or one without an accepted answer; items are numbered from 1."""
    if not references:
        raise UserError(f"{metric} needs items")
    for number, accepted in enumerate(references, start=1):
        if not accepted:
            raise UserError(f"item {number} has no reference", do=f"{metric} needs at least one for every item.")


def reference_count(references: References) -> str:
    """How many references an item has, as signatures say it: a number, or "var" where it varies."""
    counts = {len(accepted) for accepted in references}
    return str(counts.pop()) if len(counts) == 1 else "var"


def best_of(
    score: Callable[[Form, Form], float],
    form: Callable[[str], Form],
    predictions: Sequence[str],
    references: References,
) -> list[float]:
    """The score of each prediction against the reference that it suits best, both brought into a form first."""
    scores = []
    for prediction, accepted in zip(predictions, references, strict=True):
        said = form(prediction)
        scores.append(max(score(said, form(reference)) for reference in accepted))
    return scores
