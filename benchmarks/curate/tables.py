"""The benchmark's results as tables in Markdown. Pure: numbers in, text out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from scoring import BOUNDS, Score
from watching import Cost


@dataclass(frozen=True)
class Result:
    """What one contender cost and found; no score where its rows are not compared."""

    name: str
    cost: Cost
    load: float  # of the machine when it ended: mean number of running processes over a minute
    score: Score | None


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """One table; all columns but the first are numbers."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def costs(results: Sequence[Result], documents: int, size_mb: float, ours: str) -> str:
    """What each cost, and how many times as much as ours."""
    base = next((result.cost for result in results if result.name == ours), None)
    rows = []
    for result in results:
        cost = result.cost
        rows.append(
            [
                result.name,
                f"{cost.cpu_seconds:.1f}",
                f"{documents / cost.cpu_seconds:,.0f}",
                f"{size_mb / cost.cpu_seconds:.2f}",
                f"{cost.wall_seconds:.1f}",
                f"{cost.memory_mb:,.0f}",
                f"{cost.cpu_seconds / base.cpu_seconds:.2f}" if base else "",
                f"{cost.wall_seconds / base.wall_seconds:.2f}" if base else "",
                f"{result.load:.1f}",
            ]
        )
    header = (
        *("", "CPU-s", "documents per CPU-s", "MB per CPU-s", "wall s", "private MB"),
        *(f"CPU / {ours}", f"wall / {ours}", "load"),
    )
    return markdown(header, rows)


def bin_names() -> list[str]:
    """The bins of similarity in words."""
    between = [f"{low:g} to {high:g}" for low, high in pairwise(BOUNDS)]
    return [f"under {BOUNDS[1]:g}", *between[1:], f"{BOUNDS[-1]:g}"]


def quality(results: Sequence[Result]) -> str:
    """Recall in each bin and above the threshold, and precision."""
    scored = [(result.name, result.score) for result in results if result.score]
    if not scored:
        return ""
    rows = []
    for name, score in scored:
        shares = (
            found / planted if planted else None for found, planted in zip(score.found, score.planted, strict=True)
        )
        rows.append(
            [
                name,
                *("" if share is None else f"{share:.3f}" for share in shares),
                f"{score.recall():.4f}",
                f"{score.precision:.4f}",
                f"{score.dropped:,}",
                f"{score.dropped - score.right:,}",
            ]
        )
    planted = ["planted pairs", *(f"{count:,}" for count in scored[0][1].planted), "", "", "", ""]
    header = ("similarity", *bin_names(), "recall at .7 and more", "precision", "dropped", "wrongly")
    return markdown(header, [planted, *rows])
