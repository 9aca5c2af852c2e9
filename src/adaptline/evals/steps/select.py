"""select: which candidate is best, how sure that is, and which weights to take.

Knows what evaluate writes and how a grid's cells become candidates. The statistics are those of `evals/compare.py`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from adaptline.core import keys
from adaptline.core.artifacts import Desk, Report
from adaptline.core.demands import between
from adaptline.core.grid import Node
from adaptline.core.recipe import label
from adaptline.core.registry import step
from adaptline.core.signatures import BadParameterError
from adaptline.errors import UserError, did_you_mean
from adaptline.evals.compare import Comparison, compare
from adaptline.evals.tasks import promised
from adaptline.evals.wording import seeds_in_words

if TYPE_CHECKING:
    import pyarrow as pa

    from adaptline.evals.variance import Scores

_ITEM_COLUMNS = ["task", "item", "label"]
_SAME_CELL = "two reports are about the same cell"
_OF_ONE_GRID = "Make what is to be compared cells of one grid, with each, or name what they differ in."


@dataclass(frozen=True)
class _Run:
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
        score: float | None = self.facts.get("validation", {}).get("score")
        return score


@dataclass(frozen=True)
class _Candidate:
    """The cells that differ only in what is averaged over, in the order of their values."""

    name: str
    cell: dict[str, Any]
    runs: tuple[_Run, ...]

    @property
    def trainable(self) -> float:
        """The most parameters that a run trains; infinite where no run says."""
        return max(run.numbers.get("parameters.trainable", math.inf) for run in self.runs)


def _check(node: Node) -> None:
    """Refuses a metric that no report will have, and grid keys that no cell has."""
    reports = node.inputs["reports"]
    if other := next((report for report in reports if report.table.step != "evaluate"), None):
        what = f"takes reports of evaluate, and {other.table.name!r} is one of {other.table.step}"
        raise BadParameterError("", f"select {what}", "Name the evaluate steps alone.", place=("from",))
    names = [promised(report) for report in reports]
    known = set().union(*names)
    best = node.values["best"]
    if best not in known:
        raise BadParameterError("best", f"= {best!r} is what no report will have", did_you_mean(best, known))
    _refuse_limits(node.values.get("limit", {}), known)
    _refuse_same_cells([report for report, of in zip(reports, names, strict=True) if best in of])
    cells = {key for report in reports for key in report.cell}
    for key in node.values.get("over", ()):
        if key not in cells:
            raise BadParameterError("over", f"has {key!r}, which no grid key is called", did_you_mean(key, cells))


def _refuse_limits(limit: dict[str, float], known: set[str]) -> None:
    numbers = {*known, "parameters.trainable", "parameters.total"}
    for name in limit:
        if name not in numbers:
            what = f"is on {name!r}, which no report will have"
            raise BadParameterError("limit", what, did_you_mean(name, numbers), place=("limit", name))


def _refuse_same_cells(reports: Sequence[Node]) -> None:
    for number, report in enumerate(reports):
        if any(report.cell == other.cell for other in reports[:number]):
            raise BadParameterError(
                "", f"{_SAME_CELL}: {label(report.cell) or 'no grid'}", _OF_ONE_GRID, place=("from",)
            )


@step(version=3, output="report", reads_cells=True, check=_check)
def select(
    reports: list[Report],
    *,
    desk: Desk,
    best: str,
    over: list[str] = ["seed"],  # noqa: B006 - a signature is a schema; nothing changes the list
    confidence: Annotated[float, between(0, 1, low_too=False, high_too=False)] = 0.95,
    limit: dict[str, float] = {},  # noqa: B006 - the same
) -> dict[str, Any]:
    """Choose the candidate with the highest mean of a metric, and say how it compares with the others.

    Cells that differ only in the keys of `over` are one candidate. The winner is the candidate with the highest mean
    among those within the limits; of equal means the one that trains fewer parameters. Its weights are those of the run
    with the highest validation score, never of the run with the highest test score.

    report.json holds: candidates (mean with an interval that is for it alone, mean per run, measured limits), the
    differences of the leader to each other candidate (intervals and p-values corrected for all pairs, because the
    leader was found in the same data), the verdict and notes in words, and the winner's weights with an interval of
    its mean that is corrected for choosing it among the candidates within the limits.

    Args:
        reports: of evaluate; further reports about the same weights (of benchmark) can be what a limit needs.
        desk: where report.json goes.
        best: task and metric, as in "route.accuracy". Higher is better.
        over: the grid's keys to average over.
        confidence: of all intervals of differences together, of each candidate's own, and of the winner's.
        limit: upper bounds on other numbers of the reports: { latency_p95_ms = 250, "parameters.trainable" = 1e6 }.
            A candidate without the number, or with one run above it, is out.

    Raises:
        UserError: no report has the metric, two have the same cell, items differ, or no candidate is within the limits.
    """
    runs = [_Run(report, json.loads((report.path / "report.json").read_bytes())) for report in reports]
    scored = [run for run in runs if best in run.facts["metrics"]]
    if not scored:
        raise UserError(
            f"no report has {best!r}", do=did_you_mean(best, {n for run in runs for n in run.facts["metrics"]})
        )
    candidates = _candidates(scored, over)
    measured = {candidate.name: _measured(candidate, runs, limit) for candidate in candidates}
    within = [candidate for candidate in candidates if _within(measured[candidate.name], limit)]
    if not within:
        raise UserError("no candidate is within the limits", do="\n  ".join(_outside(measured, limit)))
    scores, items = _scores(candidates, best)
    means = {name: rows.mean(axis=1).tolist() for name, rows in scores.items()}
    comparison = compare(
        {candidate.name: scores[candidate.name] for candidate in within},
        confidence=confidence,
        bounds=scored[0].facts.get("bounds", {}).get(best),
    )
    winner = next(candidate for candidate in within if candidate.name == comparison.leader)
    verdict = _verdict(best, comparison)
    found = {
        "best": best,
        "over": over,
        "confidence": confidence,
        "limit": limit,
        "items": items,
        "candidates": [_entry(candidate, means, comparison, measured) for candidate in candidates],
        "differences": [asdict(pair) for pair in comparison.differences if pair.first == winner.name],
        "verdict": verdict,
        "notes": _outside(measured, limit) + _cheaper(winner, within, comparison),
        "winner": _weights(winner)
        | {"interval": [comparison.chosen.low, comparison.chosen.high], "among": len(within)},
        "metrics": {best: comparison.systems[winner.name].mean},
    }
    (desk.output / "report.json").write_text(
        json.dumps(found, sort_keys=True, indent=2, allow_nan=False) + "\n", "utf-8"
    )
    return {"winner": winner.name, "verdict": verdict}


def _candidates(runs: Iterable[_Run], over: Sequence[str]) -> list[_Candidate]:
    """Runs grouped by their cell without the keys of `over`; those that train least first, as they win a tie."""
    groups: dict[str, dict[str, _Run]] = {}
    for run in runs:
        cell = {key: value for key, value in run.report.cell.items() if key not in over}
        rest = {key: run.report.cell.get(key) for key in over}
        group = groups.setdefault(_canonical(cell), {})
        if group.setdefault(_canonical(rest), run) is not run:
            raise UserError(
                f"{_SAME_CELL}: {label(run.report.cell) or 'no grid'}",
                do=_OF_ONE_GRID,
            )
    found = []
    for text, group in groups.items():
        ordered = tuple(group[key] for key in sorted(group, key=_natural))
        cell = {key: value for key, value in ordered[0].report.cell.items() if key not in over}
        found.append(_Candidate(label(cell) or f"weights {keys.short(ordered[0].weights)}", json.loads(text), ordered))
    return sorted(found, key=lambda candidate: (candidate.trainable, candidate.name))


def _natural(cell: str) -> list[tuple[bool, Any]]:
    """A canonical cell as what it sorts by: numbers by size, before words."""
    values = json.loads(cell).values()
    return [(False, value) if isinstance(value, int | float) else (True, json.dumps(value)) for value in values]


def _canonical(cell: dict[str, Any]) -> str:
    return json.dumps(cell, sort_keys=True)


def _measured(candidate: _Candidate, runs: Sequence[_Run], limit: dict[str, float]) -> dict[str, float | None]:
    """The highest value of each limited number in any report about the candidate's weights; None where there is none."""
    known = {name for run in runs for name in run.numbers}
    for name in limit:
        if name not in known:
            raise UserError(f"limit: no report has {name!r}", do=did_you_mean(name, known))
    weights = {run.weights for run in candidate.runs}
    about = [run.numbers for run in runs if run.weights in weights]
    return {name: max((numbers[name] for numbers in about if name in numbers), default=None) for name in limit}


def _within(values: dict[str, float | None], limit: dict[str, float]) -> bool:
    return all((value := values[name]) is not None and value <= bound for name, bound in limit.items())


def _outside(measured: dict[str, dict[str, float | None]], limit: dict[str, float]) -> list[str]:
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


def _scores(candidates: Sequence[_Candidate], best: str) -> tuple[dict[str, Scores], int]:
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


def _items(run: _Run, task: str, metric: str) -> pa.Table:
    path = run.report.path / "items.parquet"
    if not path.exists() or metric not in pq.read_schema(path).names:
        raise UserError(
            f"the report of {label(run.report.cell)} holds {task}.{metric} for no single item", do="Evaluate it again."
        )
    table = pq.read_table(path, columns=[*_ITEM_COLUMNS, metric])
    return table.filter(pc.equal(table["task"], task)).sort_by("item")


def _entry(
    candidate: _Candidate,
    means: dict[str, list[float]],
    comparison: Comparison,
    measured: dict[str, dict[str, float | None]],
) -> dict[str, Any]:
    """What the report says of one candidate; one that is out has its means, but no interval."""
    own = comparison.systems.get(candidate.name)
    runs = [
        {"cell": run.report.cell, "mean": mean, "validation": run.validation, "weights": run.weights}
        for run, mean in zip(candidate.runs, means[candidate.name], strict=True)
    ]
    return {
        "name": candidate.name,
        "cell": candidate.cell,
        "within_limits": own is not None,
        "limits": measured[candidate.name],
        "mean": own.mean if own else float(np.mean(means[candidate.name])),
        "interval": [own.low, own.high] if own else None,
        "runs": runs,
        "trainable": None if math.isinf(candidate.trainable) else int(candidate.trainable),
    }


def _weights(winner: _Candidate) -> dict[str, Any]:
    """The run to take: the best on validation, whatever the test says; the first where nothing was validated."""
    validated = [run for run in winner.runs if run.validation is not None]
    chosen = max(validated, key=lambda run: run.validation or 0.0) if validated else winner.runs[0]
    if len(winner.runs) == 1:
        because = "the only run"
    elif validated:
        because = f"the best of {len(winner.runs)} runs on validation, {chosen.validation:g}"
    else:
        because = f"the first of {len(winner.runs)} runs: none has a validation score"
    weights = chosen.facts["weights"]
    return {
        "name": winner.name,
        "cell": chosen.report.cell,
        "digest": weights["digest"],
        "because": because,
    }


def _cheaper(winner: _Candidate, within: Sequence[_Candidate], comparison: Comparison) -> list[str]:
    """Candidates that train fewer parameters and were not shown to be worse, in words."""
    notes = []
    for candidate in within:
        if candidate.trainable >= winner.trainable or comparison.of(winner.name, candidate.name).better:
            continue
        if math.isinf(winner.trainable):
            continue
        if candidate.trainable:
            ratio = winner.trainable / candidate.trainable
            digits = 0 if ratio >= 10 else 1  # noqa: PLR2004 - two digits say enough
            notes.append(
                f"{candidate.name} trains {ratio:.{digits}f}x fewer parameters than {winner.name} and no difference was shown"
            )
        else:
            notes.append(f"{candidate.name} trains no parameters and no difference to {winner.name} was shown")
    return notes


def _verdict(best: str, comparison: Comparison) -> str:
    leader, among = comparison.chosen, len(comparison.systems)
    corrected = f", corrected for choosing among {among}" if among > 1 else ""
    words = (
        f"{comparison.leader} leads in {best} with {leader.mean:.3f} "
        f"({100 * comparison.confidence:g} % interval {leader.low:.3f} to {leader.high:.3f}{corrected})"
    )
    against = [pair for pair in comparison.differences if pair.first == comparison.leader]
    shown = [pair.second for pair in against if pair.better]
    open_ = [pair.second for pair in against if not pair.better]
    if not against:
        return f"{words}; there is nothing to compare it with"
    if len(against) == 1:
        return f"{words}: {against[0].verdict}"
    parts = [f"better than {', '.join(shown)}"] if shown else []
    parts += [f"no difference shown to {', '.join(open_)}"] if open_ else []
    if caveat := seeds_in_words({name: system.seeds for name, system in comparison.systems.items()}):
        parts.append(caveat)
    return f"{words}: {'; '.join(parts)}"
