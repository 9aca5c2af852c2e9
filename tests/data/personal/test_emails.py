"""E-mail addresses: found whole in any surroundings, and not what only has an @."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recognised import found

from adaptline.data.personal.emails import emails

NAMES = st.text(string.ascii_lowercase, min_size=2, max_size=12)


@settings(max_examples=100, deadline=None)
@given(NAMES, NAMES, NAMES, st.sampled_from([".", "_", "+", "-"]), st.sampled_from(["de", "com", "co.uk", "museum"]))
def test_an_address_is_found_whole_in_any_surroundings(one: str, other: str, firm: str, between: str, end: str) -> None:
    address = f"{one}{between}{other}@{firm}-firm.{end}"
    for text in ("{}", "<{}>", "({}),", "to {}.", "mailto:{}?subject=x", "'{}'", "a={};b", "von {} und"):
        assert found(emails, text.format(address)) == [address]


@pytest.mark.parametrize("host", ["example.com", "mail.example.org", "host.test", "a.invalid", "db.localhost"])
def test_addresses_of_examples_are_nobodys(host: str) -> None:
    assert found(emails, f"write to anna@{host}") == []


@pytest.mark.parametrize("user", ["git", "noreply", "no-reply", "do-not-reply"])
def test_accounts_of_machines_are_nobodys(user: str) -> None:
    assert found(emails, f"from {user}@firma.de") == []


@pytest.mark.parametrize("length", [64, 65])
def test_a_name_has_64_characters_at_the_most(length: int) -> None:
    address = "a" * length + "@firma.de"
    assert found(emails, address) == ([address] if length == 64 else [])
