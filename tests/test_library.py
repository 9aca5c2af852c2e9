"""The verbs as Python functions."""

from __future__ import annotations

from pathlib import Path

import lines
import pytest

import adaptline as al


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = lines.make(tmp_path_factory.mktemp("library"))
    al.run(path, workers=1)
    return path


def test_every_public_name_is_there_and_nothing_else() -> None:
    for name in al.__all__:
        assert getattr(al, name)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = al.nothing


def test_run_writes_the_report_once(line: Path) -> None:
    path = line.parent / ".adaptline" / "reports" / "recipe.html"
    before = path.stat().st_mtime_ns
    assert all(artifact.cached for artifact in al.run(line, workers=1))
    assert path.stat().st_mtime_ns == before
    path.unlink()
    al.run(line, workers=1)
    assert path.exists()


def test_show_tells_rows_methods_and_drift(line: Path) -> None:
    shown = {entry["step"]: entry for entry in al.show(line)}
    assert shown["clean"]["rows"] == 120
    assert shown["clean"]["methods"][1]["settings"] == {"min": 12.0}
    assert shown["clean"]["drift"] == []
    assert [entry["step"] for entry in al.show(line, "raw")] == ["raw"]
    with pytest.raises(al.UserError, match="Did you mean 'clean'"):
        al.show(line, "claen")


def test_trace_takes_a_row_or_a_step(line: Path) -> None:
    assert al.trace(line, "clean:0")["origin"]["row"] == 1
    assert al.trace(line, "clean")["artifacts"][0]["step"] == "clean"


def test_log_and_diff_refuse_unknown_steps(line: Path) -> None:
    assert [entry["step"] for entry in al.log(line, "clean")] == ["clean"]
    for call in (al.log, al.diff):
        with pytest.raises(al.UserError, match=r"no step \[claen\]"):
            call(line, "claen")


def test_gc_of_what_is_no_store_touches_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    with pytest.raises(al.UserError, match="no store here"):
        al.gc(tmp_path)
    assert (tmp_path / "file").exists()


def test_new_refuses_to_write_over_a_recipe(tmp_path: Path) -> None:
    lines.write(tmp_path / "mine.jsonl", lines.records(0, 20))
    path = al.new(tmp_path / "mine.jsonl", tmp_path / "first.toml")
    before = path.read_text()
    with pytest.raises(al.UserError, match="exists already"):
        al.new(tmp_path / "mine.jsonl", path)
    assert path.read_text() == before


@pytest.mark.parametrize(("name", "what"), [("nothing.jsonl", "no such file"), (".", "is a folder, not a file")])
def test_new_wants_a_file(tmp_path: Path, name: str, what: str) -> None:
    with pytest.raises(al.UserError, match=what):
        al.new(tmp_path / name)


def test_completion_shows_the_public_names() -> None:
    assert set(al.__all__) <= set(dir(al))


def test_a_row_is_found_by_a_path_from_where_one_is(line: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(line.parent.parent)
    assert al.trace(line, f"{line.parent.name}/data/part-1.jsonl:3")["origin"]["row"] == 3
    monkeypatch.chdir(line.parent / "data")
    assert al.trace(line, "part-1.jsonl:3")["origin"]["file"] == "data/part-1.jsonl"


def test_a_row_is_found_by_the_digest_that_run_and_show_print(line: Path) -> None:
    digest = al.show(line, "clean")[0]["digest"]
    assert al.trace(line, f"{digest[:12]}:5")["origin"] == al.trace(line, "clean:5")["origin"]


def test_steps_are_functions_of_one_file(tmp_path: Path) -> None:
    lines.write(tmp_path / "in.jsonl", lines.records(0, 40))
    al.curate(tmp_path / "in.jsonl", tmp_path / "out.csv", do=["exact"], reading={"label": "label"})
    al.split(tmp_path / "out.csv", tmp_path / "parts.jsonl", share={"train": 0.5, "test": 0.5}, seed=1)
    assert '"split":"train"' in (tmp_path / "parts.jsonl").read_text()
