"""A base made trainable by a method: every seed set before what it draws.

Knows seeds and methods by their call. Knows nothing of what a method does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from adaptline.core.artifacts import Use
from adaptline.errors import UserError
from adaptline.models.bases import refuse_unsuited
from adaptline.models.encoder import Classifier, load_base
from adaptline.models.runtime import derive_seed, quiet
from adaptline.models.writer import Writer, load_writer


def trainable(base: Path, method: Use, labels: Sequence[str], seed: int, max_tokens: int) -> Classifier:
    """The base with a new head, made trainable by the method.

    Every seed is set before the weights that it draws. The head's do not depend on the method: two adapters of one seed
    start from the same head.
    """
    torch.manual_seed(derive_seed(seed, "head"))
    refuse_unsuited(method, "classifier")
    classifier = load_base(base, labels, max_tokens)
    return replace(classifier, model=_adapted(classifier.model, method, seed))


def trainable_writer(base: Path, method: Use, seed: int, max_tokens: int | None) -> Writer:
    """The base that writes, made trainable by the method."""
    refuse_unsuited(method, "writer")
    writer = load_writer(base, max_tokens)
    return replace(writer, model=_adapted(writer.model, method, seed))


def _adapted(model: torch.nn.Module, method: Use, seed: int) -> torch.nn.Module:
    torch.manual_seed(derive_seed(seed, "adapter"))
    found = method.load()
    with quiet():
        adapted: torch.nn.Module = found.function(model, **method.parameters)
    learns = any(parameter.requires_grad for parameter in adapted.parameters())
    if learns != found.options["learns"]:
        raise UserError(f"adapter {method.use!r} leaves {'something' if learns else 'nothing'} to train")
    return adapted


def count_parameters(model: torch.nn.Module) -> dict[str, int]:
    """How many numbers learn, and how many there are."""
    sizes = [(parameter.numel(), parameter.requires_grad) for parameter in model.parameters()]
    return {"trainable": sum(size for size, learns in sizes if learns), "total": sum(size for size, _ in sizes)}
