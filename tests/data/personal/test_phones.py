"""Telephone numbers: found whole however they are grouped, and nothing that is a date, a version or fiction."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recognised import found

from adaptline.data.personal.phones import phones


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["44", "49", "33", "34", "48", "91", "86", "55", "353", "420"]),
    st.lists(st.integers(200, 999).map(str), min_size=3, max_size=3),
    st.sampled_from([" ", "-", ".", "/"]),
)
def test_an_international_number_is_found_whole_however_it_is_grouped(
    country: str, groups: list[str], between: str
) -> None:
    for written in (f"+{country}{between}{between.join(groups)}", f"+{country}{''.join(groups)}"):
        assert found(phones, f"reach me: {written}, please") == [written]


@pytest.mark.parametrize("country", ["999", "210", "0"])
def test_a_country_code_that_is_not_assigned_makes_no_number(country: str) -> None:
    assert found(phones, f"on +{country} 23 456 789") == []


@settings(max_examples=100, deadline=None)
@given(
    st.dates(date(1800, 1, 1), date(2099, 12, 31)),
    st.sampled_from(["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%Y%m%d", "%Y-%m-%d %H:%M"]),
)
def test_a_date_is_no_number_even_beside_the_word(day: date, form: str) -> None:
    assert found(phones, f"phone: {day:{form}}") == []


@settings(max_examples=60, deadline=None)
@given(st.integers(200, 999), st.integers(100, 199))
def test_numbers_kept_for_fiction_are_nobodys(area: int, last: int) -> None:
    assert found(phones, f"call me on {area}-555-0{last}") == []
    assert found(phones, f"call me on {area}-554-0{last}") == [f"{area}-554-0{last}"]


def test_a_short_number_needs_a_word_near_that_tells() -> None:
    assert found(phones, "between 451 5986 of them") == []
    assert found(phones, "call me on 451 5986") == ["451 5986"]
    assert found(phones, "Handy 0171 2345678 ext. 12") == ["0171 2345678 ext. 12"]
