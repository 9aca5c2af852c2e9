"""The base: a pretrained encoder with its tokenizer and a fresh classification head, read offline from a folder.

Knows which of its modules are encoder and which are head. Knows nothing of training or adapters.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from transformers import AutoModelForSequenceClassification, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from adaptline.errors import UserError
from adaptline.models.runtime import quiet

_POOLER = "pooler"  # the name of BERT-like encoders' last layer, which turns the first token's state into the text's


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """The tokenizer in the folder. Raises UserError where there is none, or one that cannot pad."""
    try:
        with quiet():
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"no tokenizer that can be read: {_first_line(error)}", where=folder) from error
    if tokenizer.pad_token_id is None:
        raise UserError("the tokenizer has no padding token", where=folder, do="Use an encoder, such as a BERT.")
    return tokenizer  # type: ignore[no-any-return]


def load_classifier(folder: Path, labels: Sequence[str]) -> PreTrainedModel:
    """The folder's encoder in float32 with a head for the labels, its new weights drawn from torch's random state.

    Raises:
        UserError: no safetensors weights, not a model that classifies texts, or weights of the encoder are missing.
    """
    if not any(folder.glob("*.safetensors")):
        raise UserError("no weights in safetensors format", where=folder, do="Other formats can run code when they are read: convert them once.")
    names = dict(enumerate(labels))
    try:
        with quiet():
            model, report = AutoModelForSequenceClassification.from_pretrained(
                folder,
                num_labels=len(names),
                id2label=names,
                label2id={label: number for number, label in names.items()},
                ignore_mismatched_sizes=True,  # a base that already classifies gets a head of our size
                output_loading_info=True,
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
                dtype=torch.float32,
            )
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise UserError(f"cannot be loaded to classify texts: {_first_line(error)}", where=folder) from error
    head = tuple(f"{name}." for name in head_modules(model))
    missing = sorted(name for name in report["missing_keys"] if not name.startswith(head))
    if missing:
        raise UserError(f"the base lacks weights of its encoder: {', '.join(missing[:3])}", where=folder)
    return model  # type: ignore[no-any-return]


def head_modules(model: PreTrainedModel) -> list[str]:
    """Names of the modules that a classifier learns anew: all outside the encoder, and the encoder's pooler.

    The pooler counts as head because bases rarely hold a useful one: sentence encoders are trained with mean pooling,
    and masked language models without it.
    """
    encoder = model.base_model_prefix
    names = [name for name, child in model.named_children() if name != encoder and any(True for _ in child.parameters())]
    pooler = getattr(getattr(model, encoder), _POOLER, None)
    return [*names, f"{encoder}.{_POOLER}"] if pooler is not None else names


def linear_modules(model: PreTrainedModel) -> list[str]:
    """Names of the encoder's linear layers outside the head, in the order of the forward pass."""
    head = tuple(head_modules(model))
    return [
        name
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and not name.startswith(head)
    ]


def max_positions(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> int:
    """The most tokens that a text may have."""
    return int(min(getattr(model.config, "max_position_embeddings", tokenizer.model_max_length), tokenizer.model_max_length))


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
