"""A small linear classifier of texts: trained here, the same bytes each time, calibrated, and kept in safetensors.

Knows features, two classes and probabilities. Knows nothing of what the classes are, or of languages.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from adaptline.data import folding, matching
from adaptline.data.loops import logistic
from adaptline.data.loops.features import Shape, of_texts
from adaptline.errors import UserError

Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

FOLDS = 5
MOST_CHARACTERS = 1_000_000
SHAPE = Shape(low=3, high=5, bits=18)
_METADATA = "adaptline.linear"
_MOST_EPOCHS, _TOLERANCE = 200, 0.01
_DIGITS = 6
_NEWTON_STEPS, _SMALL = 100, 1e-10


@dataclass(frozen=True)
class Linear:
    """Weights of hashed features, and the line that makes probabilities of margins: sigmoid(slope * margin + offset)."""

    weights: npt.NDArray[np.float32]  # (2^bits,)
    bias: float
    slope: float
    offset: float
    shape: Shape
    window: int = 0

    def margins(self, texts: pa.Array) -> Numbers:
        """How far each text is on the positive side, before calibration: (texts,). A null text is an empty one.

        Of a text the first million characters count, so that one of 200 MB takes no more memory than others.
        """
        data, offsets = matching.utf8(folding.normalised(_beginnings(texts)))
        return logistic.margins(data, offsets, self.shape, self.weights, self.bias, self.window)

    def probabilities(self, texts: pa.Array) -> Numbers:
        """The probability of the positive class, 0 to 1, to six digits, as a processor's tanh may differ in the last: (texts,)."""
        return np.round(sigmoid(self.slope * self.margins(texts) + self.offset), _DIGITS)


@dataclass(frozen=True)
class Trained:
    """A model, and what cross-validation says of it: the margin of every example by a model that did not see it."""

    model: Linear
    margins: Numbers
    auc: float


def train(
    texts: pa.Array, positive: Flags, *, costs: Numbers | None = None, shape: Shape = SHAPE, window: int = 0
) -> Trained:
    """A model of two classes, calibrated on folds that were held out (Platt 1999, with the targets of Lin et al. 2007).

    Args:
        texts: the examples; equal ones lie in one fold.
        positive: the class of each.
        costs: what each example counts in training and calibration; by default both classes count alike, and C is 1 for
            an example of a class that is half of them.
        shape: which features.
        window: words that are looked at together in prediction; examples are always seen whole.
    """
    counts = np.where(positive, positive.sum(), (~positive).sum())
    costs = len(positive) / (2.0 * counts) if costs is None else costs
    data, offsets = matching.utf8(folding.normalised(_beginnings(texts)))
    found, ends = of_texts(data, offsets, shape)
    folds, held_out = folds_of(texts), np.empty(len(positive))
    for fold in range(FOLDS):
        inside = folds == fold
        weights, bias = _fit(*_chosen(found, ends, ~inside), positive[~inside], costs[~inside], shape)
        held_out[inside] = _margins(*_chosen(found, ends, inside), weights, bias)
    slope, offset = platt(held_out, positive, costs)
    weights, bias = _fit(found, ends, positive, costs, shape)
    return Trained(Linear(weights, bias, slope, offset, shape, window), held_out, auc(held_out, positive))


def _beginnings(texts: pa.Array) -> pa.Array:
    """Texts of at most MOST_CHARACTERS, without a copy where none is longer."""
    is_long = (pc.max(pc.binary_length(texts)).as_py() or 0) > MOST_CHARACTERS
    return pc.utf8_slice_codeunits(texts, 0, MOST_CHARACTERS) if is_long else texts


def folds_of(texts: pa.Array, folds: int = FOLDS) -> npt.NDArray[np.int64]:
    """The fold of each text, by its content alone."""
    digests = (hashlib.blake2b((text or "").encode(), digest_size=8).digest() for text in texts.to_pylist())
    return np.array([int.from_bytes(digest, "big") % folds for digest in digests], np.int64)


def _chosen(found: Any, ends: Any, mask: Flags) -> tuple[Any, Any]:
    """The features of some examples."""
    return found[np.repeat(mask, np.diff(ends))], np.concatenate([[0], np.cumsum(np.diff(ends)[mask])])


def _fit(found: Any, ends: Any, positive: Flags, costs: Numbers, shape: Shape) -> tuple[Any, float]:
    weights = np.zeros(1 << shape.bits)
    bias = logistic.descend(found, ends, positive, costs, weights, _MOST_EPOCHS, _TOLERANCE)
    return weights.astype(np.float32), float(bias)


def _margins(found: Any, ends: Any, weights: Any, bias: float) -> Numbers:
    sizes = np.diff(ends)
    sums = np.add.reduceat(np.append(weights[found].astype(np.float64), 0.0), ends[:-1]) if len(sizes) else sizes
    return np.where(sizes > 0, sums / np.sqrt(np.maximum(sizes, 1)), 0.0) + bias


def platt(margins: Numbers, positive: Flags, costs: Numbers) -> tuple[float, float]:
    """Slope and offset that make probabilities of margins: a logistic regression of one variable, by Newton's method."""
    above, below = costs[positive].sum(), costs[~positive].sum()
    targets = np.where(positive, (above + 1) / (above + 2), 1 / (below + 2))
    slope, offset = 1.0, 0.0
    for _ in range(_NEWTON_STEPS):
        chances = sigmoid(slope * margins + offset)
        wrong, curve = costs * (chances - targets), costs * chances * (1 - chances) + _SMALL
        gradient = np.array([(wrong * margins).sum(), wrong.sum()])
        mixed = (curve * margins).sum()
        hessian = np.array([[(curve * margins**2).sum() + _SMALL, mixed], [mixed, curve.sum()]])
        step = np.linalg.solve(hessian, gradient)
        slope, offset = slope - step[0], offset - step[1]
        if np.abs(step).max() < _SMALL:
            break
    return float(slope), float(offset)


def sigmoid(values: Numbers) -> Numbers:
    """1 / (1 + exp(-x)), also where exp(-x) has no place in a number."""
    return 0.5 * (1.0 + np.tanh(0.5 * values))


def auc(scores: Numbers, positive: Flags) -> float:
    """The chance that a positive example scores higher than a negative one, ties half (Mann and Whitney)."""
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2.0)[places]
    above, below = int(positive.sum()), int((~positive).sum())
    return float((ranks[positive].sum() - above * (above + 1) / 2) / (above * below))


def to_bytes(model: Linear) -> bytes:
    """The model as safetensors: half-precision weights, the rest as JSON in the metadata."""
    from safetensors.numpy import save  # noqa: PLC0415 - planning imports this module

    told = {
        "bias": model.bias,
        "calibration": {"slope": model.slope, "offset": model.offset},
        "features": model.shape._asdict(),
        "window": model.window,
    }
    return bytes(save({"weights": model.weights.astype(np.float16)}, {_METADATA: json.dumps(told, sort_keys=True)}))


def load(path: Path) -> Linear:
    """A model from a file that `to_bytes` made. Raises UserError where it is none."""
    from safetensors import SafetensorError, safe_open  # noqa: PLC0415 - as above

    try:
        with safe_open(path, framework="np") as file:
            told = json.loads((file.metadata() or {})[_METADATA])
            weights = file.get_tensor("weights").astype(np.float32)
        line, shape = told["calibration"], Shape(**told["features"])
        model = Linear(weights, told["bias"], line["slope"], line["offset"], shape, told["window"])
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise UserError("no linear model that can be read", where=path, do="Train it again.") from error
    if weights.shape != (1 << shape.bits,):
        raise UserError(f"{weights.size} weights, not 2^{shape.bits}", where=path, do="Train it again.")
    return model
