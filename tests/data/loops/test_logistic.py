"""Training by dual coordinate descent against scikit-learn's solver, and margins of windows."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pyarrow as pa
import pytest
from sklearn.linear_model import LogisticRegression

from adaptline.data import folding, matching
from adaptline.data.loops import logistic
from adaptline.data.loops.features import Shape, of_texts

SHAPE = Shape(low=3, high=4, bits=10)


def examples(count: int = 300) -> tuple[pa.Array, np.ndarray]:
    draw = random.Random(0)  # noqa: S311 - examples, no secrets
    words = [["red", "rose", "rain"], ["blue", "bell", "sun"]]
    labels = [draw.random() < 0.4 for _ in range(count)]
    texts = [
        " ".join(draw.choice(words[draw.random() < (0.8 if label else 0.2)]) for _ in range(5)) for label in labels
    ]
    return pa.array(texts), np.array(labels)


def trained(texts: pa.Array, labels: np.ndarray, costs: np.ndarray) -> tuple[np.ndarray, float]:
    found, ends = of_texts(*matching.utf8(texts), SHAPE)
    weights = np.zeros(1 << SHAPE.bits)
    return weights, logistic.descend(found, ends, labels, costs, weights, 1000, 1e-6)


def test_it_finds_the_weights_that_scikit_learn_finds() -> None:
    texts, labels = examples()
    costs = np.where(labels, 2.0, 0.5)
    weights, bias = trained(texts, labels, costs)
    found, ends = of_texts(*matching.utf8(texts), SHAPE)
    dense = np.zeros((len(labels), (1 << SHAPE.bits) + 1))
    dense[:, -1] = 1.0  # the bias is a weight like the others
    for row, (start, end) in enumerate(itertools.pairwise(ends)):
        np.add.at(dense[row], found[start:end], 1 / np.sqrt(end - start))
    judge = LogisticRegression(fit_intercept=False, tol=1e-10, max_iter=10_000).fit(dense, labels, sample_weight=costs)
    assert np.abs(np.append(weights, bias) - judge.coef_[0]).max() < 1e-4


def test_the_same_examples_give_the_same_bytes() -> None:
    texts, labels = examples()
    one, other = (trained(texts, labels, np.ones(len(labels))) for _ in range(2))
    assert one[0].tobytes() == other[0].tobytes()
    assert one[1] == other[1]


def margins(*texts: str, window: int = 0) -> list[float]:
    weights = np.zeros(1 << SHAPE.bits, np.float32)
    found, _ = of_texts(*matching.utf8(pa.array(["bad"])), SHAPE)
    weights[found] = 1.0
    data, offsets = matching.utf8(folding.normalised(pa.array(texts)))
    found_margins: list[float] = logistic.margins(data, offsets, SHAPE, weights, -1.0, window).tolist()
    return found_margins


def test_the_worst_window_counts() -> None:
    long = "good " * 20 + "bad " + "good " * 19
    whole, windowed = margins(long)[0], margins(long, window=10)[0]
    assert margins("bad", "", "good") == [pytest.approx(np.sqrt(6) - 1), -1.0, -1.0]
    assert -1.0 < whole < windowed < margins("bad")[0]
    assert margins("bad " * 7, window=3)[0] < margins("bad")[0] * 3
    assert margins(long, window=100) == [whole]


def test_room_is_found_for_what_folds_to_more() -> None:
    assert len(margins("bad", "\ufdfa" * 5000, "bad")) == 3
