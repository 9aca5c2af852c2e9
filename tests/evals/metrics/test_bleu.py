from __future__ import annotations

import math
import subprocess
import sys
from itertools import zip_longest
from pathlib import Path

import numpy as np
import pytest
from sacrebleu.metrics.bleu import BLEU

from adaptline.core import registry
from adaptline.core.signatures import BadParameterError, bind_use
from adaptline.evals.corpus import Case
from adaptline.evals.metrics.bleu import Smooth, Tokenize, bleu

SAID = ["The cat sat on the mat.", "A dog barks,loudly"]
REFERENCES = [["the cat sat on the mat .", "The cat was on a mat."], ["A dog barks, loudly!"]]


def test_known_answer() -> None:
    """Five words, one wrong: 4/5, 2/4, 1/3 of the n-grams and of four words none, which counts as half of one in two."""
    (found,) = bleu(["a b x d e"], [["a b c d e"]], case="cased")
    assert found == pytest.approx(100 * math.exp(np.mean(np.log([4 / 5, 2 / 4, 1 / 2 / 3, 1 / 4 / 2]))))


def test_the_case_must_be_chosen(tmp_path: Path) -> None:
    with pytest.raises(BadParameterError, match="case is missing: bleu needs it") as caught:
        bind_use("metrics", "bleu", "metric", tmp_path)
    assert "one of 'cased', 'lower'" in caught.value.do
    assert np.mean(bleu(SAID, REFERENCES, case="lower")) > np.mean(bleu(SAID, REFERENCES, case="cased"))


@pytest.mark.parametrize("case", ["cased", "lower"])
@pytest.mark.parametrize("tokenize", ["13a", "char", "intl", "none", "zh"])
@pytest.mark.parametrize("smooth", ["exp", "floor", "add-k", "none"])
def test_every_setting_is_sacrebleus(case: Case, tokenize: Tokenize, smooth: Smooth) -> None:
    theirs = BLEU(lowercase=case == "lower", tokenize=tokenize, smooth_method=smooth)
    expected = theirs.corpus_score(SAID, list(zip_longest(*REFERENCES))).score
    assert np.mean(bleu(SAID, REFERENCES, case=case, tokenize=tokenize, smooth=smooth)) == pytest.approx(expected)
    says = registry.load("metric", "bleu").options["signature"]
    assert says(REFERENCES, case=case, tokenize=tokenize, smooth=smooth) == f"BLEU|{theirs.get_signature()}"


def test_finding_it_loads_no_sacrebleu() -> None:
    code = "import sys; from adaptline.core import registry; registry.identities(['metric']); print('sacrebleu' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
