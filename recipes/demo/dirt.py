"""Damage of a text: edits down to a given similarity, letter case, mojibake, left-over HTML.

Knows how one text is damaged, and how much. Knows nothing of files, rows or who gets which damage.
"""

from __future__ import annotations

import html.entities
import re
from collections.abc import Callable

from draws import Draws
from grammar import expand, frames
from lexicon import Slots, words
from similarity import characters5, jaccard
from speech import typed, with_typing_errors

TOLERANCE = 0.012  # of the similarity that an edit aims at
_TRIES = 60  # with one text; a text too short or too long for a grade never gets there
_STEPS = 80  # in one try


def recased(text: str, draws: Draws) -> str:
    """The same words in other letter case or white space."""
    change: Callable[[str], str] = draws.choice(
        (str.upper, str.lower, str.title, lambda same: same.replace(" ", "  "), lambda same: f"  {same}\n")
    )
    changed = change(text)
    return changed if changed != text else f"{text} "


def _another_place(text: str, draws: Draws) -> str:
    named = next((place for place in words()["place"] if place in text), None)
    return text if named is None else text.replace(named, draws.choice(words()["place"]), 1)


def _edge(name: str, draws: Draws) -> str:
    return expand(draws.choice(frames()["edge"][name]), draws, Slots(draws).fill)


EDITS: tuple[Callable[[str, Draws], str], ...] = (  # none of them touches the request
    lambda text, draws: f"{_edge('opener', draws)} {text}",
    lambda text, draws: f"{text} {_edge('closer', draws)}",
    lambda text, draws: f"{text} {_edge('filler', draws)}",
    lambda text, draws: f"{_edge('filler', draws)} {text}",
    lambda text, draws: text.rstrip(".!?") + draws.choice(("!", "!!", "?!", "...", " ok?", " :)")),
    lambda text, draws: typed(text, draws, "casual"),
    _another_place,
)


def edited_down_to(text: str, draws: Draws, target: float) -> str | None:
    """The text edited until its character-5-gram Jaccard with the original is the target, or None if it never is.

    Each edit is made once at most; between them, and when all are used up, words are mistyped.
    """
    original = characters5(text)
    for _ in range(_TRIES):
        copy, edits = text, draws.shuffled(EDITS)
        for _ in range(_STEPS):
            copy = edits.pop()(copy, draws) if edits and draws.chance(0.6) else with_typing_errors(copy, draws, 1)
            alike = jaccard(original, characters5(copy))
            if alike <= target + TOLERANCE:
                break
        if abs(alike - target) <= TOLERANCE:
            return copy
    return None


def mojibake(text: str) -> str:
    """The UTF-8 bytes of the text read as Windows-1252, or as Latin-1 where Windows-1252 has no such character."""
    data = text.encode()
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def marked_up(text: str, draws: Draws) -> str:
    """The text as a web form leaves it: entities for special characters, tags around and between the sentences."""
    names = {**html.entities.codepoint2name, ord("'"): "#39"}
    encoded = "".join(f"&{names[ord(sign)]};" if ord(sign) in names else sign for sign in text)
    broken = re.sub(r"(?<=[.?!]) ", draws.choice(("<br>", "<br />", "<br>\n", "</p><p>")), encoded)
    if "</p>" in broken or broken == text:
        return f"<p>{broken}</p>"
    return draws.choice((broken, f"<div>{broken}</div>", f'<span class="msg">{broken}</span>'))
