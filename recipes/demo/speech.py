"""How people type: contractions, slang, no capitals, typing errors, a phone's curly quotes.

Knows how to make a clean sentence look typed. Knows nothing of intents; it never adds or takes away a clause.
"""

from __future__ import annotations

import re

from draws import Draws
from grammar import frames

STYLES = ("plain",) * 40 + ("phone",) * 15 + ("casual",) * 20 + ("hasty",) * 25  # in percent
_SHORT = {
    "I am": "I'm",
    "I would": "I'd",
    "cannot": "can't",
    "do not": "don't",
    "does not": "doesn't",
    "it is": "it's",
    "that is": "that's",
    "we are": "we're",
}
_CURLED = {
    " '": " \N{LEFT SINGLE QUOTATION MARK}",
    "'": "\N{RIGHT SINGLE QUOTATION MARK}",
    " - ": " \N{EN DASH} ",
}
_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_NEIGHBOURS = {key: row[max(0, at - 1) : at] + row[at + 1 : at + 2] for row in _KEYS for at, key in enumerate(row)}
_MIN_LETTERS = 4  # shorter words are rarely mistyped, and a mistyped "not" would change what is asked


def _replaced(text: str, words: dict[str, list[str]], draws: Draws, share: float) -> str:
    """The text with a share of the known words replaced by one of their variants."""
    pattern = re.compile(rf"\b({'|'.join(sorted(map(re.escape, words), key=lambda word: (-len(word), word)))})\b")
    return pattern.sub(lambda found: draws.choice(words[found[1]]) if draws.chance(share) else found[1], text)


def mistyped(word: str, draws: Draws) -> str:
    """The word with two letters swapped, one left out, doubled, or hit beside its key."""
    at = draws.between(1, len(word) - 2)
    slip = draws.choice(("swap", "drop", "double", "beside"))
    if slip == "swap":
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if slip == "drop":
        return word[:at] + word[at + 1 :]
    if slip == "double":
        return word[:at] + word[at] + word[at:]
    return word[:at] + draws.choice(_NEIGHBOURS.get(word[at].lower()) or word[at]) + word[at + 1 :]


def with_typing_errors(text: str, draws: Draws, errors: int) -> str:
    """The text with up to `errors` of its longer words mistyped."""
    words = text.split(" ")
    long = [at for at, word in enumerate(words) if len(word) >= _MIN_LETTERS and word.isalpha()]
    for at in draws.shuffled(long)[:errors]:
        words[at] = mistyped(words[at], draws)
    return " ".join(words)


def typed(text: str, draws: Draws, style: str | None = None) -> str:
    """The sentence as somebody types it. Styles: plain, phone (curly quotes), casual (slang), hasty (typing errors)."""
    style = style or draws.choice(STYLES)
    text = _replaced(text, {long: [short] for long, short in _SHORT.items()}, draws, 0.5)
    if style == "phone":
        for straight, curled in _CURLED.items():
            text = text.replace(straight, curled)
        return text
    if style == "casual":
        slang = {word: list(variants) for word, variants in frames()["slang"].items()}
        text = _replaced(text, slang, draws, 0.6)
        text = text.lower() if draws.chance(0.7) else text
        return text.rstrip(".") if draws.chance(0.6) else text
    if style == "hasty":
        text = with_typing_errors(text, draws, draws.between(1, 3))
        return text.lower() if draws.chance(0.3) else text
    return text
