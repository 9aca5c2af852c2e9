"""What a report tells of rows: what was read, what each method did, how scores are spread."""

from __future__ import annotations

import copy

from adaptline.core.history import History
from adaptline.web import gather_rows, view, view_scores


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
    assert isinstance(length, view_scores.Histogram)
    assert sum(length.counts) == 120
    assert len(length.edges) == len(length.counts) + 1
    assert length.limits == (view_scores.Limit("min", 12.0),)


def test_found_stands_beside_planted(report: view.ReportView) -> None:
    assert report.audits is not None
    (audit,) = report.audits
    lines_ = {line.kind: line for line in audit.lines}
    assert lines_["exact duplicate"].methods == ("exact",)
    assert lines_["personal data"].methods == ()


def test_what_a_method_says_of_itself_and_left_undone_is_read_from_the_manifest(history: History) -> None:
    manifest = copy.deepcopy(history.manifests["clean"][0])
    for method in manifest["detail"]["methods"]:
        method.pop("meaning", None)
    manifest["detail"]["methods"][3] |= {"meaning": "Texts nearly alike.", "compared_in_part": 7}
    funnel, _ = gather_rows.curation(history.store, manifest)
    told = [(stage.meaning, stage.compared_in_part) for stage in funnel.stages]
    assert told == [("", 0), ("", 0), ("", 0), ("Texts nearly alike.", 7), ("", 0)]
