"""Where in a TOML text a table or a key stands: tomllib keeps no positions, and a mistake is shown with its line.

Knows TOML's words: keys, strings, comments, brackets. Knows nothing of what they mean. The text has parsed before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# Strings over several lines may end in up to two quotes of their own: TOML 1.0, "String".
_TOKEN = re.compile(
    r'''"""(?:\\.|[^\\])*?"{3,5}|\'{3}.*?\'{3,5}|"(?:\\.|[^"\\\n])*"|'[^'\n]*'|\#[^\n]*|[\w-]+|[^\s\w]''', re.DOTALL
)
_QUOTES = ('"""', "'''", '"', "'")


@dataclass(frozen=True)
class _Word:
    """A name or a string of a table: in which line (1-based), whether it is a key, and in how many brackets it stands."""

    line: int
    text: str
    is_key: bool
    depth: int


def line_of(text: str, table: str | None, path: str | Sequence[str] | None = None) -> int | None:
    """The line of a table's header, or of what a path leads to within the table as far as it can be followed; 1-based.

    Args:
        text: what tomllib could read.
        table: a table of the top level; None for what stands before the first.
        path: a key, or keys and strings on the way to a place: ("do", "minhash", "threshold") is the key threshold that
            follows the string "minhash" in the value of do. What is not found is passed over.

    Returns:
        None where there is no such table.
    """
    words = list(_words(text, table))
    at = 0
    for name in [path] if isinstance(path, str) else path or ():
        at = _find(words, at, name)
    return words[at].line if words else None


def _find(words: list[_Word], at: int, name: str) -> int:
    """The place of a key, else of any word, after `at`, else before it; `at` where there is none."""

    def is_key(i: int) -> bool:
        return words[i].is_key and (words[i].text == name or words[i].text.endswith("." + name))

    def farness(i: int) -> tuple[bool, bool, int, int]:
        # A path begins with a key of the table itself, which may also stand deeper: in `each`, in a method's table.
        return i < at, not is_key(i), words[i].depth if at == 0 else 0, i

    found = [i for i in range(len(words)) if is_key(i) or words[i].text == name]
    return min(found, key=farness, default=at)


def _words(text: str, table: str | None) -> Iterator[_Word]:
    """The words of a table, an empty one for its header first."""
    found = [match for match in _TOKEN.finditer(text) if not match[0].startswith("#")]
    tokens = [match[0] for match in found]
    depth, in_header, inside = 0, False, table is None
    for number, (before, match) in enumerate(zip(["", *tokens], found, strict=False)):
        token = match[0]
        if token in ("[", "{"):
            if depth == 0 and before != "=":
                in_header, inside = True, False
            depth += 1
        elif token in ("]", "}"):
            depth -= 1
            in_header = in_header and depth > 0
        elif token not in ("=", ".", ","):
            word = _unquoted(token)
            is_name = in_header and before == "["
            inside = inside or (is_name and word == table)
            if inside:
                line = text.count("\n", 0, match.start()) + 1
                is_key = in_header or _leads_to_value(tokens, number)
                yield _Word(line, "" if is_name else word, is_key, 0 if in_header else depth)


def _leads_to_value(tokens: list[str], at: int) -> bool:
    """Whether a word is a key, alone or dotted: a = or a.b.c =. The 0 of 0.5 is none."""
    while tokens[at + 1 : at + 2] == ["."]:
        at += 2
    return tokens[at + 1 : at + 2] == ["="]


def _unquoted(token: str) -> str:
    quote = next((quote for quote in _QUOTES if token.startswith(quote)), "")
    return token[len(quote) : len(token) - len(quote)]
