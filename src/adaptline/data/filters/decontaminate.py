"""How much of a row stands in an evaluation task already: the likeness to the nearest item, and where that item is.

Knows task files, splits and n-grams. Every item is compared, with exact counts; nothing is sampled. A row that is held out
may be an item itself: a data set's test split is what its task is made of. Knows nothing of meaning: a paraphrase of an item is not found, nor is a changed quote of one inside a text that is much longer.
"""

from __future__ import annotations

import dataclasses
from functools import lru_cache
from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from adaptline.core.demands import at_least
from adaptline.core.registry import filter
from adaptline.core.sources import Task, Tasks, refuse_changed
from adaptline.data import text
from adaptline.data.tasks import READING, check_settings, is_held_out, read_items
from adaptline.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

# A row at 0.8 or more is dropped: no two texts of together fewer than 10,000 n-grams lie between this and 0.8.
_DEFAULT_MAX = 0.7999
# An item of at least so many n-grams that stands whole in a row is a leak however long the row is. Shorter ones are
# phrases that anybody writes. It must stand there as one piece: its n-grams alone, scattered, occur in any long text
# (of 300 web pages 24 hold 0.8 of those of some voice command, and none holds a command).
_WHOLE = 20
_WRITTEN_TO = ("text", "user")  # roles whose messages are compared: what is asked, not what is answered

Positions = npt.NDArray[np.int32]


def _check(*, against: Tasks, **_: object) -> None:
    for task in against:
        check_settings(task, {**READING, "metrics": Any})


@filter(
    version=5,
    finds=("leaked",),
    defaults={"max": _DEFAULT_MAX},
    gives="number",
    uses=("format",),
    sees_splits=True,
    check=_check,
)
def decontaminate(
    rows: pa.Table,
    *,
    against: Tasks,
    ngram: Literal["char", "word"] = "char",
    size: Annotated[int, at_least(1)] = 5,
) -> pa.StructArray:
    """The Jaccard similarity of each row to the task item nearest to it. Drops from 0.8 on, unless a recipe gives max.

    A row in which an item of at least 20 n-grams stands whole, as in a mail that quotes it, scores 1.0 however much
    stands around it. This drops 1.2 % more of Banking77's test rows and 1.5 % of CLINC150's, against their train rows.

    Texts and prompts are compared, folded (`text.fold`); answers and labels are not. Of a conversation each user's turn
    is compared by itself, and all of them together; the nearest counts.

    A row of a split that is called like one that is held out (tasks.HELD_OUT) may be an item of a task itself: it says
    the same, or it has an item's number in a file of the same name. What is in that task does not count against it, so the
    test split that a task is made of stays. A row of another split, or of none, is learnt from, for all that is known.

    Args:
        rows: a shard.
        against: task files (TOML) that name their items' files.
        ngram: n-grams of characters, or of words.
        size: characters or words in one n-gram. A shorter text is one n-gram.

    Returns:
        Per row `score`, 0 to 1 (1.0 for an item with the same n-grams, or that stands in it), null for a row without text; and `because`,
        "task: file:row" of the nearest item, the first of equals, null at score 0; "itself, task: file:row" of an item that is
        like nothing of other tasks.

    Raises:
        UserError: an item of a task cannot be read, or a task has none.
    """
    index = _index(_Asked(_hashable(against.meaning), ngram, size, against))
    scores, because = [], []
    columns = (rows[name].to_pylist() for name in ("messages", "split", "file", "row"))
    for messages, split, file, row in zip(*columns, strict=True):
        asked = _asked(messages or ())
        own = index.itself(asked, file, row) if is_held_out(split) else []
        score, why = index.judge(asked, own)
        scores.append(score)
        because.append(why)
    return pa.StructArray.from_arrays(
        [pa.array(scores, pa.float64()), pa.array(because, pa.string())], names=["score", "because"]
    )


def _asked(messages: Any) -> set[str]:
    """What a row's messages ask, folded: each message to the model by itself, and all of them together."""
    asked = [message["content"] or "" for message in messages if message["role"] in _WRITTEN_TO]
    return {folded for one in [*asked, "\n".join(asked)] if (folded := text.fold(one))}


class _Item(NamedTuple):
    """What an item asks, folded, and where it stands."""

    task: str
    file: str
    row: int
    text: str

    @property
    def place(self) -> str:
        return f"{self.task}: {self.file}:{self.row}"


class _Index:
    """n-gram -> the items that have it. An item's number is its position in `items`."""

    def __init__(self, items: Iterable[_Item], ngram: text.Gram, size: int) -> None:
        self.ngram, self.size = ngram, size
        self.items: list[_Item] = []
        self.pieces: list[str] = []
        self.known: dict[Any, list[int]] = {}  # an item's text, and its (file's name, row) -> the items that have it
        sizes: list[int] = []
        holders: dict[str, list[int]] = {}
        for number, item in enumerate(items):
            grams = set(text.grams(item.text, ngram, size))
            self.items.append(item)
            self.pieces.append(self._piece(item.text))
            for known in (item.text, (PurePath(item.file).name, item.row)):
                self.known.setdefault(known, []).append(number)
            sizes.append(len(grams))
            for gram in grams:
                holders.setdefault(gram, []).append(number)
        self.sizes = np.array(sizes, np.int32)
        self.tasks = np.array([item.task for item in self.items])
        self.holders: dict[str, Positions] = {gram: np.array(held, np.int32) for gram, held in holders.items()}

    def itself(self, asked: Collection[str], file: str | None, row: int | None) -> list[int]:
        """The items that a row is: by its text, or by its place, for a rule before may have changed its text."""
        places = [*asked, (PurePath(file or "").name, row)]
        return sorted({number for place in places for number in self.known.get(place, ())})

    def judge(self, asked: Collection[str], own: Sequence[int]) -> tuple[float | None, str | None]:
        """The likeness of what a row asks to the nearest item, and why; items of the tasks that it is `own` of do not count."""
        besides = np.isin(self.tasks, [self.items[number].task for number in own]) if own else None
        found = [self.nearest(one, besides) for one in asked]
        score, number = max(found, default=(None, 0), key=lambda pair: (pair[0], -pair[1]))
        if score:
            return score, self.items[number].place
        return score, f"itself, {self.items[own[0]].place}" if own and asked else None

    def nearest(self, given: str, besides: npt.NDArray[np.bool_] | None = None) -> tuple[float, int]:
        """The Jaccard similarity to the nearest item, 1.0 if it stands whole in the text; its number, the first of equals."""
        grams = set(text.grams(given, self.ngram, self.size))
        held = [self.holders[gram] for gram in grams if gram in self.holders]
        if not held or (besides is not None and besides.all()):
            return 0.0, 0
        shared = np.bincount(np.concatenate(held), minlength=len(self.sizes))
        similarity = shared / (self.sizes + len(grams) - shared)
        for number in np.flatnonzero((shared == self.sizes) & (self.sizes >= _WHOLE)):
            if self.pieces[number] in self._piece(given):
                similarity[number] = 1.0
        if besides is not None:
            similarity[besides] = 0.0
        best = int(similarity.argmax())
        return float(similarity[best]), best

    def _piece(self, given: str) -> str:
        """What must stand in another text as one piece: all words where words are compared, else every character."""
        return given if self.ngram == "char" else f" {' '.join(text.words(given))} "


@dataclasses.dataclass(frozen=True)
class _Asked:
    """An index by its meaning: the tasks themselves do not count, so that two runs share it exactly if their files do."""

    meaning: Any
    ngram: text.Gram
    size: int
    tasks: Tasks = dataclasses.field(compare=False)


@lru_cache(maxsize=2)
def _index(asked: _Asked) -> _Index:
    """Built once per process, not once per shard."""
    index = _Index((item for task in asked.tasks for item in _items(task)), asked.ngram, asked.size)
    refuse_changed(asked.tasks)  # what is kept for later shards must be what its meaning says
    return index


def _hashable(meaning: Any) -> Any:
    if isinstance(meaning, dict):
        return tuple((key, _hashable(value)) for key, value in sorted(meaning.items()))
    return tuple(map(_hashable, meaning)) if isinstance(meaning, list) else meaning


def _items(task: Task) -> Iterator[_Item]:
    found = False
    for items in read_items(task):
        columns = (items[name].to_pylist() for name in ("messages", "file", "row"))
        for messages, file, row in zip(*columns, strict=True):
            # The longest piece is all of what an item asks.
            for asked in sorted(_asked(messages or ()), key=len)[-1:]:
                found = True
                yield _Item(task.name, file, row, asked)
    if not found:
        raise UserError(f"task {task.name!r} has no items with a text", where=task.path)
