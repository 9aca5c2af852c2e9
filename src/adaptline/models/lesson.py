"""What the loop trains: a model with the rows that it learns from and those that it is looked at with.

Knows the shape only; labels.py and answers.py fill it, one for each kind of base.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor


@dataclass(frozen=True)
class Outcome:
    """What a model makes of some rows, to be compared: numbers in float32, and what it chooses by them."""

    numbers: Tensor = field(repr=False)  # (rows, choices)
    choices: Tensor = field(repr=False)  # (rows,)


class Lesson(Protocol):
    """A model and its rows. Rows are numbered from 0; a row's length is in tokens."""

    @property
    def model(self) -> torch.nn.Module:
        """The model, its trainable parameters those that require a gradient."""

    @property
    def lengths(self) -> list[int]:
        """Tokens of each training row."""

    def weight(self, row: int) -> float:
        """How much of a row there is to learn: the loss of a step is its rows' losses over their weights."""

    def loss(self, rows: Sequence[int], precision: str) -> Tensor:
        """The loss of some training rows, summed over what there is to learn of them; a scalar with its graph."""

    def faster(self) -> set[str]:
        """Names of the parameters that learn at the head's rate."""

    def look(self, precision: str = "fp32") -> tuple[float, float]:
        """Share of the validation rows' targets that the model gets right, and their mean cross-entropy in nats."""

    def outcome(self) -> Outcome:
        """What the model makes of the first validation rows."""

    def save(self, folder: Path, base: str) -> None:
        """Writes the model, or its adapter; `base` is what the base is called."""

    def reloaded(self, folder: Path, base: Path) -> Lesson:
        """The same rows with the model that was saved."""

    def facts(self) -> dict[str, Any]:
        """What training.json tells of the rows."""
