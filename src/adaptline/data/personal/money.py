"""Payment cards and bank accounts. Knows ISO/IEC 7812 (cards) and ISO 13616 (IBAN)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from adaptline.data.personal.checksums import luhn, mod_97, weighted
from adaptline.data.personal.page import HEAD, TAIL, Page, Shape, Span, compact, digits_of, each_of
from adaptline.data.personal.words import CARD

# Length of an IBAN by country: the IBAN registry, SWIFT, release 99.
_LENGTHS = {
    int(length): countries.split()
    for length, countries in {
        "15": "NO",
        "16": "BE",
        "18": "DK FI FO GL NL SD FK",
        "19": "MK SI",
        "20": "AT BA EE KZ LT LU XK MN",
        "21": "CH HR LI LV",
        "22": "BG BH CR DE GB GE IE ME RS VA",
        "23": "AE GI IL IQ OM SO TL",
        "24": "AD CZ ES MD PK RO SA SE SK TN VG",
        "25": "LY PT ST",
        "26": "IS TR",
        "27": "BI DJ FR GR IT MC MR SM",
        "28": "AL AZ BY CY DO GT HU LB NI PL SV",
        "29": "BR EG PS QA UA",
        "30": "JO KW MU YE",
        "31": "MT SC",
        "32": "LC",
        "33": "RU",
    }.items()
}

# Prefixes of the networks, and the lengths that their cards have.
_CARDS = re.compile(
    r"4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})"  # Visa
    r"|(?:5[1-5][0-9]{2}|222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]{12}"  # Mastercard
    r"|3[47][0-9]{13}"  # American Express
    r"|3(?:0[0-5]|[68][0-9])[0-9]{11}"  # Diners Club
    r"|(?:6011|64[4-9][0-9]|65[0-9]{2})(?:[0-9]{12}|[0-9]{15})"  # Discover
    r"|62[0-9]{14,17}"  # UnionPay
    r"|(?:35(?:2[89]|[3-8][0-9])[0-9]{12}|(?:2131|1800)[0-9]{11})"  # JCB
    r"|(?:5018|502[0]|5038|5[678][0-9]{2}|6304|6759|676[1-3])[0-9]{8,15}"  # Maestro
    r"|220[0-4][0-9]{12}"  # Mir
)
_CARD_FORMS = (
    "[1-6][0-9]{11,18}",
    r"[1-6][0-9]{3}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{4}",
    r"[1-6][0-9]{3}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{4}\1[0-9]{3}",
    r"[1-6][0-9]{3}([ -])[0-9]{6}\1[0-9]{4,5}",
)
_IBAN_HEAD = re.compile("[A-Za-z]{2}[0-9]{2}[ -]?[A-Za-z0-9]{2}", re.ASCII)
_IBAN = re.compile(
    "(?<![^\\W_])(?:"
    + "|".join(
        rf"(?:{'|'.join(countries)})[0-9]{{2}}(?:[ -]?[A-Z0-9]){{{length - 4}}}"
        for length, countries in _LENGTHS.items()
    )
    + ")(?![^\\W_])",
    re.ASCII | re.IGNORECASE,
)


def _is_card(value: str) -> bool:
    """A number that a card may have; not 13 digits that an article may have (EAN-13: Germany's and Japan's begin with 4)."""
    digits = digits_of(value)
    if len(digits) == _ARTICLE and weighted(digits, (1, 3) * 6 + (1,)) % 10 == 0:
        return False
    return _CARDS.fullmatch(digits) is not None and luhn(digits) and len(set(digits)) > 2  # noqa: PLR2004 - 4242..., 4111...: shops' tests


def _is_iban(value: str) -> bool:
    account = compact(value)
    return mod_97(account[4:] + account[:4]) and account[2:4] not in {"00", "01", "99"}


def _is_luhn(value: str) -> bool:
    digits = digits_of(value)
    flies = digits[0] != "1" or len(digits) == _OF_AIRLINES  # what else begins so counts seconds' parts since 1970
    return flies and luhn(digits) and len(set(digits)) > 2  # noqa: PLR2004 - as above


# Of a network not known here, near a word.
_ANY_CARD = re.compile(
    f"{HEAD}(?:[1-9][0-9]{{11,18}}|[1-9][0-9]{{3}}([ -])[0-9]{{4}}\\1[0-9]{{4}}\\1[0-9]{{4}}){TAIL}", re.ASCII
)

_ARTICLE = 13  # digits
_OF_AIRLINES = 15  # UATP, the one network whose cards begin with 1
_NO_CODE = r"(?<!\w\()(?<!\[)"  # the argument of a call, the first of a list

cards = each_of(
    12,
    *(Shape(re.compile(_NO_CODE + HEAD + form + TAIL, re.ASCII), _is_card) for form in _CARD_FORMS),
    Shape(_ANY_CARD, _is_luhn, CARD),
)


def ibans(page: Page) -> Iterator[Span]:
    """International bank account numbers, of the length of their country and with right check digits."""
    for head in _IBAN_HEAD.finditer(page.plain):
        match = _IBAN.match(page.plain, head.start())
        if match and _is_iban(match[0]):
            yield match.span()
