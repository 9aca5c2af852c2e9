"""National numbers of Asia, Africa and Oceania: a check digit leaves one last character; others have a date, or a word near."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable

import pytest
from recognised import ending, found

from adaptline.data.personal import asia
from adaptline.data.personal.page import Page, Span

# Published examples of those who issue them, or made up with right check digits; and how many last characters there are.
CHECKED = [
    (asia.tr_tckn, "10000000146", string.digits),
    (asia.il_teudat_zehut, "03933742-3", string.digits),
    (asia.ir_melli, "0076229645", string.digits),
    (asia.sa_id, "1084566783", string.digits),
    (asia.kz_iin, "900101300017", string.digits),
    (asia.kr_rrn, "970905-1234567", string.digits),
    (asia.jp_my_number, "1234 5678 9018", string.digits),
    (asia.tw_id, "A123456789", string.digits),
    (asia.hk_hkid, "A1234563", string.digits + "A"),
    (asia.sg_nric, "S1234567D", string.ascii_uppercase),
    (asia.th_id, "1-1017-00123-45-6", string.digits),
    (asia.za_id, "7503305044089", string.digits),
    (asia.au_tfn, "123 456 782", string.digits),
    (asia.nz_ird, "49-091-850", string.digits),
]


@pytest.mark.parametrize(("recogniser", "number", "ends"), CHECKED, ids=[number for _, number, _ in CHECKED])
def test_of_all_last_characters_one_is_right(
    recogniser: Callable[[Page], Iterable[Span]], number: str, ends: str
) -> None:
    assert ending(recogniser, number[:-1], ends) == [number[-1]]


@pytest.mark.parametrize(("recogniser", "number", "ends"), CHECKED, ids=[number for _, number, _ in CHECKED])
def test_a_number_within_a_longer_one_is_none(
    recogniser: Callable[[Page], Iterable[Span]], number: str, ends: str
) -> None:
    for beside in (f"7{number}", f"{number}7", f"x{number}", f"{number}x"):
        assert number not in found(recogniser, beside, trusting=True), ends


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
