"""Scores against bounds."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptline.data.verdicts import judge, reason
from adaptline.errors import UserError


def out(values: list[Any], **settings: Any) -> list[bool]:
    dropped: list[bool] = judge(pa.chunked_array([pa.array(values)]), "method", settings)[0].tolist()
    return dropped


def test_numbers_are_in_between_min_and_max_inclusive() -> None:
    assert out([1.0, 2.0, 3.0], min=2.0) == [True, False, False]
    assert out([1.0, 2.0, 3.0], max=2.0) == [False, False, True]
    assert out([1, 2, 3], min=2.0, max=2.0) == [True, False, True]
    assert out([1.0, 2.0]) == [False, False]


def test_labels_are_in_keep_and_not_in_drop() -> None:
    assert out(["en", "de", "fr"], keep=["en", "de"]) == [False, False, True]
    assert out(["en", "de", "fr"], drop=["en"]) == [True, False, False]
    assert out(["en", "de", "fr"], keep=["en", "de"], drop=["en"]) == [True, False, True]


@pytest.mark.parametrize(
    ("unjudged", "gone"), [({}, False), ({"unjudged": "keep"}, False), ({"unjudged": "drop"}, True)]
)
def test_a_row_without_a_score_is_in_unless_the_recipe_says_otherwise(unjudged: dict[str, str], gone: bool) -> None:
    assert out([None, 5.0, float("nan")], min=1.0, **unjudged) == [gone, False, gone]
    assert out([None, "en"], keep=["en"], **unjudged) == [gone, False]


def test_no_scores_at_all_fit_every_bound() -> None:
    assert judge(pa.chunked_array([pa.nulls(2)]), "method", {"min": 1.0})[0].tolist() == [False, False]
    assert judge(pa.chunked_array([pa.nulls(2)]), "method", {"keep": ["en"], "unjudged": "drop"})[0].tolist() == [
        True,
        True,
    ]


@pytest.mark.parametrize(
    ("values", "settings", "message"),
    [
        ([1.0], {"keep": ["en"]}, "gives numbers, keep does not fit"),
        (["en"], {"max": 1.0}, "gives labels, max does not fit"),
    ],
)
def test_bounds_of_the_other_kind_are_refused(values: list[Any], settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        out(values, **settings)


@given(st.lists(st.none() | st.floats()), st.floats(allow_nan=False), st.floats(allow_nan=False))
def test_every_row_that_is_out_crosses_a_bound(values: list[float | None], low: float, high: float) -> None:
    array = pa.chunked_array([pa.array(values, pa.float64())])
    dropped, unjudged = judge(array, "method", {"min": low, "max": high})
    for value, gone, missing in zip(values, dropped, unjudged, strict=True):
        assert missing == (value is None or value != value)  # noqa: PLR0124 - NaN is not equal to itself
        assert gone == (not missing and value is not None and not low <= value <= high)


def test_the_reason_names_the_bound_that_was_crossed() -> None:
    assert reason(1.0, {"min": 2.0}) == "< min 2"
    assert reason(3.0, {"max": 2.5}) == "> max 2.5"
    assert reason(2.0, {"min": 1.0, "max": 3.0}) == "within its bounds"
    assert reason(None, {"min": 1.0}) == "no score"
    assert reason("fr", {"keep": ["en"]}) == "not en"
    assert reason("fr", {"keep": ["en", "de"]}) == "not one of en, de"
    assert reason("fr", {"drop": ["fr"]}) == "which the recipe drops"
