"""From a store to the report: what stands in it is what the steps did."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import lines
import pytest

import adaptline as al
from adaptline.core import recipe as recipes
from adaptline.core.history import History
from adaptline.core.store import Store
from adaptline.web import gather, view


def test_what_the_recipe_lacks_is_left_out(report: view.ReportView) -> None:
    assert report.trainings is None
    assert report.comparisons is None
    assert report.head.verdict is None


def test_costs_and_commands_are_there(report: view.ReportView) -> None:
    assert [cost.step for cost in report.costs] == ["raw", "parts", "clean", "again", "truth"]
    assert any("trace" in command.line for command in report.commands)


def test_no_code_is_loaded_to_draw_a_report(history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The recipe uses ./mine.py beside it; another file of that name in the current folder is none of its business."""
    witness = tmp_path / "executed"
    (tmp_path / "mine.py").write_text(f"open({str(witness)!r}, 'w')\n{lines.MINE}")
    monkeypatch.chdir(tmp_path)
    report = gather.gather(history)
    assert report.curations is not None
    assert "./mine.py:polite" in [stage.name for stage in report.curations[0].stages]
    assert not witness.exists()


def test_two_writers_at_once_leave_one_whole_page(history: History) -> None:
    path = gather.write_report(history)
    expected = path.read_bytes()
    both = threading.Barrier(2)

    def write() -> None:
        for _ in range(10):
            both.wait(timeout=60)
            path.write_bytes(b"old")  # so that there is something to write
            gather.write_report(history)

    with ThreadPoolExecutor(2) as pool:
        for writer in [pool.submit(write), pool.submit(write)]:
            writer.result()
    assert path.read_bytes() == expected
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_what_a_failed_run_did_not_reach_is_said_to_be_of_an_earlier_one(tmp_path: Path) -> None:
    path = lines.make(tmp_path / "project")
    al.run(path)
    order = ["raw", "parts", "clean", "again"]
    store = Store.open(path.parent / ".adaptline")
    assert gather.gather(History.open(store, "recipe", order)).head.warnings == ()
    (path.parent / "data" / "part-0.jsonl").write_text('{"text": "something else", "label": "a", "conversation": 1}\n')
    al.run(path, "parts")
    found = gather.gather(History.open(store, "recipe", order)).head.warnings
    assert found == ("clean is of an earlier run: it was made from other data than what is shown here",)


def test_the_page_is_written_whole_and_rows_are_harmless(history: History) -> None:
    path = gather.write_report(history)
    page = path.read_text("utf-8")
    assert page.rstrip().endswith("</html>")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_the_line_with_training_fills_every_part(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    import tiny  # noqa: PLC0415 - needs torch

    tiny.write_base(tmp_path / "base")
    lines.write(tmp_path / "data.jsonl", tiny.records(120))
    tables = {
        "raw": {"step": "ingest", "files": "data.jsonl"},
        "adapters": {
            "step": "train",
            "from": "raw",
            "base": "base",
            "epochs": 2,
            "max_tokens": 32,
            "each": {"method": ["head", "lora"], "seed": [0, 1]},
        },
        "scores": {"step": "evaluate", "from": ["adapters", "raw"]},
        "winner": {"step": "select", "from": "scores", "best": "test.accuracy"},
    }
    found = recipes.from_tables(tables, "whole", tmp_path)
    al.run(found, workers=1)
    report = gather.gather(History.open(Store.open(tmp_path / ".adaptline"), "whole", list(tables)))
    assert report.trainings is not None
    assert {curve.candidate for curve in report.trainings[0].curves} == {"method=head", "method=lora"}
    assert all(len(curve.seeds) == 2 for curve in report.trainings[0].curves)
    assert report.comparisons is not None
    (comparison,) = report.comparisons
    assert sum(candidate.leader for candidate in comparison.candidates) == 1
    for difference in comparison.differences:
        assert difference.low is not None
        assert difference.mean is not None
        assert difference.high is not None
        assert difference.low <= difference.mean <= difference.high
        assert difference.mean <= 0, "candidate minus leader"
    assert comparison.weak_labels
    assert report.head.verdict is not None
