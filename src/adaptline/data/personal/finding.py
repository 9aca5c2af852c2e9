"""Which places of a text hold personal data, of which kind: all recognisers over one text, the longest match first.

Knows the kinds by name and when a recogniser need not be asked. Knows nothing of what is put in a place's stead.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, get_args

from adaptline.data.personal import credentials, emails, identities, money, network, phones
from adaptline.data.personal.page import Page, Span, as_ascii

Kind = Literal[
    "secret",
    "url_secret",
    "email",
    "iban",
    "card",
    "ip",
    "mac",
    "cn_resident_id",
    "it_codice_fiscale",
    "fr_nir",
    "br_cnpj",
    "br_cpf",
    "us_ssn",
    "uk_nino",
    "es_dni",
    "de_steuer_id",
    "nl_bsn",
    "se_personnummer",
    "pl_pesel",
    "in_aadhaar",
    "phone",
]
KINDS: tuple[str, ...] = get_args(Kind)  # where two kinds fit the same place, the first of them is taken

Recogniser = Callable[[Page], Iterable[Span]]
_OF_NUMBERS: dict[str, Recogniser] = {
    "iban": money.ibans,
    "card": money.cards,
    "phone": phones.phones,
    **{kind: getattr(identities, kind) for kind in KINDS if hasattr(identities, kind)},
}
_RECOGNISERS: dict[str, Recogniser] = {
    "secret": credentials.secrets,
    "url_secret": credentials.url_secrets,
    "email": emails.emails,
    "mac": network.macs,
    **_OF_NUMBERS,
}
# Six digits, each at most two other characters from the next: what every numbered kind has; most have nine, between which
# is no letter.
_NUMBER = re.compile(r"\d(?:[ .\-/()A-Za-z]{0,2}\d){5}")
_LONG_NUMBER = re.compile(r"\d(?:[ .\-/+]{0,2}\d){8}")
_SHORTER = {"phone", "iban", "uk_nino", "es_dni", "it_codice_fiscale"}
_COLONS = re.compile(r":[0-9A-Fa-f]{0,4}:")  # an expression that begins with one character is searched quickly
_DASHES = re.compile(r"-[0-9A-Fa-f]{2}-")
_DOTS = re.compile(r"\.[0-9A-Fa-f]{1,4}\.")


@dataclass(frozen=True)
class Found:
    """A place in a text, from `start` to before `end`, and what it holds."""

    kind: str
    start: int
    end: int


def find(
    text: str,
    kinds: Sequence[str] = KINDS,
    *,
    private: bool = False,
    keep: Sequence[re.Pattern[str]] = (),
    trusting: bool = False,
) -> list[Found]:
    """Places with personal data, in order, none overlapping: of two that do the longer, then the first of KINDS.

    Args:
        text: any text.
        kinds: which kinds are looked for.
        private: whether addresses of private networks count.
        keep: what is never personal data: a value in which one of these is found.
        trusting: whether weak numbers count without a word that names them.
    """
    plain = as_ascii(text)
    asked = _asked(plain, kinds)
    if not asked:
        return []
    page = Page(plain, trusting=trusting)
    candidates = []
    for kind in asked:
        recogniser = partial(network.ips, private=private) if kind == "ip" else _RECOGNISERS[kind]
        candidates += [Found(kind, *span) for span in recogniser(page)]
    kept = [place for place in candidates if not any(p.search(text[place.start : place.end]) for p in keep)]
    return _apart(kept)


def _asked(plain: str, kinds: Sequence[str]) -> list[str]:
    """The kinds that the text can hold at all, in the order of KINDS: most texts hold none."""
    colons, dots = _COLONS.search(plain) is not None, _DOTS.search(plain) is not None
    has = {
        "email": "@" in plain,
        "url_secret": "://" in plain or ("=" in plain and ("?" in plain or "&" in plain)),
        "ip": colons or dots,
        "mac": colons or dots or _DASHES.search(plain) is not None,
        "secret": credentials.may_hold_secrets(plain),
    }
    numbers = _NUMBER.search(plain) is not None
    long = numbers and _LONG_NUMBER.search(plain) is not None
    has |= {kind: long or (numbers and kind in _SHORTER) for kind in _OF_NUMBERS}
    return [kind for kind in KINDS if kind in kinds and has[kind]]


def _apart(candidates: Sequence[Found]) -> list[Found]:
    """The candidates that do not overlap a longer one."""
    rank = {kind: place for place, kind in enumerate(KINDS)}
    starts: list[int] = []
    taken: list[Found] = []
    for one in sorted(candidates, key=lambda c: (c.start - c.end, rank[c.kind], c.start)):
        at = bisect(starts, one.start)
        if (at == 0 or taken[at - 1].end <= one.start) and (at == len(taken) or one.end <= taken[at].start):
            starts.insert(at, one.start)
            taken.insert(at, one)
    return taken
