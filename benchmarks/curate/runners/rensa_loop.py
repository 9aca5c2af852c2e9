"""rensa: sketch all, insert all, ask for each (the loop that rensa's README had up to version 0.4)."""

import sys

from given import BANDS, PERMUTATIONS, THRESHOLD, grams, read, write
from rensa import RMinHash, RMinHashLSH


def main(corpus: str, out: str) -> None:
    """Of two alike the later goes."""
    sketches = []
    index = RMinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS, num_bands=BANDS)
    for at, row in enumerate(read(corpus)):
        sketch = RMinHash(num_perm=PERMUTATIONS, seed=42)
        sketch.update(grams(row["text"]))
        index.insert(at, sketch)
        sketches.append(sketch)
    dropped: set[int] = set()
    for at, sketch in enumerate(sketches):
        if at not in dropped:
            near = (other for other in index.query(sketch) if other != at and other not in dropped)
            dropped |= {max(at, other) for other in near if sketch.jaccard(sketches[other]) >= THRESHOLD}
    write(out, corpus, set(range(len(sketches))) - dropped)


if __name__ == "__main__":
    main(*sys.argv[1:])
