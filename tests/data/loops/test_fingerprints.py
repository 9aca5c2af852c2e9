"""Fingerprints: the same for what is the same and, of many texts, for nothing else."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adaptline.data import folding, matching, text
from adaptline.data.loops import fingerprints

# Kinds of characters that folding changes in length and in form: ligatures, full width, dotless i, sharp s, spaces.
TEXTS = st.text(st.sampled_from("aAbB ßſﬁＡａİıΣς\u3000\u00a0\t.é\u0301漢"), max_size=12)


def prints(texts: list[str], *, folded: bool) -> npt.NDArray[np.uint64]:
    array = pa.array(texts, pa.string())
    found = fingerprints.fingerprints(*matching.utf8(folding.normalised(array) if folded else array), folded=folded)
    return found.view(np.uint64)


@settings(max_examples=200, deadline=None)
@given(st.lists(TEXTS, min_size=2, max_size=6))
def test_two_texts_have_one_fingerprint_where_they_fold_to_one(texts: list[str]) -> None:
    pairs = [(one, other) for one in range(len(texts)) for other in range(one)]
    wanted = [text.fold(texts[one]) == text.fold(texts[other]) for one, other in pairs]
    found = prints(texts, folded=True)
    assert [bool((found[one] == found[other]).all()) for one, other in pairs] == wanted


@settings(max_examples=100, deadline=None)
@given(st.lists(TEXTS, min_size=2, max_size=6))
def test_without_folding_only_the_same_bytes_are_the_same(texts: list[str]) -> None:
    pairs = [(one, other) for one in range(len(texts)) for other in range(one)]
    wanted = [texts[one] == texts[other] for one, other in pairs]
    found = prints(texts, folded=False)
    assert [bool((found[one] == found[other]).all()) for one, other in pairs] == wanted


@pytest.mark.parametrize("folded", [True, False])
def test_a_hundred_thousand_texts_have_as_many_fingerprints(folded: bool) -> None:
    found = prints([f"row {number}" for number in range(100_000)], folded=folded)
    assert len(np.unique(found, axis=0)) == 100_000
    for half in found.T:  # each half is 64 bits, in which so few do not meet by chance
        assert len(np.unique(half)) == 100_000


def test_a_text_that_folds_to_many_times_its_length_is_read_to_its_end() -> None:
    """U+FDFA is one character, and eighteen when it is normalised."""
    texts = ["\ufdfa" * 500, "\ufdfa" * 500 + "x", "\ufdfa" * 499 + text.fold("\ufdfa")]
    found = prints(texts, folded=True)
    assert (found[0] == found[2]).all()
    assert (found[0] != found[1]).any()


def test_no_text_has_no_fingerprint_and_an_empty_one_has() -> None:
    assert prints([], folded=True).shape == (0, 2)
    assert (prints(["", " \t", "a"], folded=True)[0] == prints(["\u3000"], folded=True)[0]).all()
