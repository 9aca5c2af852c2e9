"""A trained classifier to a folder that plain PEFT or transformers reads, back again, and the proof that nothing was lost.

Knows file formats of models. Knows nothing of training. An adapter's folder needs its base beside it; a fully trained
model's folder stands alone. Files hold no path, date or library's whim: the same model gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel, get_peft_model_state_dict
from safetensors.torch import save_file
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from adaptline.errors import RunError, UserError
from adaptline.models.encoder import load_classifier, load_tokenizer
from adaptline.models.runtime import quiet

ADAPTER_CONFIG = "adapter_config.json"
LABELS = "labels.json"
TOLERANCE = 1e-5  # largest difference of logits in float32 between a model and its reloaded self


@dataclass(frozen=True)
class Trained:
    """A trained classifier, ready to score: the number of a label is its place in `labels`."""

    model: torch.nn.Module
    tokenizer: PreTrainedTokenizerBase
    labels: list[str]


def save_trained(model: torch.nn.Module, tokenizer: PreTrainedTokenizerBase, labels: Sequence[str], folder: Path, base: str) -> None:
    """Write the adapter's files, or the whole model with its tokenizer where no adapter is in it; and labels.json.

    Args:
        model: a PEFT model of one adapter, or a sequence classifier of transformers.
        tokenizer: the base's.
        labels: in the order of the head's outputs.
        folder: an existing folder.
        base: what the base is called; never a path that means something on one machine only.
    """
    if isinstance(model, PeftModel):
        _save_adapter(model, folder, base)
    else:
        _save_model(model, tokenizer, folder, base)
    write_json(folder / LABELS, {"labels": list(labels)})


def is_adapter(folder: Path) -> bool:
    """Whether the folder's model needs its base beside it."""
    return (folder / ADAPTER_CONFIG).exists()


def load_trained(folder: Path, base: Path) -> Trained:
    """The classifier of a folder written by save_trained, by plain PEFT and transformers; `base` is read for adapters only.

    Raises:
        UserError: the folder is not such a folder.
    """
    try:
        labels = json.loads((folder / LABELS).read_text("utf-8"))["labels"]
    except FileNotFoundError as error:
        raise UserError(f"no {LABELS}: not a trained classifier", where=folder) from error
    source = base if is_adapter(folder) else folder
    model: torch.nn.Module = load_classifier(source, labels)
    if is_adapter(folder):
        with quiet():
            model = PeftModel.from_pretrained(model, folder)
    return Trained(model.eval(), load_tokenizer(source), labels)


def prove(saved: torch.Tensor, measured: torch.Tensor, untrained: torch.Tensor) -> dict[str, Any]:
    """That a reloaded model scores as the trained one did, and not as the untrained one. All (rows, labels), float32.

    Raises:
        RunError: the export lost something, or the training changed nothing.
    """
    difference = (saved - measured).abs().max().item()
    changed = (saved - untrained).abs().max().item()
    same = torch.equal(saved.argmax(1), measured.argmax(1))
    if not difference <= TOLERANCE or not same:
        raise RunError(f"the saved model is not the trained one: reloaded, its scores differ by up to {difference:.3g}; nothing was written")
    if not changed > TOLERANCE:
        raise RunError("the training changed nothing: the saved model scores as the untrained one does; nothing was written")
    return {"rows": len(saved), "max_difference": difference, "same_predictions": same, "max_change_by_training": changed}


def write_json(path: Path, content: Any) -> None:
    """Sorted, indented, with a line's end: the same content gives the same bytes."""
    path.write_text(json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")


def _save_adapter(model: PeftModel, folder: Path, base: str) -> None:
    config = model.peft_config["default"].to_dict()
    config |= {"base_model_name_or_path": base, "inference_mode": True}
    ordered = {name: sorted(value) if isinstance(value, set | list) else value for name, value in config.items()}
    ordered["modules_to_save"] = sorted(set(config["modules_to_save"] or []))  # PEFT lists its own names again
    write_json(folder / ADAPTER_CONFIG, ordered)
    tensors = get_peft_model_state_dict(model, save_embedding_layers=False)  # "auto" would ask the hub about the base
    _save_tensors(tensors, folder / "adapter_model.safetensors")


def _save_model(model: torch.nn.Module, tokenizer: PreTrainedTokenizerBase, folder: Path, base: str) -> None:
    if not isinstance(model, PreTrainedModel):
        raise TypeError(f"neither a PEFT model nor one of transformers: {type(model).__name__}")
    with quiet():
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)


def _save_tensors(tensors: dict[str, torch.Tensor], path: Path) -> None:
    save_file({name: tensors[name].contiguous() for name in sorted(tensors)}, path, metadata={"format": "pt"})
