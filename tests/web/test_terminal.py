"""What the verbs print."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lines
import pytest

import adaptline as al
from adaptline.web import terminal


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = lines.make(tmp_path_factory.mktemp("terminal"))
    al.run(path, workers=1)
    return path


def test_a_dropped_rows_life_names_score_and_bound(line: Path) -> None:
    short = next(i for i in range(120) if al.trace(line, f"clean:{i}")["steps"][1].get("dropped_by") == "length")
    said = terminal.life(al.trace(line, f"clean:{short}"))
    assert "dropped by length" in said
    assert "(min 12)" in said
    assert "again" in said
    assert "dropped before this step" in said


def test_a_duplicates_life_shows_the_row_that_stays(line: Path) -> None:
    twin = next(
        i for i in range(120) if al.trace(line, f"clean:{i}")["steps"][1].get("dropped_by") in ("exact", "minhash")
    )
    said = terminal.life(al.trace(line, f"clean:{twin}"))
    assert "because of data/part-" in said
    assert "which stays: " in said


def test_a_changed_row_shows_its_new_text(line: Path) -> None:
    changed = next(
        i for i in range(120) if al.trace(line, f"clean:{i}")["steps"][1]["methods"][0]["verdict"] == "changed"
    )
    assert "caf\u00e9" in terminal.life(al.trace(line, f"clean:{changed}"))


def test_artifacts_have_a_line_each_and_details_when_asked(line: Path) -> None:
    found = al.show(line)
    assert len(terminal.artifacts(found, whole=False).splitlines()) == len(found)
    whole = terminal.artifacts(found, whole=True)
    assert "rows: dropped" in whole
    assert "  data/part-0.jsonl: 40 rows, jsonl, utf-8; label = label, text = text" in whole
    assert "  kept rows per split: train " in whole
    assert "pyarrow" not in whole


def test_texts_are_cut_and_made_harmless() -> None:
    origin = {
        "file": "f",
        "row": 1,
        "line": 1,
        "text": "\x1b[31mred\x07 " + "x" * 500,
        "unreadable": None,
        "step": "raw",
        "shard": "0" * 64,
        "position": 0,
        "label": None,
    }
    said = terminal.life({"origin": origin, "steps": [], "children": []})
    assert "\x1b" not in said
    assert "\x07" not in said
    assert len(said.splitlines()[1]) < 110


def test_an_empty_log_says_so() -> None:
    assert terminal.history([]) == "nothing has run yet"


def test_a_difference_without_moves_says_so() -> None:
    found = {
        "step": "clean",
        "cell": {},
        "old": "a" * 64,
        "new": "b" * 64,
        "parameters": {},
        "added": 1,
        "gone": 0,
        "changed": 0,
        "rewritten": 0,
        "rules": [],
        "fates": {"added": {}, "gone": {}},
        "moved": {},
        "samples": {},
    }
    assert "no verdict moved" in terminal.difference(found)
    metrics = {
        "step": "adapters",
        "cell": {"seed": 1},
        "old": "a" * 64,
        "new": "b" * 64,
        "parameters": {"rank": [4, 8]},
        "record": {"validation.accuracy": [0.8, 0.9]},
    }
    assert "rank: 4 -> 8" in terminal.difference(metrics)
    assert "validation.accuracy: 0.8 -> 0.9" in terminal.difference(metrics)


def test_the_closing_words_lead_on(line: Path) -> None:
    made = al.run(line, workers=1)
    said = terminal.closing(line, None, made)
    assert "Nothing to run: all 4" in said
    assert f"adaptline trace {line} again:0" in said
    store = terminal.closing(line, line.parent / ".adaptline", made)
    assert "--store" in store


NASTY = "a\x1b[31m\x9b2J\u202eb\nc"


def _harmless(said: str, line_count: int) -> None:
    assert all(character.isprintable() for character in said.replace("\n", ""))
    assert len(said.split("\n")) == line_count
    assert "\N{REPLACEMENT CHARACTER}[31m" in said


def test_no_foreign_string_of_a_life_reaches_the_terminal_raw() -> None:
    origin = {"file": NASTY, "row": 1, "line": None, "text": None, "unreadable": NASTY, "step": "raw"}
    origin |= {"shard": "0" * 64, "position": 0, "label": NASTY}
    method = {
        "name": "review",
        "use": "review",
        "verdict": "dropped",
        "score": NASTY,
        "settings": {"drop": [NASTY]},
        "because": NASTY,
    }
    method["parameters"] = {"of": NASTY, "against": [[NASTY, 1]]}
    step = {"step": "clean", "cell": {"each": NASTY}, "digest": "0" * 64, "did": NASTY, "methods": [method]}
    _harmless(terminal.life({"origin": origin, "steps": [step], "children": []}), 5)
    child = {"step": "more", "cell": {"each": NASTY}, "shard": "0" * 64, "position": 3, "text": NASTY, "by": "noise"}
    child |= {"steps": [step], "children": [{**child, "steps": [], "children": []}]}
    _harmless(terminal.life({"origin": origin, "steps": [], "children": [child]}), 6)
    parent = {"step": "raw", "digest": "0" * 64, "inputs": [], "files": [(NASTY, 3)]}
    _harmless(terminal.life({"artifacts": [parent]}), 2)


def test_no_foreign_string_of_a_difference_or_a_record_reaches_the_terminal_raw() -> None:
    found = {
        "step": "clean",
        "cell": {},
        "old": "a" * 64,
        "new": "b" * 64,
        "parameters": {},
        "added": 0,
        "gone": 0,
        "changed": 0,
    }
    sample = {"file": NASTY, "row": 1, "text": NASTY}
    rules = [{"rule": NASTY, "dropped": [1, None], "changed": [0, 0]}]
    found |= {"rules": rules, "fates": {"added": {NASTY: 1}, "gone": {}}}
    _harmless(terminal.difference({**found, "rewritten": 0, "moved": {NASTY: 1}, "samples": {NASTY: [sample]}}), 6)
    shown: dict[str, Any] = {
        "step": "clean",
        "cell": {},
        "kind": "report",
        "digest": "a" * 64,
        "summary": NASTY,
        "drift": [NASTY],
    }
    shown |= {"record": {NASTY: NASTY}, "metrics": {"metrics": {NASTY: 0.5}, "notes": [NASTY]}}
    _harmless(terminal.artifacts([shown], whole=True), 5)
    file = {"file": NASTY, "rows": 1, "format": "csv", "encoding": "utf-8", "bom": True, "compression": None}
    shown |= {"files": [{**file, "columns": {"text": NASTY}}], "unreadable": {NASTY: 2}, "splits": {NASTY: 3}}
    _harmless(terminal.artifacts([shown], whole=True), 8)
    entry = {"time": "2020-01-01T00:00:00", "step": "clean", "cell": {}, "digest": "a" * 64, "summary": NASTY}
    _harmless(terminal.history([entry]), 1)
    _harmless(terminal.history([{**entry, "rules": [{"rule": NASTY, "dropped": 1, "changed": 0}]}]), 2)


def test_a_channel_is_shown_with_nothing_that_a_terminal_would_obey() -> None:
    bare = {"digest": None, "name": "base-1", "percent": 95.0, "kind": None, "evidence": None, "answers": True}
    evidence = {"metrics": {"route.accuracy": 0.91234}, "verdict": "lora \x1b[31mleads"}
    canary = {"digest": "ab", "name": "base-1:lora@ab", "percent": 5.0, "kind": "writer", "evidence": evidence}
    canary["answers"] = True
    move = {"time": "2026-01-02T03:04:05.678+00:00", "verb": "deploy", "who": "anna", "why": "a\nb", "version": 3}
    move |= {"stable": "base-1", "canary": "base-1:lora@ab", "percent": 5.0}
    found = {
        "channel": "support",
        "version": 3,
        "stable": bare,
        "canary": canary,
        "rolled_back": ["x"],
        "earlier": ["y"],
    }
    assert terminal.channel({**found, "moves": [move]}).splitlines() == [
        "support  version 3",
        "  stable      95 %  base-1  the bare base",
        "  canary       5 %  base-1:lora@ab",
        "             route.accuracy 0.912",
        "             lora \N{REPLACEMENT CHARACTER}[31mleads",
        "  rolled back: x",
        "  stable before: y",
        "last moves:",
        "  2026-01-02T03:04:05    3  deploy    base-1:lora@ab at 5 %  by anna: a b",
    ]


def test_a_life_and_a_rule_are_told_by_names_and_by_what_changed(tmp_path: Path) -> None:
    """Of a kept row what is nearest to it, not what it was dropped for; of a long text the place that was rewritten."""
    long = (
        "It was a long message about the bills of a house and of all who had lived in it since it was built there. " * 2
    )
    rows = [{"text": f"{long}Caf\u00c3\u00a9 at last."}, {"text": "where is my card please"}, {"text": "other words"}]
    lines.write(tmp_path / "rows.jsonl", rows)
    lines.write(tmp_path / "items.jsonl", [{"text": "where is my card then", "label": "x"}])
    (tmp_path / "bank.toml").write_text('files = "items.jsonl"\nmetrics = ["accuracy"]\n')
    lines.write(tmp_path / "anna.jsonl", [{"file": "rows.jsonl", "row": 3, "verdict": "keep", "by": "anna"}])
    path = tmp_path / "recipe.toml"
    path.write_text(
        '[raw]\nstep = "ingest"\nfiles = "rows.jsonl"\n[clean]\nstep = "curate"\nfrom = "raw"\n'
        'do = ["unicode", { use = "decontaminate", against = "bank.toml" }, { use = "review", file = "anna.jsonl" }]\n'
    )
    al.run(path, workers=1)
    first, second, third = (terminal.life(al.trace(path, f"rows.jsonl:{row}")) for row in (1, 2, 3))
    (changed,) = [told for told in first.splitlines() if told.strip().startswith("unicode")]
    assert "Caf\u00c3\u00a9 at last. -> …" in changed
    assert changed.endswith("Caf\u00e9 at last.")
    (nearest,) = [told for told in second.splitlines() if told.strip().startswith("decontaminate")]
    assert "kept" in nearest
    assert "nearest: bank: items.jsonl:1" in nearest
    assert "because of" not in nearest
    assert "because of anna.jsonl, line 1 by anna" in third
    for said in (first, second, third, terminal.artifacts(al.show(path, "clean"), whole=True)):
        assert "(against bank, max 0.7999)" in said
        assert "(file anna.jsonl, drop drop)" in said
        assert '[["' not in said
    nodes = al.trace(path, "rows.jsonl:2")["graph"]["nodes"]
    assert "nearest: bank: items.jsonl:1" in next(n for n in nodes if n["title"] == "decontaminate")["detail"]
    lines.write(tmp_path / "rows.jsonl", [*rows, {"text": "one more of them"}])
    al.run(path, workers=1)
    assert "files: rows.jsonl changed" in terminal.difference(al.diff(path, "raw"))
