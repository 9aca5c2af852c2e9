"""Which modules of a model are its head, and which linear layers an adapter can stand on. Knows models of transformers."""

from __future__ import annotations

import torch
from peft import PeftModel
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

_POOLER = "pooler"  # the name of BERT-like encoders' last layer, which turns the first token's state into the text's


def writes(model: PreTrainedModel) -> bool:
    """Whether a model predicts the next token: it then has an output embedding, which classifiers have not."""
    return output_embedding(model) is not None


def head_modules(model: PreTrainedModel) -> list[str]:
    """Names of the modules that a classifier learns anew: all outside the encoder, and the encoder's pooler.

    The pooler counts as head because few bases hold a useful one: sentence encoders are trained with mean pooling, most
    masked language models without it. A model that writes has no head: nothing of it is new.
    """
    if writes(model):
        return []
    encoder = model.base_model_prefix
    names = [
        name for name, child in model.named_children() if name != encoder and any(True for _ in child.parameters())
    ]
    pooler = getattr(getattr(model, encoder), _POOLER, None)
    return [*names, f"{encoder}.{_POOLER}"] if pooler is not None else names


def head_parameters(model: torch.nn.Module) -> set[str]:
    """Names of the parameters in the modules of `head_modules`; the model may be wrapped by PEFT."""
    inner, prefix = (model.get_base_model(), "base_model.model.") if isinstance(model, PeftModel) else (model, "")
    head = tuple(f"{prefix}{name}." for name in head_modules(inner))  # type: ignore[arg-type]
    return {name for name, _ in model.named_parameters() if name.startswith(head)}


def linear_modules(model: PreTrainedModel) -> list[str]:
    """Names of the linear layers outside head and output embedding, in the order of the forward pass."""
    head, output = tuple(f"{name}." for name in head_modules(model)), output_embedding(model)
    linear = (
        name
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear | Conv1D) and module is not output
    )
    return [name for name in linear if not f"{name}.".startswith(head)]


def output_embedding(model: PreTrainedModel) -> torch.nn.Module | None:
    """The layer that turns a state into logits of the vocabulary; None for a model that reads only."""
    found: torch.nn.Module | None = model.get_output_embeddings()  # type: ignore[no-untyped-call]
    return found


def transposed(model: PreTrainedModel) -> bool:
    """Whether the linear layers hold their weights as (inputs, outputs), as GPT-2's do."""
    return any(isinstance(module, Conv1D) for module in model.modules())
