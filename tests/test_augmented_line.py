"""A line with and without augmentation: both are trained and compared in pairs, and children are traced like other rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lines
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import adaptline as al
from adaptline.cli import app
from adaptline.errors import UserError

pytest.importorskip("torch")
import tiny

RECIPE = """
[raw]
step  = "ingest"
files = ["data.jsonl"]

[more]
step = "augment"
from = "raw"
do   = [{ use = "noise", share = 0.5, swap = 0.1 }]

[adapters]
step   = "train"
from   = "more"
base   = "base"
method = "lora"
epochs = 2
max_tokens = 32
each   = { seed = [0, 1] }

[scores]
step = "evaluate"
from = ["adapters", "more"]

[winner]
step = "select"
from = "scores"
best = "test.accuracy"
"""


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("augmented")
    lines.write(folder / "data.jsonl", tiny.records(120))
    tiny.write_base(folder / "base")
    path = folder / "recipe.toml"
    path.write_text(RECIPE)
    done = CliRunner().invoke(app, ["run", str(path), "--with-and-without", "more", "--workers", "1"])
    assert done.exit_code == 0, done.output
    return path


def consumed(of: dict[str, Any]) -> set[tuple[str, int]]:
    table = pq.read_table(Path(of["path"]) / "consumed.parquet")
    return set(zip(table["shard"].to_pylist(), table["row"].to_pylist(), strict=True))


def test_one_flag_trains_both_and_the_report_compares_them_in_pairs(line: Path) -> None:
    cells = [(shown["cell"]["augmented"], shown["cell"]["seed"]) for shown in al.show(line, "adapters")]
    assert sorted(cells) == [(False, 0), (False, 1), (True, 0), (True, 1)]
    (winner,) = al.show(line, "winner")
    found = winner["metrics"]
    assert sorted(candidate["name"] for candidate in found["candidates"]) == ["augmented=False", "augmented=True"]
    (pair,) = found["differences"]
    assert (pair["first"], pair["second"]) == ("augmented=False", "augmented=True")
    assert [len(candidate["runs"]) for candidate in found["candidates"]] == [2, 2]
    assert len({shown["metrics"]["items"]["test"] for shown in al.show(line, "scores")}) == 1


def test_the_same_rows_are_trained_on_and_with_it_their_children(line: Path) -> None:
    by_cell = {(s["cell"]["augmented"], s["cell"]["seed"]): consumed(s) for s in al.show(line, "adapters")}
    assert by_cell[False, 0] < by_cell[True, 0]
    assert by_cell[True, 0] == by_cell[True, 1]
    added = by_cell[True, 0] - by_cell[False, 0]
    shown = next(shown for shown in al.show(line, "more") if shown["cell"]["augmented"])
    assert len(added) == sum(told["made"] for told in shown["augmenters"]) > 10


def test_a_child_that_was_trained_on_leads_to_its_source_and_forward_to_the_winner(line: Path) -> None:
    shown = next(shown for shown in al.show(line, "adapters") if shown["cell"] == {"augmented": True, "seed": 0})
    plain = next(shown for shown in al.show(line, "adapters") if shown["cell"] == {"augmented": False, "seed": 0})
    shard, position = min(consumed(shown) - consumed(plain))
    found = al.trace(line, f"{shard}:{position}")
    assert found["origin"]["file"] == "data.jsonl"
    did = [(step["step"], step["cell"].get("augmented"), step.get("did")) for step in found["steps"]]
    assert did.count(("adapters", True, "trained on it")) == 2
    assert not [entry for entry in did if entry[1] is False]
    assert ("winner", None, "chose among 2 that saw it") in did
    parent = al.trace(line, f"data.jsonl:{found['origin']['row']}")
    told = [child for step in parent["steps"] for child in step.get("children", [])]
    assert (shard, position) in {(child["shard"], child["position"]) for child in told}
    assert [step.get("did") for step in parent["steps"]].count("trained on it") == 4


def test_plan_tells_of_both_and_without_the_flag_what_is_there_is_used(line: Path) -> None:
    both = al.plan(al.with_and_without(line, "more"))
    assert {(one.step, one.state) for one in both} == {
        (step, "cached") for step in ("raw", "more", "adapters", "scores", "winner")
    }
    told = CliRunner().invoke(app, ["plan", str(line), "--with-and-without", "more"])
    assert "cached    adapters augmented=False seed=0" in told.output
    assert told.output.splitlines()[-1] == "12 cached"
    states = {(one.step, one.state) for one in al.plan(line)}
    assert ("adapters", "cached") in states
    assert ("winner", "will run") in states  # of one candidate


def test_a_step_that_adds_nothing_has_no_run_without_it(line: Path) -> None:
    with pytest.raises(
        UserError, match=r"recipe.toml, line \d+: \[adapters\] train has no parameter augmented(?s:.*)more"
    ):
        al.with_and_without(line, "adapters")
    with pytest.raises(UserError, match=r"no step \[mroe\](?s:.*)more"):
        al.with_and_without(line, "mroe")


def test_a_grid_that_has_both_already_stays_as_it_is(line: Path) -> None:
    text = RECIPE.replace("swap = 0.1 }]", "swap = 0.1 }]\neach = { augmented = [true, false] }")
    path = line.with_name("grid.toml")
    path.write_text(text)
    cells = al.with_and_without(path, "more").table("more").cells
    assert list(cells) == [{"augmented": False}, {"augmented": True}]


def test_of_a_grid_of_its_own_there_is_one_run_without_it(line: Path) -> None:
    text = RECIPE.replace("swap = 0.1 }]", 'swap = 0.1 }]\neach = { "noise.share" = [0.1, 0.2] }')
    path = line.with_name("shares.toml")
    path.write_text(text)
    cells = al.with_and_without(path, "more").table("more").cells
    assert list(cells) == [{"augmented": False}, *({"noise.share": share, "augmented": True} for share in (0.1, 0.2))]
    assert len([one for one in al.plan(al.with_and_without(path, "more")) if one.step == "more"]) == 3
