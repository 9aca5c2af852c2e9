"""Draws: numbers that follow from a stream's names alone, and that cost nothing before the first."""

from __future__ import annotations

import tracemalloc

from adaptline.data.passages import Draws


def test_a_stream_has_its_numbers_whoever_else_draws() -> None:
    one, other, again = Draws("a", 1), Draws("a", 2), Draws("a", 1)
    drawn = [(one.below(1000), other.below(1000)) for _ in range(50)]
    assert [first for first, _ in drawn] == [again.below(1000) for _ in range(50)]
    assert [first for first, _ in drawn] != [second for _, second in drawn]


def test_a_stream_that_nobody_draws_from_is_small() -> None:
    tracemalloc.start()
    streams = [Draws("augment", 0, number) for number in range(2000)]
    idle = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert idle / len(streams) < 400  # bytes; a generator of numpy's is about a thousand
    assert len({stream.uniform() for stream in streams}) == len(streams)
