"""The rules that FineWeb (Penedo et al. 2024) found to help beside Gopher's and C4's: is a text lines of prose?

Knows lines. Knows nothing of words or of what a text says.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import pyarrow as pa

from adaptline.core.demands import at_least, between
from adaptline.core.registry import filter
from adaptline.data import measures
from adaptline.data.measures import Measured, ends_sentence, share, share_of_lines

RULES = ("no_lines", "line_ends", "duplicate_lines", "short_lines")


@filter(version=1, labels=measures.labels(RULES), defaults={"keep": [measures.FINE]})
def fineweb(
    texts: pa.StringArray,
    *,
    line_ends: Annotated[float, between(0, 1)] = 0.12,
    duplicate_lines: Annotated[float, between(0, 1)] = 0.1,
    short_lines: Annotated[float, between(0, 1)] = 0.67,
    short: Annotated[int, at_least(0)] = 30,
) -> pa.StructArray:
    """Whether a text's lines are prose by FineWeb's rules: "fine", or the first rule that it breaks. Keeps "fine" by default.

    The rules and bounds are those of Penedo et al., "The FineWeb Datasets: Decanting the Web for the Finest Text Data at
    Scale", 2024 (arXiv 2406.17557), section 3.6. Bounds are strict, as they are there: a text at a bound is out. The
    authors' program has 0.01 for `duplicate_lines`, counts lines of up to 30 characters as short, and has a fourth rule
    (line ends a word) that the paper does not.

    Lines are what stands between line feeds, without white space at their ends; blank ones do not count.

    Args:
        texts: one text per row; a null one has no score, one without any line gets "no_lines".
        line_ends: a text is out where the share of lines that end in punctuation, 0 to 1, is this or less. Punctuation is
            what ends a sentence in any script, and closing quotation marks.
        duplicate_lines: a text is out where the share of characters in lines that stood there before, 0 to 1, is this or
            more; of the characters of all lines.
        short_lines: a text is out where the share of lines shorter than `short`, 0 to 1, is this or more.
        short: characters.

    Returns:
        Per row `score`, the label, and `because`, what was measured and its bounds.
    """

    def measure(text: str) -> Iterator[Measured]:
        lines = measures.lines(text)
        yield Measured("no_lines", len(lines), "lines", low=1)
        ends = share_of_lines(lines, ends_sentence)
        yield Measured("line_ends", ends, "of lines end in punctuation", low=line_ends, outside=True)
        repeated = share(measures.copies(lines)[1], sum(map(len, lines)))
        unit = "of characters in duplicate lines"
        yield Measured("duplicate_lines", repeated, unit, high=duplicate_lines, outside=True)
        brief = share_of_lines(lines, lambda line: len(line) < short)
        yield Measured(
            "short_lines", brief, f"of lines have fewer than {short} characters", high=short_lines, outside=True
        )

    return measures.labelled(texts, measure)
