"""The mean over labels of F1, a score of the whole set, given as one value per item.

Knows predicted and true labels. A metric of a whole set is compared like any other if it returns one value per item
whose mean is the set's score and whose spread tells how sure that score is: its jackknife values.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from adaptline.core.registry import metric
from adaptline.errors import UserError


@metric(version=1, bounds=(0.0, 1.0))
def macro_f1(
    predictions: list[str], references: list[list[str]], *, absent: Literal["skip", "zero"] = "skip"
) -> list[float]:
    """F1 of each label, averaged with equal weight, as one jackknife value per item.

    An item's value is the macro-F1 plus what leaving the item out takes from it, times the number of items less one,
    centred (Tukey's pseudo-values, moved so that their mean is the macro-F1 itself and not its bias-corrected form).
    Which labels count is not decided anew without the item, nor is the F1 of a label that would be left with nothing.
    Single values may lie outside [0, 1]. A label that is always right, or always wrong, shows no variance: with fewer
    than about five items per label, intervals are too narrow.

    An item's true label is its prediction where that is one of its references, else its first reference.

    Args:
        predictions: the predicted label of each item.
        references: the accepted labels of each item, at least one.
        absent: labels that are predicted but are no item's true label. "skip" averages over the true labels only; a
            wrong prediction then costs the true label's recall (scikit-learn with `labels` set to the true labels).
            "zero" counts each such label with F1 = 0, so the score depends on how many different wrong labels a model
            makes up (scikit-learn's default). A true label that is never predicted has F1 = 0 with both; a label that
            is in neither has no part in either.

    Returns:
        One value per item.

    Raises:
        UserError: no items, or an item without a reference.
    """
    truth = _truth(predictions, references)
    labels, codes = np.unique(np.array([*truth, *predictions]), return_inverse=True)
    true, predicted = codes[: len(truth)], codes[len(truth) :]
    right = true == predicted
    in_truth = np.bincount(true, minlength=len(labels))
    either = in_truth + np.bincount(predicted, minlength=len(labels))  # 2 hits + misses + false alarms
    hits = np.bincount(true[right], minlength=len(labels))
    f1 = 2 * hits / either
    hit_gone = 2 * (hits - 1) / np.maximum(1, either - 2) - f1
    miss_gone = 2 * hits / np.maximum(1, either - 1) - f1
    counted = in_truth > 0 if absent == "skip" else np.ones(len(labels), dtype=bool)
    hit_gone[(either == 2) | ~counted] = miss_gone[~counted] = 0  # noqa: PLR2004 - the hit was all there is of it
    change = np.where(right, hit_gone[true], miss_gone[true] + miss_gone[predicted]) / counted.sum()
    values: list[float] = (f1[counted].mean() + (len(truth) - 1) * (change.mean() - change)).tolist()
    return values


def _truth(predictions: list[str], references: list[list[str]]) -> list[str]:
    if not predictions:
        raise UserError("macro_f1 needs items")
    truth = []
    for number, (prediction, accepted) in enumerate(zip(predictions, references, strict=True), start=1):
        if not accepted:
            raise UserError(f"item {number} has no reference", do="macro_f1 needs the true label of every item.")
        truth.append(prediction if prediction in accepted else accepted[0])
    return truth
