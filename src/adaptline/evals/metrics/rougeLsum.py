"""ROUGE-Lsum: F1 of the longest common subsequences of sentences, a sentence a line."""  # noqa: N999 - the field's name

from __future__ import annotations

from adaptline.core.registry import metric
from adaptline.evals import rouge


@metric(version=2, bounds=(0.0, 1.0), signature=rouge.signature("rougeLsum"))
def rougeLsum(  # noqa: N802 - the field's name
    predictions: list[str], references: list[list[str]], *, tokenize: rouge.Tokenize = "google"
) -> list[float]:
    """F1 of what the lines of a prediction and of its best reference share in sequence (Lin 2004, section 3.2).

    Of each line of a reference, the words count that stand in the longest common subsequence with any line of the
    prediction. As the package rouge_score counts, which takes a line for a sentence, too: texts are not cut into
    sentences, and texts of one line have their ROUGE-L.

    Args:
        predictions: one per item; an empty one scores 0.
        references: of each item one or more; the one with the highest F1 counts (rouge_score's score_multi).
        tokenize: "google" as rouge_score, without stemming: a-z and 0-9 only. "unicode" for any other language.

    Returns:
        0 to 1 per item.

    Raises:
        UserError: no items, an item without a reference, or references in letters that "google" does not see.
    """
    return rouge.of_lines("rougeLsum", predictions, references, tokenize)
