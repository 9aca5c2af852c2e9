"""bare: the base as it is, for the others to be compared with."""

from typing import Any

from adaptline.core.registry import adapter
from adaptline.errors import UserError


@adapter(version=1, lr=1.0, learns=False)
def bare(model: Any) -> Any:
    """The model itself, of which nothing learns.

    Raises:
        UserError: a base that reads only; without a trained head it says nothing.
    """
    from adaptline.models.modules import writes  # noqa: PLC0415 - planning a recipe must not import torch

    if not writes(model):
        raise UserError("bare: a base that does not write says nothing without a head", do='Use method = "head".')
    return model.requires_grad_(False)
