"""Near-duplicate removal beside rensa's own loop: `python benchmarks/curate/near_duplicates.py [ROWS]`.

Both get the same texts in memory, in one process, one after the other, three times; a copy of an earlier row with a few
words exchanged is planted every tenth row. Printed: CPU-seconds of each, their ratio, how many planted copies each
found, and how many rows it dropped that have no kept row as near as the threshold (checked by true Jaccard).
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import pyarrow as pa
from rensa import RMinHash, RMinHashLSH

from adaptline.data import text
from adaptline.data.matchers import minhash as ours

THRESHOLD, SIZE, PERMUTATIONS, RUNS = 0.7, 5, 128, 3
VOCABULARY = 20_000


def make(rows: int, seed: int = 0) -> tuple[list[str], list[int]]:
    """Texts of 20 to 40 made-up words, and the rows that are near copies of an earlier one."""
    chance = random.Random(seed)
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(3, 9))) for _ in range(VOCABULARY)]
    texts: list[str] = []
    planted = []
    for i in range(rows):
        if i % 10 == 9:  # noqa: PLR2004 - every tenth
            copied = chance.choice(texts).split()
            copied[chance.randrange(len(copied))] = chance.choice(words)
            texts.append(" ".join(copied))
            planted.append(i)
        else:
            texts.append(" ".join(chance.choices(words, k=chance.randint(20, 40))))
    return texts, planted


def by_adaptline(texts: list[str]) -> list[int]:
    """The matcher that `{ use = "minhash" }` runs."""
    given = pa.array(texts)
    sketch = ours.sketch(given, size=SIZE, permutations=PERMUTATIONS)
    found = ours.minhash([sketch], [np.ones(len(texts), bool)], [given], threshold=THRESHOLD)
    dropped: list[int] = found["row"].to_pylist()
    return dropped


def by_rensa(texts: list[str]) -> list[int]:
    """The loop of rensa's README, with the same n-grams."""
    sketches = []
    for row in texts:
        sketch = RMinHash(num_perm=PERMUTATIONS, seed=42)
        sketch.update(list(text.grams(text.fold(row), "char", SIZE)))
        sketches.append(sketch)
    index = RMinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS, num_bands=32)
    for i, sketch in enumerate(sketches):
        index.insert(i, sketch)
    dropped: set[int] = set()
    for i, sketch in enumerate(sketches):
        if i not in dropped:
            near = (j for j in index.query(sketch) if j != i and j not in dropped)
            dropped |= {max(i, j) for j in near if sketch.jaccard(sketches[j]) >= THRESHOLD}
    return sorted(dropped)


def wrong(texts: list[str], dropped: list[int]) -> int:
    """Dropped rows without a kept row as near as the threshold."""
    sets = [set(text.grams(text.fold(row), "char", SIZE)) for row in texts]
    gone = set(dropped)
    holders: dict[str, list[int]] = {}
    for i, grams in enumerate(sets):
        if i not in gone:
            for gram in grams:
                holders.setdefault(gram, []).append(i)
    count = 0
    for i in dropped:
        shared: dict[int, int] = {}
        for gram in sets[i]:
            for j in holders.get(gram, ()):
                shared[j] = shared.get(j, 0) + 1
        count += not any(n / (len(sets[i]) + len(sets[j]) - n) >= THRESHOLD for j, n in shared.items())
    return count


def timed(method: Callable[[list[str]], list[int]], texts: list[str]) -> tuple[float, list[int]]:
    """CPU-seconds, and what was dropped."""
    start = time.process_time()
    dropped = method(texts)
    return time.process_time() - start, dropped


def main() -> None:
    """Runs both in turn and prints a table."""
    texts, planted = make(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
    seconds: dict[str, list[float]] = {"adaptline": [], "rensa loop": []}
    dropped: dict[str, list[int]] = {}
    for _ in range(RUNS):
        for name, method in (("adaptline", by_adaptline), ("rensa loop", by_rensa)):
            took, dropped[name] = timed(method, texts)
            seconds[name].append(took)
    print(f"{len(texts):,} rows, {len(planted):,} planted copies, threshold {THRESHOLD}")
    for name, rows in dropped.items():
        found = len(set(rows) & set(planted))
        print(
            f"{name:<12} {statistics.median(seconds[name]):7.2f} CPU-s   found {found:,}   dropped wrongly {wrong(texts, rows):,}"
        )
    ratios = [b / a for a, b in zip(seconds["adaptline"], seconds["rensa loop"], strict=True)]
    print(f"rensa loop / adaptline: {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
