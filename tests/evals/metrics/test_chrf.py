from __future__ import annotations

import statistics
from typing import Any

import pytest
from sacrebleu.metrics.chrf import CHRF

from adaptline.core import registry
from adaptline.errors import UserError
from adaptline.evals.metrics.chrf import chrf

SAID = ["The Cat sat on the mat.", "nothing alike", "It is a pub in the city."]
ACCEPTED = [["the cat sat on the mat.", "The cat lay."], ["Something else"], ["A pub near the city.", "It is a pub."]]
STREAMS: Any = [[accepted[min(place, len(accepted) - 1)] for accepted in ACCEPTED] for place in range(2)]
STREAMS[1][1] = None


@pytest.mark.parametrize("given", [{}, {"case": "lower"}, {"word_order": 2}])
def test_it_is_sacrebleu_s_score_of_the_set(given: dict[str, Any]) -> None:
    theirs = CHRF(lowercase=given.get("case") == "lower", word_order=given.get("word_order", 0))
    expected = theirs.corpus_score(SAID, STREAMS).score
    assert statistics.fmean(chrf(SAID, ACCEPTED, **given)) == pytest.approx(expected)
    sign = registry.load("metric", "chrf").options["signature"]
    name = "chrF++" if given.get("word_order") == 2 else "chrF"
    assert sign(ACCEPTED, **given) == f"{name}|{theirs.get_signature()}"


def test_what_it_needs() -> None:
    with pytest.raises(UserError, match="item 1 has no reference"):
        chrf(["a"], [[]])
