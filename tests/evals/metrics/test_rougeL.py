"""What it shares with the other three is in tests/evals/test_rouge.py."""

from __future__ import annotations

import pytest

from adaptline.core import registry
from adaptline.evals.metrics.rougeL import rougeL


def test_the_longest_sequence_with_gaps() -> None:
    assert rougeL(["a x b y c"], [["a b c"]]) == pytest.approx([2 * (3 / 5) / (3 / 5 + 1)])
    assert rougeL(["c b a"], [["a b c"]]) == pytest.approx([1 / 3])


def test_it_is_found_by_its_name() -> None:
    method = registry.load("metric", "rougeL")
    assert (method.function, list(registry.method_parameters(method))) == (rougeL, ["tokenize"])
