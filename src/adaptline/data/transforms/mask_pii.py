"""Personal data and secrets in texts, replaced: by a tag that names the kind, or by a stand-in that is nobody's.

Knows numbers and addresses that have a grammar or check digits. Knows nothing of names of people and places, of street
addresses, or of what a text tells about somebody in words.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Annotated, Literal

from adaptline.core.demands import Demand
from adaptline.core.registry import transform
from adaptline.data.personal.finding import KINDS, Kind, find
from adaptline.data.personal.standins import stand_in, tag

_PASSES = 100  # what a mask uncovers is rarely one deep; the bound is for a text made to keep us busy


def _are_expressions(patterns: list[str]) -> bool:
    try:
        return all(re.compile(pattern) for pattern in patterns)
    except re.error:
        return False


@transform(version=2, finds=("personal_data",))
def mask_pii(
    texts: list[str],
    *,
    kinds: list[Kind] | None = None,
    mode: Literal["mask", "pseudonym"] = "mask",
    seed: int = 0,
    private: bool = False,
    keep: Annotated[list[str], Demand(_are_expressions, "in the syntax of Python's re")] | None = None,
) -> list[str]:
    """Masks e-mail addresses, phone, account and card numbers, network addresses, secrets and national ids.

    All else stays as it is, character by character, and a masked text stays as it is when masked again. What is kept for
    examples (example.com, 555-0100, 192.0.2.1) is nobody's and stays, too.

    Args:
        texts: the texts.
        kinds: which kinds are masked; all of them unless some are named.
        mode: "mask" leaves the kind, as in <EMAIL>; "pseudonym" a stand-in of the kind that is nobody's, which depends
            on the `seed` and the value alone.
        seed: another seed, other stand-ins. Whoever knows it can test guesses of a value.
        private: also masks addresses of private networks, such as 192.168.0.7.
        keep: regular expressions of Python's re; a value in which one of them is found stays.

    Returns:
        One text per text.
    """
    chosen, kept = tuple(kinds) if kinds is not None else KINDS, _compiled(tuple(keep or ()))
    return [_masked(text, chosen, mode, seed, private=private, keep=kept) for text in texts]


def _masked(
    text: str, kinds: tuple[str, ...], mode: str, seed: int, *, private: bool, keep: tuple[re.Pattern[str], ...]
) -> str:
    """Again and again until nothing is found: where two places overlap, what is left of one may be a value itself."""
    for _ in range(_PASSES):
        places = find(text, kinds, private=private, keep=keep)
        if not places:
            break
        pieces, at = [], 0
        for place in places:
            value = text[place.start : place.end]
            pieces += [text[at : place.start], tag(place.kind) if mode == "mask" else stand_in(place.kind, value, seed)]
            at = place.end
        text = "".join([*pieces, text[at:]])
    return text


@lru_cache(maxsize=16)
def _compiled(patterns: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    return tuple(map(re.compile, patterns))
