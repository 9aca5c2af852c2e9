"""What an augmenter gets of a row and what it gives back, and where its chance comes from.

Knows texts and draws. Knows nothing of shards, shares or of what an augmenter does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from adaptline.core import keys

T = TypeVar("T")
TOO_LONG = "too_long"  # the gate of a text that is longer than what would say it otherwise can take
_AT_ONCE = 16  # raw numbers that a stream makes at a time
_FLOAT = 2.0**-53  # doubles have 53 bits


class Draws:
    """Random numbers that follow from what a stream is called, whoever else draws, and in whatever order.

    Philox is counter-based (Salmon et al., Parallel random numbers: as easy as 1, 2, 3, SC 2011), and numpy holds its raw
    output fixed, unlike what it makes of it.
    """

    def __init__(self, *stream: object) -> None:
        """The names of a stream: a seed, a method's name, a row's file and number."""
        self._stream = stream
        self._generator: np.random.Philox | None = None  # a kilobyte, made for those that draw
        self._raw: list[int] = []

    def uniform(self) -> float:
        """From 0 on, below 1."""
        return (self._next() >> 11) * _FLOAT

    def happens(self, rate: float) -> bool:
        """True at a rate from 0 to 1."""
        return self.uniform() < rate

    def below(self, end: int) -> int:
        """A whole number from 0 on, below `end`; uneven by less than end / 2**64."""
        return self._next() * end >> 64

    def choice(self, of: Sequence[T]) -> T:
        """One of a sequence that is not empty."""
        return of[self.below(len(of))]

    def _next(self) -> int:
        if not self._raw:
            if self._generator is None:
                self._generator = np.random.Philox(key=int(keys.key("draws", *self._stream)[:32], 16))
            self._raw = self._generator.random_raw(_AT_ONCE).tolist()
        return self._raw.pop()


@dataclass(frozen=True)
class Passage:
    """One message of a row that is to be said otherwise.

    `protected` are strings that must stay as they are where they occur: the row's label and its references.
    """

    text: str
    draws: Draws
    protected: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refused:
    """A new text that is not good enough to train on, and the gate that it did not pass: "language", "numbers"."""

    gate: str
    text: str
