"""National numbers of the Americas: a check digit leaves one of all possible last characters, and a date must be one."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable

import pytest
from recognised import ending, found

from adaptline.data.personal import americas
from adaptline.data.personal.page import Page, Span

# Published examples of those who issue them, or made up with right check digits; and how many last characters there are.
CHECKED = [
    (americas.ca_sin, "130 692 544", string.digits),
    (americas.mx_curp, "HEGG560427MVZRRL04", string.digits),
    (americas.mx_nss, "12 34 56 7890 3", string.digits),
    (americas.ar_cuil, "20-05536168-2", string.digits),
    (americas.cl_rut, "12.531.909-2", string.digits + "K"),
    (americas.co_nit, "213.123.432-1", string.digits),
    (americas.ec_cedula, "171430710-3", string.digits),
    (americas.uy_ci, "1.234.567-2", string.digits),
    (americas.ve_rif, "V-11470283-4", string.digits),
    (americas.do_cedula, "001-1391820-5", string.digits),
    (americas.pe_ruc, "10054148289", string.digits),
    (americas.br_pis, "120.64585.45-3", string.digits),
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


@pytest.mark.parametrize("number", ["HEGG561327MVZRRL04", "HEGG560431MVZRRL04", "HEGG560427XXXRRL04"])
def test_a_curp_holds_a_day_and_a_state(number: str) -> None:
    assert ending(americas.mx_curp, number[:-1]) == []


def test_an_rfc_holds_a_day() -> None:
    assert found(americas.mx_rfc, "RFC GODE561231GR8, RFC GODE561331GR8") == ["GODE561231GR8"]


@pytest.mark.parametrize("pair", ["49", "66", "69", "89", "93"])
def test_pairs_of_digits_that_the_revenue_service_never_gives(pair: str) -> None:
    assert found(americas.us_itin, f"ITIN 912-{pair}-3456") == []
    assert found(americas.us_itin, "912-90-3456") == ["912-90-3456"]


def test_bare_digits_need_a_word_near_that_names_the_number() -> None:
    for recogniser, name, number in (
        (americas.ca_sin, "SIN", "130692544"),
        (americas.ar_cuil, "CUIL", "20055361682"),
        (americas.ec_cedula, "cédula", "1714307103"),
        (americas.pe_ruc, "RUC", "10054148289"),
    ):
        assert found(recogniser, f"order {number}") == []
        assert found(recogniser, f"{name} {number}") == [number]


def test_digits_that_are_all_alike_are_no_number() -> None:
    for recogniser in (americas.cl_rut, americas.co_nit, americas.uy_ci, americas.br_pis):
        assert (
            found(recogniser, " ".join(str(n) * length for n in range(10) for length in (8, 9, 11)), trusting=True)
            == []
        )
