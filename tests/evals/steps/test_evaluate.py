from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sklearn.metrics
import tiny
import torch
from peft import PeftModel
from transformers import AutoModelForSequenceClassification

from adaptline.core import keys
from adaptline.core.artifacts import Weights
from adaptline.core.rows import Rows
from adaptline.core.sources import find_tasks
from adaptline.errors import RunError, UserError
from adaptline.evals.steps.evaluate import evaluate
from adaptline.evals.tasks import usual_metrics
from adaptline.models.runtime import quiet
from adaptline.models.steps.train import train

LABELS = sorted(tiny.TELLING)


OWN = """
from adaptline import metric

@metric(version=1)
def own(predictions, references):
    return {}
"""


@dataclass(frozen=True)
class World:
    """Weights of a tiny adapter and of a tiny model, the rows that they learnt from, and a task."""

    base: Path
    shards: tiny.Shards
    rows: Rows
    adapter: Weights
    whole: Weights
    tasks: Path


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    root = tmp_path_factory.mktemp("world")
    base, shards = tiny.write_base(root / "tiny"), tiny.Shards()
    rows = shards.rows(tiny.records(160))
    made = {}
    for method, lr in (("lora", 5e-3), ("full", 1e-3)):
        desk = tiny.make_desk(root / method, shards.read)
        settings: dict[str, Any] = {
            "epochs": 10,
            "batch_size": 8,
            "patience": 0,
            "precision": "fp32",
            "max_tokens": 16,
            "lr": lr,
        }
        folder = tiny.base_folder(base)
        record = train(rows, desk=desk, base=folder, method=tiny.use(method), **settings)
        digest = keys.folder_digest(desk.output)
        made[method] = Weights(
            desk.output, f"key of {method}", digest, {"method": method, "seed": 0}, record, {"base": folder}
        )
    (root / "tasks").mkdir()
    write_task(root / "tasks", "route", tiny.records(60, seed=5))
    return World(base, shards, rows, made["lora"], made["full"], root / "tasks")


def write_task(folder: Path, name: str, items: list[dict[str, Any]], settings: str = "") -> None:
    lines = [json.dumps({"text": item["text"], "label": item["label"]}) for item in items]
    (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    (folder / f"{name}.toml").write_text(f'files = ["{name}.jsonl"]\n{settings}')


def run(
    world: World, folder: Path, weights: Weights | None = None, **given: Any
) -> tuple[dict[str, Any], pa.Table, dict[str, Any]]:
    """report.json, items.parquet and the record; scores the task "route" if nothing else is asked for."""
    if not {"tasks", "rows"} & set(given):
        given["tasks"] = find_tasks("route.toml", world.tasks)
    desk = tiny.make_desk(folder, world.shards.read, given.pop("progress", lambda *_: None))
    record = evaluate(weights or world.adapter, given.pop("rows", None), desk=desk, **given)
    report: dict[str, Any] = json.loads((desk.output / "report.json").read_text("utf-8"))
    return report, pq.read_table(desk.output / "items.parquet"), record


def test_predictions_are_those_of_plain_peft(world: World, tmp_path: Path) -> None:
    _, items, _ = run(world, tmp_path)
    with quiet():
        model = AutoModelForSequenceClassification.from_pretrained(world.base, num_labels=3)
        model = PeftModel.from_pretrained(model, world.adapter.path).eval()
    vocabulary = json.loads((world.base / "tokenizer.json").read_text())["model"]["vocab"]
    for item, row in zip(items.to_pylist(), tiny.records(60, seed=5), strict=True):
        tokens = [2, *(vocabulary[word] for word in row["text"].split()), 3]
        probabilities = model(torch.tensor([tokens])).logits.double().softmax(1)[0]
        assert item["prediction"] == LABELS[int(probabilities.argmax())]
        assert item["confidence"] == pytest.approx(probabilities.max().item(), abs=1e-6)
        assert item["label"] == row["label"]


def test_items(world: World, tmp_path: Path) -> None:
    _, items, _ = run(world, tmp_path)
    assert items.schema == pa.schema(
        [
            ("task", pa.string()),
            ("item", pa.int64()),
            ("prediction", pa.string()),
            ("label", pa.string()),
            ("confidence", pa.float64()),
            ("accuracy", pa.float64()),
            ("macro_f1", pa.float64()),
            ("shard", pa.string()),
            ("row", pa.int64()),
            ("split", pa.string()),
        ]
    )
    assert set(items["task"].to_pylist()) == {"route"}
    assert items["item"].to_pylist() == list(range(60))
    assert items["shard"].null_count == items["row"].null_count == items["split"].null_count == 60
    right = [
        float(said == label)
        for said, label in zip(items["prediction"].to_pylist(), items["label"].to_pylist(), strict=True)
    ]
    assert items["accuracy"].to_pylist() == right


def test_the_report_as_scikit_learn_counts(world: World, tmp_path: Path) -> None:
    report, items, record = run(world, tmp_path)
    true, said = items["label"].to_pylist(), items["prediction"].to_pylist()
    assert report["metrics"]["route.accuracy"] == pytest.approx(sklearn.metrics.accuracy_score(true, said))
    f1 = sklearn.metrics.f1_score(true, said, average="macro", labels=sorted(set(true)), zero_division=0)
    assert report["metrics"]["route.macro_f1"] == pytest.approx(f1)
    assert report["metrics"]["route.accuracy"] > 0.6, "the adapter learnt nothing, so the test compares nothing"
    precision, recall, _, count = sklearn.metrics.precision_recall_fscore_support(true, said, labels=LABELS)
    for number, label in enumerate(LABELS):
        found = report["labels"]["route"][label]
        assert found == pytest.approx(
            {"count": count[number], "recall": recall[number], "precision": precision[number]}
        )
    matrix = sklearn.metrics.confusion_matrix(true, said, labels=LABELS)
    assert {(c["label"], c["prediction"]): c["count"] for c in report["confusions"]["route"]} == {
        (LABELS[i], LABELS[j]): matrix[i, j] for i in range(3) for j in range(3) if i != j and matrix[i, j]
    }
    counts = [confusion["count"] for confusion in report["confusions"]["route"]]
    assert counts == sorted(counts, reverse=True)
    assert record["metrics"] == report["metrics"]
    assert record["items"] == 60


def test_the_report_says_what_it_is_about(world: World, tmp_path: Path) -> None:
    report, _, _ = run(world, tmp_path)
    weights = world.adapter
    assert report["weights"] == {"digest": weights.digest}
    assert report["parameters"] == weights.record["parameters"]
    validation = weights.record["validation"]
    assert report["validation"] == {**validation, "score": validation["accuracy"]}
    assert report["items"] == {"route": 60}
    assert report["unseen_labels"] == {"route": {}}


@pytest.mark.parametrize("kind", ["adapter", "whole"])
def test_the_same_inputs_give_the_same_bytes(world: World, tmp_path: Path, kind: str) -> None:
    for name in ("one", "two"):
        run(world, tmp_path / name, getattr(world, kind))
    assert tiny.payload(tmp_path / "one" / "output") == tiny.payload(tmp_path / "two" / "output")


def test_batches_change_no_prediction(world: World, tmp_path: Path) -> None:
    _, one, _ = run(world, tmp_path / "one", batch_size=1)
    _, many, _ = run(world, tmp_path / "many", batch_size=60)
    assert one["prediction"] == many["prediction"]
    assert one["confidence"].to_pylist() == pytest.approx(many["confidence"].to_pylist(), abs=1e-6)


def test_a_whole_model_needs_no_base(world: World, tmp_path: Path) -> None:
    with_base, _, _ = run(world, tmp_path / "with", world.whole)
    without, _, _ = run(world, tmp_path / "without", replace(world.whole, folders={}))
    assert with_base == without
    assert with_base["metrics"]["route.accuracy"] > 0.6


def test_a_split_of_rows_is_a_task_of_that_name(world: World, tmp_path: Path) -> None:
    report, items, _ = run(world, tmp_path, rows=world.rows)
    assert set(report["metrics"]) == {"test.accuracy", "test.macro_f1"}
    tables = {shard.text.digest: world.shards.read(shard.text) for shard in world.rows.shards}
    assert items.num_rows == 20
    for item in items.to_pylist():
        row = tables[item["shard"]].slice(item["row"], 1).to_pylist()[0]
        assert (row["split"], row["label"]) == (item["split"], item["label"])
    assert set(items["split"].to_pylist()) == {"test"}


def test_another_split(world: World, tmp_path: Path) -> None:
    """The validation split scored here is what training said of it."""
    report, _, _ = run(world, tmp_path, rows=world.rows, split="validation")
    assert report["metrics"]["validation.accuracy"] == world.adapter.record["validation"]["accuracy"]


def test_tasks_and_rows_together_each_with_its_metrics(world: World, tmp_path: Path) -> None:
    write_task(tmp_path, "short", tiny.records(9, seed=6), 'metrics = ["macro_f1"]')
    told: list[tuple[int, int, str]] = []
    report, items, _ = run(
        world,
        tmp_path / "desk",
        rows=world.rows,
        tasks=find_tasks("short.toml", tmp_path),
        metrics=usual_metrics(None, "classifier")[:1],
        progress=lambda *of: told.append(of),
    )
    assert set(report["metrics"]) == {"short.macro_f1", "test.accuracy"}
    short = items.filter(pa.compute.equal(items["task"], "short"))
    assert short["accuracy"].null_count == short.num_rows == 9
    assert short["macro_f1"].null_count == 0
    assert items["item"].to_pylist() == [*range(9), *range(20)]
    assert told == [(0, 2, "short"), (1, 2, "test")]


def test_labels_never_seen_in_training_are_wrong_and_reported(world: World, tmp_path: Path) -> None:
    items = [*tiny.records(10, seed=6), *[{"text": "soup", "label": "taxi"}] * 3]
    write_task(tmp_path, "route", items)
    report, _, _ = run(world, tmp_path / "desk", tasks=find_tasks("route.toml", tmp_path))
    assert report["unseen_labels"] == {"route": {"taxi": 3}}
    assert report["labels"]["route"]["taxi"] == {"count": 3, "recall": 0.0, "precision": None}
    assert sum(c["count"] for c in report["confusions"]["route"] if c["label"] == "taxi") == 3


def test_a_label_that_no_item_has_has_no_recall(world: World, tmp_path: Path) -> None:
    write_task(tmp_path, "route", [{"text": "soup bread salad", "label": "taxi"}])
    report, items, _ = run(world, tmp_path / "desk", tasks=find_tasks("route.toml", tmp_path))
    said = items["prediction"][0].as_py()
    assert report["labels"]["route"][said] == {"count": 0, "recall": None, "precision": 0.0}


def test_nothing_to_evaluate_on(world: World, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing to evaluate on"):
        run(world, tmp_path / "none", tasks=None)
    with pytest.raises(UserError, match='no row is left in the split "nobody"'):
        run(world, tmp_path / "no rows", rows=world.rows, split="nobody")


def test_two_tasks_of_one_name(world: World, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_task(tmp_path, name, tiny.records(8), 'name = "route"')
    with pytest.raises(UserError, match="two tasks are called 'route'"):
        run(world, tmp_path / "desk", tasks=find_tasks("*.toml", tmp_path))
    write_task(tmp_path, "c", tiny.records(8), 'name = "test"')
    with pytest.raises(UserError, match="two tasks are called 'test'"):
        run(world, tmp_path / "other", tasks=find_tasks("c.toml", tmp_path), rows=world.rows)


def test_an_unknown_metric_is_an_error_before_any_work(world: World, tmp_path: Path) -> None:
    write_task(tmp_path, "route", tiny.records(8), 'metrics = ["acuracy"]')
    with pytest.raises(UserError, match="unknown metric 'acuracy'"):
        run(
            world,
            tmp_path / "desk",
            replace(world.adapter, path=tmp_path / "never opened"),
            tasks=find_tasks("route.toml", tmp_path),
        )


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ("[1.0]", "./mine.py:own failed: ValueError: 1 scores for 9 items"),
        ("[float('nan') for _ in predictions]", "./mine.py:own gives a score that is no finite number"),
        ("1 / 0", "./mine.py:own failed: mine.py, line 6: ZeroDivisionError"),
    ],
)
def test_a_metric_of_ones_own_that_fails(world: World, tmp_path: Path, returned: str, message: str) -> None:
    (tmp_path / "mine.py").write_text(OWN.format(returned))
    write_task(tmp_path, "short", tiny.records(9, seed=6), 'metrics = ["./mine.py:own"]')
    with pytest.raises(RunError, match=message):
        run(world, tmp_path / "desk", tasks=find_tasks("short.toml", tmp_path))


def test_a_metric_beyond_its_own_bounds_is_refused(world: World, tmp_path: Path) -> None:
    own = OWN.format("[50.0 for _ in predictions]").replace("version=1", "version=1, bounds=(0, 1)")
    (tmp_path / "mine.py").write_text(own)
    write_task(tmp_path, "short", tiny.records(9, seed=6), 'metrics = ["./mine.py:own"]')
    with pytest.raises(RunError, match=r"gives a mean of 50, beyond its bounds of 0 to 1"):
        run(world, tmp_path / "desk", tasks=find_tasks("short.toml", tmp_path))


def test_a_metric_of_ones_own_is_scored_beside_the_others(world: World, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(OWN.format("[float(len(said)) for said in predictions]"))
    write_task(tmp_path, "short", tiny.records(9, seed=6), 'metrics = ["accuracy", "./mine.py:own"]')
    report, items, _ = run(world, tmp_path / "desk", tasks=find_tasks("short.toml", tmp_path))
    assert items["own"].to_pylist() == [float(len(said)) for said in items["prediction"].to_pylist()]
    assert report["metrics"]["short.own"] == pytest.approx(sum(items["own"].to_pylist()) / 9)


def test_a_metric_of_ones_own_may_ask_for_prompts_and_say_what_it_is_called(world: World, tmp_path: Path) -> None:
    own = OWN.format("[float(len(asked)) for asked in prompts]").replace("references)", "references, prompts, *, a=1)")
    (tmp_path / "mine.py").write_text(
        own.replace("version=1", "version=1, signature=lambda references, prompts, a: f'{len(prompts)}|a:{a}'")
    )
    settings = 'metrics = ["./mine.py:own", { use = "./mine.py:own", name = "other", a = 2 }]'
    write_task(tmp_path, "short", tiny.records(9, seed=6), settings)
    report, items, _ = run(world, tmp_path / "desk", tasks=find_tasks("short.toml", tmp_path))
    lengths = [float(len(record["text"])) for record in tiny.records(9, seed=6)]
    assert items["own"].to_pylist() == items["other"].to_pylist() == lengths
    assert set(report["metrics"]) == set(report["bounds"]) == {"short.own", "short.other"}
    assert report["signatures"] == {"short.own": "9|a:1", "short.other": "9|a:2"}


def test_a_metric_of_texts_is_reported_with_its_signature(world: World, tmp_path: Path) -> None:
    settings = 'metrics = ["accuracy", { use = "bleu", case = "lower" }, "chrf", "rougeL"]'
    write_task(tmp_path, "short", tiny.records(9, seed=6), settings)
    report, items, _ = run(world, tmp_path / "desk", tasks=find_tasks("short.toml", tmp_path))
    assert set(report["signatures"]) == {"short.bleu", "short.chrf", "short.rougeL"}
    assert report["signatures"]["short.bleu"].startswith("BLEU|nrefs:1|case:lc|eff:no|tok:13a|smooth:exp|version:")
    assert report["bounds"]["short.chrf"] == [0, 100]
    assert report["metrics"]["short.rougeL"] == pytest.approx(report["metrics"]["short.accuracy"]), "labels of a word"
    assert report["metrics"]["short.bleu"] == pytest.approx(sum(items["bleu"].to_pylist()) / 9)


def test_items_that_a_metric_cannot_judge_are_refused_before_any_is_answered(world: World, tmp_path: Path) -> None:
    write_task(tmp_path, "short", tiny.records(9, seed=6), 'metrics = ["slots"]')
    told: list[Any] = []
    with pytest.raises(UserError, match="item 1 has no value"):
        run(
            world,
            tmp_path / "desk",
            tasks=find_tasks("short.toml", tmp_path),
            progress=lambda *said: told.append(said),
        )
    assert told == []


def test_a_mean_that_misses_its_bound_by_rounding_is_none_beyond_it(world: World, tmp_path: Path) -> None:
    own = OWN.format("[1.0 + 1e-13 for _ in predictions]").replace("version=1", "version=1, bounds=(0, 1)")
    (tmp_path / "mine.py").write_text(own)
    write_task(tmp_path, "short", tiny.records(9, seed=6), 'metrics = ["./mine.py:own"]')
    run(world, tmp_path / "desk", tasks=find_tasks("short.toml", tmp_path))


def test_a_base_that_is_missing_or_changed(world: World, tmp_path: Path) -> None:
    changed = Path(shutil.copytree(world.base, tmp_path / "tiny"))
    (changed / "config.json").write_text((changed / "config.json").read_text() + "\n")
    with pytest.raises(UserError, match=r"the base of these weights, 'base-[0-9a-f]+', is not as it was") as caught:
        run(world, tmp_path / "one", replace(world.adapter, folders={"base": tiny.base_folder(changed)}))
    assert caught.value.where == changed
    with pytest.raises(UserError, match=r"the base of these weights, 'base-[0-9a-f]+', is missing"):
        run(world, tmp_path / "two", replace(world.adapter, folders={}))


def test_no_file_holds_a_path(world: World, tmp_path: Path) -> None:
    run(world, tmp_path)
    for path in (tmp_path / "output").iterdir():
        assert str(world.base.parent).encode() not in path.read_bytes(), path.name
