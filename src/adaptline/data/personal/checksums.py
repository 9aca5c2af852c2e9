"""Check digits: the arithmetic that tells a number that was issued from digits that only look like it.

Knows digits. Knows nothing of what a number is for.
"""

from __future__ import annotations

from collections.abc import Sequence

# Verhoeff, Error Detecting Decimal Codes (1969): the multiplication of the dihedral group D5, and the permutation.
_D5 = (
    *("0123456789", "1234067895", "2340178956", "3401289567", "4012395678"),
    *("5987604321", "6598710432", "7659821043", "8765932104", "9876543210"),
)
_TURNS = (
    *("0123456789", "1576283094", "5803796142", "8916043527"),
    *("9453126870", "4286573901", "2793806415", "7046913258"),
)


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1: every second digit from the right doubled, the sum a multiple of 10."""
    doubled = sum(int("0246813579"[int(digit)]) for digit in digits[-2::-2])
    return (doubled + sum(map(int, digits[-1::-2]))) % 10 == 0


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
