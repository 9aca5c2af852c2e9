from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from adaptline.web.shapes import Scale, drawable, element, finite, scale_of

FINITE = st.floats(allow_nan=False, allow_infinity=False)


def test_an_element_escapes_text_and_attributes_but_not_elements() -> None:
    made = element("text", "a < b", element("title", "<b>"), class_="x", text_anchor='"><script>', x=1.5)
    assert made == (
        '<text class="x" text-anchor="&#34;&gt;&lt;script&gt;" x="1.5">a &lt; b<title>&lt;b&gt;</title></text>'
    )


def test_an_attribute_with_capitals_keeps_them() -> None:
    assert element("svg", viewBox="0 0 1 1") == Markup('<svg viewBox="0 0 1 1"></svg>')


def test_only_finite_numbers_can_be_drawn() -> None:
    assert finite([1, None, math.nan, math.inf, 0.5]) == [1, 0.5]
    assert not drawable(-math.inf)


def test_a_scale_maps_its_ends_to_the_ends() -> None:
    scale = Scale(10, 30)
    assert [scale.percent(value) for value in (10, 20, 30)] == ["0.00%", "50.00%", "100.00%"]
    assert scale.percent(-5) == "0.00%"
    assert scale.percent(1e9) == "100.00%"


def test_a_logarithmic_scale_gives_powers_the_same_room() -> None:
    scale = Scale(1, 1000, log=True)
    assert [round(scale.fraction(value), 6) for value in (1, 10, 100, 1000)] == [0, 0.333333, 0.666667, 1]
    assert scale.fraction(0) == 0
    assert scale.ticks() == [1, 10, 100, 1000]


def test_a_logarithmic_scale_without_a_power_inside_names_its_ends() -> None:
    assert Scale(2, 7, log=True).ticks() == [2, 7]


def test_a_scale_over_nothing_is_none_and_over_one_value_has_room() -> None:
    assert scale_of([None, math.nan]) is None
    for value in (0.0, 0.9, -3.0):
        scale = scale_of([value, value])
        assert scale
        assert scale.low < value < scale.high
        assert scale.fraction(value) == pytest.approx(0.5)


def test_a_margin_is_a_share_of_the_spread() -> None:
    assert scale_of([0, 10], 0.1) == Scale(-1, 11)


@pytest.mark.parametrize(
    ("scale", "ticks"),
    [
        (Scale(0, 1), [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (Scale(0.13, 0.97), [0.2, 0.4, 0.6, 0.8]),
        (Scale(0, 21), [0, 5, 10, 15, 20]),
        (Scale(-3, 3), [-2, 0, 2]),
        (Scale(5, 5), [5]),
    ],
)
def test_ticks_are_round(scale: Scale, ticks: list[float]) -> None:
    assert scale.ticks() == pytest.approx(ticks)


@given(FINITE, FINITE, FINITE)
def test_any_value_has_a_place_on_any_scale(first: float, second: float, value: float) -> None:
    scale = Scale(min(first, second), max(first, second))
    assert 0 <= scale.fraction(value) <= 1


@given(FINITE, FINITE)
def test_ticks_are_few_and_between_the_ends(first: float, second: float) -> None:
    low, high = min(first, second), max(first, second)
    ticks = Scale(low, high).ticks()
    assert len(ticks) <= 8
    room = 1e-6 * (high - low) if math.isfinite(high - low) else 0
    assert all(low - room <= tick <= high + room for tick in ticks)


@given(st.lists(st.one_of(st.none(), st.floats()), max_size=8))
def test_a_scale_holds_all_values_it_was_made_of(values: list[float | None]) -> None:
    scale = scale_of(values, 0.05)
    placed = finite(values)
    assert (scale is None) == (not placed)
    if scale:
        assert all(scale.low <= value <= scale.high for value in placed)
