"""National numbers of people in Asia, Africa and Oceania, besides those of identities.py: grammar and check digits.

Each check names who publishes it. Numbers without a separator of their own count only near a word that names them; so do
those whose check is not public.
"""

from __future__ import annotations

import re

from adaptline.data.personal.checksums import is_day, luhn, luhn_not_alike, weighted, year_first
from adaptline.data.personal.page import Shape, compact, digits_of, each_of, pattern, word
from adaptline.data.personal.words import abbreviated, naming

_TW_LETTERS = "ABCDEFGHJKLMNPQRSTUVXYWZIO"  # in the order of what they count, 10 to 35
_NRIC = {"S": "JZIHGFEDCBA", "T": "GFEDCBAJZIH", "F": "XWUTRQPNMLK", "G": "RQPNMLKXWUT", "M": "TRQPNJLKXWU"}
_KR_NO_CHECK = "2010"  # YYMM: since October 2020 what follows the sex is drawn by lot


def _is_tckn(value: str) -> bool:
    """Turkey, NVI: two check digits."""
    digits = [int(digit) for digit in value]
    odd, even = sum(digits[0:9:2]), sum(digits[1:8:2])
    return (7 * odd - even) % 10 == digits[9] and sum(digits[:10]) % 10 == digits[10]


def _is_teudat_zehut(value: str) -> bool:
    digits = digits_of(value).zfill(9)
    return len(set(digits)) > 1 and luhn(digits)


def _is_melli(value: str) -> bool:
    """Iran, Sabt-e Ahval: weights 10 to 2, 11 less a remainder that is above 1."""
    digits = digits_of(value)
    rest = weighted(digits, range(10, 1, -1)) % 11
    return len(set(digits)) > 1 and (rest if rest < 2 else 11 - rest) == int(digits[9])  # noqa: PLR2004


def _is_egyptian(value: str) -> bool:
    """Egypt, Civil Status: the century, a date, one of 27 governorates (88 abroad); the last digit's rule is not public."""
    return year_first(value, 1) and (1 <= int(value[7:9]) <= 35 or value[7:9] == "88")  # noqa: PLR2004


def _is_iin(value: str) -> bool:
    """Kazakhstan, decree 853 of 2003: a second row of weights where the first gives 10."""
    rows = tuple(range(1, 12)), (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2)
    first, second = (weighted(value, row) % 11 for row in rows)
    return year_first(value) and (first if first < 10 else second) == int(value[11])  # noqa: PLR2004


def _is_rrn(value: str) -> bool:
    """Korea, Ministry of the Interior: the sex tells the century."""
    digits = digits_of(value)
    check = (11 - weighted(digits, (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)) % 11) % 10
    return year_first(digits) and check == int(digits[12])


def _is_late_rrn(value: str) -> bool:
    """The check digit was given up in October 2020."""
    digits = digits_of(value)
    return _is_rrn(value) or (year_first(digits) and digits[6] in "3478" and digits[:4] >= _KR_NO_CHECK)


def _is_my_number(value: str) -> bool:
    """Japan, ordinance 85 of 2014: weights 2 to 7 and again 2 to 6 from the right, 0 for remainders of 0 and 1."""
    digits = digits_of(value)
    rest = weighted(digits[10::-1], (2, 3, 4, 5, 6, 7, 2, 3, 4, 5, 6)) % 11
    return len(set(digits)) > 1 and (0 if rest < 2 else 11 - rest) == int(digits[11])  # noqa: PLR2004


def _is_tw_id(value: str) -> bool:
    """Taiwan, Ministry of the Interior: the letter as two digits."""
    tens, ones = divmod(_TW_LETTERS.index(value[0].upper()) + 10, 10)
    return (tens + 9 * ones + weighted(value[1:], (8, 7, 6, 5, 4, 3, 2, 1, 1))) % 10 == 0


def _is_hkid(value: str) -> bool:
    """Hong Kong, Immigration Department: letters from A as 10, a blank before a single one as 36, A for 10."""
    code = compact(value)
    numbers = [int(character, 36) for character in code[:-1]]
    numbers = [36] * (8 - len(numbers)) + numbers
    check = -sum(number * weight for number, weight in zip(numbers, range(9, 1, -1), strict=True)) % 11
    return "0123456789A"[check] == code[-1]


def _is_nric(value: str) -> bool:
    """Singapore, Immigration & Checkpoints Authority: a row of letters for each first one."""
    code = value.upper()
    return _NRIC[code[0]][weighted(code[1:8], (2, 7, 6, 5, 4, 3, 2)) % 11] == code[8]


def _is_my_kad(value: str) -> bool:
    """Malaysia, JPN: a date and a place of birth, 01 to 59 in Malaysia, 60 to 99 elsewhere; no check digit."""
    digits = digits_of(value)
    return year_first(digits) and digits[6:8] not in {"00", "17", "18", "19", "20", "69", "70", "73", "80", "81"}


def _is_th_id(value: str) -> bool:
    """Thailand, Department of Provincial Administration: weights 13 to 2."""
    digits = digits_of(value)
    return len(set(digits)) > 1 and (11 - weighted(digits, range(13, 1, -1)) % 11) % 10 == int(digits[12])


def _is_nik(value: str) -> bool:
    """Indonesia, Dukcapil: a province, a regency, a date (a woman's day plus 40); no check digit."""
    return 11 <= int(value[:2]) <= 97 and is_day(int(value[10:12]), int(value[8:10]), int(value[6:8]) % 40)  # noqa: PLR2004


def _is_za_id(value: str) -> bool:
    return year_first(value) and luhn(value)


def _is_tfn(value: str) -> bool:
    """Australia, Australian Taxation Office."""
    digits = digits_of(value)
    weights = (1, 4, 3, 7, 5, 8, 6, 9, 10) if len(digits) == 9 else (10, 7, 8, 4, 6, 3, 5, 1)  # noqa: PLR2004 - older ones have 8
    return len(set(digits)) > 1 and weighted(digits, weights) % 11 == 0


def _is_medicare(value: str) -> bool:
    """Australia, Services Australia: the ninth digit checks the first eight; the tenth counts cards."""
    digits = digits_of(value)
    return weighted(digits, (1, 3, 7, 9, 1, 3, 7, 9)) % 10 == int(digits[8])


def _is_ird(value: str) -> bool:
    """New Zealand, Inland Revenue: a second row of weights where the first gives 10."""
    digits = digits_of(value).zfill(9)
    first, second = (-weighted(digits, row) % 11 for row in ((3, 2, 7, 6, 5, 4, 3, 2), (7, 4, 3, 2, 5, 2, 7, 6)))
    return 10_000_000 <= int(digits) < 150_000_000 and (first if first < 10 else second) == int(digits[8])  # noqa: PLR2004


tr_tckn = each_of(
    11,
    Shape(pattern("[1-9][0-9]{10}"), _is_tckn, naming("tckn", abbreviated("T\\.?C\\.?"), "tc no", inside=["kimlik"])),
)
il_teudat_zehut = each_of(
    8,
    Shape(
        pattern("[0-9]{7,8}-?[0-9]"),
        _is_teudat_zehut,
        naming("teudat zehut", inside=["תעודת זהות", 'ת[."״]?ז', "מספר זהות"]),
    ),
)
ir_melli = each_of(
    10, Shape(pattern("[0-9]{3}-?[0-9]{6}-?[0-9]"), _is_melli, naming("code ?melli", inside=["(?:کد|شماره|كد) مل[یي]"]))
)
_IQAMA = naming("iqama", inside=["رقم (?:الهوية|الإقامة|الاقامة)", "هوية", "إقامة", "السجل المدني"])
sa_id = each_of(10, Shape(pattern("[12][0-9]{9}"), luhn_not_alike, _IQAMA))
ae_id = each_of(
    15,
    Shape(pattern("784([ -])(?:19|20)[0-9]{2}\\1[0-9]{7}\\1[0-9]")),
    Shape(pattern("784(?:19|20)[0-9]{10}"), luhn_not_alike, naming("emirates id", abbreviated("EID"), inside=["هوية"])),
)
eg_national_id = each_of(
    14, Shape(pattern("[23][0-9]{13}"), _is_egyptian, naming(inside=["الرقم القومي", "بطاقة", "هوية"]))
)
kz_iin = each_of(12, Shape(pattern("[0-9]{12}"), _is_iin, naming("иин", "жсн", "iin")))
# Income Tax Department, rule 114: the fourth letter tells who has it, the check letter's rule is not public.
in_pan = each_of(
    4,
    Shape(
        pattern("[A-Z]{3}[ABCFGHJLPT][A-Z][0-9]{4}[A-Z]", re.IGNORECASE),
        words=naming(abbreviated("PAN"), "permanent account", inside=["पैन"]),
    ),
)
kr_rrn = each_of(
    13,
    Shape(pattern("[0-9]{2}[01][0-9][0-3][0-9]-[1-8][0-9]{6}"), _is_rrn),
    Shape(
        pattern("[0-9]{2}[01][0-9][0-3][0-9]-?[1-8][0-9]{6}"),
        _is_late_rrn,
        naming("rrn", inside=["주민", "외국인등록"]),
    ),
)
jp_my_number = each_of(
    12,
    Shape(
        pattern("[0-9]{4}([ -]?)[0-9]{4}\\1[0-9]{4}"),
        _is_my_number,
        naming("my ?number", inside=["マイナンバー", "個人番号"]),
    ),
)
tw_id = each_of(
    9,
    Shape(
        pattern("[A-Z][1289][0-9]{8}", re.IGNORECASE),
        _is_tw_id,
        naming(abbreviated("ARC"), inside=["身[分份][證证]", "居留證", "統一證號"]),
    ),
)
_HKID = naming("hkid", "hong kong (?:id|identity)", inside=["身[份分][證证]"])
hk_hkid = each_of(
    6,
    Shape(re.compile("(?<![A-Za-z0-9])[A-Z]{1,2}[0-9]{6} ?\\([0-9A]\\)", re.ASCII | re.IGNORECASE), _is_hkid, _HKID),
    Shape(pattern("[A-Z]{1,2}[0-9]{6}[0-9A]", re.IGNORECASE), _is_hkid, _HKID),
)
sg_nric = each_of(
    7,
    Shape(pattern("[STFGM][0-9]{7}[A-Z]", re.IGNORECASE), _is_nric, naming("nric", abbreviated("FIN", "UIN"))),
)
_MY_KAD = naming("nric", "my ?kad", abbreviated("IC", "K/?P"), "no\\.? ?(?:kp|ic)", "ic no", inside=["kad pengenalan"])
my_nric = each_of(
    12,
    Shape(pattern("[0-9]{2}[01][0-9][0-3][0-9](-?)[0-9]{2}\\1[0-9]{4}"), _is_my_kad, _MY_KAD),
)
th_id = each_of(
    13,
    Shape(
        pattern("[1-8]([- ]?)[0-9]{4}\\1[0-9]{5}\\1[0-9]{2}\\1[0-9]"),
        _is_th_id,
        bare_words=naming(inside=["ประชาชน", "เลขประจำตัว"]),
    ),
)
id_nik = each_of(16, Shape(pattern("[0-9]{16}"), _is_nik, naming(abbreviated("NIK"), "ktp", inside=["kependudukan"])))
# NADRA: a province, a tehsil, a serial number, odd for men; no check digit.
_CNIC = ("cnic", "nic", "nicop")
pk_cnic = each_of(
    13,
    Shape(pattern("[1-7][0-9]{4}-[0-9]{7}-[0-9]"), words=naming(*_CNIC, inside=["شناختی کارڈ"])),
    Shape(pattern("[1-7][0-9]{12}"), words=word(*_CNIC, inside=["شناختی کارڈ"])),
)
za_id = each_of(
    13,
    Shape(
        pattern("[0-9]{2}[01][0-9][0-3][0-9]{5}[012][0-9]{2}"),
        _is_za_id,
        naming("id (?:no|number)", "identiteitsnommer", "rsa id"),
    ),
)
au_tfn = each_of(8, Shape(pattern("[0-9]{3}([ -]?)[0-9]{3}\\1[0-9]{2,3}"), _is_tfn, naming("tfn", "tax file")))
au_medicare = each_of(
    10, Shape(pattern("[2-6][0-9]{3}[ -]?[0-9]{5}[ -]?[0-9](?:[ /-]?[0-9])?"), _is_medicare, naming("medicare"))
)
nz_ird = each_of(
    8, Shape(pattern("[0-9]{2,3}([ -]?)[0-9]{3}\\1[0-9]{3}"), _is_ird, naming(abbreviated("IRD"), "inland revenue"))
)
