"""Which places of a text hold personal data, of which kind: all recognisers over one text, the longest match first.

Knows the kinds by name and when a recogniser need not be asked. Knows nothing of what is put in a place's stead.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, get_args

from adaptline.data.personal import (
    americas,
    asia,
    credentials,
    eastern_europe,
    emails,
    europe,
    identities,
    money,
    network,
    phones,
)
from adaptline.data.personal.page import Page, Span, as_ascii

Kind = Literal[
    "secret",
    "url_secret",
    "email",
    "iban",
    "card",
    "ip",
    "mac",
    "cn_resident_id",
    "it_codice_fiscale",
    "fr_nir",
    "br_cnpj",
    "br_cpf",
    "us_ssn",
    "uk_nino",
    "es_dni",
    "de_steuer_id",
    "nl_bsn",
    "se_personnummer",
    "pl_pesel",
    "in_aadhaar",
    "at_svnr",
    "be_rrn",
    "bg_egn",
    "ch_ahv",
    "cz_rodne_cislo",
    "dk_cpr",
    "ee_isikukood",
    "lt_asmens_kodas",
    "fi_hetu",
    "gr_amka",
    "gr_afm",
    "hr_oib",
    "hu_szemelyi_szam",
    "hu_taj",
    "hu_adoazonosito",
    "ie_pps",
    "is_kennitala",
    "lu_matricule",
    "lv_personas_kods",
    "rs_jmbg",
    "no_fodselsnummer",
    "pt_nif",
    "ro_cnp",
    "ru_snils",
    "ru_inn",
    "ua_rnokpp",
    "de_rvnr",
    "de_kvnr",
    "uk_nhs",
    "es_nuss",
    "us_itin",
    "ca_sin",
    "mx_curp",
    "mx_nss",
    "mx_rfc",
    "ar_cuil",
    "cl_rut",
    "co_nit",
    "ec_cedula",
    "uy_ci",
    "ve_rif",
    "do_cedula",
    "pe_ruc",
    "br_pis",
    "tr_tckn",
    "il_teudat_zehut",
    "ir_melli",
    "sa_id",
    "ae_id",
    "eg_national_id",
    "kz_iin",
    "in_pan",
    "kr_rrn",
    "jp_my_number",
    "tw_id",
    "hk_hkid",
    "sg_nric",
    "my_nric",
    "th_id",
    "id_nik",
    "pk_cnic",
    "za_id",
    "au_tfn",
    "au_medicare",
    "nz_ird",
    "phone",
]
KINDS: tuple[str, ...] = get_args(Kind)  # where two kinds fit the same place, the first of them is taken

_RANK = {kind: place for place, kind in enumerate(KINDS)}
_LANDS = identities, europe, eastern_europe, americas, asia
Recogniser = Callable[[Page], Iterable[Span]]
_OF_NUMBERS: dict[str, Recogniser] = {
    "iban": money.ibans,
    "card": money.cards,
    "phone": phones.phones,
    **{kind: getattr(land, kind) for kind in KINDS for land in _LANDS if hasattr(land, kind)},
}
_RECOGNISERS: dict[str, Recogniser] = {
    "secret": credentials.secrets,
    "url_secret": credentials.url_secrets,
    "email": emails.emails,
    "mac": network.macs,
    **_OF_NUMBERS,
}
# Six digits, each at most two other characters from the next: what every numbered kind but in_pan has; most have nine, between which
# is no letter.
_NUMBER = re.compile(r"\d(?:[ .\-/()A-Za-z]{0,2}\d){5}")
_LONG_NUMBER = re.compile(r"\d(?:[ .\-/+]{0,2}\d){8}")
_SHORTER = {
    *(
        "phone",
        "iban",
        "uk_nino",
        "es_dni",
        "it_codice_fiscale",
        "fi_hetu",
        "ie_pps",
        "mx_curp",
        "mx_rfc",
        "cl_rut",
        "uy_ci",
    ),
    *("hk_hkid", "sg_nric", "au_tfn", "nz_ird", "il_teudat_zehut", "co_nit", "de_rvnr"),
}
_PAN = re.compile("[A-Za-z][0-9]{4}[A-Za-z]")  # in_pan has no more digits
_COLONS = re.compile(r":[0-9A-Fa-f]{0,4}:")  # an expression that begins with one character is searched quickly
_DASHES = re.compile(r"-[0-9A-Fa-f]{2}-")
_DOTS = re.compile(r"\.[0-9A-Fa-f]{1,4}\.")


@dataclass(frozen=True)
class Found:
    """A place in a text, from `start` to before `end`, and what it holds."""

    kind: str
    start: int
    end: int


def find(
    text: str,
    kinds: Sequence[str] = KINDS,
    *,
    private: bool = False,
    keep: Sequence[re.Pattern[str]] = (),
    trusting: bool = False,
) -> list[Found]:
    """Places with personal data, in order, none overlapping: of two that do the longer, then the first of KINDS.

    Args:
        text: any text.
        kinds: which kinds are looked for.
        private: whether addresses of private networks count.
        keep: what is never personal data: a value in which one of these is found.
        trusting: whether weak numbers count without a word that names them.
    """
    plain = as_ascii(text)
    asked = _asked(plain, kinds)
    if not asked:
        return []
    page = Page(plain, trusting=trusting)
    candidates = []
    for kind in asked:
        recogniser = partial(network.ips, private=private) if kind == "ip" else _RECOGNISERS[kind]
        candidates += [Found(kind, *span) for span in recogniser(page)]
    kept = [place for place in candidates if not any(p.search(text[place.start : place.end]) for p in keep)]
    return _apart(kept)


def _asked(plain: str, kinds: Sequence[str]) -> list[str]:
    """Those of the kinds that the text can hold at all: most texts hold none."""
    colons, dots = _COLONS.search(plain) is not None, _DOTS.search(plain) is not None
    has = {
        "email": "@" in plain or "%40" in plain,
        "url_secret": "://" in plain or ("=" in plain and any(sign in plain for sign in "?&;#")),
        "ip": colons or dots,
        "mac": colons or dots or _DASHES.search(plain) is not None,
        "secret": credentials.may_hold_secrets(plain),
    }
    if _NUMBER.search(plain):
        long = _LONG_NUMBER.search(plain) is not None
        has |= {kind: long or kind in _SHORTER for kind in _OF_NUMBERS}
    if _PAN.search(plain):
        has["in_pan"] = True
    # The order is of no weight: _apart ranks what they find.
    return [kind for kind, may in has.items() if may and kind in kinds]


def _apart(candidates: Sequence[Found]) -> list[Found]:
    """The candidates that do not overlap a longer one."""
    starts: list[int] = []
    taken: list[Found] = []
    for one in sorted(candidates, key=lambda c: (c.start - c.end, _RANK[c.kind], c.start)):
        at = bisect(starts, one.start)
        if (at == 0 or taken[at - 1].end <= one.start) and (at == len(taken) or one.end <= taken[at].start):
            starts.insert(at, one.start)
            taken.insert(at, one)
    return taken
