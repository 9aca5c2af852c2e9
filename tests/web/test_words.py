from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptline.web import words

ANYTHING = st.one_of(st.none(), st.integers(), st.floats())


def loose(text: str) -> str:
    """With an ordinary space where a narrow no-break one stands."""
    return text.replace("\u202f", " ")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "0"),
        (7, "7"),
        (24812, "24,812"),
        (1_234_567_890, "1,234,567,890"),
        (-1500, "\u22121,500"),
        (None, "\u2013"),
        (math.nan, "\u2013"),
        (math.inf, "∞"),
    ],
)
def test_counts_have_their_thousands_separated(value: float | None, written: str) -> None:
    assert words.count(value) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.0, "0"),
        (3.0, "3"),
        (0.91421, "0.914"),
        (0.9, "0.900"),
        (12.345, "12.3"),
        (1234.56, "1,235"),
        (-0.05, "\u22120.0500"),
        (0.00001234, "1.23 \u00d7 10⁻⁵"),
        (2.5e9, "2.50 \u00d7 10⁹"),
        (-math.inf, "\u2212∞"),
        (None, "\u2013"),
    ],
)
def test_measured_numbers_have_three_digits(value: float | None, written: str) -> None:
    assert words.number(value) == written


@pytest.mark.parametrize(
    ("value", "unit", "written"),
    [
        (0.5, "number", "0.5"),
        (2000, "number", "2,000"),
        (0.1 + 0.2, "number", "0.3"),
        (-0.25, "number", "\u22120.25"),
        (0.95, "share", "95 %"),
        (0.8725, "share", "87.25 %"),
        (0, "share", "0 %"),
        (1e-7, "number", "1.00 \u00d7 10⁻⁷"),
        (math.nan, "number", "\u2013"),
    ],
)
def test_chosen_numbers_have_the_digits_they_were_chosen_with(value: float, unit: str, written: str) -> None:
    assert loose(words.plain(value, unit)) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "0 %"),
        (1, "100 %"),
        (0.9142, "91.4 %"),
        (0.5, "50.0 %"),
        (0.00001, "< 0.1 %"),
        (0.99999, "> 99.9 %"),
        (-0.031, "\u22123.1 %"),
        (-0.00001, "0.0 %"),
        (-0.0, "0 %"),
        (12.5, "1,250.0 %"),
        (None, "\u2013"),
        (math.inf, "∞"),
    ],
)
def test_shares_never_read_as_all_or_nothing_when_they_are_not(value: float | None, written: str) -> None:
    assert loose(words.share(value)) == written


def test_a_part_of_nothing_is_no_share() -> None:
    assert words.part(3, 0) == "\u2013"
    assert words.part(None, 4) == "\u2013"
    assert loose(words.part(3, 4)) == "75.0 %"
    assert words.fraction(0, 0) is None


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "0 s"),
        (0.0421, "42 ms"),
        (3.44, "3.4 s"),
        (42.4, "42 s"),
        (99.4, "99 s"),
        (119.7, "2 min 00 s"),
        (1874.2, "31 min 14 s"),
        (3599.9, "1 h 00 min"),
        (90_061, "25 h 01 min"),
        (None, "\u2013"),
        (math.nan, "\u2013"),
    ],
)
def test_durations_are_in_the_unit_that_a_person_would_use(value: float | None, written: str) -> None:
    assert loose(words.seconds(value)) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1500, "1.5 kB"),
        (412_000_000, "412 MB"),
        (1.4e9, "1.4 GB"),
        (None, "\u2013"),
    ],
)
def test_bytes_have_decimal_prefixes(value: float | None, written: str) -> None:
    assert loose(words.size(value)) == written


@pytest.mark.parametrize(
    ("value", "unit", "written"),
    [
        (-0.0161, "share", "\u22121.6"),
        (0.007, "share", "+0.7"),
        (0.0, "share", "0.0"),
        (-0.0001, "share", "0.0"),
        (0.0, "number", "0"),
        (2.25, "number", "+2.25"),
        (-2.25, "number", "\u22122.25"),
        (math.inf, "share", "+∞"),
        (None, "share", "\u2013"),
    ],
)
def test_differences_have_a_sign_and_shares_differ_by_points(value: float | None, unit: str, written: str) -> None:
    assert words.difference(value, unit) == written


@pytest.mark.parametrize(("value", "written"), [(0.61, "0.610"), (0.0004, "< 0.001"), (1.0, "1.000"), (None, "\u2013")])
def test_probabilities(value: float | None, written: str) -> None:
    assert loose(words.p_value(value)) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.25, "0.25"), (8100, "8,100"), (1_250_000, "1.25 M"), (2_000_000_000, "2 B"), (-3e6, "\u22123 M")],
)
def test_counts_beside_an_axis_are_short(value: float, written: str) -> None:
    assert loose(words.compact(value)) == written


def test_a_value_is_written_in_its_unit_and_words_stay_words() -> None:
    assert loose(words.quantity(0.5, "share")) == "50.0 %"
    assert words.quantity(5, "count") == "5"
    assert words.quantity("en", "share") == "en"
    assert words.quantity(0.5, "no such unit") == "0.500"
    assert words.quantity(None, "bytes") == "\u2013"


def test_a_moment_names_its_zone() -> None:
    assert words.moment(datetime(2026, 11, 3, 9, 5, tzinfo=UTC)) == "3 November 2026, 09:05 UTC"
    assert words.moment(datetime(2026, 11, 3, 9, 5)) == "3 November 2026, 09:05"  # noqa: DTZ001 - what a builder may hold
    assert words.moment(None) == "\u2013"


def test_nouns_agree_with_their_count() -> None:
    assert words.plural(1, "row") == "1 row"
    assert words.plural(2000, "row") == "2,000 rows"
    assert words.plural(0, "entry", "entries") == "0 entries"


@given(ANYTHING)
def test_every_number_can_be_written_and_none_reads_as_not_a_number(value: float | None) -> None:
    for write in (*words.UNITS.values(), words.plain, words.difference, words.p_value, words.compact):
        written = write(value)
        assert written
        assert "nan" not in written
        assert "inf" not in written
        assert "-" not in written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.4238, "0.42"),
        (-0.001, "0.00"),
        (-0.21, "\u22120.21"),
        (1.0, "1.00"),
        (None, words.NOTHING),
        (math.nan, words.NOTHING),
    ],
)
def test_hundredths_have_two_decimals(value: float | None, written: str) -> None:
    assert words.hundredths(value) == written
