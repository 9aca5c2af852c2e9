"""The rules of repetition of Gopher's corpus (Rae et al. 2021): does a text say the same over and over?

Knows lines, paragraphs and n-grams of words. Knows nothing of meaning: what is said again in other words is not found.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from adaptline.core.demands import Demand, between
from adaptline.core.registry import filter
from adaptline.data import matching, measures
from adaptline.data.loops import repeats
from adaptline.data.measures import Measured, share

TOP = [0.20, 0.18, 0.16]
COPIED = [0.15, 0.14, 0.13, 0.12, 0.11, 0.10]
_TOP_RULES = tuple(f"top_{size}_gram" for size in repeats.TOP)
_COPIED_RULES = tuple(f"duplicate_{size}_grams" for size in repeats.COPIED)
RULES = (
    *("duplicate_lines", "duplicate_paragraphs", "duplicate_line_characters", "duplicate_paragraph_characters"),
    *_TOP_RULES,
    *_COPIED_RULES,
)


def _shares(count: int) -> Demand:
    def holds(value: Sequence[float]) -> bool:
        return len(value) == count and all(0 <= one <= 1 for one in value)

    return Demand(holds, f"from 0 to 1, {count} of them")


@filter(version=1, labels=measures.labels(RULES), defaults={"keep": [measures.FINE]})
def gopher_repetition(
    texts: pa.StringArray,
    *,
    duplicate_lines: Annotated[float, between(0, 1)] = 0.3,
    duplicate_paragraphs: Annotated[float, between(0, 1)] = 0.3,
    duplicate_line_characters: Annotated[float, between(0, 1)] = 0.2,
    duplicate_paragraph_characters: Annotated[float, between(0, 1)] = 0.2,
    top_grams: Annotated[list[float], _shares(len(TOP))] = TOP,
    duplicate_grams: Annotated[list[float], _shares(len(COPIED))] = COPIED,
) -> pa.StructArray:
    """Whether a text repeats itself by Gopher's rules: "fine", or the first rule that it breaks. Keeps "fine" by default.

    The rules and bounds are those of Rae et al., "Scaling Language Models: Methods, Analysis & Insights from Training
    Gopher", 2021 (arXiv 2112.11446), appendix A.1.1, "Repetition Removal", table A1. A text at a bound is fine. Where
    the paper leaves a choice: a duplicate is what stood there before, not its first occurrence; blank lines do not count;
    words are runs of anything but white space, and only their characters count, in runs of words (n-grams) as in the
    whole text; of n-grams that overlap each character counts once; a most frequent n-gram that occurs once is none.

    Args:
        texts: one text per row; a null one has no score.
        duplicate_lines: the highest share of lines that stood there before, 0 to 1. 1 turns a rule off.
        duplicate_paragraphs: the same of paragraphs, which are separated by blank lines.
        duplicate_line_characters: the highest share of characters, of those of all lines, in lines that stood there before.
        duplicate_paragraph_characters: the same of paragraphs.
        top_grams: the highest shares of characters in the most frequent n-gram, for n = 2, 3, 4.
        duplicate_grams: the highest shares of characters in n-grams that stood there before, for n = 5 to 10.

    Returns:
        Per row `score`, the label, and `because`, what was measured and its bound.
    """
    bounds = [*top_grams, *duplicate_grams]

    def measure(text: str, in_grams: npt.NDArray[np.float64]) -> Iterator[Measured]:
        lines, paragraphs = measures.lines(text), measures.paragraphs(text)
        copied_lines, line_characters = measures.copies(lines)
        copied_paragraphs, paragraph_characters = measures.copies(paragraphs)
        found = (
            (copied_lines, len(lines), "of lines", duplicate_lines),
            (copied_paragraphs, len(paragraphs), "of paragraphs", duplicate_paragraphs),
            (line_characters, _characters(lines), "of characters of lines", duplicate_line_characters),
            (
                paragraph_characters,
                _characters(paragraphs),
                "of characters of paragraphs",
                duplicate_paragraph_characters,
            ),
        )
        for rule, (part, whole, what, bound) in zip(RULES, found, strict=False):
            yield Measured(rule, share(part, whole), f"{what} stood there before", high=bound)
        for rule, value, bound in zip(RULES[len(found) :], in_grams.tolist(), bounds, strict=True):
            yield Measured(rule, value, f"of characters in {rule.replace('_', ' ')}", high=bound)

    shares = repeats.shares(*matching.utf8(texts))
    rows = zip(texts.to_pylist(), shares, strict=True)
    return measures.verdicts(
        [None if text is None else measures.first_broken(measure(text, in_grams)) for text, in_grams in rows]
    )


def _characters(pieces: Sequence[str]) -> int:
    return sum(map(len, pieces))
