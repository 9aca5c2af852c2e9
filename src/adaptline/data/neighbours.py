"""The kept text that is most like a given one, among those that share a bucket with it.

Knows n-gram sets, signatures and buckets. Knows nothing of shards or of why a row is kept.
"""

from __future__ import annotations

import math
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from adaptline.data import text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adaptline.data.bands import Signatures

BUCKET_ROWS = 128  # kept rows that one bucket remembers
CANDIDATES = 16  # kept rows that one row's n-grams are compared with

# A candidate whose signature has fewer equal minima than this many standard deviations below the threshold's mean is
# passed over. At the threshold itself that happens to 3 pairs in 100,000.
_DEVIATIONS = 4.0
_CACHED_GRAMS = 1_000_000  # about 120 MB


class GramSets:
    """n-gram sets of texts; the latest are held, up to _CACHED_GRAMS n-grams in total."""

    def __init__(self, ngram: text.Gram, size: int) -> None:
        self.ngram, self.size = ngram, size
        self.held: dict[str, frozenset[str]] = {}
        self.total = 0

    def of(self, given: str) -> frozenset[str]:
        """The set of a text's n-grams."""
        found = self.held.get(given)
        if found is None:
            found = self.held[given] = frozenset(text.grams(given, self.ngram, self.size))
            self.total += len(found)
            while self.total > _CACHED_GRAMS and len(self.held) > 1:
                self.total -= len(self.held.pop(next(iter(self.held))))
        return found


class Kept:
    """The kept rows by bucket and by text.

    `in_part` counts the rows that were compared with fewer kept rows than the rules above would have it: because a
    bucket was full, or because more than CANDIDATES of them looked alike.
    """

    def __init__(self, threshold: float, sets: GramSets, signatures: Signatures) -> None:
        """`signatures` are those of all rows that will be asked about, (rows, permutations)."""
        self.threshold, self.sets, self.signatures = threshold, sets, signatures
        permutations = signatures.shape[1]
        spread = math.sqrt(permutations * threshold * (1 - threshold))
        self.least_equal = math.floor(permutations * threshold - _DEVIATIONS * spread)
        self.buckets: dict[int, list[int]] = {}
        self.full: set[int] = set()  # buckets that had to refuse a row
        self.texts: dict[int, str] = {}
        self.rows: dict[str, int] = {}
        self.in_part = 0

    def add(self, row: int, given: str, buckets: Sequence[int]) -> None:
        """Takes in a row that is kept."""
        self.texts[row], self.rows[given] = given, row
        for bucket in buckets:
            rows = self.buckets.setdefault(bucket, [])
            if len(rows) < BUCKET_ROWS:
                rows.append(row)
            else:
                self.full.add(bucket)

    def nearest(self, row: int, given: str, buckets: Sequence[int]) -> tuple[int, float] | None:
        """The most similar kept row and its Jaccard similarity, the earliest of equals; None below the threshold."""
        if (twin := self.rows.get(given)) is not None:
            return twin, 1.0
        best = None
        for other in self._candidates(row, buckets):
            similarity = text.jaccard(self.sets.of(given), self.sets.of(self.texts[other]))
            if similarity >= self.threshold and (best is None or similarity > best[1]):
                best = (other, similarity)
        return best

    def _candidates(self, row: int, buckets: Sequence[int]) -> list[int]:
        """The kept rows to compare n-grams with, in row order: those whose signatures agree best, if they agree enough."""
        found = sorted(set(chain.from_iterable(self.buckets.get(bucket, ()) for bucket in buckets)))
        in_part = bool(self.full) and not self.full.isdisjoint(buckets)
        if found:
            equal = np.count_nonzero(self.signatures[found] == self.signatures[row], axis=1)
            chosen = np.flatnonzero(equal >= self.least_equal)
            if len(chosen) > CANDIDATES:
                chosen = np.sort(chosen[np.argsort(-equal[chosen], kind="stable")[:CANDIDATES]])
                in_part = True
            found = [found[at] for at in chosen]
        self.in_part += in_part
        return found
