r"""Whether what was dropped should have been: recall by similarity, and precision.

The similarity of two rows is the true Jaccard of their sets of 5-grams of lower-cased \w+ words (`corpus.py`). A planted
pair is found where not both of its rows are kept. A dropped row is right where any other row of the corpus, dropped or
kept, planted or not, is at least as similar as the threshold. Pairs are proposed by 64-bit hashes of all n-grams, without
a sample, and the similarity of the pair that counts is computed again from words.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from corpus import WORD, jaccard

SIZE, THRESHOLD = 5, 0.7
BOUNDS = (0.0, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0)  # of the bins; the last holds equal ones alone
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio, as in SplitMix64 (Steele et al. 2014)

Numbers = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Pair:
    """A planted copy and its original, by their ids."""

    copy: int
    original: int
    similarity: float


@dataclass(frozen=True)
class Score:
    """How well rows were dropped."""

    dropped: int
    right: int
    planted: list[int]  # pairs per bin of BOUNDS
    found: list[int]

    @property
    def precision(self) -> float:
        """The share of dropped rows that are right; 1 where none was dropped."""
        return self.right / self.dropped if self.dropped else 1.0

    def recall(self, at_least: float = THRESHOLD) -> float:
        """The share of planted pairs at least so similar that were found. `at_least` is one of BOUNDS."""
        first = BOUNDS.index(at_least)
        return sum(self.found[first:]) / max(1, sum(self.planted[first:]))


def _rows(paths: Iterable[Path]) -> Iterator[dict[str, Any]]:
    for path in sorted(paths):
        with path.open("rb") as file:
            yield from map(json.loads, file)


def read_texts(corpus: Path) -> list[str]:
    """The texts of the corpus, in the order of their ids."""
    return [row["text"] for row in _rows(corpus.glob("corpus-*.jsonl"))]


def read_pairs(corpus: Path) -> list[Pair]:
    """The truth."""
    return [Pair(row["copy"], row["original"], row["similarity"]) for row in _rows([corpus / "truth.jsonl"])]


def read_kept(folder: Path) -> set[int]:
    """Ids of the rows that a runner wrote, as JSON lines or as Arrow streams (a Hugging Face data set)."""
    found = {int(row.get("id", 0)) for row in _rows(folder.rglob("*.jsonl"))}  # datatrove leaves out what is 0
    for path in sorted(folder.rglob("*.arrow")):
        with pa.memory_map(str(path)) as file:
            found.update(map(int, pa.ipc.open_stream(file).read_all()["id"].to_pylist()))
    if not found:
        raise ValueError(f"{folder} holds no kept rows")
    return found


class Neighbours:
    """The most similar other row of any row, by an index of all n-grams of all texts."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts
        hashes = [_hashes(text) for text in texts]
        self.sizes = np.array([len(found) for found in hashes])
        self.starts = np.concatenate(([0], np.cumsum(self.sizes)))
        _, self.grams = np.unique(np.concatenate(hashes), return_inverse=True)  # gram number of each place
        self.rows = np.repeat(np.arange(len(texts)), self.sizes)[np.argsort(self.grams, kind="stable")]
        self.firsts = np.concatenate(([0], np.cumsum(np.bincount(self.grams))))

    def similarity(self, row: int) -> float:
        """The true Jaccard with the most similar other row."""
        grams = self.grams[self.starts[row] : self.starts[row + 1]]
        holders = np.concatenate([self.rows[self.firsts[gram] : self.firsts[gram + 1]] for gram in grams])
        others, shared = np.unique(holders[holders != row], return_counts=True)
        if not len(others):
            return 0.0
        nearest = others[np.argmax(shared / (self.sizes[row] + self.sizes[others] - shared))]
        return jaccard(self.texts[row], self.texts[nearest])


def _hashes(text: str) -> Numbers:
    """Hashes of the n-grams of a text, each once, uint64."""
    words = WORD.findall(text.lower())
    coded = (word.encode() for word in words)
    marks = np.array([zlib.crc32(word) | zlib.adler32(word) << 32 for word in coded], np.uint64)
    length = max(1, len(words) - SIZE + 1)
    total = np.zeros(length, np.uint64)
    for at in range(min(SIZE, len(words))):
        total = total * _MULTIPLIER + marks[at : at + length]
        total ^= total >> np.uint64(29)
    return np.unique(total)


def right_rows(dropped: Iterable[int], pairs: Sequence[Pair], neighbours: Neighbours) -> set[int]:
    """Which of the dropped rows have another that is similar enough. What was planted need not be looked for."""
    near = {row for pair in pairs if pair.similarity >= THRESHOLD for row in (pair.copy, pair.original)}
    return {row for row in dropped if row in near or neighbours.similarity(row) >= THRESHOLD}


def score(dropped: set[int], pairs: Sequence[Pair], right: set[int]) -> Score:
    """`right` holds at least those dropped rows that are right."""
    bins = np.searchsorted(BOUNDS, [pair.similarity for pair in pairs], side="right") - 1
    hit = np.array([pair.copy in dropped or pair.original in dropped for pair in pairs], bool)
    return Score(
        dropped=len(dropped),
        right=len(dropped & right),
        planted=np.bincount(bins, minlength=len(BOUNDS)).tolist(),
        found=np.bincount(bins[hit], minlength=len(BOUNDS)).tolist(),
    )
