"""head: the encoder stays as it is; only the classification head learns."""

from typing import Any

from adaptline.core.registry import adapter


@adapter(version=1, lr=1e-2, suits=["classifier"])
def head(model: Any) -> Any:
    """The head is trainable, the encoder frozen: the cheapest way, and what the others have to beat.

    PEFT has no adapter that is a head alone, and refuses one that targets no layer. So this is a LoRA of rank 1 on one
    layer whose B is zero and stays so: it adds exactly nothing, and any PEFT loads the file.
    """
    from peft import LoraConfig, TaskType, get_peft_model  # noqa: PLC0415 - planning a recipe must not import torch

    from adaptline.models.modules import head_modules, linear_modules  # noqa: PLC0415 - the same

    config = LoraConfig(
        task_type=TaskType.SEQ_CLS,
        r=1,
        target_modules=linear_modules(model)[:1],
        modules_to_save=head_modules(model),
    )
    adapted = get_peft_model(model, config)
    for name, parameter in adapted.named_parameters():
        if "lora_" in name:
            parameter.requires_grad_(False)
    return adapted
