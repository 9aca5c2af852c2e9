"""National numbers of the Americas: a check digit leaves one of all possible last characters, and a date must be one."""

from __future__ import annotations

import pytest
from recognised import ending, found

from adaptline.data.personal import americas


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
