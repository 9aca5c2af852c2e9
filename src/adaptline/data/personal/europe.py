"""National numbers of people in the north, west and south of Europe, besides those of identities.py: grammar and check digits, country by country.

Each check names who publishes it. Numbers without a separator of their own count only near a word that names them.
"""

# ruff: noqa: RUF001 - words of Cyrillic and Greek

from __future__ import annotations

import re

from adaptline.data.personal.checksums import check_of_eleven, day_first, is_day, luhn, summed, verhoeff, weighted
from adaptline.data.personal.page import Shape, compact, digits_of, each_of, pattern
from adaptline.data.personal.words import abbreviated, naming


def _is_svnr(value: str) -> bool:
    """Austria, Dachverband der Sozialversicherungsträger; months 13 to 15 stand where a day had too many births."""
    digits = digits_of(value)
    total = weighted(digits, (3, 7, 9, 0, 5, 8, 4, 2, 1, 6))
    return total % 11 == int(digits[3]) and 1 <= int(digits[4:6]) <= 31 and 1 <= int(digits[6:8]) <= 15  # noqa: PLR2004 - days, months


def _is_rrn(value: str) -> bool:
    """Belgium, royal decree of 3 April 1984: 97 less the remainder, a 2 before the number of who was born from 2000 on."""
    digits = digits_of(value)
    month, day, check = int(digits[2:4]) % 20, int(digits[4:6]), int(digits[9:])
    born = any(97 - int(century + digits[:9]) % 97 == check for century in ("", "2"))
    return born and month <= 12 and day <= 31 and len(set(digits)) > 1  # noqa: PLR2004 - zeros where the day is not known


def _is_ahv(value: str) -> bool:
    """Switzerland, AHVN13: an EAN-13."""
    return weighted(digits_of(value), (1, 3) * 6 + (1,)) % 10 == 0


def _is_cpr(value: str) -> bool:
    """Denmark, CPR-kontoret: since 2007 numbers are given without a check digit, so the day alone is looked at."""
    return day_first(digits_of(value))


def _is_hetu(value: str) -> bool:
    """Finland, DVV: the remainder by 31 as a character; other signs of the century since 2023."""
    code = value.upper()
    return day_first(code) and "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(code[:6] + code[7:10]) % 31] == code[10]


def _is_amka(value: str) -> bool:
    return day_first(value) and luhn(value)


def _is_afm(value: str) -> bool:
    """Greece, AADE: powers of two."""
    return len(set(value)) > 1 and weighted(value, (256, 128, 64, 32, 16, 8, 4, 2)) % 11 % 10 == int(value[8])


def _is_pps(value: str) -> bool:
    """Ireland, Department of Social Protection: the second letter, where there is one, weighs 9."""
    code = compact(value)
    second = ord(code[8]) - ord("A") + 1 if len(code) > 8 and code[8] != "W" else 0  # noqa: PLR2004
    return "WABCDEFGHIJKLMNOPQRSTUV"[(weighted(code[:7], range(8, 1, -1)) + 9 * second) % 23] == code[7]


def _is_kennitala(value: str) -> bool:
    digits = digits_of(value)
    return day_first(digits) and weighted(digits, (3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0


def _is_matricule(value: str) -> bool:
    """Luxembourg, CTIE: Luhn over the first eleven digits and the twelfth, Verhoeff over these and the thirteenth."""
    day = int(value[:4]), int(value[4:6]), int(value[6:8])
    return is_day(*day) and luhn(value[:12]) and verhoeff(value[:11] + value[12])


def _is_fodselsnummer(value: str) -> bool:
    """Norway, Skatteetaten: the day plus 40 in a D-number, the month plus 40 or 80 in made-up ones."""
    digits = digits_of(value)
    rows = (3, 7, 6, 1, 8, 9, 4, 5, 2, 1), (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)
    day = int(digits[4:6]), int(digits[2:4]) % 40, int(digits[:2]) % 40
    return is_day(*day) and not any(weighted(digits, row) % 11 for row in rows)


def _is_nif(value: str) -> bool:
    """Portugal, decree-law 14/2013: people's numbers begin with 1, 2, 3 or 45."""
    digits = digits_of(value)
    return (digits[0] in "123" or digits[:2] == "45") and check_of_eleven(digits, range(9, 1, -1)) == digits[8]


def _is_rvnr(value: str) -> bool:
    """Germany, VKVV § 4: the letter as two digits, of each product the sum of its digits."""
    code = compact(value)
    digits = code[:8] + f"{ord(code[8]) - ord('A') + 1:02d}" + code[9:]
    weights = (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)
    return is_day(int(code[6:8]), int(code[4:6]), int(code[2:4])) and summed(digits, weights) % 10 == int(digits[12])


def _is_kvnr(value: str) -> bool:
    """Germany, SGB V § 290: the letter as two digits, Luhn from the left."""
    digits = f"{ord(value[0].upper()) - ord('A') + 1:02d}" + value[1:]
    return summed(digits, (1, 2) * 5) % 10 == int(digits[10])


def _is_nhs(value: str) -> bool:
    """NHS Data Dictionary: Modulus 11, a remainder that needs two digits is never given."""
    digits = digits_of(value)
    return len(set(digits)) > 1 and weighted(digits, range(10, 0, -1)) % 11 == 0


def _is_nuss(value: str) -> bool:
    """Spain, Tesorería General de la Seguridad Social: province, number, and the remainder by 97 of both."""
    digits = digits_of(value)
    number = int(digits[:2] + digits[2:10].lstrip("0").zfill(7))
    return number % 97 == int(digits[10:]) or int(digits[:10]) % 97 == int(digits[10:])


at_svnr = each_of(
    10,
    Shape(
        pattern("[1-9][0-9]{3}[ -]?[0-9]{6}"),
        _is_svnr,
        naming(r"sv-?(?:nr|nummer)", r"(?:sozial)?versicherungs-?(?:nr|nummer)"),
    ),
)
_RRN = naming("niss", "insz", "rrn", "registre national", "num[ée]ro national", inside=["rijksregister"])
be_rrn = each_of(
    11,
    Shape(pattern(r"[0-9]{2}\.[0-9]{2}\.[0-9]{2}-[0-9]{3}\.[0-9]{2}"), _is_rrn),
    Shape(pattern("[0-9]{2}[. ]?[0-9]{2}[. ]?[0-9]{2}[ -]?[0-9]{3}[. ]?[0-9]{2}"), _is_rrn, _RRN),
)
ch_ahv = each_of(
    13,
    Shape(
        pattern("756([. ]?)[0-9]{4}\\1[0-9]{4}\\1[0-9]{2}"),
        _is_ahv,
        bare_words=naming("avs", "oasi", "sozialversicherungsnummer", inside=[r"(?<![^\W_])ahv"]),
    ),
)
dk_cpr = each_of(
    10,
    Shape(
        pattern("[0-3][0-9][01][0-9]{3}[- ]?[0-9]{4}"),
        _is_cpr,
        naming("cpr", "cpr-?(?:nr|nummer\\w*)", "personnummer\\w*"),
    ),
)
fi_hetu = each_of(9, Shape(pattern("[0-3][0-9][01][0-9]{3}[-+A-FU-Y][0-9]{3}[0-9A-Z]", re.IGNORECASE), _is_hetu))
gr_amka = each_of(11, Shape(pattern("[0-9]{11}"), _is_amka, naming("αμκα", "α\\.μ\\.κ\\.α", "amka")))
gr_afm = each_of(9, Shape(pattern("[0-9]{9}"), _is_afm, naming("αφμ", "α\\.φ\\.μ", "afm")))
ie_pps = each_of(7, Shape(pattern("[0-9]{7}[A-W][A-IW]?", re.IGNORECASE), _is_pps, naming(abbreviated("PPSN?", "RSI"))))
is_kennitala = each_of(
    10,
    Shape(pattern("[0-3][0-9][01][0-9]{3}-?[0-9]{3}[089]"), _is_kennitala, naming("kt(?=[.:])", inside=["kennital"])),
)
lu_matricule = each_of(13, Shape(pattern("(?:18|19|20)[0-9]{11}"), _is_matricule, naming("cns", inside=["matricule"])))
no_fodselsnummer = each_of(
    11,
    Shape(
        pattern("[0-9]{6}[ ]?[0-9]{5}"),
        _is_fodselsnummer,
        naming("fnr", "d-nummer\\w*", "personnummer\\w*", inside=["f(?:ø|o|oe)dsels-?n(?:umme)?r"]),
    ),
)
pt_nif = each_of(
    9,
    Shape(
        pattern("[1-4][0-9]{2} ?[0-9]{3} ?[0-9]{3}"),
        _is_nif,
        naming("nif", "n\\.?[ºo°] de identificação fiscal", inside=["contribuinte"]),
    ),
)
de_rvnr = each_of(11, Shape(pattern("[0-9]{2} ?[0-9]{6} ?[A-Z] ?[0-9]{3}"), _is_rvnr))
de_kvnr = each_of(
    9,
    Shape(
        pattern("[A-Z][0-9]{9}", re.IGNORECASE),
        _is_kvnr,
        naming("kvnr", "(?:kranken)?versicherten-?(?:nr|nummer)", "health insurance (?:no|number)"),
    ),
)
uk_nhs = each_of(10, Shape(pattern("[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4}"), _is_nhs, naming("nhs")))
es_nuss = each_of(
    12,
    Shape(
        pattern("[0-9]{2}[ /-]?[0-9]{8}[ /-]?[0-9]{2}"),
        _is_nuss,
        naming("nuss", abbreviated("NAF"), "n[ºo°]\\.? ?s\\.?s", inside=["seguridad social", "afiliaci[óo]n"]),
    ),
)
