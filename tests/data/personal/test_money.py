"""Cards and accounts: lengths, networks and check digits."""

from __future__ import annotations

import string

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from recognised import found

from adaptline.data.personal.money import cards, ibans

# Examples of the IBAN registry (SWIFT).
IBANS = ["DE89370400440532013000", "GB29NWBK60161331926819", "FR1420041010050500013M02606", "NO9386011117947"]
# How the numbers of each network begin, and how many digits they have.
NETWORKS = {"4": 16, "51": 16, "2221": 16, "34": 15, "36": 14, "6011": 16, "3528": 16, "2200": 16}


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(NETWORKS)), st.text(string.digits, min_size=14, max_size=14))
def test_one_of_ten_last_digits_makes_a_card(start: str, digits: str) -> None:
    body = (start + digits)[: NETWORKS[start] - 1]
    assume(len(set(body)) > 2)
    assert len([end for end in string.digits if found(cards, f"paid with {body}{end}.")]) == 1


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(IBANS), st.data())
def test_an_account_with_two_neighbours_that_changed_places_is_none(number: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(4, len(number) - 2))
    assume(number[at] != number[at + 1])
    swapped = number[:at] + number[at + 1] + number[at] + number[at + 2 :]
    assert found(ibans, f"to {number}.") == [number]
    assert found(ibans, f"to {swapped}.") == []


@pytest.mark.parametrize("number", IBANS)
def test_an_account_is_found_in_groups_of_four_too(number: str) -> None:
    grouped = " ".join(number[at : at + 4] for at in range(0, len(number), 4))
    assert found(ibans, f"IBAN {grouped}, please") == [grouped]
    assert found(ibans, f"IBAN {grouped[:-1]}") == []


def test_a_network_that_nobody_knows_needs_a_word_near() -> None:
    numbers = [f"901288888888188{end}" for end in string.digits]
    assert [number for number in numbers if found(cards, f"no. {number}")] == []
    assert len([number for number in numbers if found(cards, f"my card {number}") == [number]]) == 1
