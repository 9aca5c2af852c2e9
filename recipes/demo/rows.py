"""The clean rows of the corpus: messages of known intents, in conversations.

Knows how many rows of which intent there are and who writes them in which order. Knows nothing of dirt or files.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from draws import Draws
from grammar import compose, intents
from similarity import Distinct
from speech import typed

TRAIN_ROWS, TEST_ROWS = 1300, 600
MAX_ALIKE = 0.5  # word-3-gram Jaccard that no two clean rows reach
USERS = 1_100


@dataclass
class Row:
    """A row of the training pool; `place` orders the rows, `planted` tells what is wrong with it, `of` what it copies."""

    text: str
    intent: str
    conversation: int
    user: str
    place: float
    planted: dict[str, Any] | None = None
    of: Row | None = field(default=None, repr=False)


def label_counts(total: int) -> dict[str, int]:
    """Rows per intent: from 0.8 to 1.2 of the mean, so that the labels are nearly, not quite, balanced."""
    names = intents()
    rank = {name: at for at, name in enumerate(Draws("counts").shuffled(names))}
    shares = {name: 0.8 + 0.4 * rank[name] / (len(names) - 1) for name in names}
    counts = {name: int(total * share / len(names)) for name, share in shares.items()}
    for name in Draws("rest").shuffled(names)[: total - sum(counts.values())]:
        counts[name] += 1
    return counts


class Desk:
    """Writes messages of which no two are near-duplicates."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._distinct = Distinct(MAX_ALIKE)

    def message(self, kind: str, number: int, intent: str, style: str | None = None, **form: bool) -> str:
        """The number-th message of a kind; what is too close to an earlier message is drawn again.

        `form` goes to grammar.compose.
        """
        attempt = 0
        while True:
            draws = Draws(self._seed, kind, number, attempt)
            text = typed(compose(draws, intent, **form).text, draws, style)
            if self._distinct.add(text):
                return text
            attempt += 1


def _labels(draws: Draws, total: int) -> list[str]:
    return draws.shuffled([intent for intent, count in label_counts(total).items() for _ in range(count)])


def test_rows(desk: Desk, seed: int) -> list[dict[str, str]]:
    """The clean test rows: text and intent."""
    labels = _labels(Draws(seed, "test labels"), TEST_ROWS)
    return [{"text": desk.message("test", at, intent), "intent": intent} for at, intent in enumerate(labels)]


def drawn_user(draws: Draws) -> str:
    """The id of one of the users."""
    return f"user-{draws.between(1, USERS):04}"


def clean_rows(desk: Desk, seed: int) -> list[Row]:
    """The clean training rows, in conversations of one to three messages of one user."""
    draws = Draws(seed, "conversations")
    rows: list[Row] = []
    conversation, user, left = 0, "", 0  # messages that the conversation still has
    for at, intent in enumerate(_labels(Draws(seed, "train labels"), TRAIN_ROWS)):
        follow_up = left > 0
        if not follow_up:
            conversation, user, left = conversation + 1, drawn_user(draws), draws.choice((1, 1, 1, 2, 2, 3))
        text = desk.message("train", at, intent, follow_up=follow_up)
        rows.append(Row(text, intent, conversation, user, at))
        left -= 1
    return rows
