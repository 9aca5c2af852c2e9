from __future__ import annotations

from pathlib import Path

import tiny
import torch

from adaptline.models.setup import trainable

LABELS = sorted(tiny.TELLING)


def test_only_classifier_and_pooler_learn(base: Path) -> None:
    model = trainable(base, tiny.use("head"), LABELS, 0, 16).model
    learning = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    inside = {name.removeprefix("base_model.model.").replace(".modules_to_save.default", "") for name in learning}
    assert inside == {
        f"{module}.{part}" for module in ("classifier", "bert.pooler.dense") for part in ("weight", "bias")
    }


def test_the_lora_that_carries_it_is_zero_and_frozen(base: Path) -> None:
    model = trainable(base, tiny.use("head"), LABELS, 0, 16).model
    carried = {name: parameter for name, parameter in model.named_parameters() if "lora_" in name}
    assert len(carried) == 2
    assert not any(parameter.requires_grad for parameter in carried.values())
    assert all(torch.count_nonzero(parameter) == 0 for name, parameter in carried.items() if "lora_B" in name)
    assert all(min(parameter.shape) == 1 for parameter in carried.values())
