"""A base that reads: a pretrained encoder with its tokenizer and a fresh classification head, from a folder.

Knows labels. Knows nothing of training or adapters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import AutoModelForSequenceClassification, PreTrainedTokenizerBase

from adaptline.errors import UserError
from adaptline.models import bases
from adaptline.models.batches import Tokens
from adaptline.models.modules import head_modules
from adaptline.models.runtime import quiet


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

    def is_cut(self, text: str, tokens: list[int]) -> bool:
        """Whether `tokens`, as `tokens` gives them, are not all of the text."""
        if len(tokens) < self.max_tokens:
            return False
        with quiet():
            return len(self.tokenizer(text, truncation=False, return_attention_mask=False)["input_ids"]) > len(tokens)


def load_base(folder: Path, labels: Sequence[str], max_tokens: int) -> Classifier:
    """The folder's encoder in float32 with a head for the labels, its new weights drawn from torch's random state.

    Raises:
        UserError: no tokenizer or another model's, no safetensors weights, not a model that classifies texts, weights
            of the encoder that are missing, or fewer positions than max_tokens.
    """
    model, report = bases.load_model(
        folder,
        AutoModelForSequenceClassification,
        "to classify texts",
        num_labels=len(labels),
        id2label=dict(enumerate(labels)),
        label2id={label: number for number, label in enumerate(labels)},
        ignore_mismatched_sizes=True,  # a base that already classifies gets a head of our size
    )
    head = tuple(f"{name}." for name in head_modules(model))
    lacking = {*report["missing_keys"], *(name for name, *_ in report["mismatched_keys"])}
    missing = sorted(name for name in lacking if not name.startswith(head))
    if missing:
        raise UserError(f"the base lacks weights of its encoder: {', '.join(missing[:3])}", where=folder)
    tokenizer = bases.load_tokenizer(folder)
    if tokenizer.pad_token_id is None:
        raise UserError("the tokenizer has no padding token", where=folder, do="Use an encoder, such as a BERT.")
    bases.refuse_misfit(model, tokenizer, max_tokens, folder)
    return Classifier(model, tokenizer, tuple(labels), max_tokens)
