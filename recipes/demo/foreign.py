"""Messages in other languages than English, from the small grammars in phrases/languages.toml.

Knows eight languages. Knows nothing of the English messages beyond the names of restaurants.
"""

from __future__ import annotations

import tomllib
from functools import cache

from draws import Draws
from grammar import Phrases, expand
from lexicon import PHRASES, words

MIN_WORDS, MAX_WORDS = 8, 25
_NOT_INTENTS = ("when", "opening", "closing")


@cache
def languages() -> dict[str, Phrases]:
    """The grammars by ISO 639-1 code."""
    return tomllib.loads((PHRASES / "languages.toml").read_text("utf-8"))


def foreign(draws: Draws, language: str) -> tuple[str, str]:
    """A message of 8 to 25 words in the language, and its intent."""
    phrases = languages()[language]
    slots = {
        "place": [place for place in words()["place"] if not place.startswith("the ")],
        "when": phrases["when"],
        "n": [str(number) for number in range(2, 13)],
    }

    def text(part: str) -> str:
        return expand(draws.choice(phrases[part]), draws, lambda slot: draws.choice(slots[slot]))

    while True:
        intent = draws.choice([name for name in phrases if name not in _NOT_INTENTS])
        body = text(intent)
        if draws.chance(0.6):
            body = f"{text('opening')} {body}"
        if draws.chance(0.5):
            body = f"{body} {text('closing')}"
        if MIN_WORDS <= len(body.split()) <= MAX_WORDS:
            return body[0].upper() + body[1:], intent
