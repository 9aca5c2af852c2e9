"""What a step did, in lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lines as rows
import pytest

from adaptline.core import naming
from adaptline.core import recipe as recipes
from adaptline.core.run import run
from adaptline.core.store import Store
from adaptline.data import outcomes

TEXTS = [
    "one and two",
    "One and  two",
    "x",
    "a word " * 20,
    "caf\u0065\u0301 for two",
    "where is the last sentence of some words",
]
UNSURE = """
from adaptline import filter
@filter(version=1)
def unsure(texts: list[str]) -> list[float]:
    return [None if text.startswith("x") else float(len(text)) for text in texts]
@filter(version=1)
def word(texts: list[str]) -> list[str]:
    return [None if text == "x" else text.split()[0] for text in texts]
"""


def told(folder: Path, do: list[Any], step: str = "curate", *, labelled: bool = False) -> list[str]:
    rows.write(
        folder / "rows.jsonl", [{"text": text, **({"label": str(len(text))} if labelled else {})} for text in TEXTS]
    )
    (folder / "mine.py").write_text(UNSURE)
    tables = {"raw": {"step": "ingest", "files": "rows.jsonl"}, "out": {"step": step, "from": "raw", "do": do}}
    (_, made) = run(recipes.from_tables(tables, "told", folder), store=folder / "store")
    store = Store.open(folder / "store")
    manifest = store.manifest(made.key)
    assert manifest is not None
    return list(outcomes.lines(store, naming.with_rules(manifest, store.refs("told")["out"][0])))


@pytest.mark.parametrize(
    ("do", "lines"),
    [
        ([], []),
        (["unicode", "exact"], ["unicode changed 2", "exact dropped 1"]),
        (
            [{"use": "length", "min": 5, "max": 100, "name": "size"}, {"use": "length", "max": 1000}],
            ["size dropped 2 (below 5: 1, above 100: 1)"],
        ),
        (
            [{"use": "./mine.py:unsure", "max": 100, "unjudged": "drop"}],
            ["./mine.py:unsure dropped 2 (above 100: 1, no score 1), could not judge 1"],
        ),
        ([{"use": "./mine.py:unsure", "max": 1000}], ["./mine.py:unsure could not judge 1"]),
        (
            [{"use": "./mine.py:word", "keep": ["one"], "unjudged": "drop"}],
            ["./mine.py:word dropped 5 (One 1, no label 1, a 1, caf\u0065\u0301 1, where 1), could not judge 1"],
        ),
        (
            [{"use": "chat", "unjudged": "drop"}, {"use": "length", "min": 5}],
            ["chat dropped 6 (no label 6), could not judge 6"],
        ),
    ],
)
def test_each_method_that_did_something_has_a_line(tmp_path: Path, do: list[Any], lines: list[str]) -> None:
    assert told(tmp_path, do) == lines


def test_many_reasons_are_counted_together(tmp_path: Path) -> None:
    (line,) = told(tmp_path, [{"use": "./mine.py:word", "keep": ["none"], "unjudged": "drop"}])
    assert line.endswith("others 1), could not judge 1")


def test_what_a_method_tells_follows(tmp_path: Path) -> None:
    found = told(tmp_path, ["exact"], labelled=True)
    assert found[0] == "exact dropped 1"
    assert found[1].startswith("exact: 1 row that it drops has another label than the row that stays")


def test_augmenters_say_what_was_refused(tmp_path: Path) -> None:
    (tmp_path / "pairs.tsv").write_text("sentence\tphrase\n")
    do = [{"use": "synonyms", "share": 1.0, "rate": 1.0, "file": "pairs.tsv"}]
    assert told(tmp_path, do, "augment") == ["synonyms made 1 of 6: copy 5"]
