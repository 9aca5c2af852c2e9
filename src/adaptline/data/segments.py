r"""A text taken apart for translation: sentences, and what stands between them or must stay as it is.

Knows lines, ends of sentences, and what is no language: code, addresses, placeholders. Knows nothing of translators.
What must stay inside a sentence is a stand-in while the sentence is away, a word that no language has: dictionaries
leave it alone, and where a model does not, that is seen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from string import ascii_lowercase

EMAIL = r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+"
URL = r"(?:https?://|ftp://|www\.)[^\s<>\"'`]*[^\s<>\"'`.,;:!?)\]}]"
# {slot}, {{slot}}, <NAME>, </b>, [NAME], %s, %(name)s, $NAME
PLACEHOLDER = r"\{\{[^{}\n]{1,60}\}\}|\{[^{}\n]{1,60}\}|</?[A-Za-z][^<>\n]{0,60}>|\[[A-Z][A-Z0-9_]*\]|%\(\w+\)[sdf]|%[sdf]\b|\$[A-Z_]+\b"
_INLINE = r"``[^\n]+?``|`[^`\n]+`"
_FENCED = re.compile(r"^[ \t]*(`{3,}|~{3,})[^\n]*(?:\n.*?(?:^[ \t]*\1[`~]*[ \t]*$|\Z)|\Z)", re.DOTALL | re.MULTILINE)
_KEPT = f"{_INLINE}|{URL}|{EMAIL}|{PLACEHOLDER}"
_MARK = re.compile(r"[\s>#*\u2022-]*(?:\d{1,9}[.)]\s+)?")  # of a list's item, a quotation or a heading
_END = re.compile(
    r"(?<![.!?\u2026])[.!?\u2026]++[\"'\u201d\u2019)\]\u00bb]*\s+|[\u3002\uff01\uff1f]++[\"\u201d\u2019\uff09\u300d\u300f]*\s*"
)
# After these a dot ends no sentence; besides single letters. English, and what other languages of Europe share with it.
_ABBREVIATIONS = frozenset(
    [
        "mr",
        "mrs",
        "ms",
        "dr",
        "prof",
        "st",
        "vs",
        "e.g",
        "i.e",
        "etc",
        "fig",
        "inc",
        "ltd",
        "jr",
        "sr",
        "approx",
        "dept",
        "z.b",
        "bzw",
        "ca",
        "nr",
        "sra",
    ]
)
_STAND_IN = "Zqx"
_PARTS = re.compile(f"({_STAND_IN}[a-z]{{2}})")


@dataclass(frozen=True)
class Sentence:
    """A sentence to be said otherwise, with stand-ins, and what these stand for."""

    text: str
    kept: tuple[tuple[str, str], ...]

    def restored(self, said: str) -> tuple[str, bool]:
        """What is said instead, begun with a capital as the sentence is (NASA stays); and whether each stand-in came back, once."""
        whole = True
        for stand_in, kept in self.kept:
            whole = whole and said.count(stand_in) == 1
            said = said.replace(stand_in, kept)
        first, begins = self.text[:1], "".join(said.split(maxsplit=1)[:1])
        has_own_case = any(map(str.isupper, begins[1:]))  # NASA, iPhone: written so wherever it stands
        if said and first.isalpha() and not has_own_case and first.isupper() != said[0].isupper():
            said = (said[0].upper() if first.isupper() else said[0].lower()) + said[1:]
        return said, whole


@dataclass(frozen=True)
class Segments:
    """A text in order: strings that stay, and sentences."""

    pieces: tuple[str | Sentence, ...]

    @property
    def sentences(self) -> list[Sentence]:
        """Those to be said otherwise."""
        return [piece for piece in self.pieces if isinstance(piece, Sentence)]

    def joined(self, said: Callable[[Sentence], str]) -> tuple[str, bool]:
        """The text with each sentence as `said` tells; and whether all that must stay did."""
        done = [(piece, True) if isinstance(piece, str) else piece.restored(said(piece)) for piece in self.pieces]
        return "".join(text for text, _ in done), all(whole for _, whole in done)


def cut(text: str, protected: Sequence[str] = (), *, by_sentence: bool = True) -> Segments:
    """A text's segments. Blocks of code and lines without letters stay whole; so does `protected`, where it occurs.

    Args:
        text: the text.
        protected: words that must stay as they are, where they occur as words, in any case.
        by_sentence: false leaves the sentences of a line together.
    """
    pieces: list[str | Sentence] = []
    fences = {match.span() for match in _FENCED.finditer(text)}
    at = 0
    for start, end in [*sorted(fences), (len(text), len(text))]:
        pieces += _prose(text[at:start], protected, by_sentence=by_sentence)
        pieces.append(text[start:end])
        at = end
    return Segments(tuple(piece for piece in pieces if piece))


def _prose(text: str, protected: Sequence[str], *, by_sentence: bool) -> Iterator[str | Sentence]:
    """Masks first, so that no end of a sentence is seen inside an address."""
    kept: dict[str, str] = {}
    free = (f"{_STAND_IN}{a}{b}" for a in ascii_lowercase for b in ascii_lowercase if f"{_STAND_IN}{a}{b}" not in text)

    def mask(match: re.Match[str]) -> str:
        stand_in = next(free, "")
        kept[stand_in] = match[0]
        return stand_in

    masked = _pattern(tuple(protected)).sub(mask, text)
    if "" in kept:  # more than there are stand-ins: a table of addresses, no prose
        yield text
        return
    for line in masked.splitlines(keepends=True):
        for piece, says in _sentences(line, by_sentence=by_sentence):
            parts = _PARTS.split(piece)
            if says and any(map(str.isalpha, "".join(part for part in parts if part not in kept))):
                yield Sentence(piece, tuple((part, kept[part]) for part in parts if part in kept))
            else:
                yield "".join(kept.get(part, part) for part in parts)


def _pattern(protected: tuple[str, ...]) -> re.Pattern[str]:
    words = [
        rf"(?i:(?<!\w){re.escape(word.strip())}(?!\w))"
        for word in sorted(protected, key=len, reverse=True)
        if word.strip()
    ]
    return re.compile("|".join([*words, _KEPT]))


def _sentences(line: str, *, by_sentence: bool) -> Iterator[tuple[str, bool]]:
    """A line's sentences and what stands around them; True for the former."""
    mark = (_MARK.match(line) or [""])[0]
    body = line[len(mark) :].rstrip()
    yield mark, False
    at = seen = 0  # where the sentence begins, and where the last dot that may have ended it was looked at
    for end in _END.finditer(body) if by_sentence else ():
        stop = end.start() + len(end[0].rstrip())
        last = body[seen : end.start()].rpartition(" ")[2]
        seen = end.end()
        if end[0][0] == "." and is_abbreviation(last.lstrip("(\"'")):
            continue
        yield body[at:stop], True
        yield body[stop : end.end()], False
        at = end.end()
    yield body[at:], True
    yield line[len(mark) + len(body) :], False


def is_abbreviation(word: str) -> bool:
    """Whether a dot after a word ends no sentence: Mr., e.g., an initial."""
    return word.lower() in _ABBREVIATIONS or (len(word) == 1 and word.isalpha() and word != "I")
