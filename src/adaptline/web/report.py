"""The report of a run as one self-contained page: no script, nothing fetched, every foreign text inert.

Knows how a view becomes HTML. Knows nothing of stores and steps: view.py says what there is to show.
Rows, file names and labels are treated as hostile: Jinja escapes whatever is written, `_finish` makes hidden characters
visible in it before, no foreign text ever stands in a URL, style or class, and the page's content security policy
allows the one style element by its hash and nothing else (https://www.w3.org/TR/CSP3/).
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from adaptline.web import charts, shapes, texts, words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from adaptline.web.shapes import Scale
    from adaptline.web.view import ReportView
    from adaptline.web.view_evidence import Candidate, CandidateCurves, Comparison, Training

_OPEN_CHARTS = 12  # learning curves shown at once; more are folded away
_MOST_ROWS = 30  # of a table; a longer one scrolls inside its box
_OPEN_LABELS = 8  # bars of a label chart; more are summed up


@dataclass(frozen=True)
class Section:
    """A part of the page: its anchor, which is also its template's name, and its title."""

    name: str
    title: str


def render(view: ReportView) -> str:
    """The page. It can be written to a file as UTF-8 and opened without a server."""
    style = style_sheet()
    policy = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        environment()
        .get_template("report.html")
        .render(
            view=view,
            sections=sections(view),
            style=Markup(style),  # noqa: S704 - the package's own style sheet, which ends no style element
            style_hash=f"sha256-{policy}",
        )
    )


def sections(view: ReportView) -> list[Section]:
    """The sections that this view has. A part that the recipe does not have leaves no trace."""
    present = {
        Section("rows", "Rows"): bool(view.intakes) or view.curations is not None,
        Section("scores", "Scores and bounds"): view.scores is not None,
        Section("augmentation", "Children of rows"): view.augmentations is not None,
        Section("planted", "Found beside planted"): view.audits is not None,
        Section("training", "Learning curves"): view.trainings is not None,
        Section("comparison", "Comparison"): view.comparisons is not None,
        Section("costs", "Costs"): True,
        Section("commands", "How to go on"): True,
    }
    return [section for section, there in present.items() if there]


@dataclass(frozen=True)
class CurvePanels:
    """The drawings of one candidate's learning curves."""

    source: CandidateCurves
    loss: Markup
    validation: Markup


def curve_panels(training: Training) -> list[CurvePanels]:
    """Two drawings per candidate, all on the same two vertical scales, so that candidates can be compared by eye."""
    runs = [run for candidate in training.curves for run in candidate.seeds]
    loss = shapes.scale_of((value for run in runs for value in run.train_loss), 0.04)
    validation = shapes.scale_of((value for run in runs for value in run.validation), 0.04)
    return [_panels(candidate, training, loss, validation) for candidate in training.curves]


def comparison_scale(comparison: Comparison) -> Scale | None:
    """One scale for all intervals and seeds."""
    placed = (
        value
        for candidate in comparison.candidates
        for value in (candidate.mean, candidate.low, candidate.high, *(seed.value for seed in candidate.seeds))
    )
    return shapes.scale_of(placed, 0.03)


def seed_dots(candidate: Candidate, unit: str) -> list[tuple[str, float | None]]:
    """What a pointer resting on a seed's dot is told, and where the dot is."""
    return [(f"{seed.seed}: {words.quantity(seed.value, unit)}", seed.value) for seed in candidate.seeds]


def difference_scale(comparison: Comparison) -> Scale | None:
    """One scale for all differences to the leader, with zero on it."""
    values = [value for line in comparison.differences for value in (line.mean, line.low, line.high)]
    return shapes.scale_of([*values, 0.0], 0.04) if shapes.finite(values) else None


def _tick_writer(unit: str) -> Callable[[float | None], str]:
    """How the ticks of an axis are written."""
    if unit in ("seconds", "bytes"):
        return words.UNITS[unit]
    return lambda value: words.plain(value, unit)


def _panels(
    candidate: CandidateCurves, training: Training, loss: Scale | None, validation: Scale | None
) -> CurvePanels:
    epochs = max((max(len(run.train_loss), len(run.validation)) for run in candidate.seeds), default=0)
    marks = [run.best_epoch for run in candidate.seeds]

    def draw(
        what: str, lines: Sequence[Sequence[float | None]], scale: Scale | None, write: Callable[[float | None], str]
    ) -> Markup:
        label = (
            f"{what} of {candidate.candidate} over {words.plural(epochs, 'epoch')}, {words.plural(len(lines), 'seed')}"
        )
        return charts.curves(lines, marks, scale, epochs=epochs, label=label, write=write)

    return CurvePanels(
        candidate,
        draw("training loss", [run.train_loss for run in candidate.seeds], loss, words.plain),
        draw(training.metric, [run.validation for run in candidate.seeds], validation, _tick_writer(training.unit)),
    )


def _finish(value: Any) -> Any:
    """What every expression of a template goes through: missing numbers as a dash, foreign texts made visible and cut."""
    if isinstance(value, Markup):
        return value
    if isinstance(value, str):
        return texts.visible(value)
    return words.NOTHING if value is None or value != value else value  # noqa: PLR0124 - NaN differs from itself


@cache
def style_sheet() -> str:
    """The style sheet as it stands in the page, to the byte: its hash is the page's permission."""
    source, _, _ = PackageLoader("adaptline.web").get_source(Environment(autoescape=True), "report.css")
    return source


@cache
def environment() -> Environment:
    """Where the package's templates are, with all that they may use."""
    environment = Environment(
        loader=PackageLoader("adaptline.web"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finish,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    own = (
        words.count,
        words.number,
        words.plain,
        words.share,
        words.part,
        words.seconds,
        words.size,
        words.quantity,
        words.difference,
        words.hundredths,
    )
    shown = (words.p_value, words.moment, words.plural, texts.excerpt)
    environment.filters |= {function.__name__: function for function in (*own, *shown)}
    environment.filters["prose"] = lambda text: Markup("{}").format(texts.visible(text, texts.PROSE_CHARS))
    environment.globals |= {
        "charts": charts,
        "compared": texts.compared,
        "fraction": words.fraction,
        "limit_pairs": lambda histogram: [(limit.name, limit.value) for limit in histogram.limits],
        "longest_seconds": lambda costs: max(shapes.finite(cost.wall_seconds for cost in costs), default=None),
        "seed_dots": seed_dots,
        "tick_writer": _tick_writer,
        "most_rows": _MOST_ROWS,
        "curve_panels": curve_panels,
        "comparison_scale": comparison_scale,
        "difference_scale": difference_scale,
        "open_charts": _OPEN_CHARTS,
        "open_labels": _OPEN_LABELS,
    }
    return environment
