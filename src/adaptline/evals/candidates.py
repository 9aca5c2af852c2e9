"""Which cells of a grid are one candidate, what was measured of it, and whether that is within limits.

Knows what evaluate writes. Knows nothing of which candidate is better (compare.py).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from adaptline.core import keys
from adaptline.core.artifacts import Report
from adaptline.core.recipe import label
from adaptline.errors import UserError, did_you_mean
from adaptline.evals.variance import Scores

SAME_CELL = "two reports are about the same cell"
OF_ONE_GRID = "Make what is to be compared cells of one grid, with each, or name what they differ in."
_ITEM_COLUMNS = ["task", "item", "label"]


@dataclass(frozen=True)
class Run:
    """One evaluated artifact: its report and what report.json says."""

    report: Report
    facts: dict[str, Any]

    @property
    def weights(self) -> str:
        """The digest of the weights that it is about."""
        digest: str = self.facts["weights"]["digest"]
        return digest

    @property
    def numbers(self) -> dict[str, float]:
        """Everything that a limit can name."""
        parameters = {f"parameters.{name}": value for name, value in self.facts.get("parameters", {}).items()}
        return {**parameters, **self.facts["metrics"]}

    @property
    def validation(self) -> float | None:
        """The score on the validation split, None where nothing was validated."""
        score: float | None = self.facts.get("validation", {}).get("score")
        return score


@dataclass(frozen=True)
class Candidate:
    """The cells that differ only in what is averaged over, in the order of their values."""

    name: str
    cell: dict[str, Any]
    runs: tuple[Run, ...]

    @property
    def trainable(self) -> float:
        """The most parameters that a run trains; infinite where no run says."""
        return max(run.numbers.get("parameters.trainable", math.inf) for run in self.runs)


def candidates_of(runs: Iterable[Run], over: Sequence[str]) -> list[Candidate]:
    """Runs grouped by their cell without the keys of `over`; those that train least first, as they win a tie."""
    groups: dict[str, dict[str, Run]] = {}
    for run in runs:
        cell = {key: value for key, value in run.report.cell.items() if key not in over}
        rest = {key: run.report.cell.get(key) for key in over}
        group = groups.setdefault(_canonical(cell), {})
        if group.setdefault(_canonical(rest), run) is not run:
            raise UserError(
                f"{SAME_CELL}: {label(run.report.cell) or 'no grid'}",
                do=OF_ONE_GRID,
            )
    found = []
    for text, group in groups.items():
        ordered = tuple(group[key] for key in sorted(group, key=_natural))
        cell = {key: value for key, value in ordered[0].report.cell.items() if key not in over}
        found.append(Candidate(label(cell) or f"weights {keys.short(ordered[0].weights)}", json.loads(text), ordered))
    return sorted(found, key=lambda candidate: (candidate.trainable, candidate.name))


def _natural(cell: str) -> list[tuple[bool, Any]]:
    """A canonical cell as what it sorts by: numbers by size, before words."""
    values = json.loads(cell).values()
    return [(False, value) if isinstance(value, int | float) else (True, json.dumps(value)) for value in values]


def _canonical(cell: dict[str, Any]) -> str:
    return json.dumps(cell, sort_keys=True)


def measured_of(candidate: Candidate, runs: Sequence[Run], limit: dict[str, float]) -> dict[str, float | None]:
    """The highest value of each limited number in any report about the candidate's weights; None where there is none."""
    known = {name for run in runs for name in run.numbers}
    for name in limit:
        if name not in known:
            raise UserError(f"limit: no report has {name!r}", do=did_you_mean(name, known))
    weights = {run.weights for run in candidate.runs}
    about = [run.numbers for run in runs if run.weights in weights]
    return {name: max((numbers[name] for numbers in about if name in numbers), default=None) for name in limit}


def is_within(values: dict[str, float | None], limit: dict[str, float]) -> bool:
    """Whether all limited numbers were measured, and none is above its bound."""
    return all((value := values[name]) is not None and value <= bound for name, bound in limit.items())


def outside(measured: dict[str, dict[str, float | None]], limit: dict[str, float]) -> list[str]:
    """Who is out and why, in words."""
    lines = []
    for candidate, values in measured.items():
        for name, bound in limit.items():
            value = values[name]
            if value is None:
                lines.append(f"{candidate} is out: {name} was not measured, and the limit is {bound:g}")
            elif not value <= bound:
                lines.append(f"{candidate} is out: {name} is {value:g}, and the limit is {bound:g}")
    return lines


def scores_of(candidates: Sequence[Candidate], best: str) -> tuple[dict[str, Scores], int]:
    """Scores (runs, items) of each candidate, and the number of items; every run has the same items."""
    task, _, metric = best.rpartition(".")
    first: pa.Table | None = None
    scores = {}
    for candidate in candidates:
        rows = []
        for run in candidate.runs:
            table = _items(run, task, metric)
            items = table.select(_ITEM_COLUMNS)
            first = items if first is None else first
            if not items.equals(first):
                raise UserError(
                    f"{label(run.report.cell) or candidate.name} was not evaluated on the same items of {task!r} as the others",
                    do="Evaluate all candidates with one evaluate step.",
                )
            rows.append(table[metric].to_numpy())
        scores[candidate.name] = np.stack(rows)
    return scores, 0 if first is None else first.num_rows


def _items(run: Run, task: str, metric: str) -> pa.Table:
    path = run.report.path / "items.parquet"
    if not path.exists() or metric not in pq.read_schema(path).names:
        raise UserError(
            f"the report of {label(run.report.cell)} holds {task}.{metric} for no single item", do="Evaluate it again."
        )
    table = pq.read_table(path, columns=[*_ITEM_COLUMNS, metric])
    return table.filter(pc.equal(table["task"], task)).sort_by("item")
