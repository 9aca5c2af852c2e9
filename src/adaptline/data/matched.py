"""A matcher's sketch of one shard, and its match over all of them: the work of two units.

Knows what a matcher may ask for besides sketches. Knows nothing of who is dropped after it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from adaptline.core import registry
from adaptline.core.artifacts import Read, Use
from adaptline.core.rows import On, Ref, texts
from adaptline.data import settled
from adaptline.data.masks import unpack


def sketch_shard(read: Read, text: Ref, use: Use, parameters: dict[str, Any]) -> pa.Table:
    """A matcher's sketch of one shard."""
    method = use.load()
    if method.sketch is None:
        raise TypeError(f"{use.use} has no sketch")
    with use.blamed():
        sketch: pa.Table = method.sketch(texts(read(text, ["messages"]), use.settings.get("on", "all")), **parameters)
    return sketch


class _Read(Sequence[Any]):
    """What is read of each unit when it is asked for: all of them together may be larger than memory."""

    def __init__(self, refs: Sequence[Ref], read: Callable[[Ref], Any]) -> None:
        self.refs, self.read = refs, read

    def __len__(self) -> int:
        return len(self.refs)

    def __getitem__(self, number: Any) -> Any:
        return self.read(self.refs[number])


def match_all(
    read: Read,
    sketches: Sequence[Ref],
    alive: Sequence[bytes],
    shards: Sequence[Ref],
    held: Sequence[Ref],
    scores: Sequence[Ref],
    use: Use,
    parameters: dict[str, Any],
    memory: int | None,
) -> pa.Table:
    """The rows that a matcher drops, over all shards: columns shard, row, of_shard, of_row, score."""
    masks = [unpack(mask, ref.rows) for mask, ref in zip(alive, sketches, strict=True)]
    on: On = use.settings.get("on", "all")
    given: list[Any] = []
    if registry.takes_texts(use.load()):
        given.append(_Read(shards, lambda ref: texts(read(ref, ["messages"]), on)))
    start = settled.start(read, held, memory)
    if registry.takes_start(use.load()):
        given.append(start)
    if scores:
        given.append(_Read(scores, lambda ref: read(ref, ["score"])["score"].to_numpy()))
    with use.blamed():
        found: pa.Table = use.load().function(_Read(sketches, read), masks, *given, **parameters)
    return settled.joined(start, found, len(sketches)) if held else found
