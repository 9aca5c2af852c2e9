"""Everything that the report of a run shows, as frozen values.

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
class Source:
    """A file that was read: its format and encoding as they were found out, its rows, and how many could not be read."""

    file: str
    format: str
    encoding: str
    rows: int
    unreadable: int
    note: str = ""


@dataclass(frozen=True)
class Unreadable:
    """A row in quarantine, with the reason, what it held, and the line where it starts."""

    origin: Origin
    reason: str
    raw: str
    line: int | None = None


@dataclass(frozen=True)
class Intake:
    """What an ingest step read. `rows` and `unreadable` are the sums over all files, also those not listed."""

    step: str
    rows: int
    unreadable: int
    sources: tuple[Source, ...] = ()
    reasons: tuple[Tally, ...] = ()
    samples: tuple[Unreadable, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Flow:
    """Rows of one split through a method or a whole step; before - dropped = after."""

    split: str
    before: int
    dropped: int
    changed: int
    after: int


@dataclass(frozen=True)
class Kept:
    """The row that stayed in place of a dropped one."""

    origin: Origin
    text: str | None


@dataclass(frozen=True)
class Drop:
    """A dropped row: its score against the bound ("max 0.5"), and because of what, as an address or in words."""

    origin: Origin
    text: str | None
    score: float | str | None = None
    bound: str = ""
    because: str = ""
    kept: Kept | None = None


@dataclass(frozen=True)
class Labelled:
    """A row with its label."""

    origin: Origin
    text: str | None
    label: str | None


@dataclass(frozen=True)
class Conflict:
    """A row that was dropped for one that is alike but has another label."""

    dropped: Labelled
    kept: Labelled


@dataclass(frozen=True)
class Change:
    """A row's text before and after a rule that writes; `what` says so where it is not the text, but the label."""

    origin: Origin
    before: str | None
    after: str | None
    what: str = ""


@dataclass(frozen=True)
class Stage:
    """A method of a curate step in the order of the recipe, and what it did.

    `before`, `dropped`, `changed`, `unjudged` and `after` count rows of all splits. `bounds` are the recipe's words that
    its score is compared with (min, max, keep, drop); `parameters` are the method's own. `unjudged_fate` is what the
    recipe does with a row without a score. `compared_in_part` rows had more candidates for a near-duplicate than the
    method compared them with. `told` are lines that the method says of itself.
    """

    name: str
    kind: str
    meaning: str
    before: int
    dropped: int
    changed: int
    after: int
    unjudged: int = 0
    unjudged_fate: str = "keep"
    parameters: tuple[Fact, ...] = ()
    bounds: tuple[Fact, ...] = ()
    by_split: tuple[Flow, ...] = ()
    drops: tuple[Drop, ...] = ()
    changes: tuple[Change, ...] = ()
    compared_in_part: int = 0
    told: tuple[str, ...] = ()
    conflicts: tuple[Conflict, ...] = ()


@dataclass(frozen=True)
class LanguageShare:
    """The share of the sampled texts that are in a language, before and after."""

    language: str
    before: float
    after: float


@dataclass(frozen=True)
class Spread:
    """How long texts are, in characters, and which languages they are in, before a curate step and after it.

    Of `sample` rows of the `of` that came in; the rows after are those of the sample that are left. `edges` has one entry
    more than `before` and `after`, which count rows.
    """

    sample: int
    of: int
    edges: tuple[float, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    languages: tuple[LanguageShare, ...]


@dataclass(frozen=True)
class Agreement:
    """Two judges of the same rows: people (the first) and a filter, or two people.

    `reviewed` rows have a person's verdict, `rows` of them both judges'. `first_only` the first drops and the second keeps.
    `kappa` is Cohen's, with its 95 % interval.
    """

    name: str
    kind: Literal["filter", "people"]
    reviewed: int
    rows: int
    both_keep: int
    both_drop: int
    first_only: int
    second_only: int
    share: float | None
    kappa: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Curation:
    """A curate step: the rows that came in, its methods in order, the rows that are left.

    `agreements` is None where no person's review was read.
    """

    step: str
    before: int
    after: int
    by_split: tuple[Flow, ...] = ()
    stages: tuple[Stage, ...] = ()
    spread: Spread | None = None
    agreements: tuple[Agreement, ...] | None = None


@dataclass(frozen=True)
class Limit:
    """A bound of a numeric score, as the recipe names it (min or max), and how many rows it dropped, if that is known."""

    name: str
    value: float
    dropped: int | None = None


@dataclass(frozen=True)
class Histogram:
    """How a numeric score is spread: `counts[i]` rows between `edges[i]` and `edges[i + 1]` (one more edge than counts).

    `scale` "log" needs positive edges. Rows under a limit named "min" or over one named "max" are drawn as dropped.
    """

    method: str
    meaning: str
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    limits: tuple[Limit, ...] = ()
    unjudged: int = 0
    scale: Literal["linear", "log"] = "linear"


@dataclass(frozen=True)
class LabelCount:
    """Rows with one label as their score, and whether the recipe keeps them."""

    label: str
    rows: int
    kept: bool = True


@dataclass(frozen=True)
class LabelChart:
    """How a label score is spread, all labels, most frequent first."""

    method: str
    meaning: str
    labels: tuple[LabelCount, ...]
    unjudged: int = 0


@dataclass(frozen=True)
class AuditLine:
    """Defects of one kind that were planted on purpose, and what became of them.

    `wrongly_dropped` counts sound rows that the kind's methods dropped; None where that cannot be told apart. No
    `methods` means that no method of the recipe looks for this kind.
    """

    kind: str
    planted: int
    found: int
    missed: int
    wrongly_dropped: int | None = None
    methods: tuple[str, ...] = ()


@dataclass(frozen=True)
class Grade:
    """Planted near-duplicates of one similarity (low <= similarity < high), and how many of them were found."""

    low: float
    high: float
    planted: int
    found: int


@dataclass(frozen=True)
class Audit:
    """Found beside planted. `source` is the file that says what was planted."""

    source: str
    lines: tuple[AuditLine, ...]
    grades: tuple[Grade, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class SeedCurve:
    """One training run: values per epoch, the first entry being epoch 1. `best_epoch` (1-based) gave the weights kept."""

    seed: str
    train_loss: tuple[float | None, ...]
    validation: tuple[float | None, ...]
    best_epoch: int | None = None
    stopped_early: bool = False


@dataclass(frozen=True)
class CandidateCurves:
    """The training runs of one candidate of the grid, one for each seed."""

    candidate: str
    seeds: tuple[SeedCurve, ...]
    note: str = ""


@dataclass(frozen=True)
class Training:
    """The learning curves of a train step. `metric` is what `validation` holds, `unit` how it is written."""

    step: str
    metric: str
    unit: Unit
    curves: tuple[CandidateCurves, ...]


@dataclass(frozen=True)
class SeedScore:
    """The score of one seed of a candidate."""

    seed: str
    value: float | None


@dataclass(frozen=True)
class Candidate:
    """A candidate's mean over seeds and items with its interval. `note` says what it is (trainable parameters)."""

    name: str
    mean: float | None
    low: float | None
    high: float | None
    seeds: tuple[SeedScore, ...] = ()
    leader: bool = False
    note: str = ""


@dataclass(frozen=True)
class Difference:
    """A candidate against the leader, paired on the same items: candidate minus leader.

    `p` is corrected for the number of comparisons. `shown` is None where it could not be judged. `verdict` is in words.
    """

    candidate: str
    mean: float | None
    low: float | None
    high: float | None
    p: float | None
    shown: bool | None
    verdict: str


@dataclass(frozen=True)
class LabelScore:
    """The leader's recall on the items of one label; `mistaken_for` is its most frequent wrong answer."""

    label: str
    items: int
    recall: float | None
    mistaken_for: str = ""


@dataclass(frozen=True)
class Confusion:
    """Items of one label that the leader took for another."""

    truth: str
    predicted: str
    items: int


@dataclass(frozen=True)
class Measure:
    """What a candidate's runs scored on one metric of one task, their mean; and how the score was made, if it says so."""

    task: str
    metric: str
    candidate: str
    mean: float | None
    signature: str = ""


@dataclass(frozen=True)
class Answer:
    """What the leader wrote for an item, the first answer that was accepted, and its score."""

    item: int
    written: str
    accepted: str
    score: float | None


@dataclass(frozen=True)
class Comparison:
    """The candidates on one metric of one task, in the order in which they are to be read; one may be the leader.

    `measures` are all scores of the same runs. Of candidates that write, `answers` are the leader's weakest, and there are
    no labels.

    `level` is the confidence of every interval (0.95), `procedure` says how it was computed and corrected.
    """

    task: str
    metric: str
    unit: Unit
    higher_is_better: bool
    split: str
    items: int
    level: float
    procedure: str
    candidates: tuple[Candidate, ...]
    differences: tuple[Difference, ...] = ()
    weak_labels: tuple[LabelScore, ...] = ()
    confusions: tuple[Confusion, ...] = ()
    measures: tuple[Measure, ...] = ()
    answers: tuple[Answer, ...] | None = None


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
