"""Which words of a text may give way to others: not names, nor what is joined to a neighbour, nor what must stay.

Knows capitals, sentences and what stands beside a word. Knows no vocabulary and nothing of what is put in a word's place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple

from adaptline.data.guarded import pieces
from adaptline.data.passages import Passage

_TOKEN = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*|\s+|.", re.DOTALL)
_JOINS = ("-", "'", "\u2019", "/")


class Token(NamedTuple):
    """A piece of a text: `word` in lower case if it is one, else ""; `is_open` if that may be replaced."""

    text: str
    word: str
    is_open: bool


def tokens(passage: Passage, is_spelt: Callable[[str], bool]) -> Iterator[Token]:
    """The text in pieces; joined they are the text. A capital is a name's unless a sentence begins with it.

    Args:
        passage: a text and what must stay in it.
        is_spelt: whether a run of letters can be a word here; others, such as those of other scripts, never are.
    """
    starts, before, after_name = True, "", False
    found: list[tuple[str, bool]] = []
    for piece, is_guarded in pieces(passage.text, passage.protected):
        found += [(piece, True)] if is_guarded else [(one[0], False) for one in _TOKEN.finditer(piece)]
    for (text, is_guarded), (after, _) in pairwise([*found, ("", False)]):
        is_word = not is_guarded and text[0].isalpha() and is_spelt(text)
        is_name = text[:1].isupper() and (not starts or not text[1:].islower())
        joined = before[-1:] in _JOINS or after[:1] in _JOINS
        is_open = is_word and not (is_name or after_name or joined) and text.isalpha()
        yield Token(text, text.lower() if is_word else "", is_open)
        if not text.isspace():
            after_name = is_name and not starts and text != "I"  # the second word of a name may be written small
            starts = (not is_guarded and text in (".", "!", "?", ":", "\n")) or (
                starts and not is_word and not is_guarded
            )
        elif "\n" in text:
            starts = True
        before = text
