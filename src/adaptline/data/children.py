"""Which rows get children, what an augmenter says of them, and how a child row is made from its parent.

Knows shards and augmenters' answers. Knows nothing of units, of splits or of what an augmenter does.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from adaptline.core.artifacts import Use
from adaptline.core.rows import COLUMNS, On, contents, table
from adaptline.data.passages import TOO_LONG, Draws, Passage, Refused

AUGMENTER = b"augmenter"  # where the schema of a shard of children says who made them, as JSON: name, seed
COPY = "copy"  # the gate of a text that is the old one still
REPEAT = "repeat"  # of a child that says what an earlier copy of the same row says
# Shares grow as one looks for the one that pays; what lies below the same of these bounds is made once for all of them.
BOUNDS = (0.01, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0)
CHANGES = pa.schema(
    [
        ("row", pa.int64()),  # 0-based position in the parent's shard
        ("copy", pa.int32()),
        ("message", pa.int32()),
        ("content", pa.string()),
        ("refused", pa.string()),  # the gate that it did not pass; null for what the child says
    ]
)
# Augmenters hold a text as a list of its words, at about 100 bytes a character: 20 MB for one of this length.
LONGEST = 200_000  # characters of a text that is said otherwise
AT_ONCE, _CHARACTERS_AT_ONCE = 2048, 1_000_000  # passages that an augmenter gets together
# What these say is no prompt of a user's, wherever it stands in a chat: an answer that is learnt, or an instruction.
_NO_PROMPT = ("assistant", "system", "developer", "tool", "function")

Place = tuple[int, int, int]  # row, copy, message
Entry = tuple[int, int, int, str, "str | None"]  # as the columns of CHANGES


class Made(NamedTuple):
    """What became of the children that an augmenter was asked for: how many were made, and which gate refused the others."""

    asked: int
    made: int
    refused: Counter[str]


def draws_of(shard: pa.Table, seed: int, name: str) -> npt.NDArray[np.float64]:
    """(rows,): per row a number from 0 on, below 1, that follows from the seed, the method's name, and the row's source."""
    start = f"augment\0{seed}\0{name}\0".encode()
    named = zip(shard["file"].to_pylist(), shard["row"].to_pylist(), strict=True)
    hashes = b"".join(
        hashlib.blake2b(start + f"{file}\0{row}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
        for file, row in named
    )
    found: npt.NDArray[np.uint64] = np.frombuffer(hashes, "<u8") >> np.uint64(11)
    return found.astype(np.float64) * np.float64(2.0**-53)  # doubles have 53 bits


def bands(share: float) -> Iterator[tuple[float, float]]:
    """The pieces of the draws below a share: (low, high) each, cut at BOUNDS."""
    low = 0.0
    for bound in BOUNDS:
        if low < share:
            yield low, min(bound, share)
        low = bound


def rewritten(
    shard: pa.Table, rows: npt.NDArray[np.int64], use: Use, name: str, on: On, seed: int, copies: int
) -> pa.Table:
    """What an augmenter makes of some rows of a shard: a table of CHANGES, by row, copy and message.

    Raises:
        RunError: the augmenter failed, or gives what is no text; its name is told.
    """
    chosen = shard.take(pa.array(rows))
    entries: list[Entry] = []
    for piece in _pieces(_passages(chosen, on, seed, name, copies)):
        with use.blamed():
            said = _said(use, [passage for _, passage in piece])
        entries += [
            (int(rows[row]), copy, message, *one) for ((row, copy, message), _), one in zip(piece, said, strict=True)
        ]
    return pa.Table.from_pylist(
        [dict(zip(CHANGES.names, entry, strict=True)) for entry in _without_repeats(sorted(entries))], CHANGES
    )


def _pieces(passages: Iterable[tuple[Place, Passage]]) -> Iterator[list[tuple[Place, Passage]]]:
    """The same in their order, as many together as an augmenter gets at once, however many there are."""
    piece: list[tuple[Place, Passage]] = []
    characters = 0
    for place, passage in passages:
        if piece and (len(piece) == AT_ONCE or characters + len(passage.text) > _CHARACTERS_AT_ONCE):
            yield piece
            piece, characters = [], 0
        piece.append((place, passage))
        characters += len(passage.text)
    if piece:
        yield piece


def _said(use: Use, passages: Sequence[Passage]) -> list[tuple[str, str | None]]:
    """For each passage a new text and the gate that it did not pass, None if there is none."""
    given = [passage for passage in passages if len(passage.text) <= LONGEST]
    answers = use.load().function(given, **use.parameters)
    if not isinstance(answers, list):
        raise TypeError(
            f"it gives {type(answers).__name__}: an augmenter takes passages and gives a list of as many texts"
        )
    if len(answers) != len(given):
        raise ValueError(f"{len(answers)} texts for {len(given)} passages")
    said = iter([_judged(passage.text, answer) for passage, answer in zip(given, answers, strict=True)])
    return [next(said) if len(passage.text) <= LONGEST else (passage.text, TOO_LONG) for passage in passages]


def _passages(chosen: pa.Table, on: On, seed: int, name: str, copies: int) -> Iterator[tuple[Place, Passage]]:
    """(row, copy, message) of every text that may be said otherwise, with the text; rows count within what is chosen."""
    told = chosen.select(["messages", "label", "references", "file", "row"]).to_pylist()
    for (row, message), text in zip(*contents(chosen, on), strict=True):
        of = told[row]
        if not text.strip() or (on == "prompt" and of["messages"][message]["role"] in _NO_PROMPT):
            continue
        protected = tuple(said for said in (of["label"], *(of["references"] or ())) if said)
        for copy in range(copies):
            stream = Draws("augment", seed, name, of["file"], of["row"], message, copy)
            yield (row, copy, message), Passage(text, stream, protected)


def _judged(before: str, answer: Any) -> tuple[str, str | None]:
    """A new text and the gate that it did not pass, None if there is none."""
    if isinstance(answer, Refused):
        return answer.text, answer.gate
    if not isinstance(answer, str):
        raise TypeError(f"{answer!r} is no text, and not Refused")
    return answer, COPY if answer == before else None


def _without_repeats(entries: Sequence[Entry]) -> Iterator[Entry]:
    """The same, a child that says what an earlier copy of its row says refused."""
    seen: set[tuple[int, tuple[tuple[int, str], ...]]] = set()
    for (row, _), of_child in groupby(entries, key=lambda entry: entry[:2]):
        child = list(of_child)
        says = (row, tuple((message, content) for _, _, message, content, refused in child if refused is None))
        is_again = says in seen
        seen.add(says)
        for entry in child:
            yield (*entry[:4], REPEAT) if is_again and entry[4] is None else entry


def children(shard: pa.Table, changes: pa.Table, parent: str) -> pa.Table:
    """The child rows of a shard; each has all of its parent but the changed contents, and names it by position.

    Args:
        shard: a table of core/rows.COLUMNS.
        changes: a table of CHANGES. A text that was refused stays as it was; a child none of whose texts changed is none.
        parent: the digest of the shard.
    """
    parents, said = [], []
    messages = shard["messages"]
    for (row, _), entries in _by_child(changes):
        new = {entry["message"]: entry["content"] for entry in entries if entry["refused"] is None}
        if new:
            parents.append(row)
            old = messages[row].as_py()
            said.append([{**one, "content": new.get(at, one["content"])} for at, one in enumerate(old)])
    chosen = shard.take(pa.array(parents, pa.int64()))
    columns: dict[str, Any] = {name: chosen[name] for name in COLUMNS}
    columns |= {
        "messages": pa.array(said, COLUMNS["messages"]),
        "parent_shard": pa.array([parent] * len(parents), pa.string()),
        "parent_row": pa.array(parents, pa.int64()),
    }
    return table(columns, len(parents)).replace_schema_metadata(shard.schema.metadata)


def count(changes: pa.Table) -> Made:
    """How many children were asked for and made, and by which gate the others were refused: each by one."""
    asked, made, refused = 0, 0, Counter[str]()
    for _, entries in _by_child(changes.select(["row", "copy", "refused"])):
        gates = [entry["refused"] for entry in entries]
        asked += 1
        if None in gates:
            made += 1
        else:
            refused[next((gate for gate in gates if gate != COPY), COPY)] += 1
    return Made(asked, made, refused)


def _by_child(changes: pa.Table) -> Iterable[tuple[tuple[int, int], Iterator[dict[str, Any]]]]:
    return groupby(changes.to_pylist(), key=lambda entry: (entry["row"], entry["copy"]))
