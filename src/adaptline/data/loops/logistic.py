"""Logistic regression on hashed features: margins of texts straight from Arrow's bytes, and training. Compiled by numba.

Knows features and weights. Knows nothing of what a class means. Every sum has one order, so the same examples give the same
weights.

A text's features have the value 1 over the root of their number, so long and short texts have margins of one size.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from adaptline.data import folding
from adaptline.data.loops.compiling import compiled
from adaptline.data.loops.features import Features, Offsets, Shape, features, room_for, split
from adaptline.data.loops.shingles import Bytes, Codes, fold, mix

Weights = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]

_MOST_STEPS = 100  # of Newton's method in one dimension; a handful do
_SHRINK = 0.1  # of liblinear: a step that leaves the interval goes a tenth of the way to its end
_LEAST = 1e-8  # where a dual variable begins, as the logarithm of 0 is none


def margins(data: Bytes, offsets: Offsets, shape: Shape, weights: Weights, bias: float, window: int) -> Numbers:
    """The margin of each text, its logarithmic odds before calibration; above 0 for the positive class: (texts,).

    Args:
        data: normalised texts, one after another in UTF-8.
        offsets: where each begins, with the end of the last.
        shape: which features the weights are for.
        weights: one per feature, 2^bits.
        bias: the margin of a text without features.
        window: words that are looked at together; the highest margin of a text's windows is its own. 0 for all of them.
    """
    out = np.empty(len(offsets) - 1, np.float64)
    rooms, done, tables = room_for(offsets, shape), 0, folding.tables_for(data)
    while True:
        done = _all_margins(data, offsets, done, tables, shape, weights, bias, window, *rooms, out)
        if done == len(out):
            return out
        rooms = tuple(np.empty(2 * len(room), room.dtype) for room in rooms)  # type: ignore[assignment]


@compiled
def _all_margins(
    data: Bytes,
    offsets: Offsets,
    done: int,
    tables: Any,
    shape: Any,
    weights: Weights,
    bias: float,
    window: int,
    codes: Codes,
    letters: Codes,
    ends: Offsets,
    room: Features,
    out: Numbers,
) -> int:
    """Goes on from text `done`. Returns the first text that there is too little room for, else the number of texts."""
    for text in range(done, len(out)):
        count = fold(data, offsets[text], offsets[text + 1], tables, codes)
        if count < 0:
            return text
        words = split(codes, count, tables.kind, letters, ends)
        pieces = max((words + window - 1) // window, 1) if window else 1
        best = -np.inf
        for piece in range(pieces):  # of one size, so that no last word stands alone
            first, last = words * piece // pieces, words * (piece + 1) // pieces
            best = max(best, _margin(weights, room, features(letters, ends, first, last, shape, room)))
        out[text] = best + bias
    return len(out)


@compiled
def _margin(weights: Weights, found: Features, count: int) -> Any:
    total = 0.0
    for at in range(count):
        total += weights[found[at]]
    return total / np.sqrt(max(count, 1))


@compiled
def descend(
    found: Features,
    ends: Offsets,
    positive: npt.NDArray[np.bool_],
    costs: Numbers,
    weights: Numbers,
    most_epochs: int,
    tolerance: float,
) -> float:
    """Trains by dual coordinate descent; fills `weights` and returns the bias.

    Yu, Huang, Lin: "Dual coordinate descent methods for logistic regression and maximum entropy models", 2011,
    algorithm 5, as liblinear has it. Minimises the half squared norm of the weights, the bias included, plus the sum of
    cost times logarithmic loss.

    Args:
        found: the features of all examples, one after another.
        ends: where those of each begin, with the end of the last.
        positive: the class of each.
        costs: what each example's loss counts.
        weights: one per feature, all 0.
        most_epochs: looks at every example at most so often.
        tolerance: stops where no example's gradient is larger.
    """
    examples = len(positive)
    lengths, duals = np.empty(examples), np.empty((examples, 2))
    bias = 0.0
    for one in range(examples):
        lengths[one] = _squared_length(found, ends[one], ends[one + 1], weights)
    for one in range(examples):
        duals[one, 0] = min(1e-3 * costs[one], _LEAST)
        duals[one, 1] = costs[one] - duals[one, 0]
        bias += _add(found, ends[one], ends[one + 1], weights, duals[one, 0] if positive[one] else -duals[one, 0])
    order = np.arange(examples)
    for epoch in range(most_epochs):
        largest = 0.0
        for last in range(examples - 1, 0, -1):  # Fisher and Yates, with a counter's digits
            other = np.int64(mix(np.uint64(epoch) << np.uint64(32) | np.uint64(last)) % np.uint64(last + 1))
            order[last], order[other] = order[other], order[last]
        for place in order:
            start, end, sign = ends[place], ends[place + 1], 1.0 if positive[place] else -1.0
            margin = sign * (bias + _dot(found, start, end, weights))
            change, gradient = _newton(duals[place], costs[place], lengths[place], margin)
            largest = max(largest, gradient)
            if change != 0.0:
                bias += _add(found, start, end, weights, sign * change)
        if largest < tolerance:
            break
    return bias


@compiled
def _newton(dual: Numbers, cost: float, length: float, margin: float) -> tuple[float, float]:
    """Mends the dual variables of one example. Returns the change of the first, and how large the gradient was."""
    down = 0.5 * length * (dual[1] - dual[0]) + margin < 0
    chosen, other = (1, 0) if down else (0, 1)
    sign = -1.0 if down else 1.0
    before = dual[chosen]
    now = before * _SHRINK if cost - before < 0.5 * cost else before
    slope = length * (now - before) + sign * margin + np.log(now / (cost - now))
    largest = abs(slope)
    for _ in range(_MOST_STEPS):
        if abs(slope) < 1e-6:  # noqa: PLR2004 - far below any tolerance of the whole
            break
        step = now - slope / (length + cost / (cost - now) / now)
        now = now * _SHRINK if step <= 0 else step
        slope = length * (now - before) + sign * margin + np.log(now / (cost - now))
    dual[chosen], dual[other] = now, cost - now
    return sign * (now - before), largest


@compiled
def _dot(found: Features, start: int, end: int, weights: Numbers) -> Any:
    total = 0.0
    for at in range(start, end):
        total += weights[found[at]]
    return total / np.sqrt(max(end - start, 1))


@compiled
def _add(found: Features, start: int, end: int, weights: Numbers, factor: float) -> float:
    """Adds a multiple of an example to the weights. Returns what it adds to the bias."""
    each = factor / np.sqrt(max(end - start, 1))
    for at in range(start, end):
        weights[found[at]] += each
    return factor


@compiled
def _squared_length(found: Features, start: int, end: int, weights: Numbers) -> float:
    """Of an example, the bias' 1 included. `weights` are 0 before and after: they count how often a feature is there."""
    for at in range(start, end):
        weights[found[at]] += 1.0
    total = 0.0
    for at in range(start, end):
        total += weights[found[at]]
    for at in range(start, end):
        weights[found[at]] = 0.0
    return 1.0 + total / max(end - start, 1)
