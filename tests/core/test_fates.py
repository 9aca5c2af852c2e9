"""What a step tells of a row: the method that dropped it, the value, the bound, and the row that stayed."""

from __future__ import annotations

import histories
import pytest

from adaptline.core import trace
from adaptline.core.fates import cause, did
from adaptline.core.history import History


def test_a_filters_drop_tells_score_and_bound(history: History) -> None:
    found = trace.trace_row(history, "rows.jsonl:2")
    assert histories.step(found, "clean")["dropped_by"] == "length"
    assert histories.last_method(found)["score"] == 5
    assert histories.last_method(found)["settings"] == {"min": 12.0}
    assert histories.step(found, "again")["did"] == "dropped before this step"


def test_folders_go_by_the_names_that_are_recorded(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(history.manifests["clean"][0]["record"], "folders", {"0123456789ab": "models/base"})
    found = histories.last_method(trace.trace_row(history, "rows.jsonl:2"))
    assert found["folders"] == {"0123456789ab": "models/base"}


def test_a_duplicate_names_the_row_that_stayed(history: History) -> None:
    found = histories.last_method(trace.trace_row(history, "rows.jsonl:3"))
    assert (found["use"], found["because"], found["kept_row"]["text"]) == (
        "exact",
        "data/rows.jsonl:1",
        histories.ROWS[0]["text"],
    )


def test_a_near_duplicate_tells_how_alike_they_are(history: History) -> None:
    found = histories.last_method(trace.trace_row(history, "rows.jsonl:7"))
    assert (found["use"], found["because"]) == ("minhash", "data/rows.jsonl:6")
    assert 0.7 <= found["score"] < 1


def test_what_steps_did_in_words(history: History) -> None:
    kept = trace.trace_row(history, "rows.jsonl:1")["steps"]
    assert [did(step) for step in kept] == [f"split {kept[0]['split']}", "kept", "kept"]
    dropped = trace.trace_row(history, "rows.jsonl:2")["steps"]
    assert [did(step) for step in dropped][1:] == ["dropped by length", "dropped before this step"]
    assert did({}) == ""


def test_what_a_verdict_names_in_words() -> None:
    assert cause({"verdict": "kept", "score": 0.2}) == ""
    assert cause({"verdict": "kept", "score": 0.2, "because": "a.jsonl:4"}) == "nearest: a.jsonl:4"
    for told in ({"verdict": "dropped", "score": 0.9}, {"verdict": "kept", "score": "keep"}, {"verdict": "changed"}):
        assert cause({**told, "because": "a.jsonl:4"}) == "because of a.jsonl:4"
