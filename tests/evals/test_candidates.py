"""Cells become candidates, each with its numbers, and limits say who is out and why."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from adaptline.core.artifacts import Report
from adaptline.errors import UserError
from adaptline.evals.candidates import Run, candidates_of, is_within, measured_of, outside


def run(cell: dict[str, Any], weights: str, trainable: int | None = None, **metrics: float) -> Run:
    facts: dict[str, Any] = {"weights": {"digest": weights}, "metrics": metrics}
    if trainable is not None:
        facts["parameters"] = {"trainable": trainable}
    return Run(Report(Path(), "key", "digest", cell), facts)


def test_cells_that_differ_in_what_is_averaged_are_one_candidate_whatever_their_order() -> None:
    cells = [{"rank": rank, "seed": seed} for rank in (16, 8) for seed in (2, 10, 0)]
    runs = [run(cell, str(cell), cell["rank"] * 100) for cell in cells]
    for order in itertools.islice(itertools.permutations(runs), 0, 720, 97):
        found = candidates_of(order, ["seed"])
        assert [(one.name, one.cell, one.trainable) for one in found] == [
            ("rank=8", {"rank": 8}, 800),
            ("rank=16", {"rank": 16}, 1600),
        ]
        assert [[one.report.cell["seed"] for one in candidate.runs] for candidate in found] == [[0, 2, 10]] * 2


def test_without_a_grid_weights_are_the_name_and_an_unknown_size_comes_last() -> None:
    found = candidates_of([run({}, "a" * 64)], ["seed"])
    assert [one.name for one in found] == [f"weights {'a' * 12}"]
    known = candidates_of([run({"m": 1}, "a"), run({"m": 2}, "b", 5)], [])
    assert [one.name for one in known] == ["m=2", "m=1"]


def test_two_reports_of_one_cell_are_refused() -> None:
    with pytest.raises(UserError, match="two reports are about the same cell: rank=8"):
        candidates_of([run({"rank": 8}, "a"), run({"rank": 8}, "b")], [])


def test_a_limit_takes_the_highest_number_of_any_report_about_the_same_weights() -> None:
    runs = [run({"seed": 0}, "a", ms=10), run({"seed": 1}, "b", ms=30), run({"of": "speed"}, "a", ms=50)]
    (one,) = candidates_of(runs[:2], ["seed"])
    assert measured_of(one, runs, {"ms": 40}) == {"ms": 50}
    with pytest.raises(UserError, match="no report has 'mss'") as caught:
        measured_of(one, runs, {"mss": 40})
    assert "'ms'" in caught.value.do


@pytest.mark.parametrize(("value", "inside"), [(39.0, True), (40.0, True), (41.0, False), (None, False)])
def test_who_is_beyond_a_limit_is_out_and_told_why(value: float | None, inside: bool) -> None:
    assert is_within({"ms": value}, {"ms": 40}) is inside
    why = outside({"one": {"ms": value}}, {"ms": 40})
    assert why == [] if inside else ("not measured" in why[0]) == (value is None)
    assert inside or why[0].startswith("one is out: ms")
