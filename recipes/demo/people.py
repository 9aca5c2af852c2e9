"""Invented people who leave an e-mail address, a phone, an account or a card number in their message.

Knows numbers that look real, carry a valid checksum and belong to nobody: mail domains of RFC 2606, phone numbers set
aside for fiction by Ofcom and in the 555-01xx block, accounts of banks that do not exist, cards of a test range.
"""

from __future__ import annotations

import tomllib
import unicodedata
from functools import cache

from draws import Draws
from grammar import expand
from lexicon import PHRASES

PAYING = ("refund", "overcharged", "invoice", "buy_voucher", "voucher_rejected")  # money numbers make sense here


@cache
def _phrases() -> dict[str, list[str]]:
    return tomllib.loads((PHRASES / "people.toml").read_text("utf-8"))


def luhn_digit(digits: str) -> str:
    """The check digit that ISO/IEC 7812 appends to a card number."""
    doubled = [int(digit) * (2 if at % 2 == 0 else 1) for at, digit in enumerate(reversed(digits))]
    return str(-sum(value - 9 if value > 9 else value for value in doubled) % 10)  # noqa: PLR2004 - digit sum of 10 to 18


def iban(country: str, account: str) -> str:
    """An IBAN with the check digits of ISO 13616 (mod 97), in groups of four."""
    number = "".join(str(int(sign, 36)) for sign in f"{account}{country}00")
    whole = f"{country}{98 - int(number) % 97:02}{account}"
    return " ".join(whole[at : at + 4] for at in range(0, len(whole), 4))


def _digits(draws: Draws, count: int) -> str:
    return "".join(str(draws.below(10)) for _ in range(count))


def _details(draws: Draws) -> dict[str, str]:
    first, last, domain = (draws.choice(_phrases()[part]) for part in ("first", "last", "domain"))
    plain = unicodedata.normalize("NFKD", f"{first}.{last}".lower()).encode("ascii", "ignore").decode()
    card = f"400000{_digits(draws, 9)}"
    card += luhn_digit(card)
    return {
        "name": f"{first} {last}",
        "email": f"{plain}{draws.between(1, 99)}@{domain}",
        "phone": draws.choice(
            (
                f"+44 20 7946 0{_digits(draws, 3)}",  # London, for drama
                f"07700 900{_digits(draws, 3)}",  # mobile, for drama
                f"+1 202 555 01{_digits(draws, 2)}",  # North America, for fiction
            )
        ),
        "iban": draws.choice((iban("DE", f"00000000{_digits(draws, 10)}"), iban("GB", f"TEST{_digits(draws, 14)}"))),
        "card": " ".join(card[at : at + 4] for at in range(0, 16, 4)),
    }


def introduction(draws: Draws, intent: str) -> tuple[str, dict[str, str]]:
    """A sentence in which somebody says who they are, and the details that stand in it by kind."""
    details = _details(draws)
    paying = intent in PAYING and draws.chance(0.8)
    template = draws.choice(_phrases()["payment" if paying else "contact"])
    given = {kind: value for kind, value in details.items() if f"{{{kind}}}" in template}
    return expand(template, draws, given.__getitem__), given
