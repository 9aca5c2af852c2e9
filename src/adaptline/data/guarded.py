"""What nobody may rewrite in a text: code, numbers, addresses, tags, and the strings that a row must keep.

Knows characters. Knows nothing of who rewrites the rest, or how. Every expression is linear in the length of a text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby

_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`", re.DOTALL)
_TAG = re.compile(r"<[^<>\s][^<>]{0,80}>")  # a mask such as <EMAIL>, or markup
_RUN = re.compile(r"\S+")
# A run with one of these is a number, an address or a name of code: 3pm, 1,000.50, a@b.c, https://x.y, www.x.y, snake_case.
_NO_PROSE = re.compile(r"[\d@_\\#{}=]|://|www\.|\w[./]\w", re.IGNORECASE)


def pieces(text: str, protected: tuple[str, ...] = ()) -> Iterator[tuple[str, bool]]:
    """The text in pieces, each with whether it must stay as it is. Joined they are the text.

    Args:
        text: any text.
        protected: strings that stay where they occur as whole words, in any case.
    """
    guarded = bytearray(len(text))
    for expression in (_CODE, _TAG, *_of(protected)):
        for found in expression.finditer(text):
            guarded[found.start() : found.end()] = b"\1" * (found.end() - found.start())
    for found in _RUN.finditer(text):
        if _NO_PROSE.search(found[0]):
            guarded[found.start() : found.end()] = b"\1" * (found.end() - found.start())
    at = 0
    for is_guarded, run in groupby(guarded):
        end = at + sum(1 for _ in run)
        yield text[at:end], bool(is_guarded)
        at = end


@lru_cache(maxsize=1024)
def _of(protected: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    return tuple(
        re.compile(rf"(?<!\w){re.escape(said.strip())}(?!\w)", re.IGNORECASE) for said in protected if said.strip()
    )
