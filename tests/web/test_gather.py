"""From a store to the report: what stands in it is what the steps did."""

from __future__ import annotations

import copy
import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import lines
import numpy as np
import pyarrow as pa
import pytest

import adaptline as al
from adaptline.core import recipe as recipes
from adaptline.core.store import Store
from adaptline.core.trace import History
from adaptline.web import gather, gather_evidence, gather_rows, view

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
    assert stages["length"].drops[0].score == len(stages["length"].drops[0].text or "")
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
    assert report.audits is not None
    (audit,) = report.audits
    lines_ = {line.kind: line for line in audit.lines}
    assert lines_["exact duplicate"].methods == ("exact",)
    assert lines_["personal data"].methods == ()


def test_what_the_recipe_lacks_is_left_out(report: view.ReportView) -> None:
    assert report.training is None
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


def test_what_a_method_says_of_itself_and_left_undone_is_read_from_the_manifest(history: History) -> None:
    manifest = copy.deepcopy(history.manifests["clean"][0])
    for method in manifest["detail"]["methods"]:
        method.pop("meaning", None)
    manifest["detail"]["methods"][3] |= {"meaning": "Texts nearly alike.", "compared_in_part": 7}
    funnel, _ = gather_rows.curation(history.store, manifest)
    told = [(stage.meaning, stage.compared_in_part) for stage in funnel.stages]
    assert told == [("", 0), ("", 0), ("", 0), ("Texts nearly alike.", 7), ("", 0)]


def scored(history: History, shards: list[pa.Array], alive: list[list[bool]]) -> view.Histogram | view.LabelChart:
    """The chart of a filter whose scores are as given."""
    refs = [
        history.store.commit_unit(hashlib.sha256(repr(scores).encode()).hexdigest(), pa.table({"score": scores}))
        for scores in shards
    ]
    method = {
        "use": "mine",
        "kind": "filter",
        "meaning": "What it judges.",
        "settings": {"min": 2.0},
        "scores": [[ref.key, ref.digest, ref.rows] for ref in refs],
    }
    chart = gather_rows._chart(history.store, method, [np.array(mask) for mask in alive])
    assert chart is not None
    return chart


def test_scores_of_several_types_make_one_chart(history: History) -> None:
    """A shard without a score, one with integers and one with floats."""
    shards = [pa.nulls(2), pa.array([1, 3], pa.int64()), pa.array([0.5, None])]
    chart = scored(history, shards, [[True, True], [True, True], [True, True]])
    assert isinstance(chart, view.Histogram)
    assert (sum(chart.counts), chart.unjudged, chart.edges[0], chart.edges[-1]) == (3, 3, 0.5, 3.0)
    assert chart.meaning == "What it judges."


def test_labels_after_a_shard_without_any_make_one_chart(history: History) -> None:
    chart = scored(history, [pa.nulls(1), pa.array(["en", "de", "en"])], [[True], [True, True, True]])
    assert isinstance(chart, view.LabelChart)
    assert [(entry.label, entry.rows) for entry in chart.labels] == [("en", 2), ("de", 1)]
    assert chart.unjudged == 1


@pytest.mark.parametrize("shards", [[], [pa.array([1.0, 2.0])]])
def test_a_filter_that_no_row_reached_has_an_empty_chart(history: History, shards: list[pa.Array]) -> None:
    chart = scored(history, shards, [[False] * len(scores) for scores in shards])
    assert isinstance(chart, view.Histogram)
    assert (chart.counts, chart.unjudged) == ((), 0)


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


def selected(name: str, among: int, *, better: bool, seeds: int = 3) -> tuple[dict[str, Any], dict[str, Any]]:
    """A select step's manifest and what it found, as far as the head of the page needs it."""
    winner = {"name": "a", "cell": {"rank": 4}, "because": "the only run", "interval": [0.7, 0.9], "among": among}
    found = {
        "best": "test.accuracy",
        "items": 1000,
        "metrics": {"test.accuracy": 0.8},
        "winner": winner,
        "candidates": [{"mean": 0.8, "runs": [{}] * seeds, "within_limits": True}],
        "differences": [{"better": better}],
        "verdict": f"what {name} says",
        "notes": [],
    }
    return {"name": name}, found


def test_the_winners_figure_says_that_it_was_chosen() -> None:
    (figure,) = gather_evidence.figures(selected("s", 12, better=True)[1])
    assert figure == view.Figure(
        "test.accuracy", 0.8, "share", "70.0 to 90.0 %, corrected for choosing among 12, 1,000 items"
    )
    (alone,) = gather_evidence.figures(selected("s", 1, better=True)[1])
    assert alone.note == "70.0 to 90.0 %, 1,000 items"


def test_every_select_step_is_told_of_in_the_head() -> None:
    found = gather_evidence.verdicts([selected("first", 2, better=True), selected("second", 2, better=False)])
    assert (found.outcome, found.headline) == ("winner", "a wins")
    assert "What first says." in found.explanation
    assert "Decided by [first]. a leads; no difference to the closest was shown. What second says." in found.explanation


def test_with_one_seed_each_nobody_wins() -> None:
    found = gather_evidence.verdict(*selected("s", 3, better=True, seeds=1))
    assert (found.outcome, found.headline) == ("tie", "a leads; with one seed each that may be chance")


def test_a_metric_beyond_one_is_no_share() -> None:
    _, found = selected("s", 1, better=True)
    found["candidates"][0]["mean"] = found["metrics"]["test.accuracy"] = 6.6
    found["winner"]["interval"] = [5.0, 8.25]
    (figure,) = gather_evidence.figures(found)
    assert (figure.unit, figure.note) == ("number", "5 to 8.25, 1,000 items")


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
