"""What a person sees of a row that they review, and what they may write in its place.

Knows messages and labels. Knows nothing of files, stores and pages.
"""

from __future__ import annotations

from typing import Any

from adaptline.data import reviews
from adaptline.data.reviews import Mend
from adaptline.errors import UserError
from adaptline.web import texts

MOST_CHARS = 20_000  # of one row: more than anybody reads before a verdict
MOST_MENDED_CHARS = 2 * MOST_CHARS  # of what is written in a row's place
MOST_MESSAGES = 100
Data = dict[str, Any]


def shown(messages: list[Data], label: str | None) -> Data:
    """What a person sees of a row: the beginning of it, with nothing hidden."""
    said, room = [], MOST_CHARS
    for message in messages[:MOST_MESSAGES]:
        content = message["content"] or ""
        said.append({"role": texts.visible(message["role"] or ""), "content": texts.visible(content, max(room, 1))})
        room -= len(content)
        if room <= 0:
            break
    return {
        "messages": said,
        "left_out": len(messages) - len(said),
        "label": None if label is None else texts.visible(label),
    }


def mended(messages: list[Data], label: str | None, mend: Mend) -> tuple[list[Data], str | None]:
    """A row as it is to be."""
    contents = mend.contents or (None,) * len(messages)
    after = [one if new is None else {**one, "content": new} for one, new in zip(messages, contents, strict=False)]
    return after, label if mend.label is None else mend.label


def refuse_unwritable(contents: list[str | None], label: str | None) -> None:
    """Raises UserError for what is no row (see reviews.refuse_unwritable), or too much of one."""
    reviews.refuse_unwritable(contents, label)
    if sum(len(text or "") for text in [*contents, label]) > MOST_MENDED_CHARS:
        raise UserError(f"more than {MOST_MENDED_CHARS:,} characters", do="Mend it in the source.")
