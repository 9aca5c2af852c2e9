"""Synonyms: words put in the place of others that mean the same, in the same form and case.

Knows words and their places in a sentence. What means the same, WordNet (wordnet.py) or a file of pairs says; how a
word is put into a form, english.py.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from itertools import count
from pathlib import Path
from typing import Annotated

from adaptline.core.demands import between
from adaptline.core.registry import augmenter
from adaptline.core.sources import Files, Folder, find_folder
from adaptline.data import english, wordnet
from adaptline.data.open_words import Token, tokens
from adaptline.data.passages import Passage
from adaptline.errors import UserError

_MOST_SENSES = 100
_PAIR = 2
_LONGEST_LINE = 1 << 16  # bytes of a line of pairs


Alike = Callable[[str, str, str], list[str]]  # (word, the one before, the one after) -> what may stand in its place


def _installed(file: Files | None = None, **_: object) -> Folder | None:
    """WordNet as it is on this machine, where no pairs are given: by its content, wherever it lies."""
    found = wordnet.installed() if file is None else None
    return None if found is None else find_folder(str(found), found)


def _check(file: Files | None = None, wordnet: Folder | None = None, **_: object) -> None:
    if file is not None:
        if wordnet is not None:
            raise UserError(
                "both file and wordnet", do="Leave one of them out, or use synonyms twice, each with a name."
            )
        _pairs(file.paths)
    else:
        _folder(wordnet)


def _folder(given: Folder | None) -> Path:
    """The folder of WordNet. Raises UserError where there is none."""
    found = wordnet.installed() if given is None else given.path
    if found is None:
        raise UserError("synonyms without WordNet: it is not installed", do=wordnet.HOW_TO_GET)
    missing = [path for path in wordnet.files(found) if not path.is_file()]
    if missing:
        raise UserError(f"no WordNet in {found.name}: {missing[0].name} is missing", do=wordnet.HOW_TO_GET)
    return found


@augmenter(version=1, auto={"wordnet": _installed}, check=_check)
def synonyms(
    passages: list[Passage],
    *,
    rate: Annotated[float, between(0, 1)] = 0.3,
    senses: Annotated[int, between(1, _MOST_SENSES)] = 1,
    file: Files | None = None,
    wordnet: Folder | None = None,
) -> list[str]:
    """English words replaced by others of the same meaning, part of speech and form (Zhang, Zhao and LeCun, 2015).

    Never replaced: numbers, names (a capital within a sentence, or capitals only), code, addresses, the row's label and
    references, the words of grammar, and words whose part of speech the sentence does not tell.

    Args:
        passages: the texts.
        rate: share of the replaceable words that are replaced; above 0 at least one is, where there is one.
        senses: of WordNet, how many senses of a word may give others: the most frequent first.
        file: pairs of words that mean the same, one pair a line, parted by a tab or spaces; instead of WordNet.
        wordnet: the folder of WordNet's files; by default Debian's or nltk's own. Its content enters the key.

    Returns:
        One text per text; the same where nothing was replaced.
    """
    if file is not None:
        alike: Alike = partial(_paired, _pairs(file.paths))
    else:
        from adaptline.data import wordnet as database  # noqa: PLC0415 - a parameter has its name

        alike = _meant(database.read(_folder(wordnet)), senses)
    return [_said(passage, rate, alike) for passage in passages]


def _said(passage: Passage, rate: float, alike: Alike) -> str:
    found, draws = list(tokens(passage, str.isascii)), passage.draws
    made = [token.text for token in found]
    places = list(_replaceable(found, alike))
    chosen = [place for place in places if draws.happens(rate)]
    if rate and places and not chosen:
        chosen = [draws.choice(places)]
    for at, before, others in chosen:
        made[at] = english.cased(draws.choice(others), made[at])
        if before is not None and (agreeing := english.article(made[before], made[at])):
            made[before] = agreeing
    return "".join(made)


def _replaceable(found: Sequence[Token], alike: Alike) -> Iterator[tuple[int, int | None, list[str]]]:
    """The place of each word that can be replaced, that of the word right before it, and what may stand there."""
    words = [at for at, token in enumerate(found) if token.word]
    for before, at, after in zip([None, *words], words, [*words[1:], None], strict=False):
        if found[at].is_open and found[at].word not in english.CLOSED:
            left = before if before is not None and _touch(found, before, at) else None
            right = found[after].word if after is not None and _touch(found, at, after) else ""
            others = alike(found[at].word, "" if left is None else found[left].word, right)
            if others:
                yield at, left, others


def _touch(found: Sequence[Token], one: int, other: int) -> bool:
    """Whether nothing but white space stands between two words."""
    return all(token.text.isspace() for token in found[one + 1 : other])


def _meant(database: wordnet.WordNet, senses: int) -> Alike:
    """What WordNet has in the place of a word, in its form. Words come again and again: what they can be is kept."""

    @lru_cache(maxsize=1 << 16)
    def ways(word: str) -> dict[wordnet.Part, list[str]]:
        return {part: found for part in wordnet.PARTS if (found := list(database.bases(word, part)))}

    @lru_cache(maxsize=1 << 16)
    def others(word: str, part: wordnet.Part) -> list[str]:
        base, *rest = ways(word)[part]
        form = english.form_of(word, base, part)
        if rest or form is None:  # found: of find, or found itself
            return []
        found = database.alike(base, part, senses)
        shaped = (english.inflect(one, part, form, database.irregular[part].get(one, ())) for one in found)
        return [
            new for one, new in zip(found, shaped, strict=True) if new and one not in english.CLOSED and new != word
        ]

    def alike(word: str, before: str, after: str) -> list[str]:
        bases = {part: found[0] for part, found in ways(word).items()}
        if not bases:
            return []
        tagged = {part: database.tagged[part][base] for part, base in bases.items()}
        after_is_noun = "noun" in ways(after) and after not in english.CLOSED
        part = english.part_of(before, after_is_noun, list(bases), tagged)
        return [] if part is None else others(word, part)

    return alike


def _paired(pairs: dict[str, tuple[str, ...]], word: str, before: str, after: str) -> list[str]:  # noqa: ARG001
    """What a file has in the place of a word: its forms are the file's own."""
    return [other for other in pairs.get(word, ()) if other not in english.CLOSED]


@lru_cache(maxsize=8)
def _pairs(paths: tuple[Path, ...]) -> dict[str, tuple[str, ...]]:
    """Word -> what stands beside it in some line, both ways, in the order of the files; words of letters only."""
    found: dict[str, dict[str, None]] = {}
    for path in paths:
        for number, line in _lines(path):
            one, other = _pair(line, path, number) or ("", "")
            if one != other and one.isalpha() and other.isalpha():
                found.setdefault(one, {})[other] = None
                found.setdefault(other, {})[one] = None
    return {word: tuple(others) for word, others in found.items()}


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines with their numbers; none is read further than a line may be long: a small .gz can hold a huge one."""
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            for number in count(1):
                line = file.readline(_LONGEST_LINE + 1)
                if len(line) > _LONGEST_LINE:
                    what = f"a line of more than {_LONGEST_LINE:,} bytes, not a pair of words"
                    raise UserError(what, where=path, line=number, do="One pair a line, parted by a tab or by spaces.")
                if not line:
                    return
                yield number, line
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UserError(f"its compressed data cannot be read: {error}", where=path, do="Fetch it again.") from error


def _pair(line: bytes, path: Path, number: int) -> list[str] | None:
    """The two columns of a line in lower case; None for a blank one."""
    try:
        text = line.decode("utf-8-sig").strip("\r\n ")  # a column may be of control characters, which strip would take
    except UnicodeDecodeError as error:
        raise UserError("not UTF-8 text", where=path, line=number, do="Write the file of pairs as UTF-8.") from error
    columns = [column.strip().lower() for column in (text.split("\t") if "\t" in text else text.split())]
    if columns and len(columns) != _PAIR:
        what = f"{len(columns)} columns, not a pair of words"
        raise UserError(what, where=path, line=number, do="One pair a line, parted by a tab or by spaces.")
    return columns or None
