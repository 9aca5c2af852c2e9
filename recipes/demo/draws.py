"""Random choices that come out the same on every machine.

Knows how to draw from a stream named by a key. Knows nothing of what is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import TypeVar

Item = TypeVar("Item")


class Draws:
    """A stream of choices named by its key, such as ("train", 17): the same key gives the same choices.

    Only `Random.random` is used: it is the one method whose sequence Python promises to keep between versions.
    """

    def __init__(self, *key: object) -> None:
        self._random = Random("/".join(map(str, key)))  # noqa: S311 - a corpus, not a secret

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self._random.random() < probability

    def below(self, limit: int) -> int:
        """A whole number from 0 to limit - 1."""
        return int(self._random.random() * limit)

    def between(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + self.below(high - low + 1)

    def choice(self, items: Sequence[Item]) -> Item:
        """One of the items, all equally likely."""
        return items[self.below(len(items))]

    def weighted(self, weights: Mapping[str, int]) -> str:
        """One of the names, as likely as its weight says."""
        return self.choice([name for name, weight in weights.items() for _ in range(weight)])

    def shuffled(self, items: Sequence[Item]) -> list[Item]:
        """The items in a drawn order (Fisher and Yates)."""
        order = list(items)
        for last in range(len(order) - 1, 0, -1):
            other = self.below(last + 1)
            order[last], order[other] = order[other], order[last]
        return order
