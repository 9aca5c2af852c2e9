"""Check digits: the arithmetic that tells a number that was issued from digits that only look like it.

Knows digits, and which are a day of the calendar. Knows nothing of what a number is for.
"""

from __future__ import annotations

from collections.abc import Sequence

from adaptline.data.personal.page import digits_of

# Verhoeff, Error Detecting Decimal Codes (1969): the multiplication of the dihedral group D5, and the permutation.
_D5 = (
    *("0123456789", "1234067895", "2340178956", "3401289567", "4012395678"),
    *("5987604321", "6598710432", "7659821043", "8765932104", "9876543210"),
)
_TURNS = (
    *("0123456789", "1576283094", "5803796142", "8916043527"),
    *("9453126870", "4286573901", "2793806415", "7046913258"),
)

_SHORTEST_MONTH = 28


def is_day(year: int, month: int, day: int) -> bool:
    """Whether the calendar has the day; every fourth year has a 29 February here, whatever its century."""
    if month == 2:  # noqa: PLR2004 - February
        return 1 <= day <= _SHORTEST_MONTH + (year % 4 == 0)
    return 1 <= month <= 12 and 1 <= day <= 30 + (month in {1, 3, 5, 7, 8, 10, 12})  # noqa: PLR2004 - months


def day_first(digits: str, year_digits: int = 2) -> bool:
    """Whether digits begin with a day as DDMMYY, or with so many digits of the year."""
    return is_day(int(digits[4 : 4 + year_digits]), int(digits[2:4]), int(digits[:2]))


def year_first(digits: str, at: int = 0) -> bool:
    """Whether a day as YYMMDD stands at a place of digits."""
    return is_day(*(int(digits[start : start + 2]) for start in (at, at + 2, at + 4)))


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1: every second digit from the right doubled, the sum a multiple of 10."""
    doubled = sum(int("0246813579"[int(digit)]) for digit in digits[-2::-2])
    return (doubled + sum(map(int, digits[-1::-2]))) % 10 == 0


def luhn_not_alike(value: str) -> bool:
    """Luhn's check of the digits in a value, which are not all the same: zeros are nobody's."""
    digits = digits_of(value)
    return len(set(digits)) > 1 and luhn(digits)


def mod_97(text: str) -> bool:
    """ISO/IEC 7064 MOD 97-10 over digits and capital letters (A is 10), the check digits already at the end."""
    return int("".join(str(int(character, 36)) for character in text)) % 97 == 1


def mod_11_10(digits: str) -> bool:
    """ISO/IEC 7064 MOD 11,10, the last digit the check digit."""
    product = 10
    for digit in digits[:-1]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == int(digits[-1])


def verhoeff(digits: str) -> bool:
    """Verhoeff's code over the dihedral group, the last digit the check digit."""
    check = 0
    for place, digit in enumerate(reversed(digits)):
        check = int(_D5[check][int(_TURNS[place % 8][int(digit)])])
    return check == 0


def weighted(digits: str, weights: Sequence[int]) -> int:
    """The sum of digits times weights, over as many as both have."""
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def check_of_eleven(digits: str, weights: Sequence[int]) -> str:
    """11 less the weighted sum's remainder, 0 where that has two digits: what ends numbers in Brazil, Portugal and Peru."""
    check = -weighted(digits, weights) % 11
    return str(check) if check < 10 else "0"  # noqa: PLR2004 - one digit


def summed(digits: str, weights: Sequence[int]) -> int:
    """As weighted, of each product the sum of its digits."""
    return sum(sum(divmod(int(digit) * weight, 10)) for digit, weight in zip(digits, weights, strict=False))
