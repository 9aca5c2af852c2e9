"""National numbers of people and, in Brazil, of firms: each country's grammar and check digits.

Knows how the numbers are written and checked. A form that many other numbers have (nine bare digits) counts only near a
word that names the number.
"""

from __future__ import annotations

import re
from collections import Counter

from adaptline.data.personal.checksums import check_of_eleven, is_day, luhn, mod_11_10, verhoeff, weighted
from adaptline.data.personal.page import Shape, compact, digits_of, each_of, pattern, word
from adaptline.data.personal.words import abbreviated, naming

_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
# Codice fiscale (D.M. 12 March 1974): what a character counts at an odd place, 0-9 and A-Z.
_ODD = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)  # fmt: skip
_FISCALE_DIGITS = str.maketrans("LMNPQRSTUV", "0123456789")  # letters that stand for digits where two people collide
_MOST_ALIKE = 3  # of a Steuer-ID's first ten digits


def _is_ssn(value: str) -> bool:
    """Social Security Administration, RM 10201.035: no area 000, 666 or from 900 on, no group 00, no serial 0000."""
    digits = digits_of(value)
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    return area not in {"000", "666"} and area < "900" and group != "00" and serial != "0000" and len(set(digits)) > 1


def _is_nino(value: str) -> bool:
    """HMRC, NIM39110: which letters and pairs are never given."""
    return compact(value)[:2] not in {"BG", "GB", "NK", "KN", "TN", "NT", "ZZ"}


def _is_dni(value: str) -> bool:
    number = compact(value)
    return _DNI_LETTERS[int(number[:-1].translate(str.maketrans("XYZ", "012"))) % 23] == number[-1]


def _is_fiscale(value: str) -> bool:
    code = value.upper()
    day = int(code[9:11].translate(_FISCALE_DIGITS)) % 40
    total = sum(_ODD[int(c, 36)] if i % 2 == 0 else int(c, 36) - 10 * c.isalpha() for i, c in enumerate(code[:15]))
    return 1 <= day <= 31 and chr(ord("A") + total % 26) == code[15]  # noqa: PLR2004 - days of a month


def _is_nir(value: str) -> bool:
    """INSEE: 97 less the remainder of the first 13, Corsica's departments counting as 19 and 18."""
    number = compact(value)
    body = number[:13].replace("2A", "19").replace("2B", "18")
    return body.isdigit() and 97 - int(body) % 97 == int(number[13:])


def _is_steuer_id(value: str) -> bool:
    """BZSt: of the first ten digits one occurs twice or three times, the others at most once."""
    digits = digits_of(value)
    most, *others = sorted(Counter(digits[:10]).values(), reverse=True)
    return digits[0] != "0" and 1 < most <= _MOST_ALIKE and set(others) == {1} and mod_11_10(digits)


def _is_bsn(value: str) -> bool:
    digits = digits_of(value)
    return len(set(digits)) > 1 and weighted(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def _is_personnummer(value: str) -> bool:
    """Skatteverket, SKV 704: a date (its day plus 60 in a coordination number), a serial number, Luhn over ten digits."""
    digits = digits_of(value)[-10:]
    return is_day(int(digits[:2]), int(digits[2:4]), int(digits[4:6]) % 60) and luhn(digits)


def _is_personnummer_not_time(value: str) -> bool:
    """A date and what could be a time of the day, as in 200315-1259, is more often that."""
    serial = digits_of(value)[-4:]
    return _is_personnummer(value) and not (serial < "2400" and serial[2:] < "60")


def _is_pesel(value: str) -> bool:
    """The month tells the century: plus 20 from 2000 on, plus 80 before 1900."""
    year, month, day = int(value[:2]), int(value[2:4]) % 20, int(value[4:6])
    return is_day(year, month, day) and weighted(value, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0


def _is_cpf(value: str) -> bool:
    digits = digits_of(value)
    first, second = check_of_eleven(digits[:9], tuple(range(10, 1, -1))), tuple(range(11, 1, -1))
    return len(set(digits)) > 1 and digits[9:] == first + check_of_eleven(digits[:10], second)


def _is_cnpj(value: str) -> bool:
    digits = digits_of(value)
    weights = (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)
    checks = check_of_eleven(digits[:12], weights[1:]), check_of_eleven(digits[:13], weights)
    return len(set(digits)) > 1 and digits[12:] == "".join(checks)


def _is_aadhaar(value: str) -> bool:
    digits = digits_of(value)
    return len(set(digits)) > 1 and verhoeff(digits)


def _is_resident_id(value: str) -> bool:
    """GB 11643-1999: ISO/IEC 7064 MOD 11-2 over 17 digits, after a region and a date."""
    day = int(value[6:10]), int(value[10:12]), int(value[12:14])
    total = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(value[:17]))
    return is_day(*day) and "10X98765432"[total % 11] == value[17].upper()


_SSN = word("ssns?", "social[ _-]?security", "soc[. ]sec")
_BSN = naming("bsn", "burgerservicenummers?", "sofi-?nummers?", "citizen service number")
_CPF = naming("cpf", "cadastro de pessoas? f[ií]sicas?")
_AADHAAR = naming("aadh?aar", "aadhar", "uidai", abbreviated("UID"), "आधार")
_PERSONNUMMER = naming(
    "personnummer", "person-?nr", "pers\\.?nr", "pnr", "samordningsnummer", "personal identity number"
)
_STEUER = naming("steuer-?\\s?id(?:nr|entifikationsnummer)?", "idnr", "identifikationsnummer", abbreviated("TIN"))
_DNI = naming("dni", abbreviated("NIE"), "nif", "documento", "identidad")

us_ssn = each_of(
    9,
    Shape(pattern("[0-9]{3}-[0-9]{2}-[0-9]{4}"), _is_ssn),
    Shape(pattern("[0-9]{3} ?[0-9]{2} ?[0-9]{4}"), _is_ssn, _SSN),
)
_NINO_FORM = "[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]"
_NINO = naming("nino", "national insurance", "ni (?:no|number)", "insurance number")
uk_nino = each_of(6, Shape(pattern(_NINO_FORM), _is_nino), Shape(pattern(_NINO_FORM, re.IGNORECASE), _is_nino, _NINO))
_DNI_NUMBER, _DNI_LETTER = "[0-9]{8}|[XYZ]-?[0-9]{7}", "-?[A-HJ-NP-TV-Z]"
_DNI_DOTTED = "[0-9]{1,2}\\.[0-9]{3}\\.[0-9]{3}"  # a count of millions with a unit looks the same
es_dni = each_of(
    7,
    Shape(pattern(f"(?:{_DNI_NUMBER}){_DNI_LETTER}"), _is_dni),
    Shape(pattern(f"(?:{_DNI_NUMBER}|{_DNI_DOTTED}){_DNI_LETTER}", re.IGNORECASE), _is_dni, _DNI),
)
it_codice_fiscale = each_of(
    0,
    Shape(
        pattern(
            "[A-Z]{6}[0-9LMNPQRSTUV]{2}[ABCDEHLMPRST][0-9LMNPQRSTUV]{2}[A-Z][0-9LMNPQRSTUV]{3}[A-Z]", re.IGNORECASE
        ),
        _is_fiscale,
    ),
)
fr_nir = each_of(
    14,
    Shape(
        pattern(
            "[1278] ?[0-9]{2} ?(?:0[1-9]|1[0-2]|[2-4][0-9]|[5-9][0-9]) ?(?:[0-9]{2}|2[AB]) ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}"
        ),
        _is_nir,
    ),
)
de_steuer_id = each_of(
    11, Shape(pattern("[1-9][0-9] [0-9]{3} [0-9]{3} [0-9]{3}|[1-9][0-9]{10}"), _is_steuer_id, bare_words=_STEUER)
)
nl_bsn = each_of(
    9, Shape(pattern("[0-9]{9}|[0-9]{4}[. ][0-9]{2}[. ][0-9]{3}|[0-9]{3} [0-9]{3} [0-9]{3}"), _is_bsn, _BSN)
)
se_personnummer = each_of(
    10,
    Shape(pattern("[0-9]{6}[-+][0-9]{4}"), _is_personnummer_not_time),
    Shape(pattern("(?:19|20)?[0-9]{6}[-+]?[0-9]{4}"), _is_personnummer, _PERSONNUMMER),
)
pl_pesel = each_of(11, Shape(pattern("[0-9]{11}"), _is_pesel, naming("pesel\\w*")))
br_cpf = each_of(
    11,
    Shape(pattern("[0-9]{3}\\.[0-9]{3}\\.[0-9]{3}-[0-9]{2}"), _is_cpf),
    Shape(pattern("[0-9]{9}-?[0-9]{2}"), _is_cpf, _CPF),
)
br_cnpj = each_of(
    14,
    Shape(pattern("[0-9]{2}\\.[0-9]{3}\\.[0-9]{3}/[0-9]{4}-[0-9]{2}"), _is_cnpj),
    Shape(pattern("[0-9]{12}-?[0-9]{2}"), _is_cnpj, word("cnpj")),
)
in_aadhaar = each_of(12, Shape(pattern("[2-9][0-9]{3}([ -]?)[0-9]{4}\\1[0-9]{4}"), _is_aadhaar, _AADHAAR))
cn_resident_id = each_of(
    17, Shape(pattern("[1-9][0-9]{5}(?:18|19|20)[0-9]{2}[01][0-9][0-3][0-9]{4}[0-9X]", re.IGNORECASE), _is_resident_id)
)
