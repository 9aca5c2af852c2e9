"""The whole line on small files: raw text to a winner, every row traced both ways, kills in the middle of training."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import time
from pathlib import Path

import lines
import pytest
from forks import in_child

import adaptline as al

pytest.importorskip("torch")
import tiny

RECIPE = """
[raw]
step  = "ingest"
files = ["data.jsonl"]

[clean]
step = "curate"
from = "raw"
do   = ["unicode", { use = "length", min = 3 }, "exact"]

[adapters]
step   = "train"
from   = "clean"
base   = "base"
epochs = 2
max_tokens = 32
each   = [{ method = "head", seed = [0, 1] }, { method = "lora", rank = [2], seed = [0, 1] }]

[scores]
step  = "evaluate"
from  = ["adapters", "clean"]
tasks = ["tasks/*.toml"]

[winner]
step = "select"
from = "scores"
best = "route.accuracy"

[per_seed]
step = "select"
from = "scores"
best = "test.accuracy"
by   = ["seed"]
over = []
"""


def make(folder: Path) -> Path:
    lines.write(folder / "data.jsonl", tiny.records(160))
    lines.write(
        folder / "tasks" / "items.jsonl",
        [{"text": row["text"], "label": row["label"]} for row in tiny.records(40, seed=5)],
    )
    (folder / "tasks" / "route.toml").write_text(
        'name = "route"\nfiles = ["items.jsonl"]\nmetrics = ["accuracy", "macro_f1"]\n'
    )
    tiny.write_base(folder / "base")
    path = folder / "recipe.toml"
    path.write_text(RECIPE)
    return path


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = make(tmp_path_factory.mktemp("line"))
    al.run(path, workers=1)
    return path


def test_one_run_takes_raw_text_to_a_winner(line: Path) -> None:
    (winner,) = al.show(line, "winner")
    assert winner["metrics"]["winner"]["digest"] in {adapter["digest"] for adapter in al.show(line, "adapters")}
    assert "route.accuracy" in winner["metrics"]["verdict"]
    assert {tuple(report["cell"].items()) for report in al.show(line, "per_seed")} == {(("seed", 0),), (("seed", 1),)}


def test_the_second_run_runs_nothing_and_a_new_cell_runs_alone(line: Path, tmp_path: Path) -> None:
    copied = tmp_path / "copy"
    shutil.copytree(line.parent, copied)
    assert all(artifact.cached for artifact in al.run(copied / "recipe.toml", workers=1))
    recipe = copied / "recipe.toml"
    recipe.write_text(RECIPE.replace("rank = [2], seed = [0, 1]", "rank = [2], seed = [0, 1, 2]"))
    made = [artifact for artifact in al.run(recipe, "scores", workers=1) if not artifact.cached]
    assert [(artifact.step, artifact.cell["seed"]) for artifact in made] == [("adapters", 2), ("scores", 2)]


def test_two_versions_of_an_adapter_are_told_apart_by_parameters_and_numbers(line: Path, tmp_path: Path) -> None:
    shutil.copytree(line.parent, tmp_path / "copy")
    recipe = tmp_path / "copy" / "recipe.toml"
    recipe.write_text(RECIPE.replace("epochs = 2", "epochs = 4"))
    al.run(recipe, "adapters", workers=1)
    found = al.diff(recipe, "adapters")
    assert found["parameters"] == {"epochs": [2, 4]}
    assert any(name.startswith("validation.") for name in found["record"])


def test_a_row_is_traced_forward_to_adapters_and_judgements(line: Path) -> None:
    records = tiny.records(160)
    texts = [row["text"] for row in records]
    trained = next(i for i, row in enumerate(records) if row["split"] == "train" and texts.index(row["text"]) == i)
    steps = al.trace(line, f"data.jsonl:{trained + 1}")["steps"]
    did = [(step["step"], step.get("did")) for step in steps if step["step"] != "clean"]
    assert did.count(("adapters", "trained on it")) == 4
    assert did.count(("scores", "judged an adapter that saw it")) == 4
    assert ("winner", "chose among 4 that saw it") in did


def test_a_test_row_is_scored_and_never_trained_on(line: Path) -> None:
    records = tiny.records(160)
    texts = [row["text"] for row in records]
    tested = next(i for i, row in enumerate(records) if row["split"] == "test" and texts.index(row["text"]) == i)
    did = {(step["step"], step.get("did")) for step in al.trace(line, f"data.jsonl:{tested + 1}")["steps"]}
    assert ("scores", "scored it") in did
    assert "adapters" not in {step for step, _ in did}


def test_a_winner_is_traced_back_to_its_files(line: Path) -> None:
    text = json.dumps(al.trace(line, "winner"))
    assert "data.jsonl" in text
    assert text.count('"step": "adapters"') == 4


def test_plan_and_show_speak_of_every_artifact(line: Path) -> None:
    assert {planned.state for planned in al.plan(line)} == {"cached"}
    shown = al.show(line, "adapters")
    assert all(adapter["record"]["proof"] for adapter in shown)
    assert all(adapter["record"]["threads"] == 1 for adapter in shown)


def _train_in_child(path: Path, store: Path, *, kill_after: float | None = None) -> int:
    def work() -> None:
        os.environ["ADAPTLINE_CHECKPOINT_SECONDS"] = "0"
        al.run(path, "adapters", store=store, workers=1)

    return in_child(work, kill_after=kill_after)


@pytest.mark.slow
def test_ten_kills_in_training_change_no_byte(tmp_path: Path) -> None:
    path = make(tmp_path / "project")
    path.write_text(RECIPE.replace("epochs = 2", "epochs = 12\npatience = 0"))
    al.run(path, "clean", store=tmp_path / "prepared", workers=1)
    shutil.copytree(tmp_path / "prepared", tmp_path / "undisturbed")
    start = time.monotonic()
    assert _train_in_child(path, tmp_path / "undisturbed") == 0
    took = time.monotonic() - start
    expected = lines.payloads(tmp_path / "undisturbed")
    chance = random.Random(0)  # noqa: S311 - not for secrets
    in_training = resumed = 0
    for i in range(10):
        store = tmp_path / f"store-{i}"
        shutil.copytree(tmp_path / "prepared", store)
        killed = _train_in_child(path, store, kill_after=chance.uniform(0.2, 0.9) * took) == -signal.SIGKILL
        in_training += killed and bool(list(store.glob("work/*/checkpoint/*.json")))
        assert _train_in_child(path, store) == 0
        assert lines.payloads(store) == expected
        records = [json.loads(manifest.read_bytes())["record"] for manifest in store.glob("artifacts/*/*.json")]
        resumed += any(record.get("resumed_from_step", 0) > 0 for record in records)
    assert in_training >= 8
    assert resumed >= 5
