"""Everything that the report of a run shows, as frozen values: what stands on top, and the parts in order.

Knows what a reader is told. Knows nothing of the store that it was read from, nor of HTML. Texts are raw: whatever a row, a
file name or a label held; report.py makes them harmless. A number that was not measured is None, and NaN is taken
for None. A part that the recipe does not have is None and leaves no trace in the page; a part that is there but empty is
an empty tuple, and the page says that it is empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import datetime

    from adaptline.web.view_children import Augmentation
    from adaptline.web.view_evidence import Comparison, Training
    from adaptline.web.view_rows import Audit, Curation, Intake
    from adaptline.web.view_scores import Histogram, LabelChart

Unit = Literal["count", "share", "seconds", "bytes", "number"]


@dataclass(frozen=True)
class Fact:
    """A name and its value: a method's parameter, a library's version."""

    name: str
    value: str


@dataclass(frozen=True)
class Figure:
    """A key figure of the head; its unit says how the value is written (a share of 0.914 becomes 91.4 %)."""

    label: str
    value: float | str | None
    unit: Unit = "number"
    note: str = ""


@dataclass(frozen=True)
class Tally:
    """How many rows have something in common."""

    name: str
    rows: int


@dataclass(frozen=True)
class Origin:
    """Where a row came from: its file relative to the recipe and its 1-based record number."""

    file: str
    row: int | None = None


@dataclass(frozen=True)
class Verdict:
    """What the run found out: in a line, and with the evidence in a sentence or two.

    `outcome` is "winner" where a difference was shown, "tie" where none was, "none" where nothing was compared.
    """

    outcome: Literal["winner", "tie", "none"]
    headline: str
    explanation: str = ""


@dataclass(frozen=True)
class Head:
    """What a reader sees first. Times are those of the whole line; `facts` are library versions, seed, git commit."""

    recipe: str
    path: str
    verdict: Verdict | None
    figures: tuple[Figure, ...] = ()
    started: datetime | None = None
    hardware: str = ""
    wall_seconds: float | None = None
    cpu_seconds: float | None = None
    facts: tuple[Fact, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cost:
    """What one artifact cost when it was computed. `peak_bytes` is the highest that its process ever held, also before."""

    step: str
    cell: str
    wall_seconds: float | None
    cpu_seconds: float | None
    peak_bytes: int | None
    examples_per_second: float | None
    key: str
    digest: str


@dataclass(frozen=True)
class Command:
    """A command line to go on with, and what it is for."""

    purpose: str
    line: str


@dataclass(frozen=True)
class ReportView:
    """The report of one run of a recipe, in the order of the page."""

    head: Head
    intakes: tuple[Intake, ...] = ()
    curations: tuple[Curation, ...] | None = None
    scores: tuple[Histogram | LabelChart, ...] | None = None
    audits: tuple[Audit, ...] | None = None
    trainings: tuple[Training, ...] | None = None
    comparisons: tuple[Comparison, ...] | None = None
    costs: tuple[Cost, ...] = ()
    commands: tuple[Command, ...] = ()
    augmentations: tuple[Augmentation, ...] | None = None  # of view_children.py; shown behind the scores
