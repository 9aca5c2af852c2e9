"""A row's life, forward and backward."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import lines
import pytest

from adaptline.core import recipe as recipes
from adaptline.core import trace
from adaptline.core.run import run
from adaptline.core.store import Store
from adaptline.errors import UserError

ROWS = [
    {"text": "a sound message about a booking", "label": "a", "conversation": 1},
    {"text": "short", "label": "b", "conversation": 2},
    {"text": "A sound message about a  booking", "label": "a", "conversation": 3},
    {"text": "the caf\u00c3\u00a9 on the corner was closed", "label": "b", "conversation": 4},
    {"text": "pi pi shouts somebody very loudly", "label": "b", "conversation": 5},
    {
        "text": "a very long and winding message about the booking of a table for four persons",
        "label": "b",
        "conversation": 6,
    },
    {
        "text": "a very long and winding message about the booking of a table for five persons",
        "label": "b",
        "conversation": 7,
    },
]


@pytest.fixture
def history(tmp_path: Path) -> trace.History:
    path = lines.make(tmp_path, files=0)
    lines.write(tmp_path / "data" / "rows.jsonl", ROWS)
    with (tmp_path / "data" / "rows.jsonl").open("a") as file:
        file.write('{"text": "broken\n')
    run(path)
    found = recipes.read(path)
    return trace.History.open(Store.open(tmp_path / ".adaptline"), found.name, [table.name for table in found.tables])


def step(found: dict[str, Any], name: str) -> dict[str, Any]:
    return next(entry for entry in found["steps"] if entry["step"] == name)


def last_method(found: dict[str, Any]) -> dict[str, Any]:
    method: dict[str, Any] = step(found, "clean")["methods"][-1]
    return method


def test_a_kept_row_passes_every_method(history: trace.History) -> None:
    found = trace.trace_row(history, "data/rows.jsonl:1")
    assert found["origin"] | {"shard": "", "position": 0} == {
        "step": "raw",
        "file": "data/rows.jsonl",
        "row": 1,
        "line": 1,
        "label": "a",
        "split": None,
        "text": ROWS[0]["text"],
        "unreadable": None,
        "shard": "",
        "position": 0,
    }
    assert step(found, "parts")["split"] in ("train", "validation")
    assert step(found, "clean")["kept"]
    assert [method["use"] for method in step(found, "clean")["methods"]] == [
        "unicode",
        "length",
        "exact",
        "minhash",
        "./mine.py:polite",
    ]
    assert step(found, "again")["methods"][0]["score"] == len(str(ROWS[0]["text"]))


def test_a_filters_drop_tells_score_and_bound(history: trace.History) -> None:
    found = trace.trace_row(history, "rows.jsonl:2")
    assert step(found, "clean")["dropped_by"] == "length"
    assert last_method(found)["score"] == 5
    assert last_method(found)["settings"] == {"min": 12.0}
    assert step(found, "again")["did"] == "dropped before this step"


def test_a_duplicate_names_the_row_that_stayed(history: trace.History) -> None:
    found = last_method(trace.trace_row(history, "rows.jsonl:3"))
    assert (found["use"], found["because"], found["kept_row"]["text"]) == (
        "exact",
        "data/rows.jsonl:1",
        ROWS[0]["text"],
    )


def test_a_near_duplicate_tells_how_alike_they_are(history: trace.History) -> None:
    found = last_method(trace.trace_row(history, "rows.jsonl:7"))
    assert (found["use"], found["because"]) == ("minhash", "data/rows.jsonl:6")
    assert 0.7 <= found["score"] < 1


def test_a_changed_row_tells_its_new_text_and_leads_back(history: trace.History) -> None:
    found = trace.trace_row(history, "rows.jsonl:4")
    changed = step(found, "clean")["methods"][0]
    assert changed["verdict"] == "changed"
    assert "caf\u00e9" in changed["text"]
    assert step(found, "clean")["shard"] != found["origin"]["shard"]
    by_position = trace.trace_row(history, f"clean:{found['origin']['position']}")
    by_digest = trace.trace_row(history, f"{step(found, 'clean')['shard'][:16]}:{found['origin']['position']}")
    assert by_position["origin"] == by_digest["origin"] == found["origin"]
    assert by_position["steps"] == found["steps"]


def test_an_unreadable_row_has_a_life_too(history: trace.History) -> None:
    found = trace.trace_row(history, "rows.jsonl:8")
    assert found["origin"]["unreadable"]
    assert step(found, "clean")["did"] == "dropped before this step"


def test_what_stands_behind_a_step(history: trace.History) -> None:
    (found,) = trace.trace_artifact(history, "clean")["artifacts"]
    assert found["inputs"][0]["step"] == "parts"
    assert found["inputs"][0]["inputs"][0]["files"] == [["data/rows.jsonl", 8]]
    json.dumps(found)


def opened(path: Path) -> trace.History:
    found = recipes.read(path)
    return trace.History.open(
        Store.open(path.parent / ".adaptline"), found.name, [table.name for table in found.tables]
    )


def test_a_step_that_ran_again_with_the_same_bytes_breaks_no_trace(history: trace.History) -> None:
    path = history.store.root.parent / "recipe.toml"
    path.write_text(path.read_text().replace('label = "label"', 'label = "label"\nencoding = "utf-8"'))
    made = run(path)
    assert [artifact.step for artifact in made if not artifact.cached] == ["raw"]
    assert step(trace.trace_row(opened(path), "rows.jsonl:1"), "again")["methods"]
    (found,) = trace.trace_artifact(opened(path), "again")["artifacts"]
    assert found["inputs"][0]["inputs"][0]["inputs"][0]["files"] == [["data/rows.jsonl", 8]]


def test_what_ran_only_in_part_says_what_is_missing(history: trace.History) -> None:
    path = history.store.root.parent / "recipe.toml"
    changed = [
        text.replace("booking", "bookings") for text in (path.parent / "data" / "rows.jsonl").read_text().splitlines()
    ]
    (path.parent / "data" / "rows.jsonl").write_text("\n".join(changed) + "\n")
    run(path, "raw")
    (found,) = trace.trace_artifact(opened(path), "parts")["artifacts"]
    assert found["inputs"][0]["step"] == "?"
    with pytest.raises(UserError, match="not in this recipe any more"):
        trace.trace_row(opened(path), "parts:0")
    shard = next(iter(history.manifests["clean"]))["shards"][0]["text"][1]
    with pytest.raises(UserError, match="Run the recipe again"):
        trace.trace_row(opened(path), f"{shard[:20]}:0")


def test_a_report_that_lists_no_rows_is_left_out(history: trace.History) -> None:
    path = history.store.root.parent / "recipe.toml"
    (path.parent / "planted.jsonl").write_text('{"kind": "exact_duplicate", "file": "data/rows.jsonl", "row": 3}\n')
    path.write_text(path.read_text() + '\n[truth]\nstep = "audit"\nfrom = "clean"\nplanted = "planted.jsonl"\n')
    run(path)
    assert "truth" not in {entry["step"] for entry in trace.trace_row(opened(path), "rows.jsonl:3")["steps"]}
    assert trace.trace_artifact(opened(path), "truth")["artifacts"][0]["inputs"][0]["step"] == "clean"


def test_a_row_that_changed_twice_leads_back_over_both(tmp_path: Path) -> None:
    loud = "from adaptline import transform\n\n\n@transform(version=1)\ndef loud(texts: list[str]) -> list[str]:\n    return [text.upper() for text in texts]\n"
    path = lines.make(tmp_path, files=0, recipe=lines.RECIPE.replace('"unicode"', '"unicode", "./loud.py:loud"'))
    (tmp_path / "loud.py").write_text(loud)
    lines.write(tmp_path / "data" / "rows.jsonl", ROWS)
    run(path)
    found = trace.trace_row(opened(path), "clean:3")
    assert found["origin"]["text"] == ROWS[3]["text"]
    assert [method["verdict"] for method in step(found, "clean")["methods"][:2]] == ["changed", "changed"]


def test_a_name_that_two_files_have_is_not_guessed(tmp_path: Path) -> None:
    path = lines.make(tmp_path, files=0, recipe=lines.RECIPE.replace("data/*.jsonl", "*/rows.jsonl"))
    for i, folder in enumerate("ab"):
        lines.write(tmp_path / folder / "rows.jsonl", lines.records(i, 5))
    run(path)
    with pytest.raises(UserError, match="names 2 files"):
        trace.trace_row(opened(path), "rows.jsonl:1")
    assert trace.trace_row(opened(path), "b/rows.jsonl:1")["origin"]["text"] == lines.records(1, 5)[0]["text"]


def test_two_shards_are_told_apart_by_position(tmp_path: Path) -> None:
    path = lines.make(tmp_path, files=1, rows=3000)
    run(path)
    found = opened(path)
    assert len(found.manifests["raw"][0]["shards"]) > 2
    last = trace.trace_row(found, "clean:2999")["origin"]
    assert last["row"] == 3000
    assert trace.trace_row(found, "data/part-0.jsonl:3000")["origin"] == last
    assert trace.trace_row(found, f"{last['shard'][:12]}:{last['position']}")["origin"] == last


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("nonsense", "names no row"),
        ("rows.jsonl:99", "rows 1 to 8"),
        ("data/rows.jsonl:99", "rows 1 to 8"),
        ("data/rows.jsonk:1", "Did you mean 'data/rows.jsonl'"),
        ("clean:99", "rows 0 to 7"),
        ("ffffffffffff:0", "no row"),
        ("ffff:0", "no row"),
    ],
)
def test_a_wrong_address_is_told_what_would_be_right(history: trace.History, address: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        trace.trace_row(history, address)


def test_an_unknown_step_is_told_the_known_ones(history: trace.History) -> None:
    with pytest.raises(UserError, match="Did you mean 'clean'"):
        trace.trace_artifact(history, "claen")


def test_a_recipe_that_never_ran_says_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has not run"):
        trace.History.open(Store.open(tmp_path), "nothing", [])
