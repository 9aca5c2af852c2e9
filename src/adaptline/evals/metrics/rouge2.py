"""ROUGE-2: pairs of words that a text shares with a reference."""

from __future__ import annotations

from adaptline.core.registry import metric
from adaptline.evals import rouge
from adaptline.evals.rouge import Tokenizer


def _signature(references: list[list[str]], *, tokenize: Tokenizer = "google") -> str:
    return rouge.signature("rouge2", references, tokenize)


@metric(version=1, bounds=(0.0, 1.0), signature=_signature)
def rouge2(predictions: list[str], references: list[list[str]], *, tokenize: Tokenizer = "google") -> list[float]:
    """F1 of pairs of neighbouring words, 0 to 1 (Lin 2004), in lower case and without stemming.

    Args:
        predictions: one text per item.
        references: the accepted texts of each item, at least one; the best one counts.
        tokenize: "google" is what published scores have, and knows a to z and digits alone; "unicode" takes every letter.

    Returns:
        One score per item.

    Raises:
        UserError: no items, or an item without a reference.
    """
    return rouge.best(predictions, references, lambda truth, said, how: rouge.of_runs(truth, said, how, 2), tokenize)
