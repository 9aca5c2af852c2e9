"""full: every weight of the base learns."""

from typing import Any

from adaptline.core.registry import adapter


@adapter(version=1, lr=2e-4, head_rate=20.0, writer_lr=2e-5)
def full(model: Any) -> Any:
    """The model itself, all of it trainable: the most accurate and the most expensive way, one whole model per task."""
    return model.requires_grad_(True)
