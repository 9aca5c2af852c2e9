"""The share of items that were answered right, but for what does not matter."""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from typing import Literal

from adaptline.core.registry import metric

Compared = Literal["squad", "last_number", "none"]

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_NUMBER = re.compile(r"-?(?:\d[\d,]*(?:\.\d+)?|\.\d+)")


def _signature(references: list[list[str]], *, compare: Compared = "squad") -> str:
    del references
    return f"exact_match|any-ref|compare:{compare}"


@metric(version=1, bounds=(0.0, 1.0), signature=_signature)
def exact_match(predictions: list[str], references: list[list[str]], *, compare: Compared = "squad") -> list[float]:
    """1.0 where a prediction equals one of its item's references, else 0.0.

    Args:
        predictions: one text per item.
        references: the accepted texts of each item; none of them can be met where there is none.
        compare: "squad" leaves out case, punctuation, articles and white space (Rajpurkar et al. 2016); "last_number"
            compares the last number of each text, by its value (as for GSM8K, Cobbe et al. 2021); "none" is
            character by character.

    Returns:
        One score per item.
    """
    ways: dict[Compared, Callable[[str], object]] = {"squad": _squad, "last_number": _last_number, "none": str}
    seen = ways[compare]
    return [
        float((said := seen(prediction)) is not None and said in {seen(reference) for reference in accepted})
        for prediction, accepted in zip(predictions, references, strict=True)
    ]


def _squad(text: str) -> str:
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def _last_number(text: str) -> float | None:
    found = _NUMBER.findall(text)
    return float(found[-1].replace(",", "")) if found else None
