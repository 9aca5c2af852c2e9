"""ROUGE-1: F1 of single words."""

from __future__ import annotations

from adaptline.core.registry import metric
from adaptline.evals import rouge


@metric(version=2, bounds=(0.0, 1.0), signature=rouge.signature("rouge1"))
def rouge1(predictions: list[str], references: list[list[str]], *, tokenize: rouge.Tokenize = "google") -> list[float]:
    """F1 of the words that a prediction shares with its best reference (Lin 2004), as the package rouge_score counts.

    Args:
        predictions: one per item; an empty one scores 0.
        references: of each item one or more; the one with the highest F1 counts (rouge_score's score_multi).
        tokenize: "google" as rouge_score, without stemming: a-z and 0-9 only. "unicode" for any other language.

    Returns:
        0 to 1 per item.

    Raises:
        UserError: no items, an item without a reference, or references in letters that "google" does not see.
    """
    return rouge.of_texts("rouge1", rouge.of_grams(1), predictions, references, tokenize)
