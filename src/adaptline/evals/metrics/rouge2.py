"""ROUGE-2: F1 of pairs of words."""

from __future__ import annotations

from adaptline.core.registry import metric
from adaptline.evals import rouge


@metric(version=2, bounds=(0.0, 1.0), signature=rouge.signature("rouge2"))
def rouge2(predictions: list[str], references: list[list[str]], *, tokenize: rouge.Tokenize = "google") -> list[float]:
    """F1 of the pairs of neighbouring words that a prediction shares with its best reference (Lin 2004).

    As the package rouge_score counts.

    Args:
        predictions: one per item; one of fewer than two words scores 0.
        references: of each item one or more; the one with the highest F1 counts (rouge_score's score_multi).
        tokenize: "google" as rouge_score, without stemming: a-z and 0-9 only. "unicode" for any other language.

    Returns:
        0 to 1 per item.

    Raises:
        UserError: no items, an item without a reference, or references in letters that "google" does not see.
    """
    return rouge.of_texts("rouge2", rouge.of_grams(2), predictions, references, tokenize)
