"""text-dedup: its command line, `python -m text_dedup.minhash`."""

import os
import sys

from given import BANDS, PERMUTATIONS, SIZE, THRESHOLD


def main(corpus: str, out: str) -> None:
    """This process becomes the command."""
    options = {
        "path": "json",
        "data_files": f"{corpus}/corpus-*.jsonl",
        "split": "train",
        "cache_dir": f"{out}/cache",
        "output": f"{out}/kept",
        "column": "text",
        "ngram": SIZE,
        "num_perm": PERMUTATIONS,
        "threshold": THRESHOLD,
        "b": BANDS,
        "r": PERMUTATIONS // BANDS,
        "hash_func": "xxh3",
        "min_length": 1,  # the others do not drop short rows
        "num_proc": os.cpu_count(),
    }
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    os.execv(sys.executable, [sys.executable, "-m", "text_dedup.minhash", *words])  # noqa: S606


if __name__ == "__main__":
    main(*sys.argv[1:])
