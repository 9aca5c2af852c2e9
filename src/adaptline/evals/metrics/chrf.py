"""chrF: F-score of the runs of characters that a text shares with a reference; of the whole set.

Knows texts. The counts are sacrebleu's.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from adaptline.core.demands import between
from adaptline.core.registry import metric
from adaptline.evals.jackknife import of_sums
from adaptline.evals.references import require, streams

Case = Literal["cased", "lower"]
Words = Annotated[int, between(0, 4)]


def _signature(references: list[list[str]], *, case: Case = "cased", word_order: Words = 0) -> str:
    """Sacrebleu's own."""
    counting = _counting(case, word_order)
    counting._cache_references(streams(references))  # noqa: SLF001 - by which it knows how many there are
    return f"chrF{'+' * min(word_order, 2)}|{counting.get_signature()}"


@metric(version=1, bounds=(0.0, 100.0), signature=_signature)
def chrf(
    predictions: list[str], references: list[list[str]], *, case: Case = "cased", word_order: Words = 0
) -> list[float]:
    """ChrF of the set, 0 to 100, as one jackknife value per item; single values may lie outside.

    Popovic 2015, as sacrebleu computes it; of several references the one that fits best counts.

    Args:
        predictions: one text per item.
        references: the accepted texts of each item, at least one.
        case: "cased", or "lower" to compare in lower case.
        word_order: longest run of words that counts beside characters; 2 is chrF++ (Popovic 2017).

    Returns:
        One value per item; their mean is the set's score.

    Raises:
        UserError: no items, or an item without a reference.
    """
    require(references, "chrf")
    counting = _counting(case, word_order)
    statistics = counting._extract_corpus_statistics(predictions, streams(references))  # noqa: SLF001 - per item
    return of_sums(statistics, lambda sums: float(counting._compute_score_from_stats(sums).score))  # noqa: SLF001


def _counting(case: Case, word_order: int) -> Any:
    from sacrebleu.metrics.chrf import CHRF  # noqa: PLC0415 - curation works without it

    return CHRF(lowercase=case == "lower", word_order=word_order)
