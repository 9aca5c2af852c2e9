"""WordNet's files: which words mean the same, which parts of speech a word has, and what its base form is.

Knows the format of the database files (Princeton WordNet 3.0, manual pages wndb(5WN) and morphy(7WN); Fellbaum, WordNet,
1998). Knows nothing of texts. Reads an installed copy and never asks a network for one.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from adaptline.errors import UserError

Part = Literal["noun", "verb", "adj", "adv"]
PARTS: tuple[Part, ...] = ("noun", "verb", "adj", "adv")
# ss_type in a sense key, wn's senseidx(5WN); 5 is a satellite of an adjective.
_TYPES: dict[str, Part] = {"1": "noun", "2": "verb", "3": "adj", "4": "adv", "5": "adj"}
_ENDINGS: dict[Part, tuple[tuple[str, str], ...]] = {  # morphy(7WN), "Rules of Detachment"
    "noun": (
        *(("s", ""), ("ses", "s"), ("xes", "x"), ("zes", "z"), ("ches", "ch"), ("shes", "sh"), ("men", "man")),
        ("ies", "y"),
    ),
    "verb": (("s", ""), ("ies", "y"), ("es", "e"), ("es", ""), ("ed", "e"), ("ed", ""), ("ing", "e"), ("ing", "")),
    "adj": (("er", ""), ("est", ""), ("er", "e"), ("est", "e")),
    "adv": (),
}
HOW_TO_GET = (
    "Install it: apt-get install wordnet-base (Debian, Ubuntu), or unpack nltk's corpora/wordnet.zip into ~/nltk_data/corpora; "
    "or name its folder (wordnet = ...) or a file of word pairs (file = ...)."
)


@dataclass(frozen=True)
class WordNet:
    """What the files say. Words are in lower case, of letters only; all others are left out."""

    senses: dict[Part, dict[str, tuple[int, ...]]]  # word -> its synsets, the most frequent sense first
    synsets: dict[Part, dict[int, tuple[str, ...]]]  # words as they are written, names with capitals
    exceptions: dict[Part, dict[str, tuple[str, ...]]]  # irregular form -> base forms
    irregular: dict[Part, dict[str, tuple[str, ...]]]  # base form -> irregular forms
    tagged: dict[Part, Counter[str]]  # how often a word was that part in a tagged corpus

    def bases(self, word: str, part: Part) -> Iterator[str]:
        """The base forms of a word as a part of speech: itself if it is one, by the list of exceptions, by rule."""
        known = self.senses[part]
        if word in known:
            yield word
        found = [*self.exceptions[part].get(word, ())]
        found += [word.removesuffix(end) + new for end, new in _ENDINGS[part] if word.endswith(end)]
        yield from (base for base in dict.fromkeys(found) if base in known and base != word)

    def alike(self, base: str, part: Part, senses: int) -> list[str]:
        """Other words for a base form, those of its most frequent senses first. None for a name.

        The other must mean it with one of its own most frequent senses, too ("scratch" is no word for "cancel"), and where
        the files count uses in a tagged corpus, it must have been used there ("locomote" was not).
        """
        found: dict[str, None] = {}
        for number in self.senses[part].get(base, ())[:senses]:
            synset = self.synsets[part][number]
            if base in synset:  # else it is a name that is written with a capital
                found |= {other: None for other in synset if other != base and self._means(other, part, number, senses)}
        return list(found)

    def _means(self, word: str, part: Part, number: int, senses: int) -> bool:
        counts = self.tagged[part]
        return _is_word(word) and number in self.senses[part][word][:senses] and (not counts or counts[word] > 0)


def folders() -> Iterator[Path]:
    """Where WordNet is looked for: Debian's folder, and those of nltk's data."""
    yield Path("/usr/share/wordnet")
    homes = [*filter(None, os.environ.get("NLTK_DATA", "").split(os.pathsep)), "~/nltk_data", f"{sys.prefix}/nltk_data"]
    homes += ["/usr/share/nltk_data", "/usr/local/share/nltk_data", "/usr/lib/nltk_data", "/usr/local/lib/nltk_data"]
    yield from (Path(home).expanduser() / "corpora" / "wordnet" for home in homes)


def installed() -> Path | None:
    """The first folder that holds WordNet's files, None where there is none."""
    return next((folder for folder in folders() if (folder / "index.noun").is_file()), None)


def files(folder: Path) -> list[Path]:
    """The files that are read of a folder, sorted; those that need not be there are left out where they are not."""
    names = sorted([*(f"{kind}.{part}" for kind in ("data", "index") for part in PARTS)])
    extra = sorted([*(f"{part}.exc" for part in PARTS), "cntlist.rev"])
    return [*(folder / name for name in names), *(folder / name for name in extra if (folder / name).is_file())]


@lru_cache(maxsize=2)
def read(folder: Path) -> WordNet:
    """What a folder's files say; takes about two seconds. Raises UserError for what are no such files."""
    missing = [path.name for path in files(folder) if not path.is_file()]
    if missing:
        raise UserError(f"no WordNet: {missing[0]} is missing", where=folder, do=HOW_TO_GET)
    senses = {part: dict(_index(folder / f"index.{part}")) for part in PARTS}
    synsets = {part: dict(_synsets(folder / f"data.{part}")) for part in PARTS}
    for part in PARTS:
        lost = next((word for word, found in senses[part].items() if not synsets[part].keys() >= set(found)), None)
        if lost is not None:
            raise UserError(f"index.{part} and data.{part} do not go together: {lost!r}", where=folder, do=HOW_TO_GET)
    exceptions = {part: _exceptions(folder / f"{part}.exc") for part in PARTS}
    irregular: dict[Part, dict[str, tuple[str, ...]]] = {part: {} for part in PARTS}
    for part, forms in exceptions.items():
        for form, bases in forms.items():
            for base in bases:
                irregular[part][base] = (*irregular[part].get(base, ()), form)
    return WordNet(senses, synsets, exceptions, irregular, _tagged(folder / "cntlist.rev"))


def _is_word(text: str) -> bool:
    return text.isascii() and text.isalpha() and text.islower()


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a database file, less the licence at its head, whose lines begin with two spaces."""
    with path.open(encoding="utf-8", errors="replace") as file:
        yield from ((number, line) for number, line in enumerate(file, 1) if not line.startswith("  ") and line.strip())


def _index(path: Path) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Lemma pos synset_cnt p_cnt [ptr_symbol...] sense_cnt tagsense_cnt synset_offset..."""
    for number, line in _lines(path):
        try:
            word, _, synsets, *rest = line.split()
            found = tuple(map(int, rest[-int(synsets) :]))
        except ValueError as error:
            raise UserError("no line of WordNet's index", where=path, line=number, do=HOW_TO_GET) from error
        if _is_word(word):
            yield word, found


def _synsets(path: Path) -> Iterator[tuple[int, tuple[str, ...]]]:
    """synset_offset lex_filenum ss_type w_cnt word lex_id [word lex_id...] ...; w_cnt in hexadecimal."""
    for number, line in _lines(path):
        try:
            offset, _, _, count, rest = line.split(" ", 4)
            words = rest.split(" ", 2 * int(count, 16))[: 2 * int(count, 16) : 2]
            yield int(offset), tuple(word.partition("(")[0] for word in words)  # an adjective's place: galore(ip)
        except ValueError as error:
            raise UserError("no line of WordNet's data", where=path, line=number, do=HOW_TO_GET) from error


def _exceptions(path: Path) -> dict[str, tuple[str, ...]]:
    if not path.is_file():
        return {}
    return {form: tuple(bases) for _, line in _lines(path) for form, *bases in [line.split()]}


def _tagged(path: Path) -> dict[Part, Counter[str]]:
    """sense_key sense_number tag_cnt, where a sense key is lemma%ss_type:..."""
    found: dict[Part, Counter[str]] = {part: Counter() for part in PARTS}
    for number, line in _lines(path) if path.is_file() else ():
        try:
            key, _, count = line.split()
            word, _, rest = key.rpartition("%")
            found[_TYPES[rest[:1]]][word] += int(count)
        except (ValueError, KeyError) as error:
            raise UserError("no line of WordNet's counts", where=path, line=number, do=HOW_TO_GET) from error
    return found
