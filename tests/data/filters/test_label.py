"""What is wrong with a row's label."""

from __future__ import annotations

import pytest

from adaptline.core import registry, rows
from adaptline.data.filters.label import label
from adaptline.errors import UserError

LABELS = ["spam", None, "", " \n", "spam ", "free  offer", "Spam", "eggs"]


def judged(*labels: str | None, **given: list[str]) -> list[dict[str, str | None]]:
    found: list[dict[str, str | None]] = label(rows.table({"label": list(labels)}, len(labels)), **given).to_pylist()
    return found


def test_without_known_labels_any_is_fine_that_is_one() -> None:
    found = [one["score"] for one in judged(*LABELS)]
    assert found == ["fine", "missing", "empty", "empty", "white_space", "white_space", "fine", "fine"]


def test_known_labels_tell_other_spellings_and_other_labels() -> None:
    found = judged("spam", "SPAM", "eggs", "spam ", known=["spam", "ham"])
    assert [one["score"] for one in found] == ["fine", "spelling", "unknown", "white_space"]
    assert [one["because"] for one in found] == [None, "'SPAM'", "'eggs'", "'spam '"]


def test_a_whole_number_as_a_float_is_another_spelling() -> None:
    found = judged("1", "1.0", "-2.00", "1.5", "1.0.0", known=["1", "-2"])
    assert [one["score"] for one in found] == ["fine", "spelling", "spelling", "unknown", "unknown"]


@pytest.mark.parametrize("known", [[" spam"], [""], ["a  b"]])
def test_known_labels_that_no_row_could_have_are_refused(known: list[str]) -> None:
    check = registry.load("filter", "label").check
    assert check is not None
    with pytest.raises(UserError, match="known has"):
        check(known=known)
