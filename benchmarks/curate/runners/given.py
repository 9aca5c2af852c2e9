r"""Rows in and out, and n-grams, for runners of libraries that do not do it themselves. Standard library alone.

A runner is called `python RUNNER CORPUS OUT`, in the environment of its peer, and writes the rows it kept under OUT/kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

THRESHOLD, PERMUTATIONS, BANDS, SIZE = 0.7, 128, 16, 5
_WORD = re.compile(r"\w+")


def read(corpus: str) -> Iterator[dict[str, Any]]:
    """The rows of CORPUS/corpus-*.jsonl, in order."""
    for path in sorted(Path(corpus).glob("corpus-*.jsonl")):
        with path.open("rb") as file:
            yield from map(json.loads, file)


def write(out: str, corpus: str, kept: set[int]) -> None:
    """Reads the corpus again and writes the kept lines as they are, so that no text need stay in memory."""
    folder = Path(out) / "kept"
    folder.mkdir(parents=True)
    at = 0
    with (folder / "kept.jsonl").open("wb") as target:
        for path in sorted(Path(corpus).glob("corpus-*.jsonl")):
            with path.open("rb") as file:
                for line in file:
                    if at in kept:
                        target.write(line)
                    at += 1


def grams(text: str) -> list[str]:
    """5-grams of lower-cased words, each joined by blanks."""
    words = _WORD.findall(text.lower())
    return [" ".join(words[at : at + SIZE]) for at in range(max(1, len(words) - SIZE + 1))]
