"""The words that fill the slots of the phrases: names, times, amounts. All of them invented.

Knows which words a slot may hold and how to take them out again. Knows nothing of intents or sentences.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

from draws import Draws

PHRASES = Path(__file__).parent / "phrases"
_PAIRS = {"n2": "n", "time2": "time", "street2": "street"}
_PARTNER = {**_PAIRS, **{first: second for second, first in _PAIRS.items()}}


@cache
def words() -> dict[str, tuple[str, ...]]:
    """The words that each slot may hold, from phrases/words.toml."""
    lists = tomllib.loads((PHRASES / "words.toml").read_text("utf-8"))
    kinds, proper, houses = lists.pop("kind"), lists.pop("proper"), lists.pop("house")
    named = (*(f"the {house}" for house in houses), *(f"{kind} {name}" for kind in kinds for name in proper))
    return {"place": named, **{slot: tuple(held) for slot, held in lists.items()}}


class Slots:
    """What the slots of connected clauses hold: a slot keeps its word, and n2 differs from n."""

    def __init__(self, draws: Draws) -> None:
        self._draws = draws
        self._held: dict[str, str] = {}

    def fill(self, name: str) -> str:
        """The word of a slot; drawn the first time."""
        if name not in self._held:
            self._held[name] = self._draw(name)
        return self._held[name]

    def _draw(self, name: str) -> str:
        if name == "number":
            return str(self._draws.between(2, 240))
        if name == "ref":
            return f"{self._draws.choice('ABKRT')}-{self._draws.between(10_000, 99_999)}"
        if name == "money":
            amount = self._draws.between(6, 95)
            return self._draws.choice((f"€{amount}", f"{amount} euros", f"{amount}.50 €", f"€ {amount},90"))
        taken = self._held.get(_PARTNER.get(name, name))
        return self._draws.choice([word for word in words()[_PAIRS.get(name, name)] if word != taken])


@cache
def _slot_of() -> dict[str, str]:
    """The slot of each word in lower case; the first one of a word that fits several."""
    return {word.lower(): slot for slot, held in reversed(words().items()) for word in held}


@cache
def _known() -> re.Pattern[str]:
    longest_first = sorted(_slot_of(), key=lambda word: (-len(word), word))
    names = rf"\b(?:{'|'.join(map(re.escape, longest_first))})\b"
    money = r"€ ?\d+(?:[.,]\d+)?|\d+(?:[.,]\d+)? (?:€|euros)"
    return re.compile(rf"{money}|\b[A-Z]-\d+|{names}|\d+", re.IGNORECASE)


def delexicalise(text: str) -> str:
    """The skeleton of a text: names, streets, dishes, days, times and numbers become <slots>, quotes straight."""
    straight = text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return _known().sub(lambda found: f"<{_slot_of().get(found.group().lower(), 'number')}>", straight)
