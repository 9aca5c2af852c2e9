from __future__ import annotations

import pytest

from adaptline.errors import UserError
from adaptline.evals.answers import best_of, reference_count, refuse_unanswerable


def test_every_item_needs_an_accepted_answer() -> None:
    refuse_unanswerable("bleu", [["a"], [""], ["b", "c"]])
    with pytest.raises(UserError, match="bleu needs items"):
        refuse_unanswerable("bleu", [])
    with pytest.raises(UserError, match="item 2 has no reference\n  bleu needs at least one for every item"):
        refuse_unanswerable("bleu", [["a"], []])


def test_how_many_references() -> None:
    assert reference_count([["a"], ["b"]]) == "1"
    assert reference_count([["a", "b"], ["b", "c"]]) == "2"
    assert reference_count([["a", "b"], ["b"]]) == "var"


def test_the_best_reference_counts_and_every_text_is_brought_into_its_form() -> None:
    formed: list[str] = []

    def form(text: str) -> int:
        formed.append(text)
        return len(text)

    found = best_of(lambda said, wanted: -abs(said - wanted), form, ["aaa", "b"], [["c", "dddd"], ["eeee"]])
    assert found == [-1, -3]
    assert formed == ["aaa", "c", "dddd", "b", "eeee"]
    with pytest.raises(ValueError, match="argument 2 is"):
        best_of(lambda _said, _wanted: 0.0, form, ["a"], [])
