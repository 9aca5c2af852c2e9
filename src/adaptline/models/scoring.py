"""Scores of texts by a classifier, and what they say. Knows logits; knows nothing of where the classifier came from."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import torch

from adaptline.models.batches import Tokens, pad, scoring_batches
from adaptline.models.encoder import Classifier

UNSEEN = -1  # the number of a label that training never saw


def arithmetic(precision: str) -> AbstractContextManager[object]:
    """Within, matrix products run in bfloat16 where torch holds that to be safe ("bf16"); weights stay float32."""
    return torch.autocast("cpu", torch.bfloat16) if precision == "bf16" else nullcontext()


def score(classifier: Classifier, tokens: Tokens, *, batch_size: int = 64, precision: str = "fp32") -> torch.Tensor:
    """Logits (rows, labels), float32, in the order of the rows; the model is left in evaluation mode."""
    classifier.model.eval()
    numbers, parts = [], []
    with torch.inference_mode(), arithmetic(precision):
        for rows in scoring_batches([len(row) for row in tokens], batch_size):
            numbers += rows
            batch = pad([tokens[row] for row in rows], classifier.pad_token)
            parts.append(classifier.model(**batch).logits.float())
    scores = torch.cat(parts)
    return torch.empty_like(scores).index_copy_(0, torch.tensor(numbers), scores)


def numbers_of(classifier: Classifier, labels: Sequence[str]) -> list[int]:
    """The number of each label, UNSEEN where the classifier has no such label."""
    known = {label: number for number, label in enumerate(classifier.labels)}
    return [known.get(label, UNSEEN) for label in labels]


def accuracy_and_loss(scores: torch.Tensor, labels: Sequence[int]) -> tuple[float, float]:
    """Share of rows whose highest score is their label's, and mean cross-entropy in nats over rows of known labels.

    Args:
        scores: logits, (rows, labels).
        labels: the number of each row's label. An UNSEEN one is always wrong and has no cross-entropy; not all may be so.
    """
    targets = torch.tensor(labels)
    right = scores.argmax(1) == targets
    loss = torch.nn.functional.cross_entropy(scores.double(), targets, ignore_index=UNSEEN)
    return right.double().mean().item(), loss.item()
