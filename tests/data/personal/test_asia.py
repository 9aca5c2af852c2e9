"""National numbers of Asia, Africa and Oceania: a check digit leaves one last character; others have a date, or a word near."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable

import pytest
from recognised import ending, found

from adaptline.data.personal import asia
from adaptline.data.personal.page import Page, Span


@pytest.mark.parametrize(
    ("recogniser", "number", "wrong"),
    [
        (asia.eg_national_id, "29001011234567", ["29013011234567", "29001019934567"]),
        (asia.kr_rrn, "210905-3234560", ["211305-3234560", "200905-3234561"]),  # drawn by lot since October 2020
        (asia.my_nric, "770305-02-1234", ["770231-02-1234", "770305-70-1234"]),
        (asia.id_nik, "3171015708450001", ["3171013213450001", "0971015708450001"]),
        (asia.kz_iin, "900101300017", ["901301300017"]),
        (asia.za_id, "7503305044089", ["7513305044081"]),
    ],
)
def test_a_date_and_a_place_must_be_ones(
    recogniser: Callable[[Page], Iterable[Span]], number: str, wrong: list[str]
) -> None:
    assert found(recogniser, number, trusting=True) == [number]
    assert [one for one in wrong if found(recogniser, one, trusting=True)] == []


def test_what_has_no_check_digit_needs_a_word_near() -> None:
    for recogniser, name, number in (
        (asia.in_pan, "पैन", "ACUPA7085R"),
        (asia.pk_cnic, "CNIC", "34201-0891231-8"),
        (asia.id_nik, "NIK", "3171011708450001"),
        (asia.ae_id, "Emirates ID", "784198012345678"),
    ):
        assert found(recogniser, f"order {number}") == []
        assert found(recogniser, f"{name} {number}") == [number]


def test_a_card_of_medicare_is_checked_by_its_ninth_digit() -> None:
    cards = [f"2123 4567{ninth} 1" for ninth in range(10)]
    assert [card for card in cards if found(asia.au_medicare, card, trusting=True)] == ["2123 45670 1"]


def test_letters_count_as_each_country_counts_them() -> None:
    """Taiwan's I is 34; a single letter of Hong Kong has a blank before it, two have none; Singapore has a row for each."""
    assert ending(asia.tw_id, "I10000000") != ending(asia.tw_id, "H10000000")
    assert found(asia.hk_hkid, "HKID A123456(3), HKID AB987654(3)") == ["A123456(3)", "AB987654(3)"]
    letters = [ending(asia.sg_nric, f"{first}1234567", string.ascii_uppercase) for first in "STFGM"]
    assert letters == [["D"], ["J"], ["N"], ["X"], ["K"]]
