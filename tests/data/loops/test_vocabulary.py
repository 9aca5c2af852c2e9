"""Words as numbers, against those of Python's strings."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from adaptline.data import folding, matching
from adaptline.data.loops.vocabulary import word_numbers
from adaptline.data.text import fold, tokens

TEXTS = st.text(max_size=30) | st.text("aB \t\u00a0\u0301\u3000_-\u5b57\u00df\ufb03\u00a8\u1e9e", max_size=30)


def numbers(texts: list[str]) -> list[list[int]]:
    words, counts = word_numbers(*matching.utf8(folding.normalised(pa.array(texts, pa.string()))))
    found, at = [], 0
    for count in counts.tolist():
        found.append(words[at : at + count].tolist())
        at += count
    assert at == len(words)
    return found


@given(st.lists(TEXTS, max_size=6))
@settings(max_examples=300)
def test_words_are_those_of_strings(texts: list[str]) -> None:
    wanted = [tokens(fold(text)) for text in texts]
    found = numbers(texts)
    assert [len(words) for words in found] == [len(words) for words in wanted]
    pairs = {(word, number) for of, by in zip(wanted, found, strict=True) for word, number in zip(of, by, strict=True)}
    assert len(pairs) == len({word for word, _ in pairs}) == len({number for _, number in pairs})


def test_texts_that_grow_when_they_are_folded_find_room() -> None:
    texts = ["\ufdfa" * 50, "\u5b57" * 500, "", "a b " * 300]
    assert [len(words) for words in numbers(texts)] == [len(tokens(fold(text))) for text in texts]
