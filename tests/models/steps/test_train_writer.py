"""train on a base that writes: the same step, other lessons."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import tiny
import tiny_writer
import torch
from peft import PeftModel, get_peft_model_state_dict
from transformers import AutoModelForCausalLM, AutoTokenizer

from adaptline.core.grid import Node
from adaptline.core.recipe import Table
from adaptline.core.rows import Rows
from adaptline.errors import RunError, UserError
from adaptline.models import export
from adaptline.models.runtime import quiet
from adaptline.models.steps.train import _check, train


@pytest.fixture(scope="module")
def writing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_writer.write_base(tmp_path_factory.mktemp("bases") / "writing")


@pytest.fixture(scope="module")
def rows(shards: tiny.Shards) -> Rows:
    return shards.rows(tiny_writer.chats(72))


def run(
    folder: Path, base: Path, shards: tiny.Shards, rows: Rows, method: str = "lora", **given: Any
) -> tuple[Path, dict[str, Any]]:
    """The output and the record of train."""
    desk = tiny.make_desk(folder, shards.read)
    settings: dict[str, Any] = {"epochs": 2, "batch_size": 8, "precision": "fp32", "max_tokens": 64, "lr": 5e-3} | given
    record = train(rows, desk=desk, base=tiny.base_folder(base), method=tiny.use(method), **settings)
    return desk.output, record


def training_of(output: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((output / "training.json").read_text())
    return found


@pytest.mark.parametrize("method", ["lora", "full"])
def test_plain_peft_and_transformers_read_it(
    writing: Path, shards: tiny.Shards, rows: Rows, tmp_path: Path, method: str
) -> None:
    output, record = run(tmp_path, writing, shards, rows, method)
    assert record["proof"]["same_predictions"]
    assert record["proof"]["changed_by_training"] > 1e-3
    with quiet():
        model: Any
        if method == "lora":
            model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(writing), output)
        else:
            model = AutoModelForCausalLM.from_pretrained(output)
            assert AutoTokenizer.from_pretrained(output).eos_token_id == 2
    found = export.load_trained_writer(output, writing)
    ids = torch.tensor([found.prompt([{"role": "user", "content": "the red door"}])])
    with torch.no_grad():
        assert torch.allclose(model.eval()(ids).logits, found.model.eval()(ids).logits, atol=1e-5)


def test_what_is_told_of_it(writing: Path, shards: tiny.Shards, rows: Rows, tmp_path: Path) -> None:
    output, record = run(tmp_path, writing, shards, rows)
    told = training_of(output)
    assert {name: told["rows"][name] for name in ("train", "validation", "passed_over", "cut")} == {
        "train": 54,
        "validation": 9,
        "passed_over": {},
        "cut": 0,
    }
    assert told["rows"]["tokens_learnt"] > 54 * 3
    assert (told["settings"]["max_tokens"], told["settings"]["pack"]) == (64, False)
    assert told["validation"] == record["validation"]
    assert told["epochs"][1]["train_loss"] < told["epochs"][0]["train_loss"]
    assert json.loads((output / "writer.json").read_text())["max_tokens"] == 64
    consumed = pq.read_table(output / "consumed.parquet")
    assert consumed.num_rows == 63
    assert set(consumed["split"].to_pylist()) == {"train", "validation"}


def test_the_same_inputs_give_the_same_bytes(writing: Path, shards: tiny.Shards, rows: Rows, tmp_path: Path) -> None:
    outputs = [run(tmp_path / name, writing, shards, rows)[0] for name in ("one", "two")]
    assert tiny.payload(outputs[0]) == tiny.payload(outputs[1])


def test_packed_it_learns_the_same(writing: Path, shards: tiny.Shards, rows: Rows, tmp_path: Path) -> None:
    padded, _ = run(tmp_path / "padded", writing, shards, rows)
    packed, _ = run(tmp_path / "packed", writing, shards, rows, pack=True)
    losses = [training_of(output)["losses"] for output in (padded, packed)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_the_bare_base_is_a_candidate_of_which_nothing_learns(
    writing: Path, shards: tiny.Shards, rows: Rows, tmp_path: Path
) -> None:
    output, record = run(tmp_path, writing, shards, rows, "bare")
    assert pq.read_table(output / "consumed.parquet").num_rows == 0  # it saw none, and nothing is traced to it
    assert {path.name for path in output.iterdir()} == {"writer.json", "training.json", "consumed.parquet"}
    assert record["parameters"]["trainable"] == 0
    assert record["proof"]["changed_by_training"] == 0
    told = training_of(output)
    assert (told["losses"], told["best_epoch"], len(told["epochs"])) == ([], 1, 1)
    assert export.load_trained_writer(output, writing).max_tokens == 64


def test_a_writer_has_no_head_and_a_reader_is_nothing_bare(
    writing: Path, base: Path, shards: tiny.Shards, rows: Rows, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="adapter 'head' is for a base that reads only, and this one writes"):
        run(tmp_path / "head", writing, shards, rows, "head")
    labelled = shards.rows(tiny.records(72))
    with pytest.raises(UserError, match="adapter 'bare' is for a base that writes, and this one reads only"):
        run(tmp_path / "bare", base, shards, labelled, "bare", max_tokens=16)


def test_labels_are_answers_to_their_texts(writing: Path, shards: tiny.Shards, tmp_path: Path) -> None:
    output, _ = run(tmp_path, writing, shards, shards.rows(tiny.records(72)))
    assert training_of(output)["rows"]["tokens_learnt"] >= 54 * 2


def test_rows_that_end_with_a_question(writing: Path, shards: tiny.Shards, tmp_path: Path) -> None:
    found = tiny_writer.chats(12)
    found[2] = {"messages": [{"role": "user", "content": "the red door"}], "split": "train", "line": 3}
    with pytest.raises(
        UserError, match="row 3 has nothing to learn: it must end with what an assistant said"
    ) as caught:
        run(tmp_path, writing, shards, shards.rows(found))
    assert (caught.value.where, caught.value.line) == ("desk.jsonl", 3)


def test_a_saved_adapter_that_lost_something_is_not_written(
    writing: Path, shards: tiny.Shards, rows: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = get_peft_model_state_dict

    def without_b(*given: Any, **named: Any) -> dict[str, torch.Tensor]:
        found = original(*given, **named)
        return {name: torch.zeros_like(value) if "lora_B" in name else value for name, value in found.items()}

    monkeypatch.setattr(export, "get_peft_model_state_dict", without_b)
    with pytest.raises(RunError, match="the saved model is not the trained one"):
        run(tmp_path, writing, shards, rows)


def node(base: Path, method: str = "lora", **values: Any) -> Node:
    table = Table("adapters", "train", (), {}, ({},), None, {})
    return Node(table, {}, "weights", {"base": tiny.base_folder(base), "method": tiny.use(method), **values})


def test_what_is_refused_before_any_work(writing: Path, base: Path) -> None:
    _check(node(writing))
    _check(node(writing, pack=True, max_tokens=96))
    with pytest.raises(UserError, match="max_tokens is 97, and the base takes at most 96"):
        _check(node(writing, max_tokens=97))
    with pytest.raises(UserError, match="pack is for a base that writes"):
        _check(node(base, pack=True, max_tokens=16))
    with pytest.raises(UserError, match="adapter 'head' is for a base that reads only") as caught:
        _check(node(writing, "head"))
    assert getattr(caught.value, "place", None) == ("method",)
    with pytest.raises(UserError, match="adapter 'bare' is for a base that writes"):
        _check(node(base, "bare"))
