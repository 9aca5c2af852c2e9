"""ROUGE (Lin 2004): how many words, or how long a sequence of words, a text shares with a reference.

Knows tokens of two texts, and F1 of what they share as the package rouge_score (Google Research) counts it. Knows
nothing of items.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from typing import Literal

from adaptline.data.text import fold
from adaptline.errors import UserError
from adaptline.evals.answers import References, best_of, reference_count, refuse_unanswerable

Tokenize = Literal["google", "unicode"]
Tokens = list[str]

_GOOGLE = re.compile("[a-z0-9]+")
# Scripts that put no space between words: Thai and Lao, Myanmar, Khmer, Hiragana and Katakana, Han. A word cannot be
# told there without a dictionary, so a token is a character with the marks that follow it.
_ALONE = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_UNICODE = re.compile(rf"[{_ALONE}][^\w\s]*|[^\s{_ALONE}]+")  # of what _kept leaves, only marks are neither \w nor \s


def tokens(text: str, tokenize: Tokenize) -> Tokens:
    """The words of a text.

    Args:
        text: any.
        tokenize: "google" takes runs of a-z and 0-9 in lower case, as rouge_score does, and loses every other letter.
            "unicode" takes runs of letters, marks and digits of any script, folded; in scripts that put no space between
            words, single characters.
    """
    if tokenize == "google":
        return _GOOGLE.findall(text.lower())
    return _UNICODE.findall("".join(map(_kept, fold(text))))


@cache
def _kept(character: str) -> str:
    return character if unicodedata.category(character)[0] in "LMN" else " "


def sentences(text: str, tokenize: Tokenize) -> list[Tokens]:
    """The words of each line."""
    return [tokens(line, tokenize) for line in text.split("\n") if line]


def of_grams(size: int) -> Callable[[Tokens, Tokens], float]:
    """F1 of the n-grams of a size that two texts share, each as often as both have it."""

    def f1(one: Tokens, other: Tokens) -> float:
        first, second = _grams(one, size), _grams(other, size)
        return _f1((first & second).total(), first.total(), second.total())

    return f1


def _grams(of: Tokens, size: int) -> Counter[tuple[str, ...]]:
    return Counter(zip(*(of[start:] for start in range(size)), strict=False))  # strict would refuse the shorter ends


def of_sequence(one: Tokens, other: Tokens) -> float:
    """F1 of the longest common subsequence."""
    return _f1(len(other) - _lcs_rows(one, other)[-1].bit_count(), len(one), len(other))


def of_summary(said: list[Tokens], reference: list[Tokens]) -> float:
    """F1 over the sentences of a reference: of each, the words in the longest common subsequence with any said sentence.

    The union of section 3.2 of the paper; a word counts at most as often as both texts have it, as in ROUGE-1.5.5.
    """
    left = Counter(token for sentence in said for token in sentence)
    wanted = Counter(token for sentence in reference for token in sentence)
    sizes = left.total(), wanted.total()
    hits = 0
    for sentence in reference:
        found = set[int]().union(*(_lcs_places(sentence, other) for other in said))
        for place in sorted(found):
            if left[sentence[place]]:
                hits += 1
                left[sentence[place]] -= 1
    return _f1(hits, *sizes)


def _f1(shared: int, one: int, other: int) -> float:
    if not shared:
        return 0.0
    precision, recall = shared / one, shared / other
    return 2 * precision * recall / (precision + recall)


def _lcs_rows(one: Tokens, other: Tokens) -> list[int]:
    """The table of the lengths of longest common subsequences, a row an integer (Hyyrö 2004, "Bit-parallel LCS-length").

    The subsequence of one[:i] and other[:j] is as long as row i has zeros among its lowest j bits.
    """
    places: dict[str, int] = {}
    for place, token in enumerate(other):
        places[token] = places.get(token, 0) | 1 << place
    every = (1 << len(other)) - 1
    rows = [every]
    for token in one:
        hits = rows[-1] & places.get(token, 0)
        rows.append(((rows[-1] + hits) | (rows[-1] - hits)) & every)
    return rows


def _lcs_places(one: Tokens, other: Tokens) -> list[int]:
    """Where in `one` a longest common subsequence stands; of several, the one that rouge_score finds."""
    rows = _lcs_rows(one, other)
    places = []
    i, j = len(one), len(other)
    while i and j:
        if one[i - 1] == other[j - 1]:
            i, j = i - 1, j - 1
            places.append(i)
        elif _length(rows[i], j - 1) > _length(rows[i - 1], j):
            j -= 1
        else:
            i -= 1
    return places


def _length(row: int, places: int) -> int:
    return places - (row & ((1 << places) - 1)).bit_count()


def of_texts(
    metric: str,
    f1: Callable[[Tokens, Tokens], float],
    predictions: Sequence[str],
    references: References,
    how: Tokenize,
) -> list[float]:
    """A metric of whole texts per item, against its best reference. Raises UserError as `refuse_unread`."""
    refuse_unread(metric, references, how)
    return best_of(f1, lambda text: tokens(text, how), predictions, references)


def of_lines(metric: str, predictions: Sequence[str], references: References, how: Tokenize) -> list[float]:
    """The metric of summaries per item, against its best reference. Raises UserError as `refuse_unread`."""
    refuse_unread(metric, references, how)
    return best_of(of_summary, lambda text: sentences(text, how), predictions, references)


def refuse_unread(metric: str, references: References, how: Tokenize) -> None:
    """Raises UserError for no items, an item without a reference, and references that would be read as next to nothing.

    Google's tokens of Russian are none, and every score would be 0: it is refused where they lose most letters and digits.
    """
    refuse_unanswerable(metric, references)
    texts = [text for accepted in references for text in accepted]
    there = sum(character.isalnum() for text in texts for character in text)
    if there > 2 * sum(len(token) for text in texts for token in tokens(text, how)):
        raise UserError(
            f"{metric} with Google's tokens, a-z and 0-9, would not see most letters of the references",
            do=f'Write {{ use = "{metric}", tokenize = "unicode" }}.',
        )


def signature(metric: str) -> Callable[..., str]:
    """What a metric of this module says of its scores; refuses what it cannot read."""

    def says(references: References, *, tokenize: Tokenize) -> str:
        refuse_unread(metric, references, tokenize)
        return f"{metric}|nrefs:{reference_count(references)}|of:best F1|stem:no|tok:{tokenize}"

    return says
