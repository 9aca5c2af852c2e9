"""What plan tells of a curate step before it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lines
import pytest

from adaptline.core import recipe as recipes
from adaptline.core.plan import plan

TASK = 'files = "test.jsonl"\ntext = "text"\nlabel = "label"\nmetrics = ["accuracy"]\n'


def told(folder: Path, do: list[Any], between: dict[str, Any] | None = None, files: Any = None) -> list[str]:
    """The notes on the step `clean` of rows, after a step of one's own."""
    for name in ("train", "test"):
        lines.write(folder / f"{name}.jsonl", [{"text": f"{name} {i}", "label": "a"} for i in range(3)])
    (folder / "task.toml").write_text(TASK)
    files = files or {name: f"{name}.jsonl" for name in ("train", "test")}
    tables: dict[str, dict[str, Any]] = {
        "raw": {"step": "ingest", "files": files},
        "clean": {"step": "curate", "from": "raw", "do": do},
    }
    if between:
        tables |= {"more": {"from": "raw", **between}, "clean": {**tables["clean"], "from": "more"}}
    planned = plan(recipes.from_tables(tables, "r", folder), store=folder / "store")
    return [note for entry in planned if entry.step == "clean" for note in entry.notes]


def test_nothing_is_told_where_there_is_nothing_to_tell(tmp_path: Path) -> None:
    assert told(tmp_path, ["unicode", "exact", "minhash"]) == []


@pytest.mark.parametrize(
    ("do", "notes"),
    [
        (["language"], ["language judges and drops nothing: give keep or drop"]),
        (["length", {"use": "length", "max": 9}], ["length judges and drops nothing: give min or max"]),
        ([{"use": "length", "name": "size"}], ["size judges and drops nothing: give min or max"]),
        ([{"use": "language", "unjudged": "drop"}, "toxicity", "gopher"], []),
        (["length", {"use": "minhash", "best": "length"}], []),
        (
            ["unicode", "unicode"],
            ["unicode#2 stands there twice with the same parameters: the second time it finds nothing new"],
        ),
        (
            ["exact", {"use": "length", "min": 2}, "exact"],
            ["exact#2 stands there twice with the same parameters: the second time it finds nothing new"],
        ),
        (["exact", "unicode", "exact"], []),
        (["exact", {"use": "exact", "on": "prompt"}], []),
        (["./mine.py:louder", "./mine.py:louder"], []),
    ],
)
def test_what_does_nothing_is_told(tmp_path: Path, do: list[Any], notes: list[str]) -> None:
    mine = "from adaptline import transform\n@transform(version=1)\ndef louder(texts: list[str]) -> list[str]:\n    return [t + '!' for t in texts]\n"
    (tmp_path / "mine.py").write_text(mine)
    assert [note for note in told(tmp_path, do) if "keeps the best" not in note] == notes


def test_a_task_whose_items_are_learnt_from_is_told(tmp_path: Path) -> None:
    against = {"use": "decontaminate", "against": "task.toml"}
    assert told(tmp_path, [against]) == []  # they are the split test
    (note,) = told(tmp_path, [against], files={"train": ["train.jsonl", "test.jsonl"]})
    assert note == (
        "decontaminate drops rows of test.jsonl, which [raw] reads, that are in no split that is held out (as test is): "
        "they are the items of the task 'task'; those that are held out stay"
    )
    (again,) = told(tmp_path, [against], files={"train_sft": "train.jsonl", "default": "test.jsonl"})
    assert again == note
    assert told(tmp_path, [against], files={"train": "train.jsonl", "Held-Out": "test.jsonl"}) == []
    (note,) = told(tmp_path, [against], files="*.jsonl")
    assert note.startswith("decontaminate drops rows of test.jsonl")


def test_what_mask_pii_does_not_look_at_is_told(tmp_path: Path) -> None:
    (note,) = told(tmp_path, ["mask_pii"])
    assert "references and other fields of the source stay" in note


def test_what_matching_children_costs_is_told(tmp_path: Path) -> None:
    augment = {"step": "augment", "do": ["noise"]}
    (note,) = told(tmp_path, ["unicode", "exact"], augment)
    assert note.startswith("exact matches the children that [more] makes after all other rows")
    assert told(tmp_path, ["unicode"], augment) == []
