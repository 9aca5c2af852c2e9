"""What all national numbers with a check have in common, whatever their country."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable

import pytest
from recognised import ending, found

from adaptline.data.personal import americas, asia, eastern_europe, europe
from adaptline.data.personal.page import Page, Span

# Published examples of those who issue them, or made up with right check digits; and how many last characters there are.
CHECKED = [
    (europe.be_rrn, "85.07.30-033.28", string.digits),
    (europe.ch_ahv, "756.9217.0769.85", string.digits),
    (europe.fi_hetu, "131052-308T", "0123456789ABCDEFHJKLMNPRSTUVWXY"),
    (europe.gr_amka, "01013099997", string.digits),
    (europe.gr_afm, "094259216", string.digits),
    (europe.ie_pps, "6433435F", string.ascii_uppercase[:23]),
    (europe.lu_matricule, "1893120105732", string.digits),
    (europe.no_fodselsnummer, "151086 95088", string.digits),
    (europe.pt_nif, "123 456 789", string.digits),
    (europe.de_rvnr, "65170839J003", string.digits),
    (europe.de_kvnr, "A123456780", string.digits),
    (europe.uk_nhs, "943 476 5919", string.digits),
    (europe.es_nuss, "28 12345678 40", string.digits),
    (eastern_europe.bg_egn, "7523169263", string.digits),
    (eastern_europe.cz_rodne_cislo, "780123/3540", string.digits),
    (eastern_europe.ee_isikukood, "37605030299", string.digits),
    (eastern_europe.lt_asmens_kodas, "33309240064", string.digits),
    (eastern_europe.hr_oib, "69435151530", string.digits),
    (eastern_europe.hu_taj, "123 456 788", string.digits),
    (eastern_europe.hu_adoazonosito, "8071592153", string.digits),
    (eastern_europe.lv_personas_kods, "161175-19997", string.digits),
    (eastern_europe.rs_jmbg, "0101006500006", string.digits),
    (eastern_europe.ro_cnp, "1630615123457", string.digits),
    (eastern_europe.ru_snils, "112-233-445 95", string.digits),
    (eastern_europe.ru_inn, "500100732259", string.digits),
    (eastern_europe.ua_rnokpp, "1759013776", string.digits),
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
