"""How foreign texts are shown to a person: with nothing hidden, cut when long, set beside each other.

Knows what is invisible in Unicode. Knows nothing of pages: only `excerpt` and `compared` return markup, because a hidden
character and a difference have to stand out from what surrounds them.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from itertools import groupby, takewhile
from typing import TYPE_CHECKING

from markupsafe import Markup

from adaptline.web.words import plural

if TYPE_CHECKING:
    from collections.abc import Iterator

EXCERPT_CHARS = 400
PROSE_CHARS = 4000
_LEAD_CHARS = 60  # how much of what two texts share is shown before their first difference
_TIMES = "\u00d7"
_JOINERS = "\u200c\u200d"  # meaningful in emoji, Persian and Indic scripts
_INVISIBLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # Unicode general categories without a glyph of their own


def brief(text: str, chars: int) -> str:
    """A name for a place with little room."""
    return visible(fitted(text, chars))


def fitted(text: str, chars: int) -> str:
    """A text of at most so many characters: where it is longer, its beginning and an ellipsis."""
    return text if len(text) <= chars else _cut(text, chars - 1) + "…"


def visible(text: str, chars: int = EXCERPT_CHARS) -> str:
    """A text on which nothing is hidden: what has no glyph of its own by its code point; cut if long."""
    if len(text) <= chars and text.isprintable():
        return text  # nearly every text: no need to look at each character
    return "".join(piece for piece, _ in _pieces(_cut(text, chars))) + _rest(text, chars)


def excerpt(text: str | None, chars: int = EXCERPT_CHARS) -> Markup:
    """The beginning of a row's text, its line ends kept, hidden characters shown, and how long it is in full if it was cut."""
    if text is None:
        return Markup('<span class="quiet">no text</span>')
    if not text.strip():
        kind = f"only white space, {plural(len(text), 'character')}" if text else "empty text"
        return Markup('<span class="quiet">{}</span>').format(kind)
    return _marked_up(_cut(text, chars)) + _tail(text, chars)


def compared(before: str | None, after: str | None, chars: int = EXCERPT_CHARS) -> tuple[Markup, Markup]:
    """Two texts with the words marked in which they differ; what both begin with is left out if it would fill the excerpt."""
    if not before or not after or not before.strip() or not after.strip():
        return excerpt(before, chars), excerpt(after, chars)
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before, after, strict=False)))
    skipped = max(0, shared - _LEAD_CHARS) if shared > chars - 2 * _LEAD_CHARS else 0
    old, new = (re.findall(r"\w+|\s+|[^\w\s]", _cut(text[skipped:], chars)) for text in (before, after))
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    sides: tuple[list[Markup], list[Markup]] = ([], [])
    for what, old_from, old_to, new_from, new_to in matcher.get_opcodes():
        for side, words in zip(sides, (old[old_from:old_to], new[new_from:new_to]), strict=True):
            if words:
                pattern = Markup("{}") if what == "equal" else Markup("<mark>{}</mark>")
                side.append(pattern.format(_marked_up("".join(words))))
    lead = Markup('<span class="quiet">… </span>') if skipped else Markup("")
    left, right = (lead + Markup("").join(side) for side in sides)
    return left + _tail(before, chars, skipped), right + _tail(after, chars, skipped)


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """The text in runs: (what to write, "") for what can be seen, (a stand-in, its name) for a hidden character, repeated or not."""
    for (hidden, which), run in groupby(text, _hidden_character):
        characters = list(run)
        if not hidden:
            yield "".join(characters), ""
            continue
        code, times = f"U+{ord(which):04X}", f" {_TIMES} {len(characters)}" if len(characters) > 1 else ""
        yield f"⟨{code}{times}⟩", f"{code} {unicodedata.name(which, 'control character').lower()}"


def _hidden_character(character: str) -> tuple[bool, str]:
    """Whether a character has no look of its own, and which it is if so."""
    seen = character in "\n\t" or character in _JOINERS or unicodedata.category(character) not in _INVISIBLE
    return (False, "") if seen else (True, character)


def _marked_up(text: str) -> Markup:
    return Markup("").join(
        Markup('<span class="hidden-character" title="{}">{}</span>').format(name, piece) if name else piece
        for piece, name in _pieces(text)
    )


def _cut(text: str, chars: int) -> str:
    """The first characters of a text, without tearing marks or joined emoji from what they belong to."""
    if len(text) <= chars:
        return text
    end = chars
    while end > chars - 20 and (unicodedata.category(text[end])[0] == "M" or "\u200d" in text[end - 1 : end + 1]):
        end -= 1
    return text[:end]


def _rest(text: str, chars: int) -> str:
    return f"… ({plural(len(text), 'character')} in all)" if len(text) > chars else ""


def _tail(text: str, chars: int, skipped: int = 0) -> Markup:
    if len(text) - skipped <= chars and not skipped:
        return Markup("")
    dots = "… " if len(text) - skipped > chars else " "
    return Markup('<span class="quiet">{}({} in all)</span>').format(dots, plural(len(text), "character"))
