"""What it shares with the other three is in tests/evals/test_rouge.py."""

from __future__ import annotations

import pytest

from adaptline.core import registry
from adaptline.evals.metrics.rouge1 import rouge1


def test_words_in_any_order_as_often_as_both_have_them() -> None:
    assert rouge1(["b a a"], [["A, a, c, b d"]]) == pytest.approx([2 * 1 * (3 / 5) / (1 + 3 / 5)])
    assert rouge1(["a a a"], [["a"]]) == pytest.approx([2 * (1 / 3) / (1 + 1 / 3)])


def test_it_is_found_by_its_name() -> None:
    method = registry.load("metric", "rouge1")
    assert (method.function, list(registry.method_parameters(method))) == (rouge1, ["tokenize"])
