from __future__ import annotations

import csv
import gzip
import time
from collections.abc import Callable
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from adaptline.errors import UserError
from adaptline.evals.corpus import jackknife, signature

RealData = Callable[[str], Path]

METRICS: dict[str, Callable[[], Any]] = {
    "bleu": lambda: BLEU(force=True),
    "bleu lower": lambda: BLEU(lowercase=True, smooth_method="floor", force=True),
    "bleu add-k": lambda: BLEU(smooth_method="add-k", tokenize="char", force=True),
    "bleu none": lambda: BLEU(smooth_method="none", tokenize="intl", force=True),
    "chrf": CHRF,
    "chrf++": lambda: CHRF(word_order=2, lowercase=True),
}
texts = st.lists(
    st.sampled_from(["The", "the", "cat", "sat", "on", "a", "mat", ".", ",", "Mat", "猫"]), max_size=9
).map(" ".join)
items = st.lists(st.tuples(texts, st.lists(texts, min_size=1, max_size=3)), min_size=1, max_size=8)
Item = tuple[str, list[str]]


def of_corpus(metric: Any, of: list[Item]) -> float:
    """By sacrebleu's own function for a corpus: a missing reference is None."""
    return float(
        metric.corpus_score([said for said, _ in of], list(zip_longest(*(accepted for _, accepted in of)))).score
    )


def values(metric: Any, of: list[Item]) -> list[float]:
    return jackknife(metric, [said for said, _ in of], [accepted for _, accepted in of])


@pytest.mark.parametrize("name", METRICS)
@settings(max_examples=60)
@given(items)
def test_the_mean_is_the_score_of_sacrebleu(name: str, of: list[Item]) -> None:
    assert np.mean(values(METRICS[name](), of)) == pytest.approx(of_corpus(METRICS[name](), of), abs=1e-8)


@pytest.mark.parametrize("name", METRICS)
@settings(max_examples=25)
@given(items.filter(lambda of: len(of) > 1))
def test_the_values_are_those_of_leaving_each_item_out(name: str, of: list[Item]) -> None:
    metric = METRICS[name]()
    without = np.array([of_corpus(metric, of[:place] + of[place + 1 :]) for place in range(len(of))])
    expected = of_corpus(metric, of) + (len(of) - 1) * (without.mean() - without)
    assert values(metric, of) == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("name", METRICS)
def test_a_perfect_corpus_has_exactly_a_hundred_and_no_spread(name: str) -> None:
    lines = ["the cat sat on the mat .", "a cat and a mat , no more", "one two three four five"]
    assert values(METRICS[name](), [(line, [line, "x"]) for line in lines]) == [100.0] * 3


@pytest.mark.parametrize("name", METRICS)
def test_texts_without_anything_in_them(name: str) -> None:
    full = ("the cat sat on the mat", ["the cat sat on the mat"])
    assert values(METRICS[name](), [("", ["a cat"]), ("", ["", "a mat"])]) == [0.0, 0.0]
    found = values(METRICS[name](), [("", ["a cat"]), full, full])
    assert 0 < np.mean(found) < 100
    assert found[0] < found[1]
    assert np.isfinite(values(METRICS[name](), [("the cat", [""]), full])).all()


def test_mistakes() -> None:
    with pytest.raises(UserError, match="BLEU needs items"):
        jackknife(BLEU(), [], [])
    with pytest.raises(UserError, match="item 2 has no reference"):
        jackknife(CHRF(), ["a", "b"], [["a"], []])
    with pytest.raises(ValueError, match="1 predictions for 2 items"):
        jackknife(BLEU(), ["a"], [["a"], ["b"]])
    with pytest.raises(UserError, match="item 1 has no reference"):
        signature(BLEU(), "BLEU", [[]])


def test_the_signature_is_sacrebleus_own() -> None:
    for references in ([["a", "b"], ["c", "d"]], [["a", "b"], ["c"]]):
        metric = BLEU(lowercase=True, force=True)
        metric.corpus_score(["a", "b"], list(zip_longest(*references)))
        assert signature(BLEU(lowercase=True), "BLEU", references) == f"BLEU|{metric.get_signature()}"


def test_the_spread_of_the_values_is_that_of_the_score() -> None:
    """Of 300 samples of 150 items each, the standard error that the values tell is the one that there is."""
    random = np.random.default_rng(0)
    scores, told = [], []
    for _ in range(300):
        of = []
        for _ in range(150):
            line = random.integers(0, 50, random.integers(6, 14)).astype(str)
            said = np.where(random.random(len(line)) < random.uniform(0.6, 1), line, "x")
            of.append((" ".join(said[: len(said) - random.integers(0, 3)]), [" ".join(line)]))
        found = values(BLEU(force=True), of)
        scores.append(np.mean(found))
        told.append(np.std(found, ddof=1) / np.sqrt(len(found)))
    assert np.mean(told) == pytest.approx(np.std(scores), rel=0.15)


@pytest.fixture(scope="module")
def restaurants(real_data: RealData) -> list[Item]:
    """The E2E test set, of each table of attributes one person's text as the answer and the others' as references."""
    told: dict[str, list[str]] = {}
    with gzip.open(real_data("nlg_e2e") / "testset_w_refs.csv.gz", "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            told.setdefault(row["mr"], []).append(row["ref"])
    return [(said[0], said[1:] or said) for said in told.values()]


@pytest.mark.parametrize("name", ["bleu", "bleu lower", "chrf", "chrf++"])
def test_people_against_each_other(name: str, restaurants: list[Item]) -> None:
    assert len(restaurants) == 630
    found = values(METRICS[name](), restaurants)
    assert np.mean(found) == pytest.approx(of_corpus(METRICS[name](), restaurants), abs=1e-8)
    assert 55 < np.mean(found) < 80
    assert 0.2 < np.std(found) / np.sqrt(630) < 2


def test_leaving_out_costs_little_beside_counting() -> None:
    of = [(f"item {number} says little", [f"item {number} says a little"]) for number in range(5000)]
    metric = BLEU(force=True)
    start = time.process_time()
    metric.corpus_score([said for said, _ in of], [[accepted[0] for _, accepted in of]])
    counting = time.process_time() - start
    start = time.process_time()
    values(metric, of)
    assert time.process_time() - start < 2 * counting + 1
