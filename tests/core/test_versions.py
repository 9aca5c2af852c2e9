"""log and diff: which versions there were, and what moved between two."""

from __future__ import annotations

import json
from pathlib import Path

import lines
import pytest

from adaptline.core import sweep, versions
from adaptline.core.run import run
from adaptline.core.store import Store
from adaptline.errors import UserError


@pytest.fixture
def line(tmp_path: Path) -> Path:
    path = lines.make(tmp_path, files=2, rows=30)
    run(path)
    return path


def store(path: Path) -> Store:
    return Store.open(path.parent / ".adaptline")


def changed(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    run(path.parent / "recipe.toml")


def test_the_log_tells_what_each_run_made(line: Path) -> None:
    changed(line, "min = 12", "min = 20")
    entries = versions.log(store(line), "recipe")
    assert [entry["step"] for entry in entries] == ["raw", "parts", "clean", "again", "clean", "again"]
    assert [entry["step"] for entry in versions.log(store(line), "recipe", "clean")] == ["clean", "clean"]
    assert entries[0]["summary"] == "60 rows"
    assert versions.log(store(line), "another") == []


def test_a_version_that_gc_removed_says_so(line: Path) -> None:
    changed(line, "min = 12", "min = 20")
    found = store(line)
    sweep.unreached(found)
    assert versions.log(found, "recipe", "clean")[0]["summary"] == "removed by gc"
    with pytest.raises(UserError, match="has 1 version in this store"):
        versions.diff(found, "recipe", "clean")


def test_a_moved_bound_moves_verdicts(line: Path) -> None:
    changed(line, "min = 12", "min = 20")
    found = versions.diff(store(line), "recipe", "clean")
    assert (found["added"], found["gone"], found["changed"]) == (0, 0, 0)
    assert "kept -> dropped by length" in found["moved"]
    assert found["parameters"] == {"do.length": [{"version": 1, "min": 12.0}, {"version": 1, "min": 20.0}]}
    back = versions.diff(store(line), "recipe", "clean", found["new"][:10], found["old"][:10])
    assert back["moved"]["dropped by length -> kept"] == found["moved"]["kept -> dropped by length"]


def test_a_changed_order_of_methods_is_told(line: Path) -> None:
    changed(line, '["unicode", { use = "length", min = 12 }', '[{ use = "length", min = 12 }, "unicode"')
    found = versions.diff(store(line), "recipe", "clean")
    (before, after) = found["parameters"]["do, in this order"]
    assert (before[:2], after[:2]) == (["unicode", "length"], ["length", "unicode"])
    assert set(found["parameters"]) == {"do, in this order"}


def test_added_gone_and_changed_rows_are_told_apart(line: Path) -> None:
    source = line.parent / "data" / "part-0.jsonl"
    rows = [json.loads(row) for row in source.read_text().splitlines()]
    rows[5]["text"] = "a text that was mended at its source"
    rows[-1:] = [
        {"text": "a row that was added at the end of all", "label": "a", "conversation": 1},
        {"text": "and another one", "label": "b", "conversation": 1},
    ]
    lines.write(source, rows)
    run(line)
    found = versions.diff(store(line), "recipe", "parts")
    assert (found["added"], found["gone"], found["changed"]) == (1, 0, 2)
    assert found["samples"]["changed"][0]["new"] == "a text that was mended at its source"


def test_a_row_that_moves_to_another_line_is_the_same_row(line: Path) -> None:
    source = line.parent / "data" / "part-0.jsonl"
    rows = [json.loads(row) for row in source.read_text().splitlines()]
    lines.write(source, [{"text": "a new first row", "label": "a", "conversation": 99}, *rows])
    run(line)
    found = versions.diff(store(line), "recipe", "raw")
    assert (found["added"], found["gone"], found["changed"]) == (1, 0, 0)


def test_texts_that_come_out_differently_are_counted(line: Path) -> None:
    changed(line, '"unicode"', '{ use = "unicode", mojibake = false }')
    assert versions.diff(store(line), "recipe", "clean")["rewritten"] > 0


def test_reports_differ_by_their_parameters_and_numbers(line: Path) -> None:
    planted = line.parent / "planted.jsonl"
    planted.write_text('{"kind": "exact_duplicate", "file": "data/part-0.jsonl", "row": 1}\n')
    text = line.read_text() + '\n[truth]\nstep = "audit"\nfrom = "clean"\nplanted = "planted.jsonl"\n'
    line.write_text(text)
    run(line)
    planted.write_text('{"kind": "exact_duplicate", "file": "data/part-0.jsonl", "row": 2}\n')
    run(line)
    found = versions.diff(store(line), "recipe", "truth")
    assert set(found["parameters"]) == {"planted"}
    assert found["record"] == {}


def test_versions_that_lie_between_are_passed_over(line: Path) -> None:
    changed(line, "min = 12", "min = 20")
    changed(line, "min = 20", "min = 12")
    assert versions.diff(store(line), "recipe", "clean")["moved"].get("dropped by length -> kept", 0) > 0


def test_shared_shards_are_not_read(tmp_path: Path) -> None:
    path = lines.make(tmp_path, files=1, rows=3000)
    run(path)
    with (tmp_path / "data" / "part-0.jsonl").open("a") as file:
        file.write(json.dumps({"text": "one more row at the end", "label": "a", "conversation": 5}) + "\n")
    run(path)
    found = versions.diff(store(path), "recipe", "parts")
    assert (found["added"], found["gone"], found["changed"]) == (1, 0, 0)


def test_an_unknown_version_is_told_the_known_ones(line: Path) -> None:
    changed(line, "min = 12", "min = 20")
    with pytest.raises(UserError, match="no version 'ffff'"):
        versions.diff(store(line), "recipe", "clean", "ffff")


GRID = """
[raw]
step  = "ingest"
files = ["data/*.jsonl"]
[parts]
step  = "split"
from  = "raw"
share = { train = 0.8, test = 0.2 }
each  = { seed = [0, 1] }
"""


def test_of_a_grid_the_cell_that_has_two_versions_is_compared_and_named(line: Path) -> None:
    line.write_text(GRID)
    run(line)
    with pytest.raises(UserError, match="has 1 version in this store"):
        versions.diff(store(line), "recipe", "parts")
    changed(line, "train = 0.8, test = 0.2", "train = 0.5, test = 0.5")
    changed(line, "seed = [0, 1]", "seed = [0, 1, 2]")  # a new cell, made last, has one version
    found = versions.diff(store(line), "recipe", "parts")
    assert found["cell"] == {"seed": 1}
    assert found["moved"]["in train -> in test"] > 0
    zero, two = (entry["digest"] for entry in store(line).refs("recipe")["parts"] if entry["cell"]["seed"] in (0, 2))
    other = versions.diff(store(line), "recipe", "parts", zero[:12], two[:12])
    assert other["cell"] == {"seed": 2}


def test_the_log_ends_with_what_is_current(line: Path) -> None:
    first = versions.log(store(line), "recipe", "clean")[-1]["digest"]
    changed(line, "min = 12", "min = 20")
    changed(line, "min = 20", "min = 12")
    assert [entry["digest"] for entry in versions.log(store(line), "recipe", "clean")][-1] == first
    assert len(versions.log(store(line), "recipe", "clean")) == 3


def test_the_log_tells_what_each_rule_did(line: Path) -> None:
    entries = versions.log(store(line), "recipe", "clean")
    assert [rule["rule"] for rule in entries[0]["rules"]] == [
        "unicode",
        "length",
        "exact",
        "minhash",
        "./mine.py:polite",
    ]
    assert entries[0]["rules"][1]["dropped"] > 0
    assert "rules" not in versions.log(store(line), "recipe", "raw")[0]


def test_rules_stand_side_by_side(line: Path) -> None:
    changed(line, '"exact", ', '{ use = "length", max = 60 }, ')
    found = versions.diff(store(line), "recipe", "clean")
    rules = {rule["rule"]: rule for rule in found["rules"]}
    assert list(rules) == ["unicode", "length", "length#2", "minhash", "./mine.py:polite", "exact"]
    assert rules["exact"]["dropped"][1] is None
    assert rules["length#2"]["dropped"][0] is None
    assert rules["length"]["dropped"][0] == rules["length"]["dropped"][1]
    assert (
        sum(count for move, count in found["moved"].items() if move.endswith("by length#2"))
        == rules["length#2"]["dropped"][1]
    )


def test_what_became_of_added_and_gone_rows_is_told(line: Path) -> None:
    path = line.parent / "data" / "part-1.jsonl"
    rows = [json.loads(text) for text in path.read_text("utf-8").splitlines()]
    lines.write(
        path, [*rows[2:], {"text": "no", "conversation": 99}, {"text": "a quite new row here", "conversation": 98}]
    )
    run(line)
    found = versions.diff(store(line), "recipe", "clean")
    assert found["fates"]["added"] == {"dropped by length": 1, "kept": 1}
    assert sum(found["fates"]["gone"].values()) == found["gone"] == 2
