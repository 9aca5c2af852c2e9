"""bare: the base as it is, for the others to be compared with."""

from typing import Any

from adaptline.core.registry import adapter


@adapter(version=2, lr=1.0, learns=False, suits=["writer"])
def bare(model: Any) -> Any:
    """The model itself, of which nothing learns. A base that reads only would say nothing without a trained head."""
    return model.requires_grad_(False)
