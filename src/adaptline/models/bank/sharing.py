"""One copy of a base's weights for all models that stand on it.

Knows parameters, and how PEFT renames those that it wraps. Knows nothing of labels, releases or requests.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from peft import PeftModel
from torch import Tensor, nn

_WRAPPED = (
    ".base_layer.",
    ".original_module.",
)  # what PEFT puts into the name of a layer that it adapts, or trains a copy of

Weights = Mapping[str, nn.Parameter]


def weights_of(base: nn.Module) -> Weights:
    """The parameters of a base by name, to be shared by models that are not trained any more."""
    return dict(base.requires_grad_(False).named_parameters())


def share(model: nn.Module, weights: Weights) -> None:
    """Lets a model use the weights of its base instead of its own, where they are the same bit for bit.

    What a training changed differs and stays the model's own, and so does what the base has not: adapters and heads.
    """
    inner: nn.Module = model.get_base_model() if isinstance(model, PeftModel) else model
    for name, own in list(inner.named_parameters(remove_duplicate=False)):
        shared = weights.get(_name_in_base(name))
        if shared is not None and _same(own, shared):
            place, _, last = name.rpartition(".")
            setattr(inner.get_submodule(place), last, shared)


def _name_in_base(name: str) -> str:
    for part in _WRAPPED:
        name = name.replace(part, ".")
    return name


def _same(one: Tensor, other: Tensor) -> bool:
    if one.shape != other.shape or one.dtype != torch.float32 or other.dtype != torch.float32:
        return False
    return torch.equal(one.detach().view(torch.int32), other.detach().view(torch.int32))  # 0 is not -0
