"""National numbers: a check digit leaves one of all possible last characters, and a date must be one."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recognised import ending, found

from adaptline.data.personal import identities
from adaptline.data.personal.page import Page, Span

# Published examples of those who issue them, or made up with right check digits; and how many last characters there are.
CHECKED = [
    (identities.es_dni, "12345678Z", string.ascii_uppercase),
    (identities.es_dni, "X1234567L", string.ascii_uppercase),
    (identities.it_codice_fiscale, "RSSMRA85T10A562S", string.ascii_uppercase),
    (identities.fr_nir, "269054958815780", string.digits),
    (identities.de_steuer_id, "86095742719", string.digits),
    (identities.nl_bsn, "111222333", string.digits),
    (identities.se_personnummer, "811228-9874", string.digits),
    (identities.pl_pesel, "44051401359", string.digits),
    (identities.br_cpf, "390.533.447-05", string.digits),
    (identities.br_cnpj, "11.222.333/0001-81", string.digits),
    (identities.in_aadhaar, "2341 2341 2346", string.digits),
    (identities.cn_resident_id, "11010519491231002X", string.digits + "X"),
]
Recogniser = Callable[[Page], Iterable[Span]]


@pytest.mark.parametrize(("recogniser", "number", "ends"), CHECKED, ids=[number for _, number, _ in CHECKED])
def test_of_all_last_characters_one_is_right(recogniser: Recogniser, number: str, ends: str) -> None:
    assert ending(recogniser, number[:-1], ends) == [number[-1]]


@pytest.mark.parametrize(("recogniser", "number", "ends"), CHECKED, ids=[number for _, number, _ in CHECKED])
def test_a_number_within_a_longer_one_is_none(recogniser: Recogniser, number: str, ends: str) -> None:
    for beside in (f"7{number}", f"{number}7", f"x{number}", f"{number}x", f"0.{number}"):
        assert number not in found(recogniser, beside, trusting=True), ends


@settings(max_examples=50, deadline=None)
@given(st.dates(), st.integers(0, 999))
def test_every_birthday_has_one_number_of_each_kind_that_holds_it(day: object, serial: int) -> None:
    date = f"{day:%y%m%d}"
    assert len(ending(identities.pl_pesel, f"{date}{serial:04}")) == 1
    assert len(ending(identities.se_personnummer, f"19{date}{serial:03}")) == 1


@pytest.mark.parametrize("date", ["991301", "990230", "990400", "990431"])
def test_no_day_has_no_number(date: str) -> None:
    assert ending(identities.se_personnummer, f"{date}-123") == []
    assert ending(identities.pl_pesel, f"{date}1234") == []
    assert ending(identities.cn_resident_id, f"11010519{date}002", string.digits + "X") == []


@pytest.mark.parametrize("number", ["000-12-3456", "666-12-3456", "912-12-3456", "123-00-3456", "123-12-0000"])
def test_numbers_that_social_security_never_gives(number: str) -> None:
    assert found(identities.us_ssn, number, trusting=True) == []
    assert found(identities.us_ssn, "123-12-3456") == ["123-12-3456"]


def test_bare_digits_need_a_word_near_that_names_the_number() -> None:
    assert found(identities.us_ssn, "order 460899847") == []
    assert found(identities.us_ssn, "ssn 460899847") == ["460899847"]
    assert found(identities.nl_bsn, "order 111222333, bsn 111222333") == ["111222333", "111222333"]
