"""lora: low-rank updates of the encoder's linear layers learn, and the classification head."""

from typing import Annotated, Any

from adaptline.core.demands import above, at_least, between
from adaptline.core.registry import adapter
from adaptline.errors import UserError, did_you_mean


@adapter(version=1, lr=2e-3)
def lora(
    model: Any,
    *,
    rank: Annotated[int, at_least(1)] = 8,
    alpha: Annotated[float, above(0)] | None = None,
    dropout: Annotated[float, between(0, 1, high_too=False)] = 0.0,
    targets: list[str] | None = None,
) -> Any:
    """W x becomes W x + (alpha / rank) B A x, where A: (rank, inputs) and B: (outputs, rank) learn and W does not.

    Hu et al. 2021 (arXiv:2106.09685), by PEFT.

    Args:
        model: a sequence classifier of transformers.
        rank: of every update.
        alpha: scale of the updates; 2 * rank if not given.
        dropout: probability with which an input of A is zeroed in training.
        targets: ends of names of the linear layers to adapt, as PEFT takes them; all of the encoder if not given.

    Raises:
        UserError: a target that no linear layer's name ends with.
    """
    from peft import LoraConfig, TaskType, get_peft_model  # noqa: PLC0415 - planning a recipe must not import torch

    from adaptline.models.encoder import head_modules, linear_modules  # noqa: PLC0415 - the same

    layers = linear_modules(model)
    for target in targets or []:
        if not any(f".{layer}".endswith(f".{target}") for layer in layers):
            known = {layer.rpartition(".")[2] for layer in layers}
            raise UserError(f"lora: no linear layer is called {target!r}", do=did_you_mean(target, known))
    scale: Any = 2 * rank if alpha is None else alpha  # PEFT divides it by the rank; its annotation says int
    config = LoraConfig(
        task_type=TaskType.SEQ_CLS,
        r=rank,
        lora_alpha=scale,
        lora_dropout=dropout,
        target_modules=list(targets or layers),
        modules_to_save=head_modules(model),
    )
    return get_peft_model(model, config)
