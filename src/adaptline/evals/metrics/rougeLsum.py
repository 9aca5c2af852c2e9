"""ROUGE-Lsum: the same line by line, for summaries of several sentences."""  # noqa: N999 - the measure's name

from __future__ import annotations

from adaptline.core.registry import metric
from adaptline.evals import rouge
from adaptline.evals.rouge import Tokenizer


def _signature(references: list[list[str]], *, tokenize: Tokenizer = "google") -> str:
    return rouge.signature("rougeLsum", references, tokenize)


@metric(version=1, bounds=(0.0, 1.0), signature=_signature)
def rougeLsum(predictions: list[str], references: list[list[str]], *, tokenize: Tokenizer = "google") -> list[float]:  # noqa: N802 - the same
    """F1 of what the lines have in common, 0 to 1 (Lin 2004, section 3.2); sentences are split at line ends.

    Args:
        predictions: one text per item.
        references: the accepted texts of each item, at least one; the best one counts.
        tokenize: "google" is what published scores have, and knows a to z and digits alone; "unicode" takes every letter.

    Returns:
        One score per item.

    Raises:
        UserError: no items, or an item without a reference.
    """
    return rouge.best(predictions, references, rouge.of_lines, tokenize)
