"""What a report shows of training and comparison: learning curves, candidates with intervals, differences, mistakes.

Knows names and types only, as view.py does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adaptline.web.view import Unit


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
