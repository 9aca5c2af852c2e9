"""ROUGE-L: F1 of the longest common subsequence of words."""  # noqa: N999 - the field's name

from __future__ import annotations

from adaptline.core.registry import metric
from adaptline.evals import rouge


@metric(version=2, bounds=(0.0, 1.0), signature=rouge.signature("rougeL"))
def rougeL(  # noqa: N802 - the field's name
    predictions: list[str], references: list[list[str]], *, tokenize: rouge.Tokenize = "google"
) -> list[float]:
    """F1 of the longest sequence of words, gaps allowed, that a prediction shares with its best reference (Lin 2004).

    As the package rouge_score counts; line ends mean nothing. For summaries of several sentences see `rougeLsum`.

    Args:
        predictions: one per item; an empty one scores 0.
        references: of each item one or more; the one with the highest F1 counts (rouge_score's score_multi).
        tokenize: "google" as rouge_score, without stemming: a-z and 0-9 only. "unicode" for any other language.

    Returns:
        0 to 1 per item.

    Raises:
        UserError: no items, an item without a reference, or references in letters that "google" does not see.
    """
    return rouge.of_texts("rougeL", rouge.of_sequence, predictions, references, tokenize)
