"""How alike two texts are, and an index that finds the texts that are too much alike.

Knows shingles of words and of characters. Knows nothing of the grammar.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict

WORD = re.compile(r"\w+")


def fold(text: str) -> str:
    """The text in lower case, with every run of white space as one blank."""
    return " ".join(text.lower().split())


def words3(text: str) -> frozenset[str]:
    """The word 3-grams of a text, lower-cased; a text of fewer than three words is one shingle."""
    words = WORD.findall(text.lower())
    return frozenset(" ".join(words[at : at + 3]) for at in range(max(1, len(words) - 2)))


def characters5(text: str) -> frozenset[str]:
    """The character 5-grams of the folded text; a text of fewer than five characters is one shingle."""
    folded = fold(text)
    return frozenset(folded[at : at + 5] for at in range(max(1, len(folded) - 4)))


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """Shared shingles over all shingles of two sets, neither of them empty."""
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared)


def similarity(one: str, other: str) -> dict[str, float]:
    """The Jaccard similarity of two texts by word 3-grams and by character 5-grams, to four digits."""
    return {
        "word3": round(jaccard(words3(one), words3(other)), 4),
        "char5": round(jaccard(characters5(one), characters5(other)), 4),
    }


class Distinct:
    """Texts of which no two reach a word-3-gram Jaccard similarity of `limit`, by an inverted index."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._sizes: list[int] = []
        self._holders: defaultdict[str, list[int]] = defaultdict(list)  # shingle -> positions of the texts that have it

    def add(self, text: str) -> bool:
        """Takes the text in and says True, or leaves it out and says False where it is too close to another."""
        shingles = words3(text)
        shared = Counter(position for shingle in shingles for position in self._holders.get(shingle, ()))
        for position, count in shared.items():
            if count >= self._limit * (len(shingles) + self._sizes[position] - count):
                return False
        for shingle in shingles:
            self._holders[shingle].append(len(self._sizes))
        self._sizes.append(len(shingles))
        return True
