from __future__ import annotations

from itertools import zip_longest

import numpy as np
import pytest
from sacrebleu.metrics.chrf import CHRF

from adaptline.core import registry
from adaptline.evals.corpus import Case
from adaptline.evals.metrics.chrf import chrf

SAID = ["The cat sat on the mat.", "A dog barks,loudly"]
REFERENCES = [["the cat sat on the mat .", "The cat was on a mat."], ["A dog barks, loudly!"]]


def test_known_answer() -> None:
    """ab against abc: precision 1 and recall 2/3, 1/2 of one and two characters; of three there is none to find."""
    recall = (2 / 3 + 1 / 2) / 2
    assert chrf(["ab"], [["abc"]]) == pytest.approx([100 * 5 * recall / (4 + recall)])


@pytest.mark.parametrize("case", ["cased", "lower"])
@pytest.mark.parametrize("word_order", [0, 1, 2])
def test_every_setting_is_sacrebleus(case: Case, word_order: int) -> None:
    theirs = CHRF(lowercase=case == "lower", word_order=word_order)
    score = theirs.corpus_score(SAID, list(zip_longest(*REFERENCES)))
    assert np.mean(chrf(SAID, REFERENCES, case=case, word_order=word_order)) == pytest.approx(score.score)
    says = registry.load("metric", "chrf").options["signature"]
    assert says(REFERENCES, case=case, word_order=word_order) == f"{score.name}|{theirs.get_signature()}"


def test_it_is_cased_and_without_words_unless_told() -> None:
    assert chrf(["CAT"], [["cat"]]) == [0.0]
    assert chrf(SAID, REFERENCES) == chrf(SAID, REFERENCES, case="cased", word_order=0)
