"""deny: prompts that fit a pattern are not answered. Knows regular expressions only.

Patterns are the operator's own and are read as they stand: one that nests repeats, like (a+)+, can take very long on a
text made for it. The gateway gives all guards a quarter of a second, and refuses a prompt that takes longer.
"""

from __future__ import annotations

import re
from functools import lru_cache

from adaptline.core.registry import guard
from adaptline.errors import UserError


def _check(*, patterns: list[str]) -> None:
    """Refuses what is no regular expression, and what fits every text."""
    if not patterns:
        raise UserError("no patterns", do='Write { use = "deny", patterns = ["..."] }.')
    for pattern in patterns:
        try:
            found = re.compile(pattern, re.IGNORECASE)
        except re.error as error:
            raise UserError(
                f"no regular expression: {pattern!r}: {error}", do="The syntax is that of Python's re."
            ) from error
        if found.search(""):
            raise UserError(f"the pattern {pattern!r}, which fits any text", do="Say what a text must hold.")


@guard(version=1, check=_check)
def deny(text: str, *, patterns: list[str]) -> str | None:
    """The reason not to answer a prompt in which one of the patterns is found, or None. Case does not count.

    Args:
        text: the prompt's text.
        patterns: regular expressions of Python's re, searched for anywhere in the text.

    Returns:
        Which pattern it was, by its number from 1: the text itself belongs in no log, and the pattern to no user.
    """
    for number, pattern in enumerate(_compiled(tuple(patterns)), start=1):
        if pattern.search(text):
            return f"it fits pattern {number} of {len(patterns)}"
    return None


@lru_cache(maxsize=64)
def _compiled(patterns: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern, re.IGNORECASE) for pattern in patterns)
