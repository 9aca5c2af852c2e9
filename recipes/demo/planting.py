"""The dirt of the corpus: which rows are planted between the clean ones, and the truth about each.

Knows kinds, amounts and grades of dirt. Knows nothing of files: where a row comes to lie is added by make_corpus.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dirt import edited_down_to, marked_up, mojibake, recased
from draws import Draws
from foreign import foreign, languages
from grammar import intents
from people import PAYING, introduction
from rows import MAX_ALIKE, TRAIN_ROWS, Desk, Row, drawn_user
from similarity import Distinct, similarity

PLANTED = {
    "exact_duplicate": 60,
    "near_duplicate": 92,
    "mojibake": 40,
    "html": 30,
    "other_language": 64,
    "leaked": 40,
    "personal_data": 34,
    "unreadable": 20,
}
NEAR_GRADES = (0.5, 0.95)  # of the near-duplicates' character-5-gram Jaccard, evenly spread
LEAK_GRADES = (0.82, 0.95)  # of the half of the leaked rows that was edited


class Planter:
    """Plants rows between the clean rows, each a conversation of its own. No row is copied twice."""

    def __init__(self, seed: int, desk: Desk, clean: list[Row], test: list[dict[str, str]]) -> None:
        self._seed, self._desk = seed, desk
        self._originals = Draws(seed, "originals").shuffled(clean)
        self._leaks = Draws(seed, "leaks").shuffled(list(enumerate(test, start=1)))
        self._conversations = max(row.conversation for row in clean)
        self._foreign = Distinct(MAX_ALIKE)

    def rows(self) -> Iterator[Row]:
        """All planted rows, kind by kind."""
        plant = {
            "exact_duplicate": self._exact_duplicate,
            "near_duplicate": self._near_duplicate,
            "mojibake": self._mojibake,
            "html": self._html,
            "other_language": self._other_language,
            "leaked": self._leaked,
            "personal_data": self._personal_data,
            "unreadable": self._unreadable,
        }
        conversation = self._conversations
        for kind, count in PLANTED.items():
            for number in range(count):
                conversation += 1
                row = plant[kind](Draws(self._seed, kind, number), number)
                row.conversation = conversation
                yield row

    def _row(self, draws: Draws, text: str, intent: str, kind: str, **evidence: Any) -> Row:
        """A row of its own, anywhere between the clean rows."""
        planted = {"kind": kind, **evidence}
        return Row(text, intent, 0, drawn_user(draws), draws.below(TRAIN_ROWS) + 0.5, planted)

    def _copy(self, draws: Draws, text: str, original: Row, kind: str, **evidence: Any) -> Row:
        """A copy that comes in again somewhere later, from the same user."""
        later = original.place + 0.5 + draws.below(TRAIN_ROWS - int(original.place))
        return Row(text, original.intent, 0, original.user, later, {"kind": kind, **evidence}, original)

    def _exact_duplicate(self, draws: Draws, number: int) -> Row:
        original = self._originals.pop()
        identical = number % 3 > 0  # the others differ in letter case or white space
        text = original.text if identical else recased(original.text, draws)
        return self._copy(draws, text, original, "exact_duplicate", identical=identical)

    def _near_duplicate(self, draws: Draws, number: int) -> Row:
        target = _grade(NEAR_GRADES, number, PLANTED["near_duplicate"])
        while True:
            original = self._originals.pop()
            text = edited_down_to(original.text, draws, target)
            if text is not None:
                return self._copy(draws, text, original, "near_duplicate", similarity=similarity(text, original.text))

    def _mojibake(self, draws: Draws, number: int) -> Row:
        clean, intent = self._accented("mojibake", number)
        return self._row(draws, mojibake(clean), intent, "mojibake", clean=clean)

    def _html(self, draws: Draws, number: int) -> Row:
        clean, intent = self._accented("html", number)
        return self._row(draws, marked_up(clean, draws), intent, "html", clean=clean)

    def _accented(self, kind: str, number: int) -> tuple[str, str]:
        """A message with a character outside ASCII, as phones type them, and its intent."""
        attempt = 0
        while True:
            intent = Draws(self._seed, kind, "intent", number, attempt).choice(intents())
            text = self._desk.message(f"{kind}/{attempt}", number, intent, "phone")
            if not text.isascii():
                return text, intent
            attempt += 1

    def _other_language(self, draws: Draws, number: int) -> Row:
        language = tuple(languages())[number % len(languages())]
        while True:
            text, intent = foreign(draws, language)
            if self._foreign.add(text):
                return self._row(draws, text, intent, "other_language", language=language)

    def _leaked(self, draws: Draws, number: int) -> Row:
        grade = _grade(LEAK_GRADES, number // 2, PLANTED["leaked"] // 2)
        while True:
            position, test = self._leaks.pop()
            text = edited_down_to(test["text"], draws, grade) if number % 2 else test["text"]
            if text is not None:
                evidence = {
                    "test": {"file": "test.jsonl", "row": position},
                    "similarity": similarity(text, test["text"]),
                }
                return self._row(draws, text, test["intent"], "leaked", **evidence)

    def _personal_data(self, draws: Draws, number: int) -> Row:
        intent = draws.choice(PAYING if number % 2 else intents())
        sentence, details = introduction(draws, intent)
        text = self._desk.message("personal_data", number, intent, "plain", edges=False)
        return self._row(draws, f"{text} {sentence}", intent, "personal_data", details=details)

    def _unreadable(self, draws: Draws, number: int) -> Row:
        """A row whose record is broken when it is written."""
        intent = draws.choice(intents())
        return self._row(draws, self._desk.message("unreadable", number, intent), intent, "unreadable")


def _grade(ends: tuple[float, float], number: int, count: int) -> float:
    """The number-th of `count` similarities evenly spread from end to end."""
    low, high = ends
    return low + (high - low) * number / (count - 1)
