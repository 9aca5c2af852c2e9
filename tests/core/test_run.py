"""What runs again, and what does not: each rule of the design as a change and the units that it costs."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import json
import os
import shutil
from pathlib import Path
from typing import Any

import file_sizes
import forks
import lines
import pytest

from adaptline.core import grid, registry, sources, sweep, versions
from adaptline.core import recipe as recipes
from adaptline.core.plan import plan
from adaptline.core.run import Artifact, make_folder_artifact, run
from adaptline.core.store import Store
from adaptline.data import cutting
from adaptline.errors import RunError, UserError


@pytest.fixture
def line(tmp_path: Path) -> Path:
    return lines.make(tmp_path / "project")


def ran(made: list[Artifact]) -> list[str]:
    return [artifact.step for artifact in made if not artifact.cached]


def record(path: Path, artifact: Artifact) -> dict[str, Any]:
    manifest = Store.open(path.parent / ".adaptline").manifest(artifact.key)
    assert manifest is not None
    return manifest


def units(path: Path, artifact: Artifact) -> dict[str, int]:
    """Which units an artifact's making ran, by note; those that ran none are left out."""
    counts: dict[str, int] = record(path, artifact)["record"]["units"]["ran"]
    return {note: count for note, count in counts.items() if count and note != "verdicts"}


def of(made: list[Artifact], step: str) -> Artifact:
    return next(artifact for artifact in made if artifact.step == step)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def verdicts(path: Path, artifact: Artifact) -> dict[tuple[str, int], Any]:
    """(file, row) -> who dropped it."""
    store = Store.open(path.parent / ".adaptline")
    manifest = record(path, artifact)
    found = {}
    for shard, triple in zip(manifest["shards"], manifest["detail"]["verdicts"], strict=True):
        rows = store.read(_ref(shard["text"])).select(["file", "row"]).to_pylist()
        for row, by in zip(rows, store.read(_ref(triple))["dropped_by"].to_pylist(), strict=True):
            found[row["file"], row["row"]] = by
    return found


def _ref(triple: list[Any]) -> Any:
    from adaptline.core.rows import Ref  # noqa: PLC0415

    return Ref(*triple)


def test_the_second_run_runs_nothing(line: Path) -> None:
    first = run(line)
    assert ran(first) == ["raw", "parts", "clean", "again"]
    second = run(line)
    assert ran(second) == []
    assert [artifact.digest for artifact in first] == [artifact.digest for artifact in second]
    assert all(planned.state == "cached" for planned in plan(line))


def test_appended_rows_cost_units_for_them_alone_and_change_no_verdict(line: Path) -> None:
    before = verdicts(line, of(run(line), "clean"))
    lines.write(line.parent / "data" / "part-9.jsonl", lines.records(99, 2))
    made = run(line)
    assert units(line, of(made, "raw")) == {"read": 1}
    assert units(line, of(made, "parts")) == {"split": 1}
    ran_units = units(line, of(made, "clean"))
    for map_like in ("unicode", "length", "exact, sketch", "minhash, sketch", "./mine.py:polite"):
        assert ran_units.get(map_like, 0) <= 1, map_like
    after = verdicts(line, of(made, "clean"))
    assert {place: after[place] for place in before} == before
    assert len(after) == len(before) + 2


def test_rows_appended_to_a_large_file_cost_its_last_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "SMALLEST", cutting.FIRST)  # as in a file 16 times as large
    path = lines.make(tmp_path, files=1, rows=20_000)
    total = sum(units(path, of(run(path), "raw")).values())
    source = path.parent / "data" / "part-0.jsonl"
    with source.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in lines.records(5, 200))
    again = units(path, of(run(path), "raw"))["read"]
    assert total >= 15
    assert again <= 2


def test_moving_a_bound_runs_no_method(line: Path) -> None:
    run(line)
    edit(line, "min = 0.5", "min = 0.2")
    edit(line, "max = 1000", "max = 50")
    made = run(line)
    assert units(line, of(made, "clean")) == {}
    assert units(line, of(made, "again")) == {}


def test_changing_the_last_filter_runs_only_it_and_what_follows(line: Path) -> None:
    run(line)
    edit(line, '{ use = "./mine.py:polite", min = 0.5 }', '{ use = "length", unit = "words", min = 2 }')
    made = run(line)
    assert ran(made) in (["clean"], ["clean", "again"])
    assert set(units(line, of(made, "clean"))) == {"length"}


def test_the_wave_stops_at_a_step_that_gives_the_same_bytes(line: Path) -> None:
    run(line)
    edit(line, '{ use = "length", min = 12 }', '{ use = "length", min = 12, max = 100000 }')
    assert ran(run(line)) == ["clean"]


def test_a_users_method_runs_again_when_its_code_changes_and_not_for_a_comment(line: Path) -> None:
    run(line)
    mine = line.parent / "mine.py"
    edit(mine, "    return", "    # said differently\n\n    return")
    assert ran(run(line)) == []
    edit(mine, '"pi pi"', '"rho rho"')
    made = run(line)
    assert "clean" in ran(made)
    assert set(units(line, of(made, "clean"))) == {"./mine.py:polite"}


def test_a_helper_beside_a_users_method_counts_too(line: Path) -> None:
    (line.parent / "helper.py").write_text("LIMIT = 1\n")
    edit(line.parent / "mine.py", "from adaptline import filter", "from adaptline import filter\nimport helper")
    run(line)
    (line.parent / "helper.py").write_text("LIMIT = 2\n")
    assert "clean" in ran(run(line))


def test_nothing_runs_when_the_store_moves(line: Path, tmp_path: Path) -> None:
    run(line)
    shutil.move(line.parent / ".adaptline", tmp_path / "elsewhere")
    assert ran(run(line, store=tmp_path / "elsewhere")) == []


def test_nothing_runs_when_recipe_and_sources_move_together(line: Path, tmp_path: Path) -> None:
    run(line)
    shutil.move(line.parent, tmp_path / "another place")
    moved = tmp_path / "another place" / line.name
    assert ran(run(moved)) == []
    assert ran(run(moved, store=tmp_path / "fresh")) == ["raw", "parts", "clean", "again"]


def test_a_raised_version_runs_exactly_its_units(line: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(line)
    length = registry.load("filter", "length")
    monkeypatch.setitem(
        length.function.__dict__, "__adaptline__", dataclasses.replace(length, version=length.version + 1)
    )
    made = run(line)
    assert set(units(line, of(made, "clean"))) == {"length"}


def test_keep_accepts_what_is_there(line: Path) -> None:
    first = run(line)
    edit(line, "min = 12", "min = 30")
    kept = run(line, keep=["clean"])
    assert of(kept, "clean").digest == of(first, "clean").digest
    assert {p.step: p.state for p in plan(line, keep=["clean"])}["clean"] == "kept"
    with pytest.raises(UserError, match=r"no step \[clena\]"):
        run(line, keep=["clena"])


def test_keep_without_anything_to_keep_runs(line: Path) -> None:
    assert "clean" in ran(run(line, keep=["clean"]))


def test_a_step_can_be_run_alone_with_what_it_needs(line: Path) -> None:
    assert ran(run(line, "parts")) == ["raw", "parts"]
    assert ran(run(line)) == ["clean", "again"]


GRID = """
[raw]
step  = "ingest"
files = ["data/*.jsonl"]
label = "label"
[clean]
step = "curate"
from = "raw"
do   = [{ use = "length", min = 5 }, "exact"]
each = { "length.min" = [5, 20] }
[parts]
step  = "split"
from  = "clean"
share = { train = 0.5, test = 0.5 }
each  = { seed = [0, 1] }
"""


def test_adding_a_cell_runs_that_cell_only(line: Path) -> None:
    line.write_text(GRID)
    assert len(ran(run(line))) == 1 + 2 + 4
    edit(line, "seed = [0, 1]", "seed = [0, 1, 2]")
    made = [artifact for artifact in run(line) if not artifact.cached]
    assert [(artifact.step, artifact.cell) for artifact in made] == [
        ("parts", {"length.min": 5, "seed": 2}),
        ("parts", {"length.min": 20, "seed": 2}),
    ]


def test_the_reason_of_a_run_names_a_version_that_was_raised(line: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(line)
    split = registry.load("step", "split")
    monkeypatch.setitem(split.function.__dict__, "__adaptline__", dataclasses.replace(split, version=split.version + 1))
    why = {p.step: p.why for p in plan(line)}["parts"]
    assert why == f"split is version {split.version + 1} now, was {split.version}"


def test_a_lost_artifact_is_made_again(line: Path) -> None:
    made = run(line)
    key = of(made, "clean").key
    (line.parent / ".adaptline" / "artifacts" / key[:2] / f"{key}.json").unlink()
    assert {p.step: p.why for p in plan(line)}["clean"] == "new"
    assert ran(run(line)) == ["clean"]


def test_a_mistake_while_running_names_recipe_line_and_step(line: Path) -> None:
    edit(line, 'by    = "conversation"', 'by    = "conversaton"')
    with pytest.raises(UserError, match=r"recipe.toml, line \d+: \[parts\] no field 'conversaton' to split by"):
        run(line)
    assert {p.step: p.state for p in plan(line)}["raw"] == "cached", "what is done stays done"


def test_a_mistake_with_a_place_keeps_it(line: Path) -> None:
    (line.parent / "data" / "part-0.jsonl").write_text("not json at all\n")
    with pytest.raises(UserError, match=r"part-0.jsonl"):
        run(line)


def test_two_runs_in_one_process_share_the_work(line: Path) -> None:
    """The second waits for the lock of each key and finds its artifact made."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: run(line, workers=1), range(2))
    assert [artifact.digest for artifact in first] == [artifact.digest for artifact in second]


def test_a_recipe_as_tables_runs_too(line: Path, tmp_path: Path) -> None:
    found = recipes.from_tables({"raw": {"step": "ingest", "files": "data/part-0.jsonl"}}, "tables", line.parent)
    assert ran(run(found, store=tmp_path / "store")) == ["raw"]


def test_a_step_that_left_the_recipe_is_let_go(line: Path) -> None:
    run(line)
    text = line.read_text("utf-8")
    line.write_text(text[: text.index("[again]")], "utf-8")
    run(line, "clean")
    store = Store.open(line.parent / ".adaptline")
    assert "again" in store.refs("recipe"), "a run up to a step says nothing of later ones"
    run(line)
    assert set(store.refs("recipe")) == {"raw", "parts", "clean"}


def test_progress_tells_what_ran(line: Path) -> None:
    class Told:
        def __init__(self) -> None:
            self.said: list[str] = []
            self.tasks: set[str] = set()

        def say(self, line: str) -> None:
            self.said.append(line)

        def at(self, task: str, done: float, total: float, note: str = "") -> None:
            assert done <= total, note
            self.tasks.add(task)

        def end(self, task: str) -> None:
            pass

    told = Told()
    run(line, show=told)
    assert "clean: length" in told.tasks
    assert any("rows kept" in line for line in told.said)
    run(line, show=told)
    assert told.said[-1].strip() == "again: there already"


def test_a_store_that_cannot_be_written_is_a_users_error(line: Path, tmp_path: Path) -> None:
    for folder in [*reversed(line.relative_to(tmp_path.parent.parent).parents)]:
        (tmp_path.parent.parent / folder).chmod(0o755)
    line.parent.chmod(0o555)

    def as_nobody() -> None:
        if os.geteuid() == 0:
            os.setuid(65534)
        run(line)

    code, error = forks.start(as_nobody).end()
    line.parent.chmod(0o755)
    assert code == 1
    assert error.startswith("UserError: ")
    assert "no permission to write" in error


def test_a_full_disk_is_a_users_error_and_nothing_is_lost(line: Path) -> None:
    run(line, "parts")

    def limited() -> None:
        with file_sizes.limited(200):
            run(line)

    code, error = forks.start(limited).end()
    assert code == 1
    assert error.startswith("UserError: ")
    assert "larger than this process may write" in error
    assert ran(run(line)) == ["clean", "again"]


def test_an_artifact_that_another_run_made_meanwhile_is_taken(line: Path) -> None:
    (line.parent / "planted.jsonl").write_text('{"kind": "exact_duplicate", "file": "data/part-0.jsonl", "row": 1}\n')
    line.write_text(line.read_text() + '\n[truth]\nstep = "audit"\nfrom = "clean"\nplanted = "planted.jsonl"\n')
    made = of(run(line), "truth")
    manifest, _ = make_folder_artifact(line.parent / ".adaptline", line.parent, made.key, "audit", {}, {})
    assert manifest["digest"] == made.digest


def raised(monkeypatch: pytest.MonkeyPatch, kind: str, name: str) -> None:
    method = registry.load(kind, name)
    found = dataclasses.replace(method, version=method.version + 1)
    monkeypatch.setitem(method.function.__dict__, "__adaptline__", found)


def test_a_formats_raised_version_reads_its_files_again(line: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(line)
    raised(monkeypatch, "format", "csv")
    assert {p.step: p.why for p in plan(line)}["raw"] == "changed: versions of methods that it uses"
    assert units(line, of(run(line), "raw")) == {}, "no csv here"
    raised(monkeypatch, "format", "jsonl")
    assert units(line, of(run(line), "raw")) == {"read": 1}


def test_an_audit_sees_what_later_steps_do_not(line: Path) -> None:
    """Two rules that drop the same rows give the same rows, and another audit."""
    (line.parent / "planted.jsonl").write_text('{"kind": "exact_duplicate", "file": "data/part-0.jsonl", "row": 1}\n')
    line.write_text(line.read_text() + '\n[truth]\nstep = "audit"\nfrom = "clean"\nplanted = "planted.jsonl"\n')
    run(line)
    edit(line, '{ use = "length", min = 12 }', '{ use = "length", min = 12, max = 100000 }')
    assert ran(run(line)) == ["clean", "truth"]


def test_another_secret_makes_other_hmacs(line: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edit(line, 'label = "label"', 'label = "label"\nsubject = ["conversation"]')
    edit(line, 'by    = "conversation"\n', "")
    assert {p.step: p.state for p in plan(line)}["raw"] == "will run"
    assert not (line.parent / ".adaptline").exists(), "plan makes no store"
    before = of(run(line), "raw").digest
    assert ran(run(line)) == []
    monkeypatch.setenv("ADAPTLINE_SUBJECT_KEY", "another")
    assert {p.step: p.why for p in plan(line)}["raw"] == "changed: the secret of subjects"
    assert of(run(line), "raw").digest != before


CHANGING = """
import pathlib

from adaptline import filter


@filter(version=1)
def changing(texts: list[str]) -> list[float]:
    \"\"\"Changes what the recipe names, while it runs.\"\"\"
    with pathlib.Path(TARGET).open("a") as file:
        file.write("\\nLATER = 1\\n")
    return [1.0 for _ in texts]
"""


@pytest.mark.parametrize("target", ["changing.py", "review.jsonl"])
def test_what_changes_while_it_is_used_is_not_kept(line: Path, target: str) -> None:
    (line.parent / "review.jsonl").write_text('{"file": "data/part-0.jsonl", "row": 1, "verdict": "drop"}\n')
    (line.parent / "changing.py").write_text(CHANGING.replace("TARGET", repr(str(line.parent / target))))
    edit(line, '"exact"', '{ use = "review", file = "review.jsonl" }, "./changing.py:changing"')
    with pytest.raises((UserError, RunError), match="changed while it was used"):
        run(line)
    assert {p.step: p.state for p in plan(line)}["clean"] == "will run"


def test_what_was_made_of_a_changed_file_is_not_taken_for_what_is_made_of_the_restored_one(line: Path) -> None:
    """The unit that read the file as it was for a moment must not lie under the key of what it is."""
    review, said = line.parent / "review.jsonl", '{"file": "data/part-0.jsonl", "row": ROW, "verdict": "drop"}\n'
    review.write_text(said.replace("ROW", "1"))
    swap = f"pathlib.Path({str(review)!r}).write_text({said.replace('ROW', '2')!r})"
    method = "import pathlib\nfrom adaptline import filter\n\n@filter(version=1)\ndef swaps(texts):\n    {}\n    return [1.0] * len(texts)\n"
    (line.parent / "swaps.py").write_text(method.format(swap))
    edit(line, '"exact"', '"./swaps.py:swaps", { use = "review", file = "review.jsonl" }')
    with pytest.raises((UserError, RunError), match="changed while it was used"):
        run(line)
    review.write_text(said.replace("ROW", "1"))
    (line.parent / "swaps.py").write_text(method.format("pass"))
    found = verdicts(line, of(run(line), "clean"))
    by_review = 3  # the place of review in do
    assert found["data/part-0.jsonl", 1] == by_review
    assert by_review not in {by for place, by in found.items() if place != ("data/part-0.jsonl", 1)}


def test_a_file_that_goes_away_while_it_is_used_has_changed(line: Path) -> None:
    files = sources.find_files("data/*.jsonl", line.parent)
    assert files.changed() is None
    (line.parent / "data" / "part-1.jsonl").unlink()
    assert files.changed() == "data/part-1.jsonl"


def test_each_cell_is_remembered_as_soon_as_it_is_there(line: Path) -> None:
    (line.parent / "good.jsonl").write_text('{"kind": "exact_duplicate", "file": "data/part-0.jsonl", "row": 1}\n')
    (line.parent / "bad.jsonl").write_text("not a planted defect\n")
    audit = '\n[truth]\nstep = "audit"\nfrom = "clean"\neach = { planted = ["good.jsonl", "bad.jsonl"] }\n'
    line.write_text(line.read_text() + audit)
    with pytest.raises(UserError, match=r"bad\.jsonl"):
        run(line, workers=1)
    store = Store.open(line.parent / ".adaptline")
    assert [ref["cell"] for ref in store.refs("recipe")["truth"]] == [{"planted": "good.jsonl"}]
    assert sweep.unreached(store, dry=True) == []
    assert versions.log(store, "recipe", "truth")


def test_a_group_without_the_key_is_a_group_of_its_own(line: Path) -> None:
    line.write_text(
        line.read_text()
        + """
[adapters]
step = "train"
from = "clean"
base = "base"
each = [{ method = "head" }, { method = "lora", rank = [4, 16] }]
[scores]
step = "evaluate"
from = ["adapters", "clean"]
[winners]
step = "select"
from = "scores"
best = "test.accuracy"
by   = ["rank"]
"""
    )
    (line.parent / "base").mkdir()
    (line.parent / "base" / "config.json").write_text("{}")
    nodes = grid.build(recipes.read(line))["winners"]
    assert [[parent.cell for parent in node.inputs["reports"]] for node in nodes] == [
        [{"method": "head"}],
        [{"method": "lora", "rank": 4}],
        [{"method": "lora", "rank": 16}],
    ]


def test_two_recipes_of_one_name_do_not_share_a_store(line: Path, tmp_path: Path) -> None:
    other = lines.make(tmp_path / "other", files=1)
    run(line, store=tmp_path / "store")
    with pytest.raises(UserError, match="another recipe called 'recipe' uses this store"):
        run(other, store=tmp_path / "store")
    line.rename(line.with_name("renamed.toml"))
    assert run(other, store=tmp_path / "store")
