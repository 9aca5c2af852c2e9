"""What it shares with the other three is in tests/evals/test_rouge.py."""

from __future__ import annotations

import pytest

from adaptline.core import registry
from adaptline.evals.metrics.rouge2 import rouge2


def test_pairs_of_neighbours() -> None:
    assert rouge2(["a b c"], [["b c d e"]]) == pytest.approx([2 * (1 / 2) * (1 / 3) / (1 / 2 + 1 / 3)])
    assert rouge2(["a", "a"], [["a"], ["a b"]]) == [0.0, 0.0]


def test_it_is_found_by_its_name() -> None:
    method = registry.load("metric", "rouge2")
    assert (method.function, list(registry.method_parameters(method))) == (rouge2, ["tokenize"])
