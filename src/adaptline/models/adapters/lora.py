"""lora: low-rank updates of the linear layers learn, and a classifier's head."""

from typing import Annotated, Any

from adaptline.core.demands import above, at_least, between
from adaptline.core.registry import adapter
from adaptline.errors import UserError, did_you_mean


@adapter(version=1, lr=2e-3, writer_lr=2e-4)
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
        model: a sequence classifier or a causal language model of transformers.
        rank: of every update.
        alpha: scale of the updates; 2 * rank if not given.
        dropout: probability with which an input of A is zeroed in training.
        targets: ends of names of the linear layers to adapt, as PEFT takes them; all but a head's if not given.

    Raises:
        UserError: a target that no linear layer's name ends with.
    """
    from peft import LoraConfig, TaskType, get_peft_model  # noqa: PLC0415 - planning a recipe must not import torch

    from adaptline.models.modules import head_modules, linear_modules, transposed, writes  # noqa: PLC0415

    layers = linear_modules(model)
    for target in targets or []:
        if not any(f".{layer}".endswith(f".{target}") for layer in layers):
            known = {layer.rpartition(".")[2] for layer in layers}
            raise UserError(f"lora: no linear layer is called {target!r}", do=did_you_mean(target, known))
    scale: Any = 2 * rank if alpha is None else alpha  # PEFT divides it by the rank; its annotation says int
    config = LoraConfig(
        task_type=TaskType.CAUSAL_LM if writes(model) else TaskType.SEQ_CLS,
        r=rank,
        lora_alpha=scale,
        lora_dropout=dropout,
        target_modules=list(targets or layers),
        fan_in_fan_out=transposed(model),
        modules_to_save=head_modules(model) or None,
    )
    return get_peft_model(model, config)
