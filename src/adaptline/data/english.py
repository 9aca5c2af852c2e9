"""English words in a sentence: which part of speech is meant, and how a base form is put into another's form.

Knows spelling and the small words of grammar. Knows no vocabulary: that is wordnet.py's. Cautious: where it cannot tell,
it says so, because a word that is not replaced costs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from adaptline.data.wordnet import Part

Form = Literal["base", "plural", "third", "past", "ing", "comparative", "superlative"]

_DETERMINERS = frozenset(
    [
        "a",
        "an",
        "the",
        "my",
        "your",
        "his",
        "her",
        "its",
        "our",
        "their",
        "this",
        "that",
        "these",
        "those",
        "no",
        "every",
        "each",
        "some",
        "any",
        "another",
        "which",
        "whose",
    ]
)
_BEFORE_VERBS = frozenset(
    [
        "to",
        "i",
        "you",
        "we",
        "they",
        "he",
        "she",
        "who",
        "will",
        "would",
        "can",
        "could",
        "should",
        "may",
        "might",
        "must",
        "shall",
        "do",
        "does",
        "did",
        "don't",
        "doesn't",
        "didn't",
        "can't",
        "cannot",
        "couldn't",
        "won't",
        "wouldn't",
        "shouldn't",
        "i'll",
        "you'll",
        "we'll",
        "they'll",
        "i'd",
        "please",
        "let's",
        "not",
        "never",
    ]
)
_BEFORE_ADJECTIVES = frozenset(
    [
        "is",
        "are",
        "was",
        "were",
        "be",
        "been",
        "being",
        "am",
        "seem",
        "seems",
        "very",
        "so",
        "too",
        "quite",
        "more",
        "most",
        "isn't",
        "aren't",
    ]
)
_PREPOSITIONS = frozenset(
    [
        "of",
        "in",
        "on",
        "at",
        "for",
        "with",
        "by",
        "from",
        "into",
        "about",
        "over",
        "under",
        "between",
        "through",
        "during",
        "without",
        "against",
        "per",
        "via",
    ]
)
# Words of grammar, and those that are numbers: they are never replaced.
CLOSED = (
    _DETERMINERS
    | _BEFORE_VERBS
    | _BEFORE_ADJECTIVES
    | _PREPOSITIONS
    | frozenset(
        [
            "me",
            "him",
            "us",
            "them",
            "it",
            "mine",
            "yours",
            "hers",
            "ours",
            "theirs",
            "myself",
            "yourself",
            "itself",
            "himself",
            "herself",
            "themselves",
            "what",
            "when",
            "where",
            "why",
            "how",
            "whom",
            "and",
            "or",
            "but",
            "nor",
            "yet",
            "if",
            "because",
            "as",
            "until",
            "while",
            "than",
            "then",
            "there",
            "here",
            "has",
            "have",
            "had",
            "having",
            "done",
            "doing",
            "get",
            "gets",
            "got",
            "getting",
            "let",
            "all",
            "both",
            "few",
            "many",
            "much",
            "several",
            "other",
            "others",
            "such",
            "own",
            "same",
            "only",
            "just",
            "also",
            "even",
            "still",
            "up",
            "down",
            "out",
            "off",
            "again",
            "once",
            "further",
            "not",
            "well",
            "yes",
            "ok",
            "okay",
            "hello",
            "hi",
            "thanks",
            "thank",
            "like",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
            "twenty",
            "thirty",
            "forty",
            "fifty",
            "sixty",
            "seventy",
            "eighty",
            "ninety",
            "hundred",
            "thousand",
            "million",
            "billion",
            "first",
            "second",
            "third",
            "half",
            "dozen",
            "zero",
            "need",
        ]
    )
)
_SURE = 0.8  # of a word's uses in a tagged corpus, for its part of speech to be that where nothing else tells
_VOWELS = "aeiou"
_AN_BEFORE = re.compile(r"(?!eu|ew|one|once|u[bfgknst][aeiou]|ur[aio])[aeiou]|hour|honest|hono|heir", re.IGNORECASE)
_SYLLABLES = re.compile("[aeiouy]+")


def part_of(before: str, after_is_noun: bool, ways: Sequence[Part], tagged: Mapping[Part, int]) -> Part | None:
    """The part of speech of a word, None where that is not sure enough.

    Args:
        before: the word before it in lower case, "" where a sentence begins.
        after_is_noun: whether the next word can be a noun.
        ways: the parts that it can be.
        tagged: how often it was each in a tagged corpus.
    """
    if len(ways) == 1:
        return ways[0]
    if before in _DETERMINERS:
        wanted: tuple[Part, ...] = ("adj", "noun") if after_is_noun else ("noun",)
    elif before in _BEFORE_VERBS:
        wanted = ("verb",)
    elif before in _BEFORE_ADJECTIVES:
        wanted = ("adj",)
    elif before in _PREPOSITIONS:
        wanted = ("noun",) if not after_is_noun else ()
    else:
        wanted = ()
    fitting = [part for part in wanted if part in ways]
    if fitting:
        return fitting[0]
    total = sum(tagged[part] for part in ways)
    return next((part for part in ways if total and tagged[part] >= _SURE * total), None) if not wanted else None


def form_of(word: str, base: str, part: Part) -> Form | None:
    """What form of a base a word is. None for one that is not told apart, as a past from a participle of its own."""
    if word == base:
        return "base"
    if part == "noun":
        return "plural"
    if part == "verb":
        return "ing" if word.endswith("ing") else "third" if word.endswith("s") else "past"
    if part == "adj":
        return "superlative" if word.endswith("est") else "comparative" if word.endswith("er") else None
    return None


def inflect(base: str, part: Part, form: Form, irregular: Sequence[str]) -> str | None:
    """A base form in another form; None where it has two, or a spelling that no rule tells.

    Args:
        base: in lower case.
        part: its part of speech.
        form: what is wanted.
        irregular: its irregular forms, of all kinds.
    """
    if form == "base":
        return base
    kinds = [other for other in irregular if form_of(other, base, part) == form]
    if kinds:
        return kinds[0] if len(set(kinds)) == 1 else None
    if form == "plural" and base.endswith(("o", "f", "fe", "man", "ics", "s")):
        return None  # photos, potatoes; roofs, leaves; a plural already
    if form in ("plural", "third"):
        return _with_s(base)
    if form in ("comparative", "superlative"):
        return _compared(base, form)
    return _with_ed(base) if form == "past" else _with_ing(base)


def article(before: str, word: str) -> str | None:
    """What "a" or "an" before a word must be, in the case that it has; None for any other word."""
    if before.lower() not in ("a", "an"):
        return None
    right = "an" if _AN_BEFORE.match(word) else "a"
    return right.capitalize() if before[0].isupper() else right


def cased(new: str, old: str) -> str:
    """A word with the first letter's case of another."""
    return new[0].upper() + new[1:] if old[0].isupper() else new


def _with_s(base: str) -> str:
    if base.endswith(("s", "x", "z", "ch", "sh")) or (base.endswith("o") and base[-2:-1] not in _VOWELS):
        return base + "es"
    return base[:-1] + "ies" if _ends_in_hard_y(base) else base + "s"


def _with_ed(base: str) -> str:
    if base.endswith("e"):
        return base + "d"
    return base[:-1] + "ied" if _ends_in_hard_y(base) else _doubled(base) + "ed"


def _with_ing(base: str) -> str:
    if base.endswith("ie"):
        return base[:-2] + "ying"
    dropped = base.endswith("e") and not base.endswith(("ee", "oe", "ye")) and len(base) > 2  # noqa: PLR2004 - "be"
    return base[:-1] + "ing" if dropped else _doubled(base) + "ing"


def _compared(base: str, form: Form) -> str:
    syllables = len(_SYLLABLES.findall(base.removesuffix("e")))
    if syllables > 1 and not (syllables == 2 and _ends_in_hard_y(base)):  # noqa: PLR2004 - happier, but more careful
        return f"{'more' if form == 'comparative' else 'most'} {base}"
    end = "er" if form == "comparative" else "est"
    if base.endswith("e"):
        return base + end[1:]
    return base[:-1] + "i" + end if _ends_in_hard_y(base) else _doubled(base) + end


def _ends_in_hard_y(base: str) -> bool:
    return base.endswith("y") and base[-2:-1] not in _VOWELS


def _doubled(base: str) -> str:
    """The base with its last consonant twice, where it has one syllable and ends consonant, vowel, consonant."""
    doubles = re.fullmatch(r"[^aeiou]*[aeiou][^aeiouwxy]", base) is not None
    return base + base[-1] if doubles else base
