"""A trained classifier to a folder that plain PEFT or transformers reads, back again, and the proof that nothing was lost.

Knows file formats of models. Knows nothing of training. An adapter's folder needs its base beside it; a fully trained
model's folder stands alone. Files hold no path and no date: the same model gives the same bytes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel, get_peft_model_state_dict
from safetensors.torch import save_file
from transformers import PreTrainedModel

from adaptline.errors import RunError, UserError
from adaptline.models.encoder import Classifier, load_base
from adaptline.models.runtime import quiet

LABELS = "labels.json"
TOLERANCE = 1e-5  # largest difference of logits in float32 between a model and its reloaded self

_ADAPTER_CONFIG = "adapter_config.json"
_ADAPTER_WEIGHTS = "adapter_model.safetensors"


def save_trained(classifier: Classifier, folder: Path, base: str) -> None:
    """Write the adapter's files, or the whole model and its tokenizer where it has no adapter; and labels.json.

    Args:
        classifier: its model is a PEFT model of one adapter, or a sequence classifier of transformers.
        folder: an existing folder.
        base: what the base is called; never a path that means something on one machine only.
    """
    if isinstance(classifier.model, PeftModel):
        _save_adapter(classifier.model, folder, base)
    else:
        _save_model(classifier, folder)
    write_json(folder / LABELS, {"labels": list(classifier.labels), "max_tokens": classifier.max_tokens})


def is_adapter(folder: Path) -> bool:
    """Whether the folder's model needs its base beside it."""
    return (folder / _ADAPTER_CONFIG).exists()


def load_trained(folder: Path, base: Path) -> Classifier:
    """The classifier that save_trained wrote, by plain PEFT and transformers; `base` is read only if it is an adapter.

    Raises:
        UserError: the folder holds no such classifier.
    """
    try:
        facts = json.loads((folder / LABELS).read_text("utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"no {LABELS}: not a trained classifier", where=folder) from error
    if not is_adapter(folder):
        return load_base(folder, facts["labels"], facts["max_tokens"])
    found = load_base(base, facts["labels"], facts["max_tokens"])
    with quiet():
        model = PeftModel.from_pretrained(found.model, folder)
    return Classifier(model, found.tokenizer, found.labels, found.max_tokens)


def prove(saved: torch.Tensor, measured: torch.Tensor, untrained: torch.Tensor) -> dict[str, Any]:
    """That a reloaded model scores as the trained one did, and not as the untrained one.

    Args:
        saved: logits of the reloaded model, (rows, labels), float32.
        measured: those of the trained model in memory, of the same batches.
        untrained: those of the model before it was trained.

    Raises:
        RunError: the export lost something, or the training changed nothing.
    """
    difference = (saved - measured).abs().max().item()
    same = torch.equal(saved.argmax(1), measured.argmax(1))
    if not difference <= TOLERANCE or not same:  # not: a NaN must not pass
        raise RunError(
            f"the saved model is not the trained one: read back, its scores differ by up to {difference:.3g}"
        )
    changed = (saved - untrained).abs().max().item()
    if not changed > TOLERANCE:
        raise RunError("the training changed nothing: the saved model scores as it did before")
    return {"rows": len(saved), "max_difference": difference, "same_predictions": same, "changed_by_training": changed}


def write_json(path: Path, content: Any) -> None:
    """Sorted, indented, with a line's end: the same content gives the same bytes."""
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    path.write_text(f"{text}\n", "utf-8")


def _save_adapter(model: PeftModel, folder: Path, base: str) -> None:
    config = model.peft_config["default"].to_dict()
    config |= {"base_model_name_or_path": base, "inference_mode": True}
    config["modules_to_save"] = set(config["modules_to_save"])  # PEFT adds its own names again
    # A set's order changes from process to process.
    write_json(
        folder / _ADAPTER_CONFIG,
        {key: sorted(value) if isinstance(value, set) else value for key, value in config.items()},
    )
    tensors = get_peft_model_state_dict(model, save_embedding_layers=False)  # "auto" would ask the hub about the base
    save_file(
        {name: value.contiguous() for name, value in tensors.items()}, folder / _ADAPTER_WEIGHTS, {"format": "pt"}
    )


def _save_model(classifier: Classifier, folder: Path) -> None:
    if not isinstance(classifier.model, PreTrainedModel):
        raise TypeError(f"neither a PEFT model nor one of transformers: {type(classifier.model).__name__}")
    with quiet():
        classifier.model.save_pretrained(folder)
        backend = getattr(classifier.tokenizer, "backend_tokenizer", None)
        if backend is not None:  # it would save how long the last texts might be
            backend.no_truncation()
            backend.no_padding()
        classifier.tokenizer.save_pretrained(folder)
