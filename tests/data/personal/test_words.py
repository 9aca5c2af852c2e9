"""Words that tell what a number is: those of forms and of many languages, and what only looks like them."""

from __future__ import annotations

import pytest

from adaptline.data.personal import words
from adaptline.data.transforms.mask_pii import mask_pii


@pytest.mark.parametrize(
    "text",
    [
        *(
            "my phone is 1",
            "cell_phone: 1",
            "Tel. 1",
            "WhatsApp 1",
            "Rufnummer 1",
        ),
        *(
            "móvil 1",
            "telefonszám 1",
            "puhelinnumero 1",
            "τηλ. 1",
            "Телефон: 1",
            "позвоните 1",
        ),
        *(
            "הטלפון 1",
            "رقمي 1",
            "मेरा नंबर 1",
            "โทร 1",
            "请打电话1",
            "携帯1",
            "전화 1",
            "hubungi 1",
        ),
    ],
)
def test_many_languages_tell_a_telephone(text: str) -> None:
    assert words.PHONE.search(text)


@pytest.mark.parametrize(
    "text",
    [
        "microphones",
        "mobile data 1",
        "mi número de pedido 1",
        "a phrase of 1",
        "der Tellerrand 1",
        "excellent",
        "Hotel",
    ],
)
def test_what_only_looks_like_a_word_of_telephones_tells_nothing(text: str) -> None:
    assert not words.PHONE.search(text)


@pytest.mark.parametrize(
    "text",
    ["credit card 1", "card_no 1", "VISA 1", "Kartennummer 1", "tarjeta 1", "карта 1", "信用卡1", "カード1", "بطاقة 1"],
)
def test_many_languages_tell_a_card(text: str) -> None:
    assert words.CARD.search(text)


@pytest.mark.parametrize("text", ["cardinal 1", "discard 1", "accident 1", "advisable 1"])
def test_what_only_looks_like_a_word_of_cards_tells_nothing(text: str) -> None:
    assert not words.CARD.search(text)


def test_a_national_number_is_told_by_its_own_name_or_by_what_forms_call_any() -> None:
    bsn = words.naming("bsn", inside=["burgerservice"])
    for text in ("BSN 1", "bsn_nr 1", "Burgerservicenummer 1"):
        assert bsn.search(text)
    for text in ("SSN 1", "national_id 1", "tax number 1", "Personalausweis 1", "身份证1", "الرقم القومي 1"):
        assert bsn.search(text)
        assert words.naming().search(text)
    for text in ("absn 1", "bsnx 1", "order 1", "national park 1", "tax 1", "identical 1"):
        assert not bsn.search(text)
    assert not words.naming("pesel").search("BSN 1")


def test_an_expression_is_made_once() -> None:
    assert words.naming("bsn") is words.naming("bsn")
    assert words.naming("bsn") is not words.naming("pesel")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("meine Nummer ist 0171 2345678", "meine Nummer ist <PHONE>"),
        ("mon numéro est 06 12 34 56 78", "mon numéro est <PHONE>"),
        ("mi número es 612 345 678", "mi número es <PHONE>"),
        ("số của tôi là 0912 345 678", "số của tôi là <PHONE>"),
        ("My number is 42, 1234567 tries", "My number is 42, 1234567 tries"),
    ],
)
def test_my_number_tells_what_follows_it_at_once(text: str, masked: str) -> None:
    assert mask_pii([text]) == [masked]
