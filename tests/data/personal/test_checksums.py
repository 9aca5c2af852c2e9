"""Check digits: published numbers hold, and every number that differs from them in one digit does not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptline.data.personal.checksums import luhn, mod_11_10, mod_97, verhoeff

PUBLISHED = [
    (luhn, "79927398713"),  # ISO/IEC 7812-1's customary example
    (verhoeff, "2363"),
    (mod_11_10, "07945"),  # ISO/IEC 7064
    (mod_97, "3214282912345698765432161182"),  # GB82 WEST 1234 5698 7654 32, letters as numbers
]


@pytest.mark.parametrize(("check", "number"), PUBLISHED)
def test_published_numbers_hold_and_one_wrong_digit_is_told(check: Callable[[str], bool], number: str) -> None:
    assert check(number)
    for place, right in enumerate(number):
        for wrong in set("0123456789") - {right}:
            assert not check(number[:place] + wrong + number[place + 1 :])


@given(st.text("0123456789", min_size=1, max_size=30))
def test_each_number_has_one_check_digit(number: str) -> None:
    for check in (luhn, verhoeff, mod_11_10):
        assert sum(check(number + digit) for digit in "0123456789") == 1


@given(st.text("123456789", min_size=2, max_size=20))
def test_verhoeff_tells_two_digits_that_changed_places(number: str) -> None:
    right = next(number + digit for digit in "0123456789" if verhoeff(number + digit))
    swapped = right[1] + right[0] + right[2:]
    assert swapped == right or not verhoeff(swapped)
