"""Places to eat as records, as descriptions and as reviews. Knows phrases by their set (phrases.toml); draws all names anew.

A record is a table of attributes; a description states all of them in one or two sentences; a review tells of a visit
and its summary says in one line what was liked and what was not.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Literal

from draws import Draws
from names import district, place, word, words

PhraseSet = Literal["base", "train", "test"]
Record = dict[str, str]

ATTRIBUTES = ("name", "eatType", "food", "priceRange", "rating", "area", "familyFriendly", "near")


@cache
def phrases(which: PhraseSet) -> dict[str, list[str]]:
    """The phrases of a set."""
    found: dict[str, list[str]] = tomllib.loads(Path(__file__).with_name("phrases.toml").read_text("utf-8"))[which]
    return found


def a(text: str) -> str:
    """The text after its indefinite article."""
    return f"{'an' if text[0].lower() in 'aeiou' else 'a'} {text}"


def cuisine(draws: Draws) -> str:
    """Of a country that there is, or that there is not."""
    return (
        draws.choice(words("cuisines"))
        if draws.chance(0.6)
        else word(draws, 2) + draws.choice(("an", "ese", "ish", "ic"))
    )


def price(draws: Draws) -> str:
    """A word, a limit or a range."""
    if draws.chance(0.55):
        return draws.choice(words("prices"))
    if draws.chance(0.4):
        return f"{draws.choice(('less', 'more'))} than £{draws.between(8, 40)}"
    return f"£{draws.between(8, 25)}-{draws.between(26, 60)}"


def rating(draws: Draws) -> str:
    """A number of five, or a word."""
    return f"{draws.between(1, 5)} out of 5" if draws.chance(0.7) else draws.choice(words("words_of_rating"))


def record(draws: Draws, fewest: int = 4, most: int = 8, *, demo: bool = False) -> Record:
    """A place with `fewest` to `most` attributes, its name and kind always among them, in the order of ATTRIBUTES."""
    name = place(draws, demo=demo)
    near = name
    while near == name:
        near = place(draws, demo=demo)
    values = {
        "name": name,
        "eatType": draws.choice(words("kinds")),
        "food": cuisine(draws),
        "priceRange": price(draws),
        "rating": rating(draws),
        "area": district(draws, demo=demo),
        "familyFriendly": draws.choice(("yes", "no")),
        "near": near,
    }
    kept = {"name", "eatType", *draws.shuffled(ATTRIBUTES[2:])[: draws.between(fewest, most) - 2]}
    return {key: value for key, value in values.items() if key in kept}


def bracketed(values: Record) -> str:
    """The record as the E2E challenge writes it (Novikova et al. 2017): name[The Tin Cherry], eatType[pub]."""
    return ", ".join(f"{key}[{value}]" for key, value in values.items())


def description(draws: Draws, values: Record, which: PhraseSet) -> str:
    """One or two sentences that state all attributes."""
    said = phrases(which)
    families, noun = values.get("familyFriendly"), values.get("eatType", "place")
    early = families is not None and draws.chance(0.6)
    if early:
        noun = f"{draws.choice(said[f'families_{families}'])} {noun}"
    noun = a(noun)
    for key in [*draws.shuffled(("food", "area")), "near"]:
        if key in values:
            noun += " " + draws.choice(said[key]).replace("{v}", values[key])
    first = draws.choice(said["heads"]).replace("{n}", values["name"]).replace("{noun}", noun)
    rest = [
        draws.choice(said[phrase]).replace("{v}", values[key])
        for key, phrase in (("priceRange", "price"), ("rating", "rating"))
        if key in values
    ]
    if families is not None and not early:
        rest.append(draws.choice(said[f"families_too_{families}"]))
    return f"{first} {_joined(draws.shuffled(rest))}".strip()


def review(draws: Draws, which: PhraseSet, name: str | None = None) -> tuple[str, str]:
    """A visitor's review of a place, of any if none is named, and what was good and bad in it in one line."""
    said, name = phrases(which), place(draws) if name is None else name
    good, bad = draws.shuffled(words("aspects"))[:2]
    mood = draws.choice(("sums", "sums", "sums_good", "sums_bad"))
    told = [draws.choice(said["other"]) for _ in range(draws.between(1, 3))]
    if mood != "sums_bad":
        told.append(draws.choice(said["good"]).replace("{a}", good))
    if mood != "sums_good":
        told.append(draws.choice(said["bad"]).replace("{a}", bad))
    text = " ".join([draws.choice(said["went"]).replace("{n}", name), *draws.shuffled(told)])
    summary = draws.choice(said[mood]).replace("{n}", name).replace("{g}", good).replace("{b}", bad)
    return text, summary


def _joined(clauses: list[str]) -> str:
    """Clauses as one sentence."""
    if not clauses:
        return ""
    *first, last = clauses
    text = f"{', '.join(first)}, and {last}" if first else last
    return text[0].upper() + text[1:] + "."
