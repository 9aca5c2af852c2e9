"""select: which candidate is best, how sure that is, and which weights to take.

Knows what evaluate writes and how a grid's cells become candidates. The statistics are those of `evals/compare.py`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

import numpy as np

from adaptline.core.artifacts import Desk, Report
from adaptline.core.demands import between
from adaptline.core.grid import Node
from adaptline.core.recipe import label
from adaptline.core.registry import step
from adaptline.core.signatures import BadParameterError
from adaptline.errors import UserError, did_you_mean
from adaptline.evals.candidates import (
    OF_ONE_GRID,
    SAME_CELL,
    Candidate,
    Run,
    candidates_of,
    is_within,
    measured_of,
    outside,
    scores_of,
)
from adaptline.evals.compare import Comparison, compare
from adaptline.evals.tasks import promised
from adaptline.evals.wording import seeds_in_words


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
            raise BadParameterError("", f"{SAME_CELL}: {label(report.cell) or 'no grid'}", OF_ONE_GRID, place=("from",))


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
    runs = [Run(report, json.loads((report.path / "report.json").read_bytes())) for report in reports]
    scored = [run for run in runs if best in run.facts["metrics"]]
    if not scored:
        raise UserError(
            f"no report has {best!r}", do=did_you_mean(best, {n for run in runs for n in run.facts["metrics"]})
        )
    candidates = candidates_of(scored, over)
    measured = {candidate.name: measured_of(candidate, runs, limit) for candidate in candidates}
    within = [candidate for candidate in candidates if is_within(measured[candidate.name], limit)]
    if not within:
        raise UserError("no candidate is within the limits", do="\n  ".join(outside(measured, limit)))
    scores, items = scores_of(candidates, best)
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
        "notes": outside(measured, limit) + _cheaper(winner, within, comparison),
        "winner": _weights(winner)
        | {"interval": [comparison.chosen.low, comparison.chosen.high], "among": len(within)},
        "metrics": {best: comparison.systems[winner.name].mean},
    }
    (desk.output / "report.json").write_text(
        json.dumps(found, sort_keys=True, indent=2, allow_nan=False) + "\n", "utf-8"
    )
    return {"winner": winner.name, "verdict": verdict}


def _entry(
    candidate: Candidate,
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


def _weights(winner: Candidate) -> dict[str, Any]:
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


def _cheaper(winner: Candidate, within: Sequence[Candidate], comparison: Comparison) -> list[str]:
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
