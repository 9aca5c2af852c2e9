"""What a report tells of predictions: known answers, and a metric that gives no scores."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from adaptline.core import registry
from adaptline.core.artifacts import Use, Weights
from adaptline.errors import RunError
from adaptline.evals import scored
from adaptline.evals.tasks import Items

MINE = """
from adaptline import metric

@metric(version=1)
def own(predictions: list[str], references: list[list[str]], *, give: list[float]) -> list[float]:
    return give
"""
TRUE = ["a", "a", "a", "b", "b", "new"]
SAID = ["a", "b", "b", "b", "a", "a"]


def items(metrics: list[Use], task: str = "route") -> Items:
    chats = [[{"role": "text", "content": str(number)}] for number in range(len(TRUE))]
    return Items(task, chats, [chat[0]["content"] for chat in chats], [[label] for label in TRUE], metrics)


def use(name: str, beside: Path = Path(), **parameters: Any) -> Use:
    return Use(name, "metric", parameters, {}, registry.load("metric", name, beside).identity, beside)


@pytest.fixture
def weights(tmp_path: Path) -> Weights:
    training = {"validation": {"accuracy": 0.5, "loss": 1.0}, "parameters": {"trainable": 7}}
    (tmp_path / "training.json").write_text(json.dumps(training))
    (tmp_path / "labels.json").write_text(json.dumps({"labels": ["a", "b"]}))
    return Weights(tmp_path, "key", "digest", {}, {})


def test_labels_and_mistakes_are_counted(weights: Weights) -> None:
    entry = scored.scored(items([use("accuracy")]), SAID, [0.9] * 6, {})
    found = scored.report(weights, [entry], "classifier")
    assert found["metrics"] == {"route.accuracy": 2 / 6}
    assert found["labels"]["route"] == {
        "a": {"count": 3, "recall": 1 / 3, "precision": 1 / 3},
        "b": {"count": 2, "recall": 1 / 2, "precision": 1 / 3},
        "new": {"count": 1, "recall": 0.0, "precision": None},
    }
    pairs = [(one["label"], one["prediction"], one["count"]) for one in found["confusions"]["route"]]
    assert pairs == [("a", "b", 2), ("b", "a", 1), ("new", "a", 1)]
    assert found["unseen_labels"] == {"route": {"new": 1}}
    assert (found["validation"]["score"], found["parameters"]) == (0.5, {"trainable": 7})


def test_of_a_writer_the_facts_of_its_answers_are_told_and_no_labels(weights: Weights) -> None:
    entry = scored.scored(items([use("exact_match")]), SAID, [None] * 6, {"ended": 1.0})
    found = scored.report(weights, [entry], "writer")
    assert found["answers"] == {"route": {"ended": 1.0}}
    assert "labels" not in found


def test_all_tasks_are_rows_of_one_table_and_a_metric_that_a_task_lacks_is_null() -> None:
    one = scored.scored(items([use("accuracy")]), SAID, [0.9] * 6, {})
    other = scored.scored(items([use("exact_match")], "other"), SAID, [None] * 6, {})
    found = scored.table([one, other])
    assert found["item"].to_pylist() == [*range(6)] * 2
    assert found["accuracy"].to_pylist() == [1.0, 0.0, 0.0, 1.0, 0.0, 0.0, *[None] * 6]
    assert found["exact_match"].null_count == 6
    assert found["shard"].null_count == 12


@pytest.mark.parametrize(
    ("give", "what"),
    [([1.0], "1 scores for 6 items"), ([float("nan")] * 6, "no finite number"), (["x"] * 6, "own failed")],
)
def test_a_metric_that_gives_no_score_of_each_item_is_named(tmp_path: Path, give: list[float], what: str) -> None:
    (tmp_path / "mine.py").write_text(MINE)
    with pytest.raises(RunError, match=what):
        scored.scored(items([use("./mine.py:own", tmp_path, give=give)]), SAID, [None] * 6, {})
