"""ROUGE-1, -2, -L and -Lsum, held against Google's package."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from adaptline.core import registry
from adaptline.errors import UserError

NAMES = ("rouge1", "rouge2", "rougeL", "rougeLsum")
THEIRS = RougeScorer(list(NAMES), use_stemmer=False)
TEXTS = st.lists(
    st.sampled_from(["the", "cat", "Cat", "sat", "on", "a", "mat", "7", "é", ".", "\n", "dog-"]), max_size=14
)


def scores(name: str, said: list[str], accepted: list[list[str]], **given: str) -> list[float]:
    found: list[float] = registry.load("metric", name).function(said, accepted, **given)
    return found


@given(TEXTS, TEXTS)
def test_it_is_the_score_of_rouge_score(one: list[str], other: list[str]) -> None:
    said, truth = " ".join(one), " ".join(other)
    expected = THEIRS.score(truth, said)
    for name in NAMES:
        assert scores(name, [said], [[truth]]) == pytest.approx([expected[name].fmeasure])


@pytest.mark.parametrize("name", NAMES)
def test_the_best_reference_counts(name: str) -> None:
    truth = ["a dog ran off", "the cat sat on a mat"]
    expected = THEIRS.score_multi(truth, "the cat sat on the mat")[name].fmeasure
    assert scores(name, ["the cat sat on the mat"], [truth]) == pytest.approx([expected])
    assert registry.load("metric", name).options["signature"]([truth]) == (
        f"{name}|nrefs:2|best-of-refs|case:lc|tok:google|stem:no|f1"
    )


@pytest.mark.parametrize("name", NAMES)
def test_other_letters_than_a_to_z(name: str) -> None:
    said, truth = "Кошка сидела на ковре", "кошка сидела на полу"
    assert scores(name, [said], [[truth]]) == [0.0]
    assert 0.3 < scores(name, [said], [[truth]], tokenize="unicode")[0] < 1


def test_items_without_a_reference() -> None:
    with pytest.raises(UserError, match="item 1 has no reference"):
        scores("rouge1", ["a"], [[]])
