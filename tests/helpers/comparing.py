"""Scores to compare, and the comparison of two systems."""

from __future__ import annotations

import numpy as np

from adaptline.evals.compare import Difference, compare
from adaptline.evals.variance import Scores


def draw(seed: int, shape: tuple[int, int], mean: float = 0.0) -> Scores:
    """Scores (seeds, items) from a normal distribution of variance 1."""
    return np.random.default_rng(seed).normal(mean, 1.0, shape)


def pair(first: Scores, second: Scores, confidence: float = 0.95) -> Difference:
    """The difference of two systems, A and B."""
    return compare({"A": first, "B": second}, confidence=confidence).differences[0]
