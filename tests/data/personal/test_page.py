"""A text as recognisers read it: a character for each character, and the words that are near."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from adaptline.data.personal.page import Page, as_ascii, word

DASHES = set(map(chr, (*range(0x2010, 0x2016), 0x2212, 0xFE63)))


@given(st.text())
def test_a_text_as_ascii_has_as_many_characters_and_differs_in_what_means_the_same(text: str) -> None:
    plain = as_ascii(text)
    assert len(plain) == len(text)
    for old, new in zip(text, plain, strict=True):
        alike = {old, unicodedata.normalize("NFKC", old), str(unicodedata.decimal(old, "")), " -"[old in DASHES]}
        assert new in alike


def test_digits_of_every_script_are_ascii_digits() -> None:
    decimals = [character for character in map(chr, range(0x110000)) if character.isdecimal()]
    assert as_ascii("".join(decimals)) == "".join(str(unicodedata.decimal(character)) for character in decimals)
    assert len(decimals) > 600


def test_a_word_is_near_within_some_characters_and_whole() -> None:
    bsn = word("bsn")
    assert Page("BSN: 123").near(bsn, 5, 8)
    assert Page("123 (bsn)").near(bsn, 0, 3)
    assert Page("user_bsn = 123").near(bsn, 11, 14)
    assert not Page("absn 123").near(bsn, 5, 8)
    assert not Page("<BSN> 123").near(bsn, 6, 9)
    assert not Page("BSN" + " " * 60 + "123").near(bsn, 63, 66)
    assert Page("123", trusting=True).near(bsn, 0, 3)
