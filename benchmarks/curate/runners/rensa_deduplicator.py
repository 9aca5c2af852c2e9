"""rensa: its deduplicator, fed as a stream (the loop of rensa's README since version 0.5)."""

import sys

from given import BANDS, PERMUTATIONS, THRESHOLD, grams, read, write
from rensa import RMinHashDeduplicator


def main(corpus: str, out: str) -> None:
    """What it does not take is dropped."""
    unique = RMinHashDeduplicator(threshold=THRESHOLD, num_perm=PERMUTATIONS, use_lsh=True, num_bands=BANDS)
    kept = unique.add_pairs((str(at), grams(row["text"])) for at, row in enumerate(read(corpus)))
    write(out, corpus, {at for at, new in enumerate(kept) if new})


if __name__ == "__main__":
    main(*sys.argv[1:])
