"""The share of items that were answered rightly, in whatever form the answer stands.

Knows three forms to compare. Knows nothing of where in a longer text an answer stands, but for a last number.
"""

from __future__ import annotations

import re
import string
from decimal import Decimal
from typing import Literal

from adaptline.core.registry import metric
from adaptline.errors import UserError
from adaptline.evals.answers import References, reference_count, refuse_unanswerable

Normalise = Literal["squad", "none", "last_number"]

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(a|an|the)\b")
# A minus after a word, a number or a bracket takes away: "10-3" ends with 3. Commas stand between thousands.
_NUMBER = re.compile(r"(?:(?<![\w.)])[-\u2212])?\$?(?:[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?|\.[0-9]+)")


def _signature(references: References, *, normalise: Normalise) -> str:
    _accepted(references, normalise)
    return f"exact_match|nrefs:{reference_count(references)}|normalise:{normalise}"


@metric(version=1, bounds=(0.0, 1.0), signature=_signature)
def exact_match(predictions: list[str], references: list[list[str]], *, normalise: Normalise = "squad") -> list[float]:
    """1.0 where a prediction equals one of its references after normalisation, else 0.0.

    Args:
        predictions: one per item.
        references: the accepted answers of each item, at least one.
        normalise: "squad" takes lower case, ASCII punctuation and the English articles out, white space folded, as
            SQuAD's own evaluation does (Rajpurkar et al. 2016); what is left of both may be nothing, and is equal then.
            "none" compares character by character. "last_number" compares the values of the last numbers of both, as
            GSM8K's answers end with "#### 1,800" (Cobbe et al. 2021): commas and dollar signs out, 18.0 is 18; a
            prediction without a number is wrong, and so is one that goes on with another after its answer.

    Returns:
        One score per item.

    Raises:
        UserError: no items, an item without a reference, or a reference without a number where one is compared.
    """
    return [
        float(_form(prediction, normalise) in accepted)
        for prediction, accepted in zip(predictions, _accepted(references, normalise), strict=True)
    ]


def _accepted(references: References, normalise: Normalise) -> list[set[str | Decimal | None]]:
    refuse_unanswerable("exact_match", references)
    accepted = [{_form(reference, normalise) for reference in of_item} for of_item in references]
    for number, forms in enumerate(accepted, start=1):
        if None in forms:
            raise UserError(
                f"a reference of item {number} has no number",
                do='normalise = "last_number" compares numbers; "squad" compares words.',
            )
    return accepted


def _form(text: str, normalise: Normalise) -> str | Decimal | None:
    if normalise == "none":
        return text
    if normalise == "squad":
        return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())
    found = _NUMBER.findall(text)
    return Decimal(found[-1].replace(",", "").replace("$", "").replace("\u2212", "-")) if found else None
