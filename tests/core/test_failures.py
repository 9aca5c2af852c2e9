"""What ended a run too early is kept until a run gets past it, without a word of a text."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import lines
import pytest

import adaptline as al
from adaptline import library
from adaptline.core import failures
from adaptline.core.store import Store
from adaptline.errors import RunError, UserError
from adaptline.web import terminal


@pytest.fixture
def line(tmp_path: Path) -> Path:
    return lines.make(tmp_path / "project")


def spoil(line: Path) -> None:
    mine = line.parent / "mine.py"
    mine.write_text(mine.read_text().replace("return [", 'raise ValueError(f"a secret in {texts[0]}")\n    return ['))


def mend(line: Path) -> None:
    mine = line.parent / "mine.py"
    mine.write_text(lines.MINE)


@pytest.mark.parametrize("workers", [1, 2])
def test_show_tells_the_step_the_reason_and_what_is_done(line: Path, workers: int) -> None:
    spoil(line)
    with pytest.raises(RunError, match="a secret in"):
        al.run(line, workers=workers)
    failed = library.failure(line)
    assert failed is not None
    assert (failed.step, failed.done, failed.left) == ("clean", ["raw", "parts"], ["again"])
    assert failed.why.startswith("./mine.py:polite failed: mine.py, line ")
    assert failed.why.endswith(": ValueError")
    assert [entry["step"] for entry in al.show(line)] == ["raw", "parts"]
    assert al.show(line, "clean") == al.show(line, "again") == []
    with pytest.raises(UserError, match="no artifact of step 'claen'"):
        al.show(line, "claen")
    told = terminal.failure(failed, line, ["raw", "parts"])
    assert "failed in clean: ./mine.py:polite failed" in told
    assert "done before: raw, parts" in told
    assert "not made: clean, again\n" in told
    for path in (line.parent / ".adaptline").rglob("*.json*"):
        assert "a secret in" not in path.read_text()
    mend(line)
    al.run(line, "parts")  # not past it
    assert library.failure(line) is not None
    al.run(line)
    assert library.failure(line) is None


def test_what_an_earlier_run_left_is_told_as_that(line: Path) -> None:
    al.run(line)
    spoil(line)
    with pytest.raises(RunError):
        al.run(line)
    failed = library.failure(line)
    assert failed is not None
    shown = {entry["step"] for entry in al.show(line)}
    assert "what is shown of clean, again is of an earlier run" in terminal.failure(failed, line, shown)


def test_a_first_step_that_fails_leaves_its_reason_alone(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": 3}\n{"text": \n')
    (tmp_path / "r.toml").write_text('[raw]\nstep = "ingest"\nfiles = "a.jsonl"\ntext = "txet"\n')
    with pytest.raises(UserError):
        al.run(tmp_path / "r.toml")
    failed = library.failure(tmp_path / "r.toml")
    assert failed is not None
    assert (failed.step, failed.done) == ("raw", [])
    assert failed.why == "a.jsonl: no column of the name that is given as text"
    assert al.show(tmp_path / "r.toml") == []
    assert "done before: nothing" in terminal.failure(failed, tmp_path / "r.toml", [])


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.csv", "a secret of mine,another secret\nmore,more\n"), ("a.jsonl", '{"a secret": "a secret", "b": "c d"}\n')],
)
def test_a_mistake_is_noted_without_what_a_file_says(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    (tmp_path / "r.toml").write_text(f'[raw]\nstep = "ingest"\nfiles = "{name}"\n')
    with pytest.raises(UserError, match="a secret"):
        al.run(tmp_path / "r.toml")
    assert "secret" not in (tmp_path / ".adaptline" / "failures" / "r.json").read_text()
    failed = library.failure(tmp_path / "r.toml")
    assert failed is not None
    assert failed.why == f"{name}: UserError"


def test_a_step_that_is_no_more_failed_of_nothing(line: Path) -> None:
    spoil(line)
    with pytest.raises(RunError):
        al.run(line)
    line.write_text(line.read_text().replace("[clean]", "[cleaned]").replace('"clean"', '"cleaned"'))
    assert library.failure(line) is None


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (KeyboardInterrupt(), "it was stopped by hand"),
        (OSError("a text"), "OSError"),
        (RunError("a text"), "RunError"),
        (RunError("2 of 3", brief=True), "2 of 3"),
        (RunError("2 of 3: a text", brief="2 of 3"), "2 of 3"),
        (UserError("'a text' is none", where="a.jsonl", line=3, do="Say 'a text'."), "a.jsonl, line 3: UserError"),
        (UserError("'a text' is none", brief="no label").at("a.jsonl"), "a.jsonl: no label"),
        (UserError("a text\nin two lines"), "UserError"),
    ],
)
def test_whatever_ends_a_run_is_noted_in_words_that_hold_no_text(
    tmp_path: Path, error: BaseException, why: str
) -> None:
    store = Store.open(tmp_path)
    with pytest.raises(type(error)), failures.noted(store, "r", "raw", [], ["clean"]):
        raise error
    failed = failures.last(store, "r")
    assert failed is not None
    assert failed.why == why
    with failures.noted(store, "r", "clean", ["raw"], []):
        pass  # another step: what failed is still to be made
    assert failures.last(store, "r") == failed


def test_where_nothing_can_be_written_the_error_itself_is_told(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    (tmp_path / "failures").write_text("in the way")
    with pytest.raises(RunError, match="the disk is full"), failures.noted(store, "r", "raw", [], []):
        raise RunError("the disk is full")


def test_a_note_that_another_hand_wrote_is_none(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    (tmp_path / "failures").mkdir()
    sound: dict[str, Any] = {
        "step": "raw",
        "time": "2026-01-01T00:00:00+00:00",
        "why": "",
        "done": [],
        "left": ["clean"],
    }
    wrong: list[dict[str, Any]] = [{key: value} for key in ("step", "time", "why") for value in (None, 3, ["a"])]
    wrong += [{key: value} for key in ("done", "left") for value in (None, "clean", {"clean": 1}, [3], [None])]
    texts = [json.dumps(sound | change) for change in [*wrong, {"more": 1}]]
    for text in ("", "{}", "[]", "[" * 100_000, *texts):
        (tmp_path / "failures" / "r.json").write_text(text)
        assert failures.last(store, "r") is None
    (tmp_path / "failures" / "r.json").write_text(json.dumps(sound))
    assert failures.last(store, "r") is not None


def test_an_error_keeps_its_brief_words_on_the_way_between_processes() -> None:
    error = pickle.loads(pickle.dumps(RunError("all of it", brief="some")))
    assert (str(error), error.brief) == ("all of it", "some")
    mistake = pickle.loads(pickle.dumps(UserError("what", where="a.csv", line=2, do="that", brief="some")))
    assert (str(mistake), mistake.brief) == ("a.csv, line 2: what\n  that", "some")
