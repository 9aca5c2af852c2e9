from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from adaptline.core import registry
from adaptline.errors import UserError
from adaptline.evals.metrics.exact_match import Normalise, exact_match

RealData = Callable[[str], Path]


def right(prediction: str, *references: str, normalise: Normalise = "squad") -> bool:
    return exact_match([prediction], [list(references)], normalise=normalise) == [1.0]


@pytest.mark.parametrize(
    ("prediction", "reference", "equal"),
    [
        ("The Eiffel Tower!", "eiffel  tower", True),
        ("an apple a day", "apple day", True),
        ("theatre", "atre", False),
        ("U.S.A.", "usa", True),
        ("10-3", "103", True),
        ("fünf", "funf", False),
        ("«five»", "five", False),  # SQuAD's own takes out ASCII punctuation alone
        ("the", "", True),
        ("", "", True),
        ("", "five", False),
        ("five", "five of them", False),
    ],
)
def test_as_squad_compares(prediction: str, reference: str, equal: bool) -> None:
    assert right(prediction, reference) is equal


def test_any_reference_will_do() -> None:
    assert exact_match(["Two", "three"], [["one", "two"], ["one", "two"]]) == [1.0, 0.0]


def test_character_by_character() -> None:
    assert right("The end", "The end", normalise="none")
    assert not right("the end", "The end", normalise="none")
    assert right("", "", normalise="none")


@pytest.mark.parametrize(
    ("prediction", "reference", "equal"),
    [
        ("He has 3 + 15 = 18 eggs.", "#### 18", True),
        ("#### 18", "so 18\n#### 18", True),
        ("18.0", "#### 18", True),
        ("It costs $1,800.50 in all", "#### 1800.5", True),
        ("$1,800", "#### 1,800", True),
        ("-5", "#### -5", True),
        ("\u22125 degrees", "#### -5", True),
        ("10-3", "#### 3", True),
        ("it is .5", "#### 0.5", True),
        ("1,2,3", "#### 3", True),
        ("18 eggs, of 20", "#### 18", False),
        ("eighteen", "#### 18", False),
        ("", "#### 18", False),
        ("1" * 5000, "#### " + "1" * 5000, True),
    ],
)
def test_last_numbers(prediction: str, reference: str, equal: bool) -> None:
    assert right(prediction, reference, normalise="last_number") is equal


def test_the_answers_of_gsm8k_are_right_and_each_others_wrong(real_data: RealData) -> None:
    (path,) = real_data("instruct_gsm8k").glob("test*")
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        answers = [json.loads(line)["answer"] for line in file]
    assert len(answers) == 1319
    finals = [f"So the answer is {answer.rpartition('####')[2].strip()}." for answer in answers]
    assert exact_match(finals, [[answer] for answer in answers], normalise="last_number") == [1.0] * 1319
    others = exact_match(finals[1:], [[answer] for answer in answers[:-1]], normalise="last_number")
    assert sum(others) / len(others) < 0.05


def test_mistakes() -> None:
    with pytest.raises(UserError, match="needs items"):
        exact_match([], [])
    with pytest.raises(UserError, match="item 2 has no reference"):
        exact_match(["a", "b"], [["a"], []])
    with pytest.raises(UserError, match="a reference of item 2 has no number"):
        exact_match(["1", "2"], [["1"], ["2", "two"]], normalise="last_number")
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        exact_match(["a", "b"], [["a"]])


def test_signature_refuses_as_scoring_would() -> None:
    says = registry.load("metric", "exact_match").options["signature"]
    assert says([["1"], ["2", "3"]], normalise="last_number") == "exact_match|nrefs:var|normalise:last_number"
    with pytest.raises(UserError, match="a reference of item 1 has no number"):
        says([["one"]], normalise="last_number")
