"""train: a base and labelled rows to weights: an adapter, or a whole model."""

import os
import time
from typing import TYPE_CHECKING, Annotated, Any

from adaptline.core import keys
from adaptline.core.artifacts import Desk, Use
from adaptline.core.registry import step
from adaptline.core.rows import Rows
from adaptline.core.sources import Folder
from adaptline.errors import UserError
from adaptline.models.precision import Precision, resolve_precision

if TYPE_CHECKING:
    import pyarrow as pa

_CHECKPOINT_SECONDS = "60"


@step(version=1, output="weights", auto={"precision": resolve_precision})
def train(
    rows: Rows,
    *,
    desk: Desk,
    base: Folder,
    method: Annotated[Use, "adapter"],
    seed: int = 0,
    epochs: int = 3,
    batch_size: int = 16,
    accumulate: int = 1,
    lr: float | None = None,
    warmup: float = 0.1,
    weight_decay: float = 0.01,
    max_tokens: int = 128,
    patience: int | None = 2,
    precision: Precision = "auto",
) -> dict[str, Any]:
    """pass"""
