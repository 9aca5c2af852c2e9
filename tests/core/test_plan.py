"""What a plan says: states, reasons, times; and that it makes nothing."""

from __future__ import annotations

from pathlib import Path

import lines
import pytest

from adaptline.core import machine
from adaptline.core.plan import plan
from adaptline.core.run import run
from adaptline.errors import UserError


@pytest.fixture
def line(tmp_path: Path) -> Path:
    return lines.make(tmp_path / "project")


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_plan_says_what_will_and_what_may_run(line: Path) -> None:
    assert [(p.step, p.state) for p in plan(line)] == [
        ("raw", "will run"),
        ("parts", "may run"),
        ("clean", "may run"),
        ("again", "may run"),
    ]
    run(line)
    edit(line, "min = 12", "min = 14")
    states = {p.step: (p.state, p.why) for p in plan(line)}
    assert states["parts"][0] == "cached"
    assert states["clean"] == ("will run", "changed: length.min 12 -> 14 (its scores are stored)")
    assert states["again"] == ("may run", "if clean changes")


def test_it_makes_nothing(line: Path) -> None:
    plan(line)
    assert not (line.parent / ".adaptline").exists()


def test_it_knows_how_long_a_step_took(line: Path) -> None:
    assert all(planned.seconds is None for planned in plan(line))
    took = {artifact.step: artifact.seconds for artifact in run(line)}
    edit(line, "min = 12", "min = 14")
    for planned in plan(line):
        assert planned.seconds is not None
        assert 0 < planned.seconds <= took[planned.step]


def test_it_stops_at_a_step_and_refuses_an_unknown_one(line: Path) -> None:
    assert [planned.step for planned in plan(line, "parts")] == ["raw", "parts"]
    with pytest.raises(UserError, match=r"no step \[partz\] in the recipe"):
        plan(line, "partz")


def test_it_tells_what_has_drifted(line: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(line)
    assert {planned.drift for planned in plan(line)} == {()}
    then = machine.versions()
    monkeypatch.setattr(machine, "versions", lambda: {**then, "pyarrow": "0.1"})
    (found,) = {planned.drift for planned in plan(line)}
    assert found == (f"pyarrow {then['pyarrow']} -> 0.1",)
    assert {planned.state for planned in plan(line)} == {"cached"}


RECIPE = """
[raw]
step = "ingest"
files = "data.jsonl"
[clean]
step = "curate"
from = "raw"
do = ["exact", DECONTAMINATE]
[tuned]
step = "train"
from = "clean"
base = "base"
method = "lora"
max_tokens = 32
[scores]
step = "evaluate"
from = "tuned"
tasks = ["one.toml", "two.toml"]
"""


def test_it_says_which_evaluated_tasks_nothing_was_taken_out_of(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    import tiny  # noqa: PLC0415 - needs torch

    (tmp_path / "data.jsonl").write_text('{"text": "a", "label": "b"}\n')
    for name in ("one", "two"):
        (tmp_path / f"{name}.toml").write_text('files = "items.jsonl"\n')
    (tmp_path / "items.jsonl").write_text('{"text": "c", "label": "b"}\n')
    tiny.write_base(tmp_path / "base")
    path = tmp_path / "recipe.toml"
    told = []
    for against in ('["one.toml"]', '["one.toml", "two.toml"]'):
        path.write_text(RECIPE.replace("DECONTAMINATE", f'{{ use = "decontaminate", against = {against} }}'))
        told.append({planned.step: planned.notes for planned in plan(path)})
    note = "no decontaminate lists the task 'two': rows that were trained on may hold its items"
    assert told[0] == {"raw": (), "clean": (), "tuned": (), "scores": (note,)}
    assert not any(told[1].values())
