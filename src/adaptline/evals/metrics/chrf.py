"""chrF of the whole corpus (Popović 2015), chrF++ (2017), as sacrebleu computes it, given as one value per item.

Knows sacrebleu's settings. Imports it only when it is used: curation works without it.
"""

from __future__ import annotations

from typing import Annotated, Any

from adaptline.core.demands import between
from adaptline.core.registry import metric
from adaptline.evals import corpus
from adaptline.evals.answers import References
from adaptline.evals.corpus import Case

WordOrder = Annotated[int, between(0, 2)]


def _sacrebleu(case: Case, word_order: int) -> Any:
    from sacrebleu.metrics.chrf import CHRF  # noqa: PLC0415 - see the module's docstring

    return CHRF(lowercase=case == "lower", word_order=word_order)


def _signature(references: References, *, case: Case, word_order: int) -> str:
    return corpus.signature(_sacrebleu(case, word_order), f"chrF2{'+' * word_order}", references)


@metric(version=1, bounds=(0.0, 100.0), signature=_signature)
def chrf(
    predictions: list[str], references: list[list[str]], *, case: Case = "cased", word_order: WordOrder = 0
) -> list[float]:
    """F2 of the n-grams of one to six characters, white space left out, that predictions share with references.

    A score of the corpus, 0 to 100: the values' mean is it, their spread tells how sure it is (jackknife values, as of
    `macro_f1`), and single values may lie outside. It needs no tokenizer, so it works for any script.

    Args:
        predictions: one per item.
        references: of each item one or more, not everywhere equally many; the one that suits a prediction best counts.
        case: "cased", as is usual, or "lower".
        word_order: 2 counts words and pairs of words, too: chrF++.

    Returns:
        One value per item.

    Raises:
        UserError: no items, or an item without a reference.
    """
    return corpus.jackknife(_sacrebleu(case, word_order), predictions, references)
