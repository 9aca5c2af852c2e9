"""Signatures: what they estimate, and that they are the same in any company."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from adaptline.data import matching
from adaptline.data.loops import sketches
from adaptline.data.text import Gram, fold, grams, jaccard


def signatures(texts: list[str], **given: Any) -> Any:
    settings: dict[str, Any] = {"words": False, "size": 5, "permutations": 128, "seed": 1, **given}
    return sketches.signatures(*matching.utf8(pa.array(texts, pa.string())), **settings)


@pytest.mark.parametrize("letters", [8, 20, 60, 400, 5000])
@pytest.mark.parametrize("permutations", [1000, 2048])
def test_agreement_estimates_the_similarity_of_short_and_of_long_texts(letters: int, permutations: int) -> None:
    """Short texts have fewer n-grams than there are minima, long ones more than one round needs."""
    draw = random.Random(letters)  # noqa: S311 - a corpus, not a secret
    text = "".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=letters))
    other = text[: letters * 7 // 8] + "".join(draw.choices("0123456789", k=letters - letters * 7 // 8))
    one, two = signatures([text, other], permutations=permutations)
    meant = jaccard(frozenset(grams(text)), frozenset(grams(other)))
    assert abs(float((one == two).mean()) - meant) < 4 * 0.5 / permutations**0.5


def test_agreement_spreads_as_much_as_minhash_does() -> None:
    """Over many seeds: the variance of a mean of so many independent minima, also where there are fewer n-grams."""
    text, other = "abcdefghijkl", "abcdefghijkX"
    meant = jaccard(frozenset(grams(text)), frozenset(grams(other)))
    shares = [float((one == two).mean()) for one, two in (signatures([text, other], seed=seed) for seed in range(500))]
    assert abs(float(np.mean(shares)) - meant) < 0.01
    assert float(np.var(shares)) < 1.3 * meant * (1 - meant) / 128


@pytest.mark.parametrize("kind", ["char", "word"])
def test_a_repeat_changes_nothing_and_a_seed_everything(kind: Gram) -> None:
    text, repeated = "a b a b a b a b", "a b a b a b a b a b a b"
    assert set(grams(text, kind, 3)) == set(grams(repeated, kind, 3))
    given = {"words": kind == "word", "size": 3}
    once, twice = signatures([text, repeated], **given)
    assert np.array_equal(once, twice)
    assert float((once == signatures([text], seed=2, **given)[0]).mean()) < 0.1


def test_a_text_that_grows_when_it_is_folded() -> None:
    texts = ["\ufdfa" * 2000, "plain", "\ufdfa" * 9000]
    whole = signatures(texts)
    assert np.array_equal(whole, np.concatenate([signatures([text]) for text in texts]))
    assert np.array_equal(whole[:1], signatures([fold(texts[0])]))


def test_no_texts_and_empty_ones() -> None:
    assert signatures([]).shape == (0, 128)
    assert np.array_equal(*signatures(["", " "]))
