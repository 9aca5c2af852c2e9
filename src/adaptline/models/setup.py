"""From a base and rows to what the loop trains: a classifier made trainable by a method, and rows as numbers.

Knows seeds and methods by their call. Knows nothing of what a method does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import torch

from adaptline.core.artifacts import Use
from adaptline.errors import UserError
from adaptline.models.encoder import Classifier, load_base
from adaptline.models.loop import Examples
from adaptline.models.runtime import derive_seed, quiet
from adaptline.models.scoring import numbers_of


def trainable(base: Path, method: Use, labels: Sequence[str], seed: int, max_tokens: int) -> Classifier:
    """The base with a new head, made trainable by the method.

    Every seed is set before the weights that it draws. The head's do not depend on the method: two adapters of one seed
    start from the same head.
    """
    torch.manual_seed(derive_seed(seed, "head"))
    classifier = load_base(base, labels, max_tokens)
    torch.manual_seed(derive_seed(seed, "adapter"))
    with quiet():
        adapted = replace(classifier, model=method.load().function(classifier.model, **method.parameters))
    if not any(parameter.requires_grad for parameter in adapted.model.parameters()):
        raise UserError(f"adapter {method.use!r} leaves nothing to train")
    return adapted


def encode(classifier: Classifier, examples: pa.Table, split: str) -> Examples:
    """The rows of a split as numbers; `examples` as select_examples gives them."""
    chosen = examples.filter(pc.equal(examples["split"], split))
    return Examples(classifier.tokens(chosen["text"].to_pylist()), numbers_of(classifier, chosen["label"].to_pylist()))


def count_parameters(classifier: Classifier) -> dict[str, int]:
    """How many numbers learn, and how many there are."""
    sizes = [(parameter.numel(), parameter.requires_grad) for parameter in classifier.model.parameters()]
    return {"trainable": sum(size for size, learns in sizes if learns), "total": sum(size for size, _ in sizes)}
