"""National numbers of people in the Americas, besides those of identities.py: grammar and check digits, by country.

Each check names who publishes it. Numbers without a separator of their own count only near a word that names them.
"""

from __future__ import annotations

import re

from adaptline.data.personal.checksums import check_of_eleven, luhn, luhn_not_alike, weighted, year_first
from adaptline.data.personal.page import Shape, compact, digits_of, each_of, pattern
from adaptline.data.personal.words import abbreviated, naming

_CURP = "0123456789ABCDEFGHIJKLMN\xd1OPQRSTUVWXYZ"  # what a character counts, by its place
_STATES = "AS|BC|BS|C[CLMSH]|D[FG]|G[TR]|HG|JC|M[CNS]|N[TLE]|OC|PL|Q[TR]|S[PLR]|T[CSL]|VZ|YN|ZS"
_RIF = {"V": 4, "E": 8, "J": 12, "P": 16, "G": 20}


def _is_curp(value: str) -> bool:
    """Mexico, RENAPO's instructions of 2021: places in an alphabet with an N with tilde, weights 18 to 2."""
    code = value.upper()
    total = sum(_CURP.index(character) * weight for character, weight in zip(code, range(18, 1, -1), strict=False))
    return year_first(code, 4) and str(-total % 10) == code[17]


def _is_rfc(value: str) -> bool:
    """Mexico, SAT: as in a CURP the second letter is the surname's first vowel; what ends it is often given wrong."""
    code = compact(value)
    return code[1] in "AEIOUX" and year_first(code, 4)


def _is_cuil(value: str) -> bool:
    """Argentina, ANSES: people have 20, 23, 24, 25, 26 or 27 before the number of their document."""
    digits = digits_of(value)
    check = -weighted(digits, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return str(check if check < 10 else 9) == digits[10]  # noqa: PLR2004 - one digit


def _is_rut(value: str) -> bool:
    """Chile, Servicio de Impuestos Internos: weights 2 to 7 from the right, K for 10."""
    code = compact(value)
    check = -weighted(code[-2::-1], (2, 3, 4, 5, 6, 7, 2, 3)) % 11
    return len(set(code)) > 1 and "0123456789K"[check] == code[-1]


def _is_nit(value: str) -> bool:
    """Colombia, DIAN: primes from the right."""
    digits = digits_of(value)
    rest = weighted(digits[-2::-1], (3, 7, 13, 17, 19, 23, 29, 37, 41, 43)) % 11
    return len(set(digits)) > 1 and (rest if rest < 2 else 11 - rest) == int(digits[-1])  # noqa: PLR2004


def _is_ec_cedula(value: str) -> bool:
    """Ecuador, Registro Civil: one of 24 provinces (30 abroad), then below 6, Luhn."""
    province = int(value[:2])
    return (1 <= province <= 24 or province == 30) and value[2] < "6" and luhn(digits_of(value))  # noqa: PLR2004


def _is_ci(value: str) -> bool:
    """Uruguay, Dirección Nacional de Identificación Civil."""
    digits = digits_of(value)
    return len(set(digits)) > 1 and weighted(digits, (2, 9, 8, 7, 6, 3, 4, 1)) % 10 == 0


def _is_rif(value: str) -> bool:
    """Venezuela, SENIAT: the letter counts four times its number."""
    code = compact(value)
    check = -(_RIF[code[0]] + weighted(code[1:], (3, 2, 7, 6, 5, 4, 3, 2))) % 11
    return str(check if check < 10 else 0) == code[9]  # noqa: PLR2004 - one digit


def _is_ruc(value: str) -> bool:
    """Peru, SUNAT: 11 less the remainder, its last digit."""
    return str((11 - weighted(value, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11) % 10) == value[10]


def _is_pis(value: str) -> bool:
    digits = digits_of(value)
    return len(set(digits)) > 1 and check_of_eleven(digits, (3, 2, 9, 8, 7, 6, 5, 4, 3, 2)) == digits[10]


# Internal Revenue Service, publication 1915: which pairs of digits stand in the middle.
us_itin = each_of(
    9,
    Shape(
        pattern("9[0-9]{2}([- ]?)(?:5[0-9]|6[0-5]|7[0-9]|8[0-8]|9[0-24-9])\\1[0-9]{4}"),
        words=naming("itin", abbreviated("TIN")),
    ),
    Shape(pattern("9[0-9]{2}-(?:5[0-9]|6[0-5]|7[0-9]|8[0-8]|9[0-24-9])-[0-9]{4}")),
)
ca_sin = each_of(
    9,
    Shape(
        pattern("[1-79][0-9]{2}([- ]?)[0-9]{3}\\1[0-9]{3}"),
        luhn_not_alike,
        naming(abbreviated("SIN", "NAS"), "assurance sociale"),
    ),
)
mx_curp = each_of(
    6, Shape(pattern(f"[A-Z]{{4}}[0-9]{{6}}[HMX](?:{_STATES})[A-Z]{{3}}[0-9A-Z][0-9]", re.IGNORECASE), _is_curp)
)
mx_nss = each_of(
    11,
    Shape(
        pattern("[0-9]{2}[- ]?[0-9]{2}[- ]?[0-9]{2}[- ]?[0-9]{4}[- ]?[0-9]"),
        luhn_not_alike,
        naming("nss", "imss", "seguro social", "seguridad social"),
    ),
)
mx_rfc = each_of(
    6,
    Shape(
        pattern("[A-Z]{4}-?[0-9]{6}-?[0-9A-Z]{3}", re.IGNORECASE),
        _is_rfc,
        naming(abbreviated("RFC"), "registro federal"),
    ),
)
ar_cuil = each_of(
    11, Shape(pattern("2[03-7]([- ]?)[0-9]{8}\\1[0-9]"), _is_cuil, bare_words=naming("cui[lt]", "c\\.u\\.i\\.[lt]"))
)
cl_rut = each_of(
    7,
    Shape(
        pattern("(?:[0-9]{7,8}-?|[0-9]{1,2}\\.[0-9]{3}\\.[0-9]{3}-)[0-9K]", re.IGNORECASE),
        _is_rut,
        naming(abbreviated("RUT"), "(?-i:RUN|Rut)", "r\\.u\\.[tn]", "rol [úu]nico"),
    ),
)
co_nit = each_of(
    8,
    Shape(
        pattern("[0-9]{1,3}(?:\\.?[0-9]{3}){2,3}-?[0-9]"),
        _is_nit,
        naming(abbreviated("NIT", "DIAN"), "n\\.i\\.t", "c[ée]dula"),
    ),
)
ec_cedula = each_of(
    10, Shape(pattern("[0-3][0-9]{8}-?[0-9]"), _is_ec_cedula, naming("c[ée]dula", abbreviated("C\\.?I", "C\\.C")))
)
uy_ci = each_of(
    8,
    Shape(
        pattern("[1-9](?:[0-9]{6}-?|\\.[0-9]{3}\\.[0-9]{3}-)[0-9]"), _is_ci, naming("c[ée]dula", abbreviated("C\\.?I"))
    ),
)
ve_rif = each_of(
    9,
    Shape(pattern("[VEJPG]-[0-9]{8}-[0-9]"), _is_rif),
    Shape(pattern("[VEJPG][- ]?[0-9]{8}-?[0-9]", re.IGNORECASE), _is_rif, naming("rif", "r\\.i\\.f", "seniat")),
)
do_cedula = each_of(11, Shape(pattern("[0-9]{3}([- ]?)[0-9]{7}\\1[0-9]"), luhn_not_alike, naming("c[ée]dula", "jce")))
pe_ruc = each_of(11, Shape(pattern("1[057][0-9]{9}"), _is_ruc, naming("ruc", "r\\.u\\.c", "sunat")))
br_pis = each_of(
    11,
    Shape(
        pattern("[0-9]{3}\\.?[0-9]{5}\\.?[0-9]{2}-?[0-9]"),
        _is_pis,
        naming(abbreviated("PIS", "NIS", "NIT"), "pasep", "pis/pasep"),
    ),
)
