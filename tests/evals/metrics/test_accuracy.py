from __future__ import annotations

import pytest

from adaptline.core import registry
from adaptline.evals.metrics.accuracy import accuracy


def test_a_prediction_is_right_if_it_is_one_of_the_references() -> None:
    references = [["yes"], ["yes", "sure"], ["no"], ["no"], []]
    assert accuracy(["yes", "sure", "yes", "No", "no"], references) == [1.0, 1.0, 0.0, 0.0, 0.0]


def test_white_space_and_case_are_part_of_an_answer() -> None:
    assert accuracy([" yes", "YES", "yes"], [["yes"]] * 3) == [0.0, 0.0, 1.0]


def test_an_empty_answer_can_be_right() -> None:
    assert accuracy(["", ""], [[""], ["something"]]) == [1.0, 0.0]


def test_no_items_have_no_scores() -> None:
    assert accuracy([], []) == []


def test_every_prediction_needs_its_references() -> None:
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        accuracy(["yes", "no"], [["yes"]])


def test_it_is_found_by_its_name() -> None:
    method = registry.load("metric", "accuracy")
    assert (method.function, method.version) == (accuracy, 1)
