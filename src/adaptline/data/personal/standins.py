"""What stands in the place of personal data: a tag, or a value of the same kind that is nobody's.

A stand-in depends on the seed and the value alone, by keyed BLAKE2b (RFC 7693): equal values have equal ones in every
text. Ranges that are kept for examples are used where there are any: example.com (RFC 2606), 555-01xx, RFC 5737, 3849 and
7042; other numbers have wrong check digits. Who knows the seed and guesses a value can see whether the guess is right.
"""

from __future__ import annotations

import hashlib
import ipaddress
import random
import re
import string
from collections.abc import Callable

from adaptline.data.personal.finding import find
from adaptline.data.personal.page import as_ascii, compact

_SAMPLE = "EXAMPLE"
_DOCUMENTATION = ("192.0.2", "198.51.100", "203.0.113")
_TRIES = 1000  # a wrong check digit comes at the second try at the latest, mostly
_PREFIX = re.compile(
    r"(?:AKIA|ASIA|gh._|github_pat_|glpat-|sk-(?:proj-|ant-)?|xox.-|AIza|[rs]k_live_|hf_|npm_|pypi-|SG\.|eyJ)?"
)
_FIXED = {"us_ssn": "000", "uk_nino": "ZZ"}  # what numbers of this kind never begin with


def tag(kind: str) -> str:
    """A kind's name as what is left of a value: <EMAIL>."""
    return f"<{kind.upper()}>"


def stand_in(kind: str, value: str, seed: int) -> str:
    """A value of the same kind that is nobody's, the same for the same value and seed."""
    plain = as_ascii(value)
    return _MAKERS.get(kind, _number)(kind, plain, _draws(kind, _canonical(kind, plain), seed))


def _draws(kind: str, value: str, seed: int) -> random.Random:
    key = hashlib.blake2b(str(seed).encode()).digest()
    digest = hashlib.blake2b(value.encode("utf-8", "surrogatepass"), key=key, person=kind.encode()[:16]).digest()
    return random.Random(int.from_bytes(digest))  # noqa: S311 - BLAKE2b has hidden the value already


def _canonical(kind: str, plain: str) -> str:
    """A value without what two ways to write it differ in."""
    if kind == "email":
        return plain.lower()
    if kind == "ip":
        return str(ipaddress.ip_address(plain))
    return plain if kind in {"secret", "url_secret"} else compact(plain)


def _email(_: str, __: str, draws: random.Random) -> str:
    return f"user-{draws.getrandbits(40):010x}@example.com"


def _phone(_: str, plain: str, draws: random.Random) -> str:
    area = draws.choice([code for code in range(200, 990) if code % 100 != 11])  # noqa: PLR2004 - 911 and its like
    number = f"{area}-555-01{draws.randrange(100):02d}"
    return f"+1-{number}" if plain.startswith("+") else number


def _ip(_: str, plain: str, draws: random.Random) -> str:
    if ":" in plain:
        return "2001:db8:" + ":".join(f"{draws.randrange(1, 1 << 16):x}" for _ in range(6))
    return f"{draws.choice(_DOCUMENTATION)}.{draws.randrange(1, 255)}"


def _mac(_: str, plain: str, draws: random.Random) -> str:
    """RFC 7042's range, parted as the value is."""
    digits = iter(f"00005e0053{draws.randrange(256):02x}")
    made = "".join(next(digits) if character.isalnum() else character for character in plain)
    return made.upper() if plain.isupper() else made


def _secret(_: str, plain: str, draws: random.Random) -> str:
    if plain.startswith("-----BEGIN"):
        head, tail = re.findall(r"-----[A-Z ]+-----", plain)
        return f"{head}\n{draws.getrandbits(128):032x}{_SAMPLE}\n{tail}"
    match = _PREFIX.match(plain)
    start = match[0] if match else ""
    return start + _alike(plain[len(start) : -len(_SAMPLE)], draws) + _SAMPLE


def _url_secret(_: str, plain: str, draws: random.Random) -> str:
    user, colon, password = plain.partition(":")
    if colon and password:
        return f"user-{draws.getrandbits(24):06x}:{draws.getrandbits(40):010x}{_SAMPLE}"
    return f"{draws.getrandbits(64):016x}{_SAMPLE}" if user else _SAMPLE


def _iban(_: str, plain: str, draws: random.Random) -> str:
    """The same country and length; 00 is no pair of check digits."""
    return plain[:2] + "00" + _alike(plain[4:], draws)


def _number(kind: str, plain: str, draws: random.Random) -> str:
    """Digits for digits, letters for letters, until it is no valid number of the kind."""
    fixed = _FIXED.get(kind, "")
    for _ in range(_TRIES):
        made = fixed + _alike(plain[len(fixed) :], draws)
        if not find(made, [kind], trusting=True):
            break
    return made


def _alike(plain: str, draws: random.Random) -> str:
    alphabets = {True: string.digits, False: string.ascii_uppercase}
    return "".join(
        character if not character.isalnum() else _cased(draws.choice(alphabets[character.isdigit()]), character)
        for character in plain
    )


def _cased(made: str, like: str) -> str:
    return made.lower() if like.islower() else made


_MAKERS: dict[str, Callable[[str, str, random.Random], str]] = {
    "email": _email,
    "phone": _phone,
    "ip": _ip,
    "mac": _mac,
    "secret": _secret,
    "url_secret": _url_secret,
    "iban": _iban,
}
