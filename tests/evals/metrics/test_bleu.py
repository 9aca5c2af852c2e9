from __future__ import annotations

import statistics
from typing import Any

import pytest
from sacrebleu.metrics.bleu import BLEU

from adaptline.core import registry
from adaptline.errors import UserError
from adaptline.evals.metrics.bleu import bleu

SAID = ["The Cat sat on the mat.", "A dog barked at the moon all night.", "nothing alike", "It is a pub in the city."]
ACCEPTED = [
    ["the cat sat on the mat.", "The cat lay on the mat."],
    ["A dog barked at the moon all night long."],
    ["Something else entirely"],
    ["It is a pub near the city.", "A pub in the city.", "The pub lies in the city."],
]
STREAMS: Any = [[accepted[place] if place < len(accepted) else None for accepted in ACCEPTED] for place in range(3)]


@pytest.mark.parametrize("given", [{"case": "lower"}, {"case": "cased"}, {"case": "lower", "tokenize": "char"}])
def test_it_is_sacrebleu_s_score_of_the_set(given: dict[str, Any]) -> None:
    theirs = BLEU(lowercase=given["case"] == "lower", tokenize=given.get("tokenize", "13a"))
    expected = theirs.corpus_score(SAID, STREAMS).score
    values = bleu(SAID, ACCEPTED, **given)
    assert len(values) == 4
    assert statistics.fmean(values) == pytest.approx(expected)
    sign = registry.load("metric", "bleu").options["signature"]
    assert sign(ACCEPTED, **given) == f"BLEU|{theirs.get_signature()}"


def test_smoothing() -> None:
    scores = {
        how: statistics.fmean(bleu(["a b c d"], [["a b x d"]], case="cased", smooth=how))
        for how in ("none", "exp", "floor", "add-k")
    }
    assert scores["none"] == 0
    assert 0 < scores["floor"] < scores["exp"] < scores["add-k"]


def test_case_must_be_said() -> None:
    (found,) = (p for n, p in registry.method_parameters(registry.load("metric", "bleu")).items() if n == "case")
    assert found.default is found.empty


def test_what_it_needs() -> None:
    with pytest.raises(UserError, match="item 2 has no reference"):
        bleu(["a", "b"], [["a"], []], case="lower")
    with pytest.raises(UserError, match="bleu needs items"):
        bleu([], [], case="lower")
