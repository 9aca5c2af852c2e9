"""National numbers of the north, west and south of Europe: a check leaves one of all last characters, and a date must be one."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable

import pytest
from recognised import ending, found

from adaptline.data.personal import europe
from adaptline.data.personal.page import Page, Span


def test_checks_that_stand_in_the_middle() -> None:
    """Austria's fourth digit; Iceland's ninth, of which the tenth tells the century; the letters of Ireland."""
    made = [f"123{check} 010180" for check in range(10)]
    assert [one for one in made if found(europe.at_svnr, one, trusting=True)] == ["1237 010180"]
    made = [f"120174-33{check}9" for check in range(10)]
    assert [one for one in made if found(europe.is_kennitala, one, trusting=True)] == ["120174-3399"]
    made = [f"6433435{check}A" for check in string.ascii_uppercase]
    assert [one for one in made if found(europe.ie_pps, one, trusting=True)] == ["6433435OA"]


@pytest.mark.parametrize(
    ("recogniser", "number"),
    [
        (europe.at_svnr, "1237 321680"),
        (europe.be_rrn, "85.13.32-033.28"),
        (europe.dk_cpr, "311162-5629"),
        (europe.fi_hetu, "310252-308T"),
        (europe.gr_amka, "31023099997"),
        (europe.is_kennitala, "310274-3399"),
        (europe.lu_matricule, "1893023005732"),
        (europe.no_fodselsnummer, "310286 95088"),
        (europe.de_rvnr, "65310239J003"),
    ],
)
def test_no_day_has_no_number(recogniser: Callable[[Page], Iterable[Span]], number: str) -> None:
    ends = string.digits + string.ascii_uppercase
    assert [end for end in ends if found(recogniser, number[:-1] + end, trusting=True)] == []


def test_who_was_born_from_2000_on_has_a_belgian_number_of_his_own() -> None:
    checks = [f"00.01.01-001.{check:02}" for check in range(1, 98)]
    held = [number for number in checks if found(europe.be_rrn, number, trusting=True)]
    assert [int(number[-2:]) for number in held] == sorted(97 - int(f"{born}000101001") % 97 for born in ("", 2))


def test_signs_of_the_century_in_finland() -> None:
    signs = [sign for sign in "-+ABCDEFGUVWXYZ" if found(europe.fi_hetu, f"131052{sign}308T")]
    assert signs == list("-+ABCDEFUVWXY")


def test_portugals_numbers_of_firms_are_not_peoples() -> None:
    assert ending(europe.pt_nif, "41245678") == []
    assert len(ending(europe.pt_nif, "45245678")) == 1
    assert ending(europe.pt_nif, "50245678") == []


def test_bare_digits_need_a_word_near_that_names_the_number() -> None:
    for recogniser, name, number in (
        (europe.gr_afm, "ΑΦΜ", "094259216"),
        (europe.ch_ahv, "AVS", "7569217076985"),
        (europe.dk_cpr, "CPR", "2110625629"),
        (europe.uk_nhs, "NHS", "9434765919"),
        (europe.es_nuss, "Seguridad Social", "281234567840"),
    ):
        assert found(recogniser, f"order {number}") == []
        assert found(recogniser, f"{name} {number}") == [number]
