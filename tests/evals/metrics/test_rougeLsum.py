"""What it shares with the other three is in tests/evals/test_rouge.py."""

from __future__ import annotations

import pytest

from adaptline.core import registry
from adaptline.evals.metrics.rougeL import rougeL
from adaptline.evals.metrics.rougeLsum import rougeLsum


def test_a_word_counts_as_often_as_both_texts_have_it() -> None:
    assert rougeLsum(["a b"], [["a b\na b"]]) == pytest.approx([2 * (2 / 4) / (1 + 2 / 4)])


def test_texts_of_one_line_have_their_rouge_l() -> None:
    said, accepted = ["a x b y c a", "b a"], [["a b c a"], ["a b", "c"]]
    assert rougeLsum(said, accepted) == pytest.approx(rougeL(said, accepted))


def test_it_is_found_by_its_name() -> None:
    method = registry.load("metric", "rougeLsum")
    assert (method.function, list(registry.method_parameters(method))) == (rougeLsum, ["tokenize"])
