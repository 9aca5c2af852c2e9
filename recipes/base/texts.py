"""What the small base model reads: records and what is said of them, questions, lists, reviews, talk, all of it invented.

Knows documents. Knows nothing of tokens or training. `document(draws)` is one of them; the same draws give the same one.
Copying is what such a small model must learn, so most documents say the same thing twice, in two forms.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import eateries
import names
from draws import Draws

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_WORK = {"eatery": 52}  # weights of the worlds; the others share the rest alike


@cache
def worlds() -> dict[str, dict[str, Any]]:
    """Kind of thing -> its attributes and what is said of them."""
    return tomllib.loads(Path(__file__).with_name("worlds.toml").read_text("utf-8"))


def document(draws: Draws) -> str:
    """One text of the mix."""
    return _KINDS[draws.weighted(_MIX)](draws)


def _value(draws: Draws, kind: str) -> str:
    numbers = {
        "small_number": (1, 9),
        "number": (10, 900),
        "year": (1400, 2020),
        "big_number": (1_100, 980_000),
    }
    if kind in numbers:
        return str(draws.between(*numbers[kind]))
    lists = {"colour": "colours", "job": "jobs", "subject": "subjects", "eatery_kind": "kinds"}
    if kind in lists:
        return draws.choice(names.words(lists[kind]))
    makers: dict[str, Any] = {
        "yes_no": lambda: draws.choice(("yes", "no")),
        "cuisine": lambda: eateries.cuisine(draws),
        "price": lambda: eateries.price(draws),
        "rating": lambda: eateries.rating(draws),
        "district": lambda: names.district(draws),
        "place": lambda: names.place(draws),
        "street": lambda: names.street(draws),
        "person": lambda: names.person(draws),
        "town": lambda: names.town(draws),
        "word": lambda: names.town(draws),
        "clock": lambda: f"{draws.between(6, 23)}:{draws.choice(('00', '15', '30', '45'))}",
        "money": lambda: draws.choice((f"£{draws.between(3, 400)}", f"{draws.between(3, 400)} euros")),
        "weight": lambda: f"{draws.between(2, 95)} {draws.choice(('kilos', 'grams'))}",
    }
    made: str = makers[kind]()
    return made


def _thing(draws: Draws, fewest: int = 3, most: int = 7) -> tuple[str, dict[str, str]]:
    """A kind of thing, and one of it: its name and some attributes."""
    kinds = list(worlds())
    kind = "eatery" if draws.chance(_WORK["eatery"] / 100) else draws.choice(kinds)
    keys = [key for key in worlds()[kind] if key != "it"]
    chosen = draws.shuffled(keys)[: draws.between(fewest, most) - 1]
    name = names.person(draws) if kind == "person" else names.town(draws) if kind == "town" else names.place(draws)
    return kind, {"name": name} | {key: _value(draws, worlds()[kind][key]["value"]) for key in keys if key in chosen}


def _sentence(draws: Draws, kind: str, key: str, values: dict[str, str], *, pronoun: bool = False) -> str:
    about, value = worlds()[kind][key], values[key]
    said: str = draws.choice(about["says"] if "says" in about else about[f"says_{value}"])
    article = eateries.a(value)
    text = said.replace("{a_v}", article).replace("{v}", value)
    if pronoun and text.startswith("{n}"):
        text = text.replace("{n}", worlds()[kind]["it"], 1)
    text = text.replace("{n}", values["name"])
    return f"{text[0].upper()}{text[1:]}."


def _prose(draws: Draws, kind: str, values: dict[str, str]) -> str:
    """A sentence for each attribute, in any order."""
    told: list[str] = []
    for key in draws.shuffled([key for key in values if key != "name"]):
        told.append(_sentence(draws, kind, key, values, pronoun=bool(told) and draws.chance(0.5)))
    return " ".join(told)


def _table(draws: Draws, kind: str, values: dict[str, str]) -> str:
    """The record in one of several spellings."""
    keys = list(values)
    if draws.chance(0.5):
        keys = draws.shuffled(keys)
    style = draws.below(7)
    if style < 3:  # noqa: PLR2004 - three of seven: what the E2E challenge writes
        return ", ".join(f"{_label(draws, kind, key, plain=0.7)}[{values[key]}]" for key in keys)
    pairs = [(_label(draws, kind, key), values[key]) for key in keys]
    if style == 3:  # noqa: PLR2004
        return ", ".join(f"{label}: {value}" for label, value in pairs)
    if style == 4:  # noqa: PLR2004
        return "\n".join(f"- {label}: {value}" for label, value in pairs)
    if style == 5:  # noqa: PLR2004
        return "; ".join(f"{label} = {value}" for label, value in pairs)
    return " | ".join(f"{label} | {value}" for label, value in pairs)


def _label(draws: Draws, kind: str, key: str, plain: float = 0.0) -> str:
    if key == "name":
        return "name" if draws.chance(0.7) else draws.choice(("called", "title", "who or what"))
    return key if draws.chance(plain) else str(draws.choice(worlds()[kind][key]["labels"]))


def _record_and_prose(draws: Draws) -> str:
    kind, values = _thing(draws)
    pair = [_table(draws, kind, values), _prose(draws, kind, values)]
    return "\n".join(pair if draws.chance(0.75) else pair[::-1])


def _described(draws: Draws) -> str:
    """The demo's own form, in other words: a bracketed record and one or two sentences that state all of it."""
    values = eateries.record(draws, draws.choice((4, 6)))
    asked = draws.choice(("", "", "Describe: ", "Write about this place: ", "Record: "))
    return f"{asked}{eateries.bracketed(values)}\n{eateries.description(draws, values, 'base')}"


def _few_described(draws: Draws) -> str:
    """Several in a row: what a prompt with examples looks like."""
    return "\n\n".join(_described(draws) for _ in range(draws.between(2, 3)))


def _yes_or_no(draws: Draws) -> str:
    """Yes/no attributes alone, many in a row: they must be put in other words, which is what small models do worst."""
    lines = []
    for _ in range(draws.between(2, 5)):
        kind = draws.choice(
            [
                kind
                for kind, about in worlds().items()
                if any("says_yes" in of for of in about.values() if isinstance(of, dict))
            ]
        )
        keys = [key for key, of in worlds()[kind].items() if isinstance(of, dict) and "says_yes" in of]
        key = draws.choice(keys)
        values = {"name": names.place(draws), key: draws.choice(("yes", "no"))}
        left, right = _table(draws, kind, values), _sentence(draws, kind, key, values)
        lines.append(f"{left} -> {right}" if draws.chance(0.7) else f"{right} -> {left}")
    return "\n".join(lines)


def _questions(draws: Draws) -> str:
    kind, values = _thing(draws, 3, 6)
    told = _table(draws, kind, values) if draws.chance(0.5) else _prose(draws, kind, values)
    asked = []
    for key in draws.shuffled([key for key in values if key != "name"])[:3]:
        label = draws.choice(worlds()[kind][key]["labels"])
        question = draws.choice(("What is the {l} of {n}?", "{n}: {l}?", "Tell me the {l} of {n}.", "{l}?"))
        asked.append(f"Q: {question.replace('{l}', label).replace('{n}', values['name'])}\nA: {values[key]}")
    if draws.chance(0.5):
        asked.append(f"Q: {draws.choice(('What is it called?', 'Which one is it?', 'Its name?'))}\nA: {values['name']}")
    return "\n".join([told, *draws.shuffled(asked)])


def _several(draws: Draws) -> str:
    """Several things, then one of them again."""
    things = [_thing(draws, 2, 3) for _ in range(draws.between(2, 4))]
    kind, again = draws.choice(things)
    told = [
        _table(draws, kind, values) if draws.chance(0.4) else _prose(draws, kind, values) for kind, values in things
    ]
    return "\n".join([*told, f"About {again['name']}: {_prose(draws, kind, again)}"])


def _lists(draws: Draws) -> str:
    makers = (names.town, names.place, names.district, names.person, lambda d: d.choice(names.words("nouns")).lower())
    entries = [draws.choice(makers)(draws) for _ in range(draws.between(3, 8))]
    text = ", ".join(entries)
    style = draws.below(4)
    if style == 0:
        return f"List: {text}.\nAgain: {text}."
    if style == 1:
        return f"{text}\n{text}\n{text}"
    if style == 2:  # noqa: PLR2004
        return f"{text}\nbackwards: {', '.join(reversed(entries))}"
    brackets = "".join(f"[{entry}] " for entry in entries).strip()
    return f"{brackets}\n{brackets}"


def _review(draws: Draws) -> str:
    text, summary = eateries.review(draws, "base")
    mark = draws.choice(("In short: ", "Summary: ", "TL;DR ", ""))
    return f"{draws.choice(('', '', 'Review: '))}{text}\n{mark}{summary}"


def _talk(draws: Draws) -> str:
    kind, values = _thing(draws, 3, 5)
    who, key = draws.choice(names.words("people")), draws.choice([key for key in values if key != "name"])
    answer = _sentence(draws, kind, key, values)
    said = f"{who}: Do you know {values['name']}?\nGuide: Yes. {_prose(draws, kind, values)}"
    return f"{said}\n{who}: {draws.choice(('Say that again.', 'What was that?', 'Really?'))}\nGuide: {answer}"


def _message(draws: Draws) -> str:
    name, day = names.place(draws), draws.choice(_DAYS)
    people = draws.between(2, 9)
    asked = draws.choice(
        (
            f"Could you hold a table for {people} at {name} on {day}?",
            f"We will not come to {name} on {day} after all.",
            f"Is {name} open on {day}?",
            f"I left my hat at {name} on {day}.",
            f"Who can tell me how to get to {name}?",
            f"The bill at {name} was wrong by {draws.between(2, 30)} euros.",
        )
    )
    greeting = draws.choice(("", "Hello. ", "Good morning, ", "Dear team, "))
    signed = draws.choice(("", " Thanks.", f" {draws.choice(names.words('people'))}"))
    return f"{greeting}{asked}{signed}\nPlace: {name}"


_KINDS = {
    "described": _described,
    "few described": _few_described,
    "record and prose": _record_and_prose,
    "yes or no": _yes_or_no,
    "questions": _questions,
    "several": _several,
    "lists": _lists,
    "review": _review,
    "talk": _talk,
    "message": _message,
}
_MIX = {
    "described": 28,
    "few described": 6,
    "record and prose": 18,
    "yes or no": 12,
    "questions": 11,
    "several": 6,
    "lists": 8,
    "review": 10,
    "talk": 4,
    "message": 4,
}
