"""A trained model to a folder that plain PEFT or transformers reads, back again, and the proof that nothing was lost.

Knows file formats of models. Knows nothing of training. An adapter's folder needs its base beside it; a fully trained
model's folder stands alone. Files hold no path and no date: the same model gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel, get_peft_model_state_dict
from safetensors.torch import save_file
from transformers import PreTrainedModel

from adaptline.errors import RunError, UserError
from adaptline.models.encoder import Classifier, load_base
from adaptline.models.lesson import Outcome
from adaptline.models.runtime import quiet
from adaptline.models.writer import Writer, load_writer

LABELS = "labels.json"  # what a trained classifier's folder holds beside its weights
WRITER = "writer.json"  # and a writer's
TOLERANCE = 1e-5  # largest difference of numbers in float32 between a model and its reloaded self

_ADAPTER_CONFIG = "adapter_config.json"
_ADAPTER_WEIGHTS = "adapter_model.safetensors"


def save_trained(classifier: Classifier, folder: Path, base: str) -> None:
    """Write the adapter's files, or the whole model and its tokenizer where it has no adapter; and labels.json.

    Args:
        classifier: its model is a PEFT model of one adapter, or a sequence classifier of transformers.
        folder: an existing folder.
        base: what the base is called; never a path that means something on one machine only.
    """
    _save(classifier, folder, base)
    write_json(folder / LABELS, {"labels": list(classifier.labels), "max_tokens": classifier.max_tokens})


def save_writer(writer: Writer, folder: Path, base: str) -> None:
    """The same for a writer, and writer.json; of a bare base, of which nothing learns, writer.json alone."""
    bare = not isinstance(writer.model, PeftModel) and not any(p.requires_grad for p in writer.model.parameters())
    if not bare:
        _save(writer, folder, base)
    facts = {"bare": bare, "max_tokens": writer.max_tokens, "chat_template": writer.template}
    write_json(folder / WRITER, facts)


def is_writer(folder: Path) -> bool:
    """Whether the folder's model writes; else it is a classifier."""
    return (folder / WRITER).exists()


def needs_base(folder: Path) -> bool:
    """Whether the folder's model is nothing without its base: an adapter, or a bare base's stand-in."""
    return (folder / _ADAPTER_CONFIG).exists() or not any(folder.glob("*.safetensors"))


def load_trained(folder: Path, base: Path) -> Classifier:
    """The classifier that save_trained wrote, by plain PEFT and transformers; `base` is read only if it is an adapter.

    Raises:
        UserError: the folder holds no such classifier.
    """
    facts = _facts(folder, LABELS, "classifier")
    if not needs_base(folder):
        return load_base(folder, facts["labels"], facts["max_tokens"])
    found = load_base(base, facts["labels"], facts["max_tokens"])
    return replace(found, model=_adapted(found.model, folder))


def load_trained_writer(folder: Path, base: Path) -> Writer:
    """The writer that save_writer wrote, in the same way.

    Raises:
        UserError: the folder holds no such writer.
    """
    facts = _facts(folder, WRITER, "writer")
    found = load_writer(base if needs_base(folder) else folder, facts["max_tokens"])
    model = _adapted(found.model, folder) if (folder / _ADAPTER_CONFIG).exists() else found.model
    return replace(found, model=model, template=facts["chat_template"])


def _facts(folder: Path, name: str, what: str) -> dict[str, Any]:
    try:
        facts: dict[str, Any] = json.loads((folder / name).read_text("utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"no {name}: not a trained {what}", where=folder) from error
    return facts


def prove(saved: Outcome, measured: Outcome, untrained: Outcome, *, trained: bool = True) -> dict[str, Any]:
    """That a reloaded model gives what the trained one did, and not what the untrained one did.

    Args:
        saved: what the reloaded model gives.
        measured: what the trained model in memory gave, of the same batches.
        untrained: what the model gave before it was trained.
        trained: whether anything was to change.

    Raises:
        RunError: the export lost something, or the training changed nothing.
    """
    difference = (saved.numbers - measured.numbers).abs().max().item()
    same = torch.equal(saved.choices, measured.choices)
    if not difference <= TOLERANCE or not same:  # not: a NaN must not pass
        raise RunError(
            f"the saved model is not the trained one: read back, its scores differ by up to {difference:.3g}",
            brief=True,
        )
    changed = (saved.numbers - untrained.numbers).abs().max().item()
    if trained and not changed > TOLERANCE:
        raise RunError("the training changed nothing: the saved model scores as it did before", brief=True)
    return {
        "rows": len(saved.numbers),
        "max_difference": difference,
        "same_predictions": same,
        "changed_by_training": changed,
    }


def prove_reading(read: Sequence[object], meant: Sequence[object]) -> None:
    """That a reloaded tokenizer, with its chat template, makes the same tokens of the same rows.

    Args:
        read: of each row, what it makes.
        meant: of each row, what the one in memory made.

    Raises:
        RunError: it reads a row in another way.
    """
    for number, (one, other) in enumerate(zip(read, meant, strict=True)):
        if one != other:
            raise RunError(
                f"the saved model is not the trained one: read back, it reads validation row {number} otherwise",
                brief=True,
            )


def write_json(path: Path, content: Any) -> None:
    """Sorted, indented, with a line's end: the same content gives the same bytes."""
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    path.write_text(f"{text}\n", "utf-8")


def _adapted(model: torch.nn.Module, folder: Path) -> PeftModel:
    """The base with the adapter of a folder, its weights in float32."""
    with quiet():
        return PeftModel.from_pretrained(model, folder)


def _save(trained: Classifier | Writer, folder: Path, base: str) -> None:
    if isinstance(trained.model, PeftModel):
        _save_adapter(trained.model, folder, base)
    else:
        _save_model(trained, folder)


def _save_adapter(model: PeftModel, folder: Path, base: str) -> None:
    config = model.peft_config["default"].to_dict()
    config |= {"base_model_name_or_path": base, "inference_mode": True}
    if config["modules_to_save"] is not None:
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


def _save_model(trained: Classifier | Writer, folder: Path) -> None:
    if not isinstance(trained.model, PreTrainedModel):
        raise TypeError(f"neither a PEFT model nor one of transformers: {type(trained.model).__name__}")
    with quiet():
        trained.model.save_pretrained(folder)
        backend = getattr(trained.tokenizer, "backend_tokenizer", None)
        if backend is not None:  # it would save how long the last texts might be
            backend.no_truncation()
            backend.no_padding()
        trained.tokenizer.save_pretrained(folder)
