"""Noise: what fingers, scanners and haste do to a text.

Knows letters of a keyboard and marks that look alike. Knows no words and no language: a script without upper and lower
case is left alone, because what a slip is there, a keyboard of Latin letters cannot tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated

from adaptline.core.demands import between
from adaptline.core.registry import augmenter
from adaptline.data.guarded import pieces
from adaptline.data.passages import Draws, Passage
from adaptline.errors import UserError

Rate = Annotated[float, between(0, 1)]

_ROWS = (
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
)  # ISO/IEC 9995, QWERTY; each row stands half a key to the right of the last
# Pairs that scanners take for one another (Kukich, Techniques for automatically correcting words in text, ACM Computing
# Surveys 1992, section 1.3; Taghva and Stofsky, OCRSpell, 2001).
_LOOK_ALIKE = (
    ("rn", "m"), ("m", "rn"), ("cl", "d"), ("d", "cl"), ("vv", "w"), ("w", "vv"), ("ri", "n"), ("li", "h"),
    ("l", "1"), ("I", "l"), ("O", "0"), ("o", "0"), ("S", "5"), ("B", "8"), ("e", "c"), ("c", "e"), ("h", "b"),
)  # fmt: skip
_CONFUSED = {
    seen: tuple(taken for given, taken in _LOOK_ALIKE if given == seen) for seen in dict.fromkeys(dict(_LOOK_ALIKE))
}
_LOOKS = re.compile("|".join(sorted(map(re.escape, _CONFUSED), key=len, reverse=True)))
_PIECE = re.compile(r"(?P<word>[^\W\d_]+(?:['\u2019][^\W\d_]+)*)|(?P<space>\s+)|(?P<mark>.)", re.DOTALL)
_MARKS = frozenset(".,;:!?'\"-()\u2019\u201c\u201d\u2013\u2014\u2026\u00bf\u00a1")
_LETTER_RATES = ("typo", "swap", "drop", "double")


def _keyboard() -> dict[str, str]:
    """Letter -> the letters whose keys touch its own."""
    places = {letter: (x + 0.5 * y, y) for y, row in enumerate(_ROWS) for x, letter in enumerate(row)}
    return {
        letter: "".join(
            other for other, (a, b) in places.items() if other != letter and abs(a - x) <= 1 and abs(b - y) <= 1
        )
        for letter, (x, y) in places.items()
    }


_NEIGHBOURS = _keyboard()


def _check(**rates: float) -> None:
    letters = sum(rates.get(name, 0.0) for name in _LETTER_RATES)
    if letters > 1:
        raise UserError(
            f"typo, swap, drop and double that are together {letters:g}, above 1",
            do="Each letter meets one of them at most: make them smaller.",
        )


@augmenter(version=1, check=_check)
def noise(
    passages: list[Passage],
    *,
    typo: Rate = 0.005,
    swap: Rate = 0.005,
    drop: Rate = 0.005,
    double: Rate = 0.005,
    ocr: Rate = 0.005,
    case: Rate = 0.01,
    punctuation: Rate = 0.02,
    word: Rate = 0.01,
    space: Rate = 0.01,
) -> list[str]:
    """Slips of typing, scanning and haste, each at its own rate.

    Numbers, code, addresses, tags, and the row's label and references stay as they are. So do words of scripts without
    upper and lower case.

    Args:
        passages: the texts.
        typo: share of letters that become one beside them on a QWERTY keyboard.
        swap: share of letters that change places with the next.
        drop: share of letters that are left out.
        double: share of letters that are typed twice.
        ocr: share of the letters and pairs that look alike (rn and m, l and 1, O and 0) that are taken for each other.
        case: share of words that get another case: lower, upper, or the other first letter.
        punctuation: share of punctuation marks that are left out or doubled.
        word: share of words that are left out.
        space: share of single spaces between words that are left out or doubled.

    Returns:
        One text per text; the same where no slip was drawn.
    """
    letters = (typo, swap, drop, double)
    return [_noisy(passage, letters, ocr, case, punctuation, word, space) for passage in passages]


def _noisy(
    passage: Passage,
    letters: tuple[float, ...],
    ocr: float,
    case: float,
    punctuation: float,
    word: float,
    space: float,
) -> str:
    draws, said = passage.draws, list(_split(passage))
    left = sum(kind == "word" for kind, _ in said)
    for at, (kind, piece) in enumerate(said):
        if kind == "word":
            if draws.happens(word) and left > 1:
                said[at], left = ("", ""), left - 1
                if said[at + 1 : at + 2] and said[at + 1][0] == "space":  # the gap goes with its word
                    said[at + 1] = ("", "")
            else:
                said[at] = ("word", _slips(_cased(piece, case, draws), letters, ocr, draws))
        elif (kind == "space" and draws.happens(space)) or (kind == "mark" and draws.happens(punctuation)):
            said[at] = (kind, draws.choice(("", piece * 2)))
    return "".join(piece for _, piece in said)


def _split(passage: Passage) -> Iterator[tuple[str, str]]:
    """The text in pieces: words with case, single spaces between two of them, marks of punctuation; "" for what stays."""
    found: list[tuple[str, str]] = []
    for piece, is_guarded in pieces(passage.text, passage.protected):
        parts = [("", piece)] if is_guarded else [(one.lastgroup or "", one[0]) for one in _PIECE.finditer(piece)]
        found += [(kind if _is_open(kind, part) else "", part) for kind, part in parts]
    for at, (kind, piece) in enumerate(found):
        between_words = kind == "space" and all(
            0 <= beside < len(found) and found[beside][0] == "word" for beside in (at - 1, at + 1)
        )
        yield (kind if kind != "space" or between_words else ""), piece


def _is_open(kind: str, piece: str) -> bool:
    if kind == "word":
        return piece.lower() != piece.upper()
    return piece == " " if kind == "space" else piece in _MARKS


def _cased(word: str, rate: float, draws: Draws) -> str:
    if not draws.happens(rate):
        return word
    others = [other for other in (word.lower(), word.upper(), word[0].swapcase() + word[1:]) if other != word]
    return draws.choice(others)


def _slips(word: str, letters: tuple[float, ...], ocr: float, draws: Draws) -> str:
    """A word with what a scanner takes for something else, and what fingers do to the other letters."""
    made, at = [], 0
    for found in _LOOKS.finditer(word):
        if draws.happens(ocr):
            made += [_typed(word[at : found.start()], letters, draws), draws.choice(_CONFUSED[found[0]])]
            at = found.end()
    return "".join([*made, _typed(word[at:], letters, draws)])


def _typed(word: str, rates: tuple[float, ...], draws: Draws) -> str:
    typo, swap, drop, double = rates
    made, at = [], 0
    while at < len(word):
        letter, drawn = word[at], draws.uniform()
        at += 1
        if drawn < typo:
            made.append(_beside(letter, draws))
        elif drawn < typo + swap and at < len(word):
            made += [word[at], letter]
            at += 1
        elif typo + swap <= drawn < typo + swap + drop and len(word) > 1:
            continue
        elif typo + swap + drop <= drawn < typo + swap + drop + double:
            made += [letter, letter]
        else:
            made.append(letter)
    return "".join(made)


def _beside(letter: str, draws: Draws) -> str:
    """A letter beside another on the keyboard, in the same case; a letter that has no key of its own stays."""
    if letter.lower() not in _NEIGHBOURS:
        return letter
    typed = draws.choice(_NEIGHBOURS[letter.lower()])
    return typed.upper() if letter.isupper() else typed
