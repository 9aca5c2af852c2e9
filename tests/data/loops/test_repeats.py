"""Compiled shares of repeated n-grams, against Python's strings."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adaptline.data import matching
from adaptline.data.loops import repeats

TEXTS = st.lists(st.sampled_from(["a", "b", "cc", "\u4f60\u597d", "\u0915\u093f", "\U0001f600"]), max_size=40).map(
    " ".join
)
STRANGE = st.text("ab \t\u00a0\u3000\u2028\x1c\x85\u200b", max_size=40)


def found(texts: list[str | None]) -> repeats.Shares:
    return repeats.shares(*matching.utf8(pa.array(texts, pa.string())))


def defined(text: str) -> list[float]:
    """The same by its definition: the words that are covered, marked one by one."""
    words = text.split()
    result = []
    for size in (*repeats.TOP, *repeats.COPIED):
        grams = [tuple(words[at : at + size]) for at in range(len(words) - size + 1)]
        covered: set[int] = set()
        if size in repeats.TOP and grams:
            top, times = Counter(grams).most_common(1)[0]
            places = [at for at, gram in enumerate(grams) if gram == top and times > 1]
        else:
            places = [at for at, gram in enumerate(grams) if gram in grams[:at]]
        for at in places:
            covered |= set(range(at, at + size))
        characters = sum(len(words[at]) for at in covered)
        result.append(characters / sum(map(len, words)) if words else 0.0)
    return result


@given(st.lists(TEXTS | STRANGE, max_size=5))
@settings(max_examples=300)
def test_shares_are_those_of_their_definition(texts: list[str | None]) -> None:
    shares = found(texts)
    assert shares.shape == (len(texts), 9)
    for row, text in zip(shares.tolist(), texts, strict=True):
        assert row == pytest.approx(defined(text or ""))


def test_shares_by_hand() -> None:
    """ "a bb" stands there twice: 6 of 10 characters; "c" and "ddd" are left. No longer n-gram stands there again."""
    assert found(["a bb c a bb ddd"]).tolist()[0] == [0.6, *[0.0] * 8]
    assert found(["x x x x"]).tolist()[0] == [1.0, 1.0, 0.0, *[0.0] * 6]
    # 5 words twice: each once more, so half of the characters stood there before; 6 words do not repeat
    assert found(["a b c d e a b c d e"]).tolist()[0] == pytest.approx([0.4, 0.6, 0.8, 0.5, *[0.0] * 5])


def test_null_empty_and_white_texts_repeat_nothing() -> None:
    assert not found([None, "", " \n\u3000", "word", "two words"]).any()
    assert found([]).shape == (0, 9)


def test_a_long_text_of_different_words_repeats_nothing() -> None:
    assert not found([" ".join(map(str, range(20_000)))]).any()


def test_a_slice_of_texts_is_measured_like_its_copy() -> None:
    texts = pa.array(["a b a b", "c d e", "f f f f f f"])
    sliced = repeats.shares(*matching.utf8(texts.slice(1)))
    assert np.array_equal(sliced, found(texts.to_pylist()[1:]))
