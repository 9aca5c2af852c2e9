"""A row's life, forward and backward."""

from __future__ import annotations

import json
from pathlib import Path

import histories
import lines
import pytest

from adaptline.core import trace
from adaptline.core.history import History
from adaptline.core.run import run
from adaptline.errors import UserError


def test_a_kept_row_passes_every_method(history: History) -> None:
    found = trace.trace_row(history, "data/rows.jsonl:1")
    assert found["origin"] | {"shard": "", "position": 0} == {
        "step": "raw",
        "file": "data/rows.jsonl",
        "row": 1,
        "line": 1,
        "label": "a",
        "split": None,
        "text": histories.ROWS[0]["text"],
        "unreadable": None,
        "shard": "",
        "position": 0,
    }
    assert histories.step(found, "parts")["split"] in ("train", "validation")
    assert histories.step(found, "clean")["kept"]
    assert [method["use"] for method in histories.step(found, "clean")["methods"]] == [
        "unicode",
        "length",
        "exact",
        "minhash",
        "./mine.py:polite",
    ]
    assert histories.step(found, "again")["methods"][0]["score"] == len(str(histories.ROWS[0]["text"]))


def test_a_changed_row_tells_its_new_text_and_leads_back(history: History) -> None:
    found = trace.trace_row(history, "rows.jsonl:4")
    changed = histories.step(found, "clean")["methods"][0]
    assert changed["verdict"] == "changed"
    assert "caf\u00e9" in changed["text"]
    assert histories.step(found, "clean")["shard"] != found["origin"]["shard"]
    by_position = trace.trace_row(history, f"clean:{found['origin']['position']}")
    by_digest = trace.trace_row(
        history, f"{histories.step(found, 'clean')['shard'][:16]}:{found['origin']['position']}"
    )
    assert by_position["origin"] == by_digest["origin"] == found["origin"]
    assert by_position["steps"] == found["steps"]


def test_an_unreadable_row_has_a_life_too(history: History) -> None:
    found = trace.trace_row(history, "rows.jsonl:8")
    assert found["origin"]["unreadable"]
    assert histories.step(found, "clean")["did"] == "dropped before this step"


def test_what_stands_behind_a_step(history: History) -> None:
    (found,) = trace.trace_artifact(history, "clean")["artifacts"]
    assert found["inputs"][0]["step"] == "parts"
    assert found["inputs"][0]["inputs"][0]["files"] == [["data/rows.jsonl", 8]]
    json.dumps(found)


def test_a_step_that_ran_again_with_the_same_bytes_breaks_no_trace(history: History) -> None:
    path = history.store.root.parent / "recipe.toml"
    path.write_text(path.read_text().replace('label = "label"', 'label = "label"\nencoding = "utf-8"'))
    made = run(path)
    assert [artifact.step for artifact in made if not artifact.cached] == ["raw"]
    assert histories.step(trace.trace_row(histories.opened(path), "rows.jsonl:1"), "again")["methods"]
    (found,) = trace.trace_artifact(histories.opened(path), "again")["artifacts"]
    assert found["inputs"][0]["inputs"][0]["inputs"][0]["files"] == [["data/rows.jsonl", 8]]


def test_what_ran_only_in_part_says_what_is_missing(history: History) -> None:
    path = history.store.root.parent / "recipe.toml"
    changed = [
        text.replace("booking", "bookings") for text in (path.parent / "data" / "rows.jsonl").read_text().splitlines()
    ]
    (path.parent / "data" / "rows.jsonl").write_text("\n".join(changed) + "\n")
    run(path, "raw")
    (found,) = trace.trace_artifact(histories.opened(path), "parts")["artifacts"]
    assert found["inputs"][0]["step"] == "?"
    with pytest.raises(UserError, match="not in this recipe any more"):
        trace.trace_row(histories.opened(path), "parts:0")
    shard = next(iter(history.manifests["clean"]))["shards"][0]["text"][1]
    with pytest.raises(UserError, match="Run the recipe again"):
        trace.trace_row(histories.opened(path), f"{shard[:20]}:0")


def test_a_report_that_lists_no_rows_is_left_out(history: History) -> None:
    path = history.store.root.parent / "recipe.toml"
    (path.parent / "planted.jsonl").write_text('{"kind": "exact_duplicate", "file": "data/rows.jsonl", "row": 3}\n')
    path.write_text(path.read_text() + '\n[truth]\nstep = "audit"\nfrom = "clean"\nplanted = "planted.jsonl"\n')
    run(path)
    assert "truth" not in {entry["step"] for entry in trace.trace_row(histories.opened(path), "rows.jsonl:3")["steps"]}
    assert trace.trace_artifact(histories.opened(path), "truth")["artifacts"][0]["inputs"][0]["step"] == "clean"


def test_a_row_that_changed_twice_leads_back_over_both(tmp_path: Path) -> None:
    loud = "from adaptline import transform\n\n\n@transform(version=1)\ndef loud(texts: list[str]) -> list[str]:\n    return [text.upper() for text in texts]\n"
    path = lines.make(tmp_path, files=0, recipe=lines.RECIPE.replace('"unicode"', '"unicode", "./loud.py:loud"'))
    (tmp_path / "loud.py").write_text(loud)
    lines.write(tmp_path / "data" / "rows.jsonl", histories.ROWS)
    run(path)
    found = trace.trace_row(histories.opened(path), "clean:3")
    assert found["origin"]["text"] == histories.ROWS[3]["text"]
    assert [method["verdict"] for method in histories.step(found, "clean")["methods"][:2]] == ["changed", "changed"]


def test_an_unknown_step_is_told_the_known_ones(history: History) -> None:
    with pytest.raises(UserError, match="Did you mean 'clean'"):
        trace.trace_artifact(history, "claen")
