from __future__ import annotations

from pathlib import Path

import pytest
import tiny
import torch

from adaptline.errors import UserError
from adaptline.models.modules import head_parameters
from adaptline.models.setup import count_parameters, trainable

LABELS = sorted(tiny.TELLING)


def head_of(model: torch.nn.Module) -> set[tuple[float, ...]]:
    names = head_parameters(model)
    learning = (value for name, value in model.named_parameters() if name in names and value.requires_grad)
    return {tuple(value.flatten().tolist()) for value in learning}


def test_adapters_of_one_seed_start_from_one_head(base: Path) -> None:
    heads = [head_of(trainable(base, tiny.use(name), LABELS, 5, 16).model) for name in ("head", "lora", "full")]
    assert heads[0] == heads[1] == heads[2]
    assert len(heads[0]) == 4


def test_the_seed_decides_every_first_weight(base: Path) -> None:
    def first_weights(seed: int) -> dict[str, torch.Tensor]:
        torch.rand(3)  # what was drawn before does not matter
        return dict(trainable(base, tiny.use("lora"), LABELS, seed, 16).model.named_parameters())

    one, again, other = first_weights(1), first_weights(1), first_weights(2)
    assert all(torch.equal(one[name], again[name]) for name in one)
    drawn = [name for name in one if "lora_A" in name or name.endswith("classifier.modules_to_save.default.weight")]
    assert len(drawn) == 13
    assert not any(torch.equal(one[name], other[name]) for name in drawn)


def test_an_adapter_before_training_adds_nothing(base: Path) -> None:
    rows = trainable(base, tiny.use("full"), LABELS, 5, 16).tokens(["soup and bread"])
    scores = [
        trainable(base, tiny.use(name), LABELS, 5, 16).model.eval()(torch.tensor(rows)).logits
        for name in ("full", "head", "lora")
    ]
    assert torch.equal(scores[0], scores[1])
    assert torch.equal(scores[0], scores[2])


def test_counts(base: Path) -> None:
    assert count_parameters(trainable(base, tiny.use("full"), LABELS, 0, 16).model) == {
        "trainable": 20227,
        "total": 20227,
    }
    pooler, classifier = 32 * 32 + 32, 32 * 3 + 3
    assert count_parameters(trainable(base, tiny.use("head"), LABELS, 0, 16).model)["trainable"] == pooler + classifier
    of_rank = 2 * (4 * (32 + 32) + 2 * (32 + 64))  # four square layers and two of the feed-forward part, in two blocks
    found = count_parameters(trainable(base, tiny.use("lora", rank=3), LABELS, 0, 16).model)
    assert found["trainable"] == 3 * of_rank + pooler + classifier


def test_an_adapter_of_ones_own(base: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from adaptline.core.registry import adapter\n"
        "@adapter(version=1, lr=1e-3)\n"
        "def biases(model, *, only='bias'):\n"
        "    for name, parameter in model.named_parameters():\n"
        "        parameter.requires_grad_(name.endswith(only) or name.startswith('classifier'))\n"
        "    return model\n"
        "@adapter(version=1, lr=1e-3)\n"
        "def nothing(model):\n"
        "    return model.requires_grad_(False)\n"
    )
    found = trainable(base, tiny.use("./mine.py:biases", tmp_path), LABELS, 0, 16)
    assert 0 < count_parameters(found.model)["trainable"] < 2000
    with pytest.raises(UserError, match="leaves nothing to train"):
        trainable(base, tiny.use("./mine.py:nothing", tmp_path), LABELS, 0, 16)
