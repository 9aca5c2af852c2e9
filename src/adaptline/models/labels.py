"""Teaching a classifier labels: rows as token ids and numbers of labels, and the loss of a batch of them.

Knows classifiers. Knows nothing of optimisers, files or recipes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch.nn.functional import cross_entropy

from adaptline.errors import UserError
from adaptline.models import export
from adaptline.models.batches import Tokens, pad
from adaptline.models.encoder import Classifier
from adaptline.models.lesson import Outcome
from adaptline.models.modules import head_parameters
from adaptline.models.scoring import UNSEEN, accuracy_and_loss, arithmetic, numbers_of, score

_SPLITS = ("train", "validation")
_PROOF_ROWS = 64
_FEWEST_LABELS = 2
_FEWEST_ROWS_PER_LABEL = 1.5  # on average; below it, most labels are seen once and the field is hardly a label


@dataclass(frozen=True)
class Examples:
    """Rows to learn from or to look at: token ids and the number of each row's label."""

    tokens: Tokens
    labels: list[int]


@dataclass(frozen=True)
class Labels:
    """A classifier with its rows: a Lesson."""

    classifier: Classifier
    training: Examples
    validation: Examples
    proof: list[str] = field(repr=False)  # the texts of the first validation rows

    @property
    def model(self) -> torch.nn.Module:
        """The classifier's."""
        return self.classifier.model

    @property
    def lengths(self) -> list[int]:
        """Tokens of each training row."""
        return [len(row) for row in self.training.tokens]

    def weight(self, row: int) -> float:
        """Every row has one label."""
        return float(row >= 0)

    def loss(self, rows: Sequence[int], precision: str) -> torch.Tensor:
        """Cross-entropy in nats, summed over the rows."""
        targets = torch.tensor([self.training.labels[row] for row in rows])
        with arithmetic(precision):
            logits = self.model(**pad([self.training.tokens[row] for row in rows], self.classifier.pad_token)).logits
        return cross_entropy(logits.float(), targets, reduction="sum")

    def faster(self) -> set[str]:
        """The head, which is new."""
        return head_parameters(self.model)

    def look(self, precision: str = "fp32") -> tuple[float, float]:
        """Accuracy and mean cross-entropy of the validation rows."""
        scores = score(self.classifier, self.validation.tokens, precision=precision)
        return accuracy_and_loss(scores, self.validation.labels)

    def outcome(self) -> Outcome:
        """Logits and labels of the first validation rows."""
        scores = score(self.classifier, self.validation.tokens[:_PROOF_ROWS])
        return Outcome(scores, scores.argmax(1))

    def save(self, folder: Path, base: str) -> None:
        """Adapter or model, and labels.json."""
        export.save_trained(self.classifier, folder, base)

    def reloaded(self, folder: Path, base: Path) -> Labels:
        """The same rows with the classifier that was saved, which must read them as the other did. Raises RunError."""
        classifier = export.load_trained(folder, base)
        export.prove_reading(classifier.tokens(self.proof), self.validation.tokens[:_PROOF_ROWS])
        return replace(self, classifier=classifier)

    def facts(self) -> dict[str, Any]:
        """Validation rows whose label no training row has."""
        return {"validation_of_unseen_labels": self.validation.labels.count(UNSEEN)}


def learnable(examples: pa.Table) -> list[str]:
    """The labels to learn, sorted: those of the training rows. Raises UserError where they cannot be learned."""
    found = {split: set(examples.filter(pc.equal(examples["split"], split))["label"].to_pylist()) for split in _SPLITS}
    train, validation = found.values()
    rows = examples.filter(pc.equal(examples["split"], "train")).num_rows
    if len(train) * _FEWEST_ROWS_PER_LABEL > rows:
        do = "Is it one? A classifier learns from several rows of each label. Name another field: label = ..."
        raise UserError(f"{rows} training rows have {len(train)} different labels", do=do)
    if len(train) < _FEWEST_LABELS:
        raise UserError(f"every training row has the label {min(train)!r}", do="A classifier needs two labels or more.")
    if not train & validation:
        raise UserError("no validation row has a label that a training row has", do="Split at random, or by group.")
    return sorted(train)


def labels_of(classifier: Classifier, examples: pa.Table) -> Labels:
    """The classifier with the rows of the splits train and validation; `examples` as select_examples gives them."""
    training, validation = (encode(classifier, examples, split) for split in _SPLITS)
    texts = examples.filter(pc.equal(examples["split"], "validation"))["text"][:_PROOF_ROWS].to_pylist()
    return Labels(classifier, training, validation, texts)


def encode(classifier: Classifier, examples: pa.Table, split: str) -> Examples:
    """The rows of a split as numbers."""
    chosen = examples.filter(pc.equal(examples["split"], split))
    return Examples(classifier.tokens(chosen["text"].to_pylist()), numbers_of(classifier, chosen["label"].to_pylist()))
