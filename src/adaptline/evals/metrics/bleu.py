"""BLEU of the whole corpus (Papineni et al. 2002) as sacrebleu computes it (Post 2018), given as one value per item.

Knows sacrebleu's settings. Imports it only when it is used: curation works without it.
"""

from __future__ import annotations

from typing import Any, Literal

from adaptline.core.registry import metric
from adaptline.evals import corpus
from adaptline.evals.answers import References
from adaptline.evals.corpus import Case

# Those of sacrebleu that need no package or model besides.
Tokenize = Literal["13a", "char", "intl", "none", "zh"]
Smooth = Literal["exp", "floor", "add-k", "none"]


def _sacrebleu(case: Case, tokenize: Tokenize, smooth: Smooth) -> Any:
    from sacrebleu.metrics.bleu import BLEU  # noqa: PLC0415 - see the module's docstring

    return BLEU(lowercase=case == "lower", tokenize=tokenize, smooth_method=smooth, force=True)  # force: no warnings


def _signature(references: References, *, case: Case, tokenize: Tokenize, smooth: Smooth) -> str:
    return corpus.signature(_sacrebleu(case, tokenize, smooth), "BLEU", references)


@metric(version=1, bounds=(0.0, 100.0), signature=_signature)
def bleu(
    predictions: list[str],
    references: list[list[str]],
    *,
    case: Case,
    tokenize: Tokenize = "13a",
    smooth: Smooth = "exp",
) -> list[float]:
    """n-grams of one to four words that the predictions share with the references, and a penalty for being too short.

    A score of the corpus, 0 to 100: the values' mean is it, their spread tells how sure it is (jackknife values, as of
    `macro_f1`), and single values may lie far outside. An empty prediction shares nothing and is too short.

    Args:
        predictions: one per item, not tokenised.
        references: of each item one or more, not everywhere equally many; the n-grams of any of them count, and the
            length of the closest.
        case: "cased" or "lower". There is no default: published figures are both (E2E's are lower-cased and four points
            higher than cased ones), and are compared with the wrong ones too easily.
        tokenize: sacrebleu's name. "13a" is the usual one; "zh" for Chinese, "char" for Japanese, Thai and whatever is
            written without spaces.
        smooth: what an order of n-grams without a match counts, sacrebleu's name.

    Returns:
        One value per item.

    Raises:
        UserError: no items, or an item without a reference.
    """
    return corpus.jackknife(_sacrebleu(case, tokenize, smooth), predictions, references)
