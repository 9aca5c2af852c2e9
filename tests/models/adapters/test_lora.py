from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tiny
import torch

from adaptline.errors import UserError
from adaptline.models.setup import trainable

LABELS = sorted(tiny.TELLING)


def adapted(base: Path, **parameters: Any) -> Any:
    return trainable(base, tiny.use("lora", **parameters), LABELS, 0, 16).model


def updates(model: Any) -> dict[str, torch.Tensor]:
    return {name: parameter for name, parameter in model.named_parameters() if "lora_" in name}


def test_every_linear_layer_of_the_encoder_by_default(base: Path) -> None:
    found = updates(adapted(base, rank=4))
    assert len(found) == 2 * 2 * 6  # A and B, two blocks, six layers each
    assert all(parameter.requires_grad and min(parameter.shape) == 4 for parameter in found.values())
    assert not any(word in name for name in found for word in ("pooler", "classifier", "embeddings"))


def test_targets_by_the_ends_of_their_names(base: Path) -> None:
    assert len(updates(adapted(base, targets=["query", "value"]))) == 8
    assert len(updates(adapted(base, targets=["output.dense"]))) == 8
    assert len(updates(adapted(base, targets=["bert.encoder.layer.1.intermediate.dense"]))) == 2


@pytest.mark.parametrize(
    ("given", "expected"), [({"rank": 4}, 2.0), ({"rank": 4, "alpha": 4.0}, 1.0), ({"rank": 8, "alpha": 2.0}, 0.25)]
)
def test_scale(base: Path, given: dict[str, Any], expected: float) -> None:
    model = adapted(base, **given)
    layer = model.base_model.model.bert.encoder.layer[0].attention.self.query
    assert layer.scaling == {"default": expected}


def test_the_update_is_b_times_a_times_the_scale(base: Path) -> None:
    layer = adapted(base, rank=4, alpha=6.0).base_model.model.bert.encoder.layer[0].attention.self.query.eval()
    a, b = layer.lora_A["default"].weight, layer.lora_B["default"].weight
    torch.nn.init.normal_(b)
    inputs = torch.randn(5, 32)
    expected = layer.base_layer(inputs) + inputs @ a.T @ b.T * 6.0 / 4
    assert torch.allclose(layer(inputs), expected, atol=1e-5)


def test_dropout_is_of_the_update_and_only_in_training(base: Path) -> None:
    layer = adapted(base, dropout=0.5).base_model.model.bert.encoder.layer[0].attention.self.query
    torch.nn.init.normal_(layer.lora_B["default"].weight)
    inputs = torch.randn(5, 32)
    assert not torch.equal(layer.train()(inputs), layer(inputs))
    assert torch.equal(layer.eval()(inputs), layer(inputs))


def test_a_target_that_is_no_layer(base: Path) -> None:
    with pytest.raises(UserError, match="no linear layer is called 'qury'") as caught:
        adapted(base, targets=["value", "qury"])
    assert caught.value.do == "Did you mean 'query'?"


@pytest.mark.parametrize("target", ["ery", "pooler.dense", "classifier", "LayerNorm"])
def test_a_target_is_a_whole_name_and_not_of_the_head(base: Path, target: str) -> None:
    with pytest.raises(UserError, match="no linear layer is called"):
        adapted(base, targets=[target])
