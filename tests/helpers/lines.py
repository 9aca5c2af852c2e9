"""Small recipes on small files, and what is left of them in a store: shared by the tests of run, trace and kills."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path
from typing import Any

import adaptline as al

WORDS = [
    "alpha",
    "beta",
    "gamma",
    "delta",
    "epsilon",
    "zeta",
    "eta",
    "theta",
    "iota",
    "kappa",
    "lambda",
    "mu",
    "nu",
    "xi",
    "omicron",
    "pi",
    "rho",
    "sigma",
    "tau",
    "upsilon",
]

RECIPE = """
[raw]
step  = "ingest"
files = ["data/*.jsonl"]
label = "label"

[parts]
step  = "split"
from  = "raw"
by    = "conversation"
share = { train = 0.8, validation = 0.2 }

[clean]
step = "curate"
from = "parts"
do   = ["unicode", { use = "length", min = 12 }, "exact", { use = "minhash", threshold = 0.7 }, { use = "./mine.py:polite", min = 0.5 }]

[again]
step = "curate"
from = "clean"
do   = [{ use = "length", max = 1000 }]
"""

MINE = '''
"""A method of one's own."""
from adaptline import filter


@filter(version=1)
def polite(texts: list[str]) -> list[float]:
    """0 where somebody shouts."""
    return [0.0 if "pi pi" in text else 1.0 for text in texts]
'''


def records(seed: int, count: int) -> list[dict[str, Any]]:
    """Random messages, some of them copies and near copies of earlier ones."""
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    made: list[dict[str, Any]] = []
    for i in range(count):
        text = " ".join(chance.choices(WORDS, k=chance.randint(1, 12)))
        if made and chance.random() < 0.15:
            text = chance.choice(made)["text"] + chance.choice(["", " ", " rho"])
        if chance.random() < 0.1:
            text += " caf\u00c3\u00a9"
        made.append({"text": text, "label": chance.choice("ab"), "conversation": i // 3})
    return made


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")


def read(path: Path) -> list[dict[str, Any]]:
    """The records of a file of JSON lines."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def make(folder: Path, *, files: int = 3, rows: int = 40, recipe: str = RECIPE) -> Path:
    """A recipe with its sources in a folder; returns the recipe's path."""
    for i in range(files):
        write(folder / "data" / f"part-{i}.jsonl", records(i, rows))
    (folder / "mine.py").write_text(MINE, "utf-8")
    path = folder / "recipe.toml"
    path.write_text(recipe, "utf-8")
    return path


CURATED = """
[raw]
step  = "ingest"
files = "rows.jsonl"

[clean]
step = "curate"
from = "raw"
do   = [DO]
"""


def curated(folder: Path, texts: list[str], do: str, more: str = "") -> Path:
    """Runs texts, and lines as they stand in `more`, through the step `clean`; returns the recipe's path."""
    write(folder / "rows.jsonl", [{"text": text} for text in texts])
    with (folder / "rows.jsonl").open("a") as file:
        file.write(more)
    path = folder / "recipe.toml"
    path.write_text(CURATED.replace("DO", do), "utf-8")
    al.run(path)
    return path


def payloads(store: Path) -> dict[str, str]:
    """Digest of every unit and of every file of an artifact's folder, by name; and what each manifest says of content."""
    found = {}
    for path in sorted(store.glob("units/*/*")) + sorted(p for p in store.glob("artifacts/*/*/**/*") if p.is_file()):
        found[str(path.relative_to(store))] = hashlib.sha256(path.read_bytes()).hexdigest()
    for path in sorted(store.glob("artifacts/*/*.json")):
        manifest = json.loads(path.read_bytes())
        found[str(path.relative_to(store))] = json.dumps(
            {k: v for k, v in manifest.items() if k != "record"}, sort_keys=True
        )
    return found
