"""Ours: `adaptline run` of a recipe, then `adaptline export` of the rows that it kept. One more word is the number of workers."""

import subprocess
import sys
from pathlib import Path

from given import SIZE, THRESHOLD

MATCHERS = f'"exact", {{ use = "minhash", threshold = {THRESHOLD}, ngram = "word", size = {SIZE} }}'


def run(corpus: str, out: str, do: str, workers: str) -> None:
    """Writes OUT/recipe.toml with what is to be done, and runs it."""
    recipe = Path(out) / "recipe.toml"
    recipe.write_text(
        f'[raw]\nstep = "ingest"\nfiles = ["{corpus}/corpus-*.jsonl"]\ntext = "text"\n\n'
        f'[clean]\nstep = "curate"\nfrom = "raw"\ndo = [{do}]\n',
        "utf-8",
    )
    kept = Path(out) / "kept"
    kept.mkdir()
    command = str(Path(sys.executable).with_name("adaptline"))
    subprocess.run([command, "run", str(recipe), *(["--workers", workers] if workers else [])], check=True)
    subprocess.run([command, "export", str(recipe), "clean", "-o", str(kept / "kept.jsonl")], check=True)


def main(corpus: str, out: str, workers: str = "") -> None:
    """Exact and near-duplicates."""
    run(corpus, out, MATCHERS, workers)


if __name__ == "__main__":
    main(*sys.argv[1:])
