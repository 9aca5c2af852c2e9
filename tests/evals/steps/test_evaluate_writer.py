"""evaluate on a base that writes: what is asked, what is written, and how it is scored."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import tiny
import tiny_writer

from adaptline.core import keys
from adaptline.core.artifacts import Weights
from adaptline.core.rows import Rows
from adaptline.core.sources import find_tasks
from adaptline.errors import UserError
from adaptline.evals.steps.evaluate import evaluate
from adaptline.models import export
from adaptline.models.generating import write
from adaptline.models.steps.train import train

METRICS = """metrics = ["exact_match", { use = "bleu", case = "lower" }, "./mine.py:asked"]
"""
OWN = """
from adaptline import metric

@metric(version=1)
def asked(predictions, references, prompts):
    return [float(prompt.startswith("the ")) for prompt in prompts]
"""


@dataclass(frozen=True)
class World:
    base: Path
    shards: tiny.Shards
    rows: Rows
    weights: dict[str, Weights]
    tasks: Path


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    root = tmp_path_factory.mktemp("world")
    base, shards = tiny_writer.write_base(root / "base"), tiny.Shards()
    rows = shards.rows(tiny_writer.chats(160))
    made = {}
    for method in ("bare", "lora", "full"):
        desk, folder = tiny.make_desk(root / method, shards.read), tiny.base_folder(base)
        given: dict[str, Any] = {"epochs": 10, "batch_size": 8, "lr": 6e-3, "precision": "fp32", "max_tokens": 64}
        record = train(rows, desk=desk, base=folder, method=tiny.use(method), **given)
        digest = keys.folder_digest(desk.output)
        made[method] = Weights(desk.output, f"key of {method}", digest, {}, record, {"base": folder})
    tasks = root / "tasks"
    tasks.mkdir()
    (tasks / "mine.py").write_text(OWN)
    lines = [json.dumps(chat) for chat in tiny_writer.chats(24, seed=3)]
    (tasks / "colour.jsonl").write_text("\n".join(lines) + "\n")
    (tasks / "colour.toml").write_text('files = ["colour.jsonl"]\n' + METRICS)
    return World(base, shards, rows, made, tasks)


def run(world: World, folder: Path, method: str, **given: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    desk = tiny.make_desk(folder, world.shards.read)
    if not {"tasks", "rows"} & set(given):
        given["tasks"] = find_tasks("*.toml", world.tasks)
    evaluate(world.weights[method], given.pop("rows", None), desk=desk, max_new_tokens=12, **given)
    report: dict[str, Any] = json.loads((desk.output / "report.json").read_text("utf-8"))
    return report, pq.read_table(desk.output / "items.parquet").to_pylist()


@pytest.mark.parametrize("method", ["bare", "lora", "full"])
def test_predictions_are_what_the_weights_write(world: World, tmp_path: Path, method: str) -> None:
    report, items = run(world, tmp_path, method)
    writer = export.load_trained_writer(world.weights[method].path, world.base)
    for item, chat in zip(items, tiny_writer.chats(24, seed=3), strict=True):
        prompt = writer.prompt([{"role": "user", "content": chat["prompt"]}])
        (found,) = write(writer, [prompt], max_new_tokens=12)
        assert item["prediction"] == writer.said(found.tokens)
        assert item["label"] == chat["completion"]
        assert item["confidence"] is None
        assert item["exact_match"] == float(item["prediction"] == chat["completion"])
    if method != "bare":
        assert report["metrics"]["colour.exact_match"] > 0.5
    assert report["metrics"]["colour.asked"] == 1
    assert report["answers"]["colour"]["cut"] == 0
    assert "labels" not in report


def test_each_score_says_how_it_was_made(world: World, tmp_path: Path) -> None:
    report, _ = run(world, tmp_path, "bare")
    assert report["signatures"]["colour.bleu"].startswith("BLEU|nrefs:1|case:lc|eff:no|tok:13a|smooth:exp|version:2")
    assert set(report["signatures"]) == {"colour.exact_match", "colour.bleu"}
    assert report["bounds"]["colour.bleu"] == [0, 100]


def test_the_rows_of_a_split(world: World, tmp_path: Path) -> None:
    report, items = run(world, tmp_path, "lora", rows=world.rows, split="test")
    assert set(report["metrics"]) == {"test.rougeL", "test.chrf"}
    assert len(items) == 20
    assert all(item["shard"] and item["split"] == "test" for item in items)


def test_a_base_that_is_not_as_it_was(world: World, tmp_path: Path) -> None:
    other = tiny.base_folder(tiny_writer.write_base(tmp_path / "other", seed=8))
    found = world.weights["bare"]
    weights = Weights(found.path, found.key, found.digest, {}, found.record, {"base": other})
    desk = tiny.make_desk(tmp_path / "desk", world.shards.read)
    with pytest.raises(UserError, match=r"the base of these weights, 'base-.*', is not as it was"):
        evaluate(weights, desk=desk, tasks=find_tasks("*.toml", world.tasks))
