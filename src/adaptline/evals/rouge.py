"""ROUGE (Lin 2004): words that a text shares with a reference, as F1; alone, in runs, in order.

Knows words. Computes what Google's package rouge_score does without its stemmer, which knows English only.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal

from adaptline.evals.references import how_many, require

Tokenizer = Literal["google", "unicode"]
Words = list[str]
Score = Callable[[str, str, Tokenizer], float]  # of a reference and a prediction

_WORD = {"google": re.compile("[a-z0-9]+"), "unicode": re.compile(r"[^\W_]+")}


def best(predictions: list[str], references: list[list[str]], score: Score, tokenize: Tokenizer) -> list[float]:
    """Each prediction's highest score against any of its references. Raises UserError for an item without one."""
    require(references, "rouge")
    return [
        max(score(reference, prediction, tokenize) for reference in accepted)
        for prediction, accepted in zip(predictions, references, strict=True)
    ]


def signature(name: str, references: list[list[str]], tokenize: Tokenizer) -> str:
    """How a score was made, in sacrebleu's manner."""
    return f"{name}|nrefs:{how_many(references)}|best-of-refs|case:lc|tok:{tokenize}|stem:no|f1"


def words(text: str, tokenize: Tokenizer) -> Words:
    """In lower case; "google" knows the letters a to z and digits alone, "unicode" every letter and digit."""
    return _WORD[tokenize].findall(text.lower())


def of_runs(reference: str, prediction: str, tokenize: Tokenizer, length: int) -> float:
    """F1 of runs of so many words, each as often as it occurs."""
    runs = [_runs(words(text, tokenize), length) for text in (reference, prediction)]
    return _f1((runs[0] & runs[1]).total(), runs[0].total(), runs[1].total())


def of_order(reference: str, prediction: str, tokenize: Tokenizer) -> float:
    """F1 of the longest sequence of words that both have in one order."""
    truth, said = words(reference, tokenize), words(prediction, tokenize)
    return _f1(len(_common(truth, said)), len(truth), len(said))


def of_lines(reference: str, prediction: str, tokenize: Tokenizer) -> float:
    """F1 of what each line of a reference has in common with all lines of the prediction together."""
    truth, said = (
        [found for line in text.split("\n") if (found := words(line, tokenize))] for text in (reference, prediction)
    )
    left = [Counter(word for line in lines for word in line) for lines in (truth, said)]
    hits = 0
    for line in truth:
        for place in sorted({place for other in said for place in _common(line, other)}):
            word = line[place]
            if all(counts[word] > 0 for counts in left):  # a word that was said once counts once
                hits += 1
                for counts in left:
                    counts[word] -= 1
    return _f1(hits, sum(map(len, truth)), sum(map(len, said)))


def _runs(found: Words, length: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(found[start : start + length]) for start in range(len(found) - length + 1))


def _f1(hits: int, truth: int, said: int) -> float:
    return 2 * hits / (truth + said) if hits else 0.0


def _common(truth: Sequence[str], said: Sequence[str]) -> list[int]:
    """Places in `truth` of a longest common subsequence; of several, the one that rouge_score takes."""
    table = [[0] * (len(said) + 1)]
    for word in truth:
        above, row = table[-1], [0]
        for at, other in enumerate(said, start=1):
            row.append(above[at - 1] + 1 if word == other else max(above[at], row[at - 1]))
        table.append(row)
    places, i, j = [], len(truth), len(said)
    while i and j:
        if truth[i - 1] == said[j - 1]:
            i, j = i - 1, j - 1
            places.append(i)
        elif table[i][j - 1] > table[i - 1][j]:
            j -= 1
        else:
            i -= 1
    return places[::-1]
