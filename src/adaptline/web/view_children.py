"""What a report shows of an augment step: its augmenters with samples, and how varied the rows are before and after.

Knows names and types only, as view.py does; foreign texts in it are shown as they are told, and escaped where they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adaptline.web.view import Fact, Tally, Unit
    from adaptline.web.view_rows import Change


@dataclass(frozen=True)
class RefusedChange:
    """A text that was not good enough: the gate that it did not pass, and what it was to stand for."""

    gate: str
    change: Change


@dataclass(frozen=True)
class Augmenter:
    """An augmenter of an augment step. `asked` children of its rows: `made` of them, the others refused by gates."""

    name: str
    meaning: str
    asked: int
    made: int
    settings: tuple[Fact, ...] = ()
    refused: tuple[Tally, ...] = ()
    samples: tuple[Change, ...] = ()
    refused_samples: tuple[RefusedChange, ...] = ()


@dataclass(frozen=True)
class Measured:
    """A figure before and after, in its unit."""

    name: str
    before: float | None
    after: float | None
    unit: Unit = "count"


@dataclass(frozen=True)
class Augmentation:
    """An augment step: the rows that it was given, the children that it added, and what these changed."""

    step: str
    rows: int
    added: int
    augmenters: tuple[Augmenter, ...] = ()
    measures: tuple[Measured, ...] = ()
    labels: tuple[Measured, ...] = ()  # the share of each label, the most frequent first
