r"""Gates that a text said anew must pass: is it still the same message, in the same language, in other words?

Knows pairs of texts, an old one and a new. Knows nothing of how the new one came about.
The gates stand in the order of GATES, the cheap ones first; a text is refused by the first that it does not pass.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from adaptline.data import text as texts
from adaptline.data.languages import label
from adaptline.data.segments import EMAIL, PLACEHOLDER, URL, is_abbreviation

Gate = Literal["copy", "length", "loop", "numbers", "names", "language", "similarity", "meaning"]
GATES: tuple[Gate, ...] = get_args(Gate)

Meaning = Callable[[Sequence[tuple[str, str]]], Sequence[float]]  # (old, new) pairs -> how near they are, 0 to 1

_ORDER, _BETA = 6, 2  # of chrF: n-grams of 1 to 6 characters, recall counts twice (Popovic, WMT 2015)
_LONGEST_LOOP, _ROUNDS = 8, 3  # words that a loop repeats, and how often they must stand in a row to be one
_NUMBER = re.compile(r"\d(?:[.,:'\u00a0\u202f]?\d)*")
_FIXED = re.compile(f"{URL}|{EMAIL}|{PLACEHOLDER}")
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019&.-][^\W\d_]+)*")
_RUN = re.compile(r"\w+")
_STARTS = re.compile(
    r"[.!?:;\u2026\n\"\u201c\u201e\u00ab(*>#]"
)  # between two words, of which the second may begin a sentence
_ALWAYS_CAPITAL = {"en": ("i",)}
_NOUNS_CAPITAL = ("de", "lb")  # a capital is no sign of a name


@dataclass(frozen=True)
class Bounds:
    """What is measured must lie between these.

    `similarity` is chrF of the new text against the old, 0 to 1; `length` how many times as long the new text is; `meaning`
    what a measure says that is given.
    """

    min_similarity: float
    max_similarity: float
    min_length: float
    max_length: float
    min_meaning: float = 0.0
    max_meaning: float = 1.0


def refusals(
    pairs: Sequence[tuple[str, str]],
    language: str,
    bounds: Bounds,
    gates: Collection[Gate] = GATES,
    meaning: Meaning | None = None,
) -> list[Gate | None]:
    """For each pair of an old text and a new one, the first gate that the new one does not pass; None where it passes all.

    Args:
        pairs: (old, new).
        language: the ISO code of the language that both should be in.
        bounds: of similarity and length.
        gates: those that stand; `meaning` only with a measure of it.
        meaning: gives how near the meanings of each pair are. It is asked of those that pass all other gates.
    """
    cheap = [gate for gate in GATES[: GATES.index("language")] if gate in gates]
    found = [next((gate for gate in cheap if _stops(gate, old, new, language, bounds)), None) for old, new in pairs]
    left = [number for number, gate in enumerate(found) if gate is None]
    foreign = _foreign([pairs[number] for number in left], language) if "language" in gates else [False] * len(left)
    for number, is_foreign in zip(left, foreign, strict=True):
        if is_foreign:
            found[number] = "language"
        elif "similarity" in gates:
            similar = bounds.min_similarity <= similarity(*pairs[number]) <= bounds.max_similarity
            found[number] = None if similar else "similarity"
    if meaning is not None and "meaning" in gates:
        left = [number for number, gate in enumerate(found) if gate is None]
        for number, near in zip(left, meaning([pairs[number] for number in left]), strict=True):
            if not bounds.min_meaning <= near <= bounds.max_meaning:
                found[number] = "meaning"
    return found


def similarity(old: str, new: str) -> float:
    """ChrF (Popovic, WMT 2015), 0 to 1, of a new text against the old one: F2 of their n-grams of 1 to 6 characters.

    White space does not count; orders that either text is too short for are left out.
    """
    mine, other = "".join(new.split()), "".join(old.split())
    precision, recall, orders = 0.0, 0.0, min(_ORDER, len(mine), len(other))
    for size in range(1, orders + 1):
        given, wanted = _counts(mine, size), _counts(other, size)
        shared = sum((given & wanted).values())
        precision += shared / given.total() / orders
        recall += shared / wanted.total() / orders
    weighed = _BETA**2 * precision + recall
    return (1 + _BETA**2) * precision * recall / weighed if weighed else 0.0


def _counts(text: str, size: int) -> Counter[str]:
    return Counter(text[at : at + size] for at in range(len(text) - size + 1))


def _stops(gate: Gate, old: str, new: str, language: str, bounds: Bounds) -> bool:
    if gate == "copy":
        return _bare(old) == _bare(new)
    if gate == "length":
        return not bounds.min_length <= len(new.strip()) / max(1, len(old.strip())) <= bounds.max_length
    if gate == "loop":
        return loops(new) > max(_ROUNDS - 1, loops(old))
    if gate == "numbers":
        return numbers(old) != numbers(new)
    return not _names_kept(old, new, language)


def _bare(text: str) -> list[str]:
    """What is left of a text without case, punctuation and white space: texts with the same are copies."""
    return texts.words(texts.fold(text))


def loops(text: str) -> int:
    """How often, at most, one to eight words (or letters, where a script has no spaces) stand there in a row: 1 for none."""
    units = texts.tokens(texts.fold(text))
    most = 1 if units else 0
    for period in range(1, min(_LONGEST_LOOP, len(units) // 2) + 1):
        same = 0
        for at in range(period, len(units)):
            same = same + 1 if units[at] == units[at - period] else 0
            most = max(most, same // period + 1)
    return most


def numbers(text: str) -> Counter[str]:
    """The numbers in a text, by their digits alone: 1,234.50, 1.234,50 and 1 234,50 (with a space that does not break) are one."""
    return Counter("".join(str(int(sign)) for sign in match if sign.isdecimal()) for match in _NUMBER.findall(text))


def names(text: str, language: str = "en") -> set[str]:
    """What looks like a name in a text: capitals that no sentence begins with, acronyms, addresses, placeholders.

    In German every noun has a capital; there only acronyms, addresses and placeholders are found. A text without small
    letters has no names.
    """
    fixed = set(_FIXED.findall(text))
    if text.upper() == text:
        return fixed
    rest = _FIXED.sub(" ", text)
    before, end = "", 0
    for match in _WORD.finditer(rest):
        between = rest[end : match.start()]
        starts = not before or (
            _STARTS.search(between) is not None and not (between == ". " and is_abbreviation(before))
        )
        word = re.split(r"['\u2019]", match[0])[0]
        if _is_name(word, language, starts=starts):
            fixed.add(word)
        before, end = match[0], match.end()
    return fixed


def _is_name(word: str, language: str, *, starts: bool) -> bool:
    if not word[0].isupper() or word.casefold() in _ALWAYS_CAPITAL.get(language, ()):
        return False
    is_acronym = len(word) > 1 and word.isupper()
    return is_acronym or not (starts or language in _NOUNS_CAPITAL)


def _names_kept(old: str, new: str, language: str) -> bool:
    """Every name of the old text still stands in the new one, and the other way round, wherever in a sentence."""
    before, after = names(old, language), names(new, language)
    return _stand_in(before - after, new) and _stand_in(after - before, old)


def _stand_in(wanted: Collection[str], text: str) -> bool:
    """Whether each name stands in a text, with no letter or digit at its sides."""
    if not wanted:
        return True
    places: dict[str, list[int]] = {}  # of each word: a text is walked once, not once a name
    for run in _RUN.finditer(text):
        places.setdefault(run[0], []).append(run.start())
    return all(_stands_in(name, text, places) for name in wanted)


def _stands_in(name: str, text: str, places: Mapping[str, Sequence[int]]) -> bool:
    whole = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
    runs = [(places.get(run[0], ()), run.start()) for run in _RUN.finditer(name)]
    if not runs:
        return whole.search(text) is not None
    found, offset = min(runs, key=lambda run: len(run[0]))  # its rarest word: addresses begin alike
    return any(whole.match(text, at - offset) for at in found if at >= offset)


def _foreign(pairs: Sequence[tuple[str, str]], language: str) -> list[bool]:
    """Whether the new text's language is told, and is neither the wanted one nor what the old one is taken for.

    Of a short text it cannot be told; and where the old text is taken for another language, the new one may be, too.
    """
    labels = [label(new) for _, new in pairs]
    strange = [number for number, found in enumerate(labels) if found not in (None, language)]
    told = [label(pairs[number][0]) for number in strange]
    before = dict(zip(strange, told, strict=True))
    return [number in before and labels[number] != before[number] for number in range(len(pairs))]
