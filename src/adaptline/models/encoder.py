"""The base: a pretrained encoder with its tokenizer and a fresh classification head, read offline from a folder.

Knows which of its modules are encoder and which are head. Knows nothing of training or adapters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from peft import PeftModel
from safetensors import SafetensorError
from transformers import AutoModelForSequenceClassification, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from adaptline.errors import UserError
from adaptline.models.runtime import quiet

Tokens = list[list[int]]

_POOLER = "pooler"  # the name of BERT-like encoders' last layer, which turns the first token's state into the text's
_VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")


@dataclass(frozen=True)
class Classifier:
    """A model that scores labels for a text. The number of a label is its place in `labels`."""

    model: torch.nn.Module
    tokenizer: PreTrainedTokenizerBase
    labels: tuple[str, ...]
    max_tokens: int

    @property
    def pad_token(self) -> int:
        """The token that fills a batch; it is never attended to."""
        return int(self.tokenizer.pad_token_id)

    def tokens(self, texts: Sequence[str]) -> Tokens:
        """Token ids per text with the tokenizer's special tokens, cut after max_tokens."""
        if not texts:
            return []
        with quiet():
            found = self.tokenizer(
                list(texts), truncation=True, max_length=self.max_tokens, return_attention_mask=False
            )
        return [list(ids) for ids in found["input_ids"]]


def load_base(folder: Path, labels: Sequence[str], max_tokens: int) -> Classifier:
    """The folder's encoder in float32 with a head for the labels, its new weights drawn from torch's random state.

    Raises:
        UserError: no tokenizer or another model's, no safetensors weights, not a model that classifies texts, weights
            of the encoder that are missing, or fewer positions than max_tokens.
    """
    model, tokenizer = _load_model(folder, labels), _load_tokenizer(folder)
    most = min(getattr(model.config, "max_position_embeddings", max_tokens), tokenizer.model_max_length)
    if max_tokens > most:
        raise UserError(
            f"max_tokens is {max_tokens}, and the base takes at most {most}", do=f"Set max_tokens = {most}, or less."
        )
    if len(tokenizer) > model.config.vocab_size:
        raise UserError(
            f"the tokenizer knows {len(tokenizer)} tokens, the base {model.config.vocab_size}",
            where=folder,
            do="They do not belong together.",
        )
    return Classifier(model, tokenizer, tuple(labels), max_tokens)


def head_modules(model: PreTrainedModel) -> list[str]:
    """Names of the modules that a classifier learns anew: all outside the encoder, and the encoder's pooler.

    The pooler counts as head because few bases hold a useful one: sentence encoders are trained with mean pooling, most
    masked language models without it.
    """
    encoder = model.base_model_prefix
    names = [
        name for name, child in model.named_children() if name != encoder and any(True for _ in child.parameters())
    ]
    pooler = getattr(getattr(model, encoder), _POOLER, None)
    return [*names, f"{encoder}.{_POOLER}"] if pooler is not None else names


def head_parameters(model: torch.nn.Module) -> set[str]:
    """Names of the parameters in the modules of `head_modules`; the model may be wrapped by PEFT."""
    inner, prefix = (model.get_base_model(), "base_model.model.") if isinstance(model, PeftModel) else (model, "")
    head = tuple(f"{prefix}{name}." for name in head_modules(inner))  # type: ignore[arg-type]
    return {name for name, _ in model.named_parameters() if name.startswith(head)}


def linear_modules(model: PreTrainedModel) -> list[str]:
    """Names of the encoder's linear layers outside the head, in the order of the forward pass."""
    head = tuple(head_modules(model))
    linear = (name for name, module in model.named_modules() if isinstance(module, torch.nn.Linear))
    return [name for name in linear if not name.startswith(head)]


def _load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    if not any(path for pattern in _VOCABULARIES for path in folder.glob(pattern)):
        # transformers would make an empty one, to which every word is unknown
        raise UserError("no tokenizer", where=folder, do=f"One of {', '.join(_VOCABULARIES)} must be there.")
    try:
        with quiet():
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"no tokenizer that can be read: {_first_line(error)}", where=folder) from error
    if tokenizer.pad_token_id is None:
        raise UserError("the tokenizer has no padding token", where=folder, do="Use an encoder, such as a BERT.")
    return tokenizer


def _load_model(folder: Path, labels: Sequence[str]) -> PreTrainedModel:
    if not any(folder.glob("*.safetensors")):
        do = "Other formats can run code when they are read: convert them once, with save_pretrained of transformers."
        raise UserError("no weights in safetensors format", where=folder, do=do)
    try:
        with quiet():
            model, report = AutoModelForSequenceClassification.from_pretrained(
                folder,
                num_labels=len(labels),
                id2label=dict(enumerate(labels)),
                label2id={label: number for number, label in enumerate(labels)},
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
    lacking = {*report["missing_keys"], *(name for name, *_ in report["mismatched_keys"])}
    missing = sorted(name for name in lacking if not name.startswith(head))
    if missing:
        raise UserError(f"the base lacks weights of its encoder: {', '.join(missing[:3])}", where=folder)
    return model  # type: ignore[no-any-return]


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
