"""Ours: `al.curate` from files to a file; a store keeps rows, scores, verdicts and lineage. One more word is the number of workers."""

import sys
import tomllib
from pathlib import Path

from given import SIZE, THRESHOLD

import adaptline as al

MATCHERS = f'"exact", {{ use = "minhash", threshold = {THRESHOLD}, ngram = "word", size = {SIZE} }}'


def run(corpus: str, out: str, do: str, workers: str) -> None:
    """Curates CORPUS/corpus-*.jsonl; `do` is the list of methods as a recipe has it."""
    kept = Path(out) / "kept"
    kept.mkdir()
    methods = tomllib.loads(f"do = [{do}]")["do"]
    how = {"workers": int(workers)} if workers else {}
    pattern, file, store = f"{corpus}/corpus-*.jsonl", kept / "kept.jsonl", f"{out}/store"
    al.curate(pattern, file, store=store, reading={"text": "text"}, do=methods, **how)


def main(corpus: str, out: str, workers: str = "") -> None:
    """Exact and near-duplicates."""
    run(corpus, out, MATCHERS, workers)


if __name__ == "__main__":
    main(*sys.argv[1:])
