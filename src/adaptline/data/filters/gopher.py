"""The rules of quality of Gopher's corpus (Rae et al. 2021): is a text prose, by its words and lines?

Knows counts of words, symbols and lines. Knows nothing of what a text says; made for English web pages, with bounds that
short messages and other languages do not meet.
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from typing import Annotated

import pyarrow as pa

from adaptline.core.demands import at_least, between
from adaptline.core.registry import filter
from adaptline.data import measures
from adaptline.data.measures import ELLIPSES, Measured, share, share_of_lines

RULES = ("words", "mean_word_length", "hashes", "ellipses", "bullets", "ellipsis_lines", "letters", "stop_words")
STOP_WORDS = ["the", "be", "to", "of", "and", "that", "have", "with"]
_BULLETS = ("\u2022", "\u2023", "\u25e6", "\u25aa", "\u25cf", "\u00b7", "- ", "* ")  # the paper names none
_PUNCTUATION = string.punctuation + "\u2018\u2019\u201c\u201d\u00ab\u00bb\u2026"


def _check(
    *,
    min_words: int = 50,
    max_words: int = 100_000,
    min_mean_word_length: float = 3.0,
    max_mean_word_length: float = 10.0,
    **_: object,
) -> None:
    measures.refuse_empty_range("min_words", min_words, "max_words", max_words)
    measures.refuse_empty_range(
        "min_mean_word_length", min_mean_word_length, "max_mean_word_length", max_mean_word_length
    )


@filter(version=1, labels=measures.labels(RULES), defaults={"keep": [measures.FINE]}, check=_check)
def gopher(
    texts: pa.StringArray,
    *,
    min_words: Annotated[int, at_least(0)] = 50,
    max_words: Annotated[int, at_least(0)] = 100_000,
    min_mean_word_length: Annotated[float, at_least(0)] = 3.0,
    max_mean_word_length: Annotated[float, at_least(0)] = 10.0,
    max_symbols_per_word: Annotated[float, at_least(0)] = 0.1,
    max_bullet_lines: Annotated[float, between(0, 1)] = 0.9,
    max_ellipsis_lines: Annotated[float, between(0, 1)] = 0.3,
    min_words_with_letter: Annotated[float, between(0, 1)] = 0.8,
    min_stop_words: Annotated[int, at_least(0)] = 2,
    stop_words: list[str] = STOP_WORDS,
) -> pa.StructArray:
    """Whether a text is prose by Gopher's rules: "fine", or the first rule that it breaks. Keeps "fine" by default.

    The rules and bounds are those of Rae et al., "Scaling Language Models: Methods, Analysis & Insights from Training
    Gopher", 2021 (arXiv 2112.11446), appendix A.1.1, "Quality Filtering". The paper does not say what a word is: here it
    is a run of anything but white space, so punctuation counts to its length, and a dash by itself is a word without a
    letter. A script without spaces has few words: give it bounds of its own. A text at a bound is fine.

    Args:
        texts: one text per row; a null one has no score.
        min_words: rule `words`; 0 turns it off.
        max_words: the same.
        min_mean_word_length: characters a word, rule `mean_word_length`.
        max_mean_word_length: the same.
        max_symbols_per_word: hash signs a word, rule `hashes`; and ellipses ("..." or the one character) a word, rule
            `ellipses`.
        max_bullet_lines: the share of lines that begin with a bullet, or with a hyphen or asterisk and a space, 0 to 1;
            rule `bullets`. Blank lines do not count.
        max_ellipsis_lines: the share of lines that end in an ellipsis, 0 to 1.
        min_words_with_letter: the share of words with at least one letter, 0 to 1; rule `letters`.
        min_stop_words: how many different ones of `stop_words` a text must have; 0 turns the rule off.
        stop_words: whole words in lower case; in a text, case and punctuation around a word do not count.

    Returns:
        Per row `score`, the label, and `because`, what was measured and its bounds.
    """
    stops = frozenset(stop_words)

    def measure(text: str) -> Iterator[Measured]:
        words = text.split()
        count = len(words)
        yield Measured("words", count, "words", min_words, max_words)
        length = share(sum(map(len, words)), count)
        yield Measured("mean_word_length", length, "characters a word", min_mean_word_length, max_mean_word_length)
        yield Measured("hashes", share(text.count("#"), count), "hash signs a word", high=max_symbols_per_word)
        ellipses = sum(map(text.count, ELLIPSES))
        yield Measured("ellipses", share(ellipses, count), "ellipses a word", high=max_symbols_per_word)
        lines = measures.lines(text)
        bullets = share_of_lines(lines, lambda line: line.startswith(_BULLETS))
        yield Measured("bullets", bullets, "of lines begin with a bullet", high=max_bullet_lines)
        trailing = share_of_lines(lines, lambda line: line.endswith(ELLIPSES))
        yield Measured("ellipsis_lines", trailing, "of lines end in an ellipsis", high=max_ellipsis_lines)
        letters = share(sum(map(_has_letter, words)), count)
        yield Measured("letters", letters, "of words have a letter", low=min_words_with_letter)
        found = len(stops & {word.strip(_PUNCTUATION).lower() for word in set(words)})
        yield Measured("stop_words", found, "different stop words", low=min_stop_words)

    return measures.labelled(texts, measure)


def _has_letter(word: str) -> bool:
    return word.isalpha() or any(map(str.isalpha, word))
