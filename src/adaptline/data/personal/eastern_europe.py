"""National numbers of people in the east of Europe, besides those of identities.py: grammar and check digits, country by country.

Each check names who publishes it. Numbers without a separator of their own count only near a word that names them.
"""

# ruff: noqa: RUF001 - words of Cyrillic and Greek

from __future__ import annotations

from adaptline.data.personal.checksums import check_of_eleven, day_first, is_day, mod_11_10, weighted, year_first
from adaptline.data.personal.page import Shape, digits_of, each_of, pattern
from adaptline.data.personal.words import abbreviated, naming


def _is_egn(value: str) -> bool:
    """Bulgaria, ESGRAON: the month plus 20 before 1900 and plus 40 from 2000 on."""
    year, month, day = int(value[:2]), int(value[2:4]) % 20, int(value[4:6])
    return is_day(year, month, day) and weighted(value, (2, 4, 8, 5, 10, 9, 7, 3, 6)) % 11 % 10 == int(value[9])


def _is_rodne_cislo(value: str) -> bool:
    """Czechia and Slovakia, act 133/2000: a multiple of 11; women's months plus 50, plus 20 where a day had too many births."""
    digits = digits_of(value)
    year, month, day = int(digits[:2]), int(digits[2:4]) % 50, int(digits[4:6])
    if len(digits) == 9:  # noqa: PLR2004 - before 1954 there was no check digit
        return is_day(year, month, day) and year < 54 and digits[6:] != "000"  # noqa: PLR2004
    odd = int(digits[:9]) % 11 == 10 and digits[9] == "0"  # noqa: PLR2004 - until 1985
    return is_day(year, month % 20, day) and (int(digits) % 11 == 0 or odd)


def _is_baltic(value: str) -> bool:
    """Estonia (EVS 585) and Lithuania: a second row of weights where the first gives 10."""
    first, second = (
        weighted(value, row) % 11 for row in ((1, 2, 3, 4, 5, 6, 7, 8, 9, 1), (3, 4, 5, 6, 7, 8, 9, 1, 2, 3))
    )
    check = first if first < 10 else second % 10  # noqa: PLR2004 - one digit
    return year_first(value, 1) and check == int(value[10])


def _is_oib(value: str) -> bool:
    return len(set(value)) > 1 and mod_11_10(value)


def _is_szemelyi(value: str) -> bool:
    """Hungary, act XX of 1996: weights 1 to 10 of who was born before 1997, 10 to 1 of others."""
    digits = digits_of(value)
    rising = range(1, 11)
    checks = {weighted(digits, row) % 11 for row in (rising, rising[::-1])}
    return year_first(digits, 1) and int(digits[10]) in checks


def _is_taj(value: str) -> bool:
    digits = digits_of(value)
    return len(set(digits)) > 1 and weighted(digits, (3, 7) * 4) % 10 == int(digits[8])


def _is_adoazonosito(value: str) -> bool:
    """Hungary, act CL of 2017: an 8, days since 1867, a serial number."""
    return weighted(value, range(1, 10)) % 11 == int(value[9])


def _is_personas_kods(value: str) -> bool:
    """Latvia: a date, the century, a check digit; since July 2017 32 and nine digits that mean nothing."""
    digits = digits_of(value)
    check = (1101 - weighted(digits, (1, 6, 3, 7, 9, 10, 5, 8, 4, 2))) % 11 % 10
    return day_first(digits) and digits[6] in "012" and check == int(digits[10])


def _is_jmbg(value: str) -> bool:
    """Yugoslavia, 1976, and the states after it: a date with three digits of the year, a region, a serial number."""
    return day_first(value, 3) and value[4] in "089" and check_of_eleven(value, (7, 6, 5, 4, 3, 2) * 2) == value[12]


def _is_cnp(value: str) -> bool:
    """Romania, law 105/1996."""
    return year_first(value, 1) and weighted(value, (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)) % 11 in {
        int(value[12]),
        10 * (value[12] == "1") or -1,
    }


def _is_snils(value: str) -> bool:
    """Russia, Pension Fund, resolution 192p of 2006."""
    digits = digits_of(value)
    return len(set(digits)) > 1 and weighted(digits, range(9, 0, -1)) % 101 % 100 == int(digits[9:])


def _is_inn(value: str) -> bool:
    """Russia, Federal Tax Service: a person's twelve digits; a firm has ten."""
    rows = (7, 2, 4, 10, 3, 5, 9, 4, 6, 8), (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)
    return len(set(value)) > 1 and all(weighted(value, row) % 11 % 10 == int(value[len(row)]) for row in rows)


def _is_rnokpp(value: str) -> bool:
    return len(set(value)) > 1 and weighted(value, (-1, 5, 7, 9, 4, 6, 10, 5, 7)) % 11 % 10 == int(value[9])


bg_egn = each_of(10, Shape(pattern("[0-9]{10}"), _is_egn, naming("егн", "egn", "един\\w* граждански номер")))
_RODNE = naming("rč", "r\\. ?č", "birth (?:no|number)", inside=["rodn[éeéý]\\w* č[ií]sl"])
cz_rodne_cislo = each_of(9, Shape(pattern("[0-9]{6}[/ ]?[0-9]{3,4}"), _is_rodne_cislo, _RODNE))
_BALTIC = "[1-6][0-9]{2}[01][0-9][0-3][0-9]{5}"
ee_isikukood = each_of(11, Shape(pattern(_BALTIC), _is_baltic, naming(abbreviated("IK"), inside=["isikukood"])))
lt_asmens_kodas = each_of(11, Shape(pattern(_BALTIC), _is_baltic, naming("a\\. ?k", inside=["asmens kod"])))
hr_oib = each_of(11, Shape(pattern("[0-9]{11}"), _is_oib, naming("oib", inside=["osobni identifikacijski broj"])))
hu_szemelyi_szam = each_of(
    11,
    Shape(
        pattern("[1-8][ -]?[0-9]{6}[ -]?[0-9]{4}"),
        _is_szemelyi,
        naming(inside=["személyi (?:szám|azonosító)", "személyazonosító"]),
    ),
)
hu_taj = each_of(
    9,
    Shape(
        pattern("[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{3}"),
        _is_taj,
        naming(abbreviated("TAJ"), "taj-?szám\\w*", inside=["társadalombiztosítási azonosító"]),
    ),
)
hu_adoazonosito = each_of(10, Shape(pattern("8[0-9]{9}"), _is_adoazonosito, naming(inside=["adóazonosító"])))
lv_personas_kods = each_of(
    11,
    Shape(pattern("[0-9]{6}-[0-9]{5}"), _is_personas_kods),
    Shape(pattern("32[0-9]{4}-?[0-9]{5}"), words=naming(inside=["personas kod"])),
    Shape(pattern("[0-9]{11}"), _is_personas_kods, naming(inside=["personas kod"])),
)
rs_jmbg = each_of(
    13,
    Shape(
        pattern("[0-3][0-9][01][0-9]{10}"),
        _is_jmbg,
        naming(
            "jmbg",
            "јмбг",
            "embg",
            "ембг",
            "em[šs]o",
            "jmb",
            inside=["matičn\\w* broj", "матичн\\w* број", "матичен број"],
        ),
    ),
)
ro_cnp = each_of(
    13, Shape(pattern("[1-9][0-9]{12}"), _is_cnp, naming("cnp\\w*", inside=["cod(?:ul)? numeric personal"]))
)
ru_snils = each_of(
    11,
    Shape(
        pattern("[0-9]{3}-[0-9]{3}-[0-9]{3}[ -][0-9]{2}|[0-9]{11}"), _is_snils, bare_words=naming("снилс\\w*", "snils")
    ),
)
ru_inn = each_of(12, Shape(pattern("[0-9]{12}"), _is_inn, naming("инн", abbreviated("INN"))))
ua_rnokpp = each_of(
    10,
    Shape(
        pattern("[0-9]{10}"),
        _is_rnokpp,
        naming("рнокпп", "іпн", "ідн", "rnokpp", inside=["ідентифікаційн\\w* (?:код|номер)", "податков\\w* номер"]),
    ),
)
