from __future__ import annotations

import time
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from adaptline.core import registry
from adaptline.errors import UserError
from adaptline.evals.metrics.macro_f1 import macro_f1

Absent = Literal["skip", "zero"]


def score(predictions: list[str], truth: list[str], absent: Absent = "skip") -> float:
    return float(np.mean(macro_f1(predictions, [[label] for label in truth], absent=absent)))


def scikit(predictions: list[str], truth: list[str], labels: list[str] | None = None) -> float:
    return float(f1_score(truth, predictions, labels=labels, average="macro", zero_division=0))


def test_known_answer() -> None:
    """A: 2 hits, 1 miss: 4/5. B: 1 hit, 1 miss, 2 false alarms: 2/5. C: 1 hit, 1 miss, 1 false alarm: 1/2."""
    truth = ["A", "A", "A", "B", "B", "C", "C"]
    predictions = ["A", "A", "B", "B", "C", "C", "B"]
    assert score(predictions, truth) == pytest.approx((4 / 5 + 2 / 5 + 1 / 2) / 3)


def test_a_label_that_is_only_predicted_is_skipped_or_counts_as_zero() -> None:
    """A: 1 hit, 1 miss: 2/3. B: 1 hit: 1. X is no true label."""
    truth, predictions = ["A", "A", "B"], ["A", "X", "B"]
    assert score(predictions, truth) == pytest.approx((2 / 3 + 1) / 2)
    assert score(predictions, truth, "zero") == pytest.approx((2 / 3 + 1 + 0) / 3)


def test_a_true_label_that_is_never_predicted_is_zero_with_both() -> None:
    truth, predictions = ["A", "A", "B"], ["A", "A", "A"]
    assert score(predictions, truth) == score(predictions, truth, "zero") == pytest.approx((4 / 5 + 0) / 2)


def test_made_up_labels_cost_nothing_more_with_skip() -> None:
    truth = ["A"] * 4 + ["B"] * 4
    few, many = ["X"] * 4 + ["B"] * 4, ["W", "X", "Y", "Z"] + ["B"] * 4
    assert score(few, truth) == score(many, truth)
    assert score(few, truth, "zero") > score(many, truth, "zero")


labels = st.sampled_from(["A", "B", "C", "D", "E"])
predicted = st.sampled_from(["A", "B", "C", "X", "Y"])
answers = st.lists(st.tuples(labels, predicted), min_size=1, max_size=40)


@settings(max_examples=200, deadline=None)
@given(answers)
def test_the_mean_is_the_score_of_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    truth, predictions = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    assert score(predictions, truth, "zero") == pytest.approx(scikit(predictions, truth))
    assert score(predictions, truth) == pytest.approx(scikit(predictions, truth, sorted(set(truth))))


def left_out(predictions: list[str], truth: list[str], counted: list[str]) -> np.ndarray:
    """The same values by leaving each item out in turn, label by label."""

    def of_label(label: str, kept: list[tuple[str, str]], otherwise: float) -> float:
        hits = sum(t == p == label for t, p in kept)
        either = sum((t == label) + (p == label) for t, p in kept)
        return 2 * hits / either if either else otherwise

    pairs = list(zip(truth, predictions, strict=True))
    full = {label: of_label(label, pairs, 0.0) for label in counted}
    whole = np.mean(list(full.values()))
    without = np.array(
        [
            np.mean([of_label(label, pairs[:index] + pairs[index + 1 :], full[label]) for label in counted])
            for index in range(len(pairs))
        ]
    )
    return np.asarray(whole + (len(pairs) - 1) * (without.mean() - without))


@settings(max_examples=100, deadline=None)
@given(answers)
def test_the_values_are_those_of_leaving_each_item_out(pairs: list[tuple[str, str]]) -> None:
    truth, predictions = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    references = [[label] for label in truth]
    expected = left_out(predictions, truth, sorted(set(truth)))
    assert macro_f1(predictions, references) == pytest.approx(expected, abs=1e-9)
    expected = left_out(predictions, truth, sorted({*truth, *predictions}))
    assert macro_f1(predictions, references, absent="zero") == pytest.approx(expected, abs=1e-9)


@settings(max_examples=50, deadline=None)
@given(answers, st.randoms(use_true_random=False))
def test_values_follow_their_items(pairs: list[tuple[str, str]], random: object) -> None:
    order = sorted(range(len(pairs)), key=lambda _: random.random())  # type: ignore[attr-defined]
    truth, predictions = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    values = macro_f1(predictions, [[label] for label in truth])
    moved = macro_f1([predictions[i] for i in order], [[truth[i]] for i in order])
    assert moved == pytest.approx([values[i] for i in order])


def test_the_spread_of_the_values_is_that_of_the_score() -> None:
    """Of 600 samples of 400 items each, the standard error that the values tell is the one that there is."""
    random = np.random.default_rng(0)
    scores, told = [], []
    for _ in range(600):
        truth = random.integers(0, 4, 400)
        hit = random.random(400) < 0.6 + 0.1 * truth
        predictions = np.where(hit, truth, (truth + random.integers(1, 4, 400)) % 4).astype(str).tolist()
        values = macro_f1(predictions, [[label] for label in truth.astype(str)])
        scores.append(np.mean(values))
        told.append(np.std(values, ddof=1) / np.sqrt(400))
    assert np.mean(told) == pytest.approx(np.std(scores), rel=0.08)


def test_perfect_and_hopeless_predictions_have_no_spread() -> None:
    truth = ["A", "B", "C", "A"]
    assert macro_f1(truth, [[label] for label in truth]) == [1.0] * 4
    assert macro_f1(["X"] * 4, [[label] for label in truth]) == [0.0] * 4


def test_any_reference_may_be_met_and_the_first_is_missed() -> None:
    references = [["A", "B"], ["A", "B"], ["B"]]
    assert macro_f1(["B", "C", "B"], references) == macro_f1(["B", "C", "B"], [["B"], ["A"], ["B"]])


def test_one_item() -> None:
    assert macro_f1(["A"], [["A"]]) == [1.0]
    assert macro_f1(["B"], [["A"]]) == [0.0]


def test_mistakes_are_said() -> None:
    with pytest.raises(UserError, match="needs items"):
        macro_f1([], [])
    with pytest.raises(UserError, match="item 2 has no reference"):
        macro_f1(["A", "B"], [["A"], []])
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        macro_f1(["A", "B"], [["A"]])


def test_its_cost_grows_with_the_items_not_with_their_square() -> None:
    """100,000 items of 100 labels: leaving each out in turn would take hours."""
    random = np.random.default_rng(0)
    truth = random.integers(0, 100, 100_000).astype(str).tolist()
    predictions = random.permutation(truth).tolist()
    start = time.process_time()
    macro_f1(predictions, [[label] for label in truth])
    assert time.process_time() - start < 5


def test_it_is_found_by_its_name() -> None:
    method = registry.load("metric", "macro_f1")
    assert (method.function, method.version) == (macro_f1, 1)
    assert list(registry.parameters(method.function)) == ["references", "absent"]
