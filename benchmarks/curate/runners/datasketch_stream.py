"""datasketch: each row is asked for in MinHashLSH, and inserted where nothing is like it (as its manual shows)."""

import sys

from datasketch import MinHash, MinHashLSH
from given import BANDS, PERMUTATIONS, grams, read, write


def main(corpus: str, out: str) -> None:
    """Candidates are taken as they are."""
    index = MinHashLSH(num_perm=PERMUTATIONS, params=(BANDS, PERMUTATIONS // BANDS))
    kept = set()
    for at, row in enumerate(read(corpus)):
        sketch = MinHash(num_perm=PERMUTATIONS)
        sketch.update_batch([gram.encode() for gram in set(grams(row["text"]))])
        if not index.query(sketch):
            index.insert(at, sketch)
            kept.add(at)
    write(out, corpus, kept)


if __name__ == "__main__":
    main(*sys.argv[1:])
