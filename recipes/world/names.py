"""Names that nobody bears: of places, streets, districts, people and things, put together from words and from syllables.

Knows how names are made, and which tenth of them the demo keeps for itself: what is `held`, or a name in the messages of
the demo's desk, occurs in no text that the small base model learns from. Knows nothing of records or sentences.
"""

from __future__ import annotations

import re
import tomllib
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

from draws import Draws

_DESK = Path(__file__).parent.parent / "demo" / "phrases" / "words.toml"

_WORDS: dict[str, list[str]] = tomllib.loads(Path(__file__).with_name("words.toml").read_text("utf-8"))


def words(kind: str) -> list[str]:
    """A list of words.toml: "people", "jobs"."""
    return _WORDS[kind]


def held(name: str) -> bool:
    """Whether a name belongs to the demo: one in ten, by a checksum, so that nobody needs a list."""
    return zlib.crc32(name.casefold().encode()) % 10 == 0


def word(draws: Draws, syllables: int | None = None) -> str:
    """An invented word with a capital: Strowend."""
    count = syllables or draws.choice((2, 2, 2, 3))
    text = ""
    for left in range(count, 0, -1):
        text += (
            draws.choice(words("onsets"))
            + draws.choice(words("vowels"))
            + draws.choice(words("last" if left == 1 else "inner"))
        )
    return text.capitalize()


def place(draws: Draws, *, demo: bool = False) -> str:
    """The name of a house where one eats, sleeps or buys, such as The Amber Fox, Fig & Thistle, Marta's Kitchen, Strowend."""
    return _drawn(draws, _place, demo=demo)


def district(draws: Draws, *, demo: bool = False) -> str:
    """A part of a city: old harbour, Strowend quay."""
    return _drawn(draws, _district, demo=demo)


def town(draws: Draws, *, demo: bool = False) -> str:
    """A town, a river: Strowend."""
    return _drawn(draws, word, demo=demo)


def street(draws: Draws, *, demo: bool = False) -> str:
    """A street with a number: 17 Strowend Lane."""
    return _drawn(draws, lambda d: f"{d.between(1, 199)} {_root(d)} {d.choice(words('streets'))}", demo=demo)


def person(draws: Draws, *, demo: bool = False) -> str:
    """A first and a last name: Marta Strowend."""
    return _drawn(draws, lambda d: f"{d.choice(words('people'))} {word(d)}", demo=demo)


def _drawn(draws: Draws, make: Callable[[Draws], str], *, demo: bool) -> str:
    while held(name := make(draws)) != demo or _of_the_desk().search(name):
        pass
    return name


@cache
def _of_the_desk() -> re.Pattern[str]:
    """The names in the messages of the demo's desk."""
    lists = tomllib.loads(_DESK.read_text("utf-8"))
    taken = [name for kind in ("house", "proper", "street", "area", "person") for name in lists[kind]]
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, taken))})\b", re.IGNORECASE)


def _root(draws: Draws) -> str:
    return word(draws) if draws.chance(0.5) else draws.choice(words("nouns"))


def _district(draws: Draws) -> str:
    first = draws.choice(words("points")) if draws.chance(0.5) else word(draws)
    return f"{first} {draws.choice(words('quarters'))}"


def _place(draws: Draws) -> str:
    adjective, noun, other = (
        draws.choice(words("adjectives")),
        draws.choice(words("nouns")),
        draws.choice(words("nouns")),
    )
    invented, owner, house = word(draws), draws.choice(words("people")), draws.choice(words("houses"))
    return draws.choice(
        (
            f"The {adjective} {noun}",
            f"The {adjective} {noun}",
            f"{adjective} {noun}",
            f"The {noun} and {other}",
            f"{noun} & {other}",
            f"{owner}'s {house}",
            f"The {noun} {house}",
            f"The {invented}",
            invented,
            f"{invented} {house}",
            f"{invented} {word(draws)}",
            f"The {invented} {noun}",
            f"{owner} {invented}",
        )
    )
