"""National numbers of the east of Europe: a check digit leaves one of all possible last characters, and a date must be one."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
from recognised import ending, found

from adaptline.data.personal import eastern_europe
from adaptline.data.personal.page import Page, Span


@pytest.mark.parametrize(
    ("recogniser", "start"),
    [
        (eastern_europe.bg_egn, "752332926"),
        (eastern_europe.bg_egn, "751316926"),
        (eastern_europe.cz_rodne_cislo, "780230/354"),
        (eastern_europe.ee_isikukood, "3760230029"),
        (eastern_europe.hu_szemelyi_szam, "1-561329-000"),
        (eastern_europe.lv_personas_kods, "311175-1999"),
        (eastern_europe.rs_jmbg, "310200650000"),
        (eastern_europe.ro_cnp, "163023012345"),
    ],
)
def test_no_day_has_no_number(recogniser: Callable[[Page], Iterable[Span]], start: str) -> None:
    assert ending(recogniser, start) == []


def test_months_tell_the_century_or_the_sex() -> None:
    for month in ("03", "23", "43"):  # Bulgaria: 19th, 20th, 21st century, in another order
        assert len(ending(eastern_europe.bg_egn, f"75{month}16926")) == 1
    for month in ("01", "21", "51", "71"):  # Czechia: men, men where there were too many, women
        assert len(ending(eastern_europe.cz_rodne_cislo, f"78{month}23/354")) == 1
    assert found(eastern_europe.cz_rodne_cislo, "rodné číslo 530123/354, 540123/354, 530123/000") == ["530123/354"]


def test_hungarys_weights_are_those_of_before_or_after_1997() -> None:
    assert len(ending(eastern_europe.hu_szemelyi_szam, "1-561029-000")) == 2
    assert "2" in ending(eastern_europe.hu_szemelyi_szam, "1-561029-000")


def test_latvias_new_numbers_mean_nothing_and_need_a_word() -> None:
    assert found(eastern_europe.lv_personas_kods, "326587-23541") == []
    assert found(eastern_europe.lv_personas_kods, "personas kods 326587-23541") == ["326587-23541"]


def test_bare_digits_need_a_word_near_that_names_the_number() -> None:
    for recogniser, name, number in (
        (eastern_europe.bg_egn, "ЕГН", "7523169263"),
        (eastern_europe.hr_oib, "OIB", "69435151530"),
        (eastern_europe.rs_jmbg, "ЈМБГ", "0101006500006"),
        (eastern_europe.ru_snils, "СНИЛС", "11223344595"),
        (eastern_europe.ua_rnokpp, "РНОКПП", "1759013776"),
    ):
        assert found(recogniser, f"order {number}") == []
        assert found(recogniser, f"{name} {number}") == [number]
