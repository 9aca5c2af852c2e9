"""The share of items that were answered exactly right."""

from __future__ import annotations

from adaptline.core.registry import metric


@metric(version=1, bounds=(0.0, 1.0))
def accuracy(predictions: list[str], references: list[list[str]]) -> list[float]:
    """1.0 where a prediction equals one of its item's references, character by character, else 0.0.

    Args:
        predictions: one per item.
        references: the accepted answers of each item; none of them can be met where there is none.

    Returns:
        One score per item.
    """
    return [float(prediction in accepted) for prediction, accepted in zip(predictions, references, strict=True)]
