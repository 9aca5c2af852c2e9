"""What differs between two versions of a step's parameters, in words and as tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lines
import pytest

from adaptline.core import changes, recipe
from adaptline.core.plan import plan
from adaptline.core.run import run

LENGTH = {"use": "length", "min": 12}
MINE = "from adaptline import filter\n\n\n@filter(version=1)\ndef polite(texts: list[str]) -> list[int]:\n    return [{}] * len(texts)\n"


def line(folder: Path, do: list[Any], files: str = "a.jsonl", **more: Any) -> recipe.Recipe:
    if not (folder / "mine.py").exists():
        (folder / "mine.py").write_text(MINE.format(1))
        for name in "ab":
            lines.write(folder / f"{name}.jsonl", [{"text": f"the text {name} {i}"} for i in range(3)])
    tables = {
        "raw": {"step": "ingest", "files": files},
        "parts": {"step": "split", "from": "raw", "share": {"train": 1.0}, **more},
        "clean": {"step": "curate", "from": "parts", "do": do},
    }
    return recipe.from_tables(tables, "r", folder)


def why(folder: Path, source: recipe.Recipe, step: str = "clean") -> str:
    return {planned.step: planned.why for planned in plan(source, store=folder / "store")}[step]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ([LENGTH], [{**LENGTH, "min": 30}], "length.min 12 -> 30 (its scores are stored)"),
        ([LENGTH], [{**LENGTH, "max": 30.5}], "length.max none -> 30.5 (its scores are stored)"),
        ([LENGTH], [{**LENGTH, "unit": "words"}], "length.unit its default -> words"),
        ([LENGTH], [{**LENGTH, "min": 5, "on": "prompt"}], "length.min 12 -> 5, length.on none -> prompt"),
        ([LENGTH], [{**LENGTH, "min": 5}, "exact"], "exact added, length.min 12 -> 5"),
        (["exact", LENGTH], [LENGTH], "exact removed"),
        (["exact", LENGTH], [LENGTH, "exact"], "the order now is length, exact"),
        ([LENGTH, {**LENGTH, "min": 3}], [LENGTH, {**LENGTH, "min": 2}], "length#2.min 3 -> 2 (its scores are stored)"),
        ([LENGTH], [{**LENGTH, "name": "short", "min": 9}], "short.min 12 -> 9 (its scores are stored)"),
        (
            [{**LENGTH, "name": "a"}, {**LENGTH, "name": "b", "min": 3}],
            [{**LENGTH, "name": "b"}, {**LENGTH, "name": "c", "min": 4}],
            "the order now is b, c, b.min 3 -> 12, c.min 12 -> 4",
        ),
        (
            [{"use": "language", "keep": ["en"]}],
            [{"use": "language", "keep": ["en", "de"]}],
            "language.keep en -> en de (its scores are stored)",
        ),
        ([LENGTH], [], "do"),
    ],
)
def test_a_plan_says_which_rule_changed_and_how(tmp_path: Path, before: list[Any], after: list[Any], told: str) -> None:
    run(line(tmp_path, before), store=tmp_path / "store")
    assert why(tmp_path, line(tmp_path, after)) == f"changed: {told}"


def test_scores_are_not_promised_where_the_rows_change_too(tmp_path: Path) -> None:
    run(line(tmp_path, [LENGTH]), store=tmp_path / "store")
    other = line(tmp_path, [{**LENGTH, "min": 3}], files="b.jsonl")
    run(other, "parts", store=tmp_path / "store")
    assert why(tmp_path, other) == "changed: length.min 12 -> 3, what rows gives"


def test_a_rule_of_ones_own_is_told_by_its_source(tmp_path: Path) -> None:
    run(line(tmp_path, ["./mine.py:polite"]), store=tmp_path / "store")
    (tmp_path / "mine.py").write_text(MINE.format(0))
    told = why(tmp_path, line(tmp_path, ["./mine.py:polite"]))
    assert told.startswith("changed: ./mine.py:polite is source ")
    assert " now, was source " in told


def test_other_parameters_are_told_with_what_they_were(tmp_path: Path) -> None:
    run(line(tmp_path, []), store=tmp_path / "store")
    assert why(tmp_path, line(tmp_path, [], seed=3), "parts") == "changed: seed its default -> 3"
    assert why(tmp_path, line(tmp_path, [], share={"train": 0.5, "test": 0.5}), "parts") == "changed: share"
    assert why(tmp_path, line(tmp_path, [], files="b.jsonl"), "raw") == "changed: files"


def test_files_of_a_method_are_told_apart_from_its_version() -> None:
    def version(*identity: Any) -> dict[str, Any]:
        return {"kind": "rows", "detail": {}, "meaning": {"parameters": {"do": [[["filter", *identity], {}, {}]]}}}

    assert changes.words(version("x", 1, ["a"]), version("x", 1, ["b"])) == ["files of x"]
    assert changes.words(version("x", 1), version("x", 2)) == ["x is version 2 now, was version 1"]
    assert changes.tables(version("x", 2))["do.x"] == {"version": 2}
