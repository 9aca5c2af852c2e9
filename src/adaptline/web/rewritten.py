"""What a rule wrote in the place of a text, for a line or two: both texts around the first place in which they differ.

Knows two texts. Knows nothing of rules and of pages (texts.py marks every difference on one).
"""

from __future__ import annotations

from itertools import takewhile

_LEAD = 30  # characters that are shown before the first difference
_SEEN = str.maketrans({"\n": "⏎", "\t": "⇥"})


def pair(before: str, after: str, chars: int) -> tuple[str, str]:
    """Either text, of at most `chars` characters, from a little before the first one that differs; line ends can be seen."""
    shared = sum(1 for _ in takewhile(lambda both: both[0] == both[1], zip(before, after, strict=False)))
    longest = max(len(before), len(after))
    start = max(0, min(shared - _LEAD, longest - chars + 1)) if longest > chars else 0
    return _piece(before, start, chars), _piece(after, start, chars)


def _piece(text: str, start: int, chars: int) -> str:
    shown = ("…" if start else "") + text[start:]
    shown = shown if len(shown) <= chars else f"{shown[: chars - 1]}…"
    return shown.translate(_SEEN)
