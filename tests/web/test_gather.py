"""From a store to the report: what stands in it is what the steps did."""

from __future__ import annotations

from pathlib import Path

import lines
import pytest

import adaptline as al
from adaptline.core import recipe as recipes
from adaptline.core.store import Store
from adaptline.core.trace import History
from adaptline.web import gather, view

PLANTED = '{"kind": "exact_duplicate", "file": "data/part-0.jsonl", "row": 1}\n{"kind": "personal_data", "file": "data/part-0.jsonl", "row": 2}\n'


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    path = lines.make(tmp_path_factory.mktemp("gather"))
    with (path.parent / "data" / "part-0.jsonl").open("a") as file:
        file.write("{broken <script>alert(1)</script>\n")
    (path.parent / "planted.jsonl").write_text(PLANTED)
    path.write_text(path.read_text() + '\n[truth]\nstep = "audit"\nfrom = "clean"\nplanted = "planted.jsonl"\n')
    al.run(path, workers=1)
    found = recipes.read(path)
    return History.open(Store.open(path.parent / ".adaptline"), found.name, [table.name for table in found.tables])


@pytest.fixture(scope="module")
def report(history: History) -> view.ReportView:
    return gather.gather(history)


def test_rows_in_and_out_add_up(report: view.ReportView) -> None:
    (intake,) = report.intakes
    assert (intake.rows, intake.unreadable) == (121, 1)
    assert intake.samples[0].origin == view.Origin("data/part-0.jsonl", 41)
    assert report.curations is not None
    clean, again = report.curations
    assert clean.before == 120
    for before, after in zip(clean.stages, clean.stages[1:], strict=False):
        assert before.after == after.before
    assert clean.stages[-1].after == clean.after == again.before
    for stage in clean.stages:
        assert sum(flow.dropped for flow in stage.by_split) == stage.dropped
        assert sum(flow.changed for flow in stage.by_split) == stage.changed
        assert sum(flow.before for flow in stage.by_split) == stage.before


def test_samples_show_what_was_dropped_and_why(report: view.ReportView) -> None:
    assert report.curations is not None
    stages = {stage.name: stage for stage in report.curations[0].stages}
    assert stages["length"].drops[0].bound == "< min 12"
    assert isinstance(stages["length"].drops[0].score, int)
    kept = stages["exact"].drops[0].kept
    assert kept is not None
    assert (kept.text or "").lower().split() == (stages["exact"].drops[0].text or "").lower().split()
    change = stages["unicode"].changes[0]
    assert change.before != change.after
    assert stages["length"].bounds == (view.Fact("min", "12"),)


def test_scores_are_spread_over_all_rows_that_reached_the_filter(report: view.ReportView) -> None:
    assert report.scores is not None
    length = report.scores[0]
    assert isinstance(length, view.Histogram)
    assert sum(length.counts) == 120
    assert len(length.edges) == len(length.counts) + 1
    assert length.limits == (view.Limit("min", 12.0),)


def test_found_stands_beside_planted(report: view.ReportView) -> None:
    assert report.audit is not None
    lines_ = {line.kind: line for line in report.audit.lines}
    assert lines_["exact duplicate"].methods == ("exact",)
    assert lines_["personal data"].methods == ()


def test_what_the_recipe_lacks_is_left_out(report: view.ReportView) -> None:
    assert report.training is None
    assert report.comparisons is None
    assert report.head.verdict is None


def test_costs_and_commands_are_there(report: view.ReportView) -> None:
    assert [cost.step for cost in report.costs] == ["raw", "parts", "clean", "again", "truth"]
    assert any("trace" in command.line for command in report.commands)


def test_the_page_is_written_whole_and_rows_are_harmless(history: History) -> None:
    path = gather.write_report(history)
    page = path.read_text("utf-8")
    assert page.rstrip().endswith("</html>")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    assert not list(path.parent.glob("*.part"))


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
    assert report.training is not None
    assert {curve.candidate for curve in report.training.curves} == {"method=head", "method=lora"}
    assert all(len(curve.seeds) == 2 for curve in report.training.curves)
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
