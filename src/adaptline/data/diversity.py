"""How varied a set of texts is: its n-grams, lengths and labels, counted shard by shard and put together.

Knows texts and labels. Knows nothing of where they come from. What is kept of a shard is small, whatever its size: of its
n-grams only the smallest hashes, from which the number of distinct ones of any union follows.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from adaptline.data import folding, matching
from adaptline.data.loops.vocabulary import word_numbers

SIZES = (1, 2, 3)  # of n-grams
# Counting distinct elements by their k smallest hashes: Bar-Yossef et al., RANDOM 2002; (k - 1) / (the largest of them) is
# unbiased (Beyer et al., SIGMOD 2007), its standard error about 1 / sqrt(k - 2): 1.6 % here. Exact up to k.
_SMALLEST = 4096
_MULTIPLIERS = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], np.uint64)  # odd; of xxHash
_SHIFT = np.uint64(29)
_QUANTILES = {"p5": 0.05, "p25": 0.25, "median": 0.5, "p75": 0.75, "p95": 0.95}
_LABELS = 100  # that are told one by one

Hashes = npt.NDArray[np.uint64]


@dataclass
class Variety:
    """What is counted of a set of texts; `total` puts sets together."""

    rows: int = 0
    words: Counter[int] = field(default_factory=Counter)  # how many texts have so many words
    labels: Counter[str] = field(default_factory=Counter)
    grams: list[int] = field(
        default_factory=lambda: [0] * len(SIZES)
    )  # how many there are of each size, repeats included
    smallest: list[Hashes] = field(default_factory=lambda: [np.zeros(0, np.uint64) for _ in SIZES])  # their hashes

    def told(self) -> dict[str, Any]:
        """The figures of a report, JSON-like.

        distinct is the share of n-grams that are no repeats (distinct-n; Li et al., A diversity-promoting objective function
        for neural conversation models, NAACL 2016): it falls as a set grows, so the numbers of distinct n-grams stand
        beside it. evenness is 1 where all labels are as frequent (Pielou, 1966), null where there are fewer than two.
        """
        distinct = [_distinct(hashes) for hashes in self.smallest]
        return {
            "rows": self.rows,
            "words": _spread(self.words),
            "grams": dict(zip(map(str, SIZES), distinct, strict=True)),
            "distinct": {
                str(size): round(one / of, 6) if of else None
                for size, one, of in zip(SIZES, distinct, self.grams, strict=True)
            },
            "labels": dict(self.labels.most_common(_LABELS)),
            "evenness": _evenness(self.labels),
        }

    def table(self) -> pa.Table:
        """As a unit of one row."""
        columns: dict[str, Any] = {
            "rows": pa.array([self.rows], pa.int64()),
            "words": pa.array([sorted(self.words.items())], pa.map_(pa.int64(), pa.int64())),
            "labels": pa.array([sorted(self.labels.items())], pa.map_(pa.string(), pa.int64())),
            "grams": pa.array([self.grams], pa.list_(pa.int64())),
            "smallest": pa.array([[one.tolist() for one in self.smallest]], pa.list_(pa.list_(pa.uint64()))),
        }
        return pa.table(columns)

    @classmethod
    def of_table(cls, table: pa.Table) -> Variety:
        """Back from a unit."""
        (row,) = table.to_pylist()
        hashes = [np.array(one, np.uint64) for one in row["smallest"]]
        return cls(row["rows"], Counter(dict(row["words"])), Counter(dict(row["labels"])), row["grams"], hashes)


def total(varieties: Iterable[Variety]) -> Variety:
    """The counts of many sets together, taken one by one."""
    whole = Variety()
    for one in varieties:
        whole.rows += one.rows
        whole.words.update(one.words)
        whole.labels.update(one.labels)
        whole.grams = [sum(pair) for pair in zip(whole.grams, one.grams, strict=True)]
        pairs = zip(whole.smallest, one.smallest, strict=True)
        whole.smallest = [_smallest(np.concatenate(pair)) for pair in pairs]
    return whole


def variety(texts: pa.Array, labels: Iterable[str | None]) -> Variety:
    """What is counted of texts with their labels; n-grams are of words as matchers compare them, and none spans two texts."""
    words, lengths = word_numbers(*matching.utf8(folding.normalised(texts)))
    of = np.repeat(np.arange(len(lengths)), lengths)
    grams = [_grams(words, of, size) for size in SIZES]
    return Variety(
        len(lengths),
        Counter(lengths.tolist()),
        Counter(label for label in labels if label is not None),
        [len(one) for one in grams],
        [_smallest(one) for one in grams],
    )


def _grams(words: Hashes, of: npt.NDArray[np.int64], size: int) -> Hashes:
    """One hash per n-gram, repeats included."""
    count = max(0, len(words) - size + 1)
    found = np.zeros(count, np.uint64)
    for at in range(size):
        found = (found ^ words[at : at + count]) * _MULTIPLIERS[at]
        found ^= found >> _SHIFT
    inside: npt.NDArray[np.bool_] = of[:count] == of[size - 1 : size - 1 + count]
    return np.compress(inside, found)


def _smallest(hashes: Hashes) -> Hashes:
    return np.unique(hashes)[:_SMALLEST]


def _distinct(smallest: Hashes) -> int:
    if len(smallest) < _SMALLEST:
        return len(smallest)
    return round((_SMALLEST - 1) / (float(smallest[-1]) / 2.0**64))


def _spread(words: Counter[int]) -> dict[str, float]:
    """The mean and some quantiles of lengths in words."""
    if not words:
        return {}
    lengths = np.array(sorted(words), np.int64)
    counts = np.array([words[int(length)] for length in lengths], np.int64)
    places = np.cumsum(counts)
    quantiles = {
        name: float(lengths[np.searchsorted(places, share * places[-1])]) for name, share in _QUANTILES.items()
    }
    return {"mean": round(float((lengths * counts).sum() / places[-1]), 3), **quantiles}


def _evenness(labels: Counter[str]) -> float | None:
    """The entropy of the labels over that of labels which are all as frequent."""
    if len(labels) < 2:  # noqa: PLR2004 - one label is as even as it is not
        return None
    total = sum(labels.values())
    entropy = -sum(count / total * math.log(count / total) for count in labels.values())
    return round(entropy / math.log(len(labels)), 6)
