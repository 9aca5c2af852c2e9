from __future__ import annotations

import math

import torch
from hypothesis import given
from hypothesis import strategies as st

from adaptline.models.batches import bins, epoch_steps, pad, scoring_batches, shaped

LENGTHS = st.lists(st.integers(1, 60), min_size=1, max_size=300)
SIZES = st.integers(1, 9)


def flat(steps: list[list[list[int]]]) -> list[int]:
    return [row for step in steps for batch in step for row in batch]


@given(LENGTHS, st.integers(0, 5), st.integers(0, 5), SIZES, SIZES)
def test_an_epoch_is_every_row_once(
    lengths: list[int], seed: int, epoch: int, batch_size: int, accumulate: int
) -> None:
    steps = epoch_steps(lengths, seed=seed, epoch=epoch, batch_size=batch_size, accumulate=accumulate)
    assert sorted(flat(steps)) == list(range(len(lengths)))
    assert len(steps) == -(-len(lengths) // (batch_size * accumulate))
    assert all(1 <= len(batch) <= batch_size for step in steps for batch in step)
    assert all(1 <= len(step) <= accumulate for step in steps)


@given(LENGTHS, st.integers(0, 5), st.sampled_from([(8, 1), (4, 2), (2, 4), (1, 8)]))
def test_accumulating_leaves_the_rows_of_each_step(lengths: list[int], seed: int, sizes: tuple[int, int]) -> None:
    whole = epoch_steps(lengths, seed=seed, epoch=1, batch_size=8, accumulate=1)
    parts = epoch_steps(lengths, seed=seed, epoch=1, batch_size=sizes[0], accumulate=sizes[1])
    assert [sorted(flat([step])) for step in whole] == [sorted(flat([step])) for step in parts]


def test_seed_and_epoch_decide_the_order() -> None:
    lengths = [5] * 64
    orders = {
        (seed, epoch): tuple(flat(epoch_steps(lengths, seed=seed, epoch=epoch, batch_size=4, accumulate=1)))
        for seed in range(3)
        for epoch in range(3)
    }
    assert len(set(orders.values())) == 9


def test_the_order_is_what_it_was() -> None:
    """A changed order would change every adapter: raise the version of train then."""
    lengths = [3, 9, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8]
    assert epoch_steps(lengths, seed=0, epoch=0, batch_size=2, accumulate=2) == [
        [[7, 11], [5, 1]],
        [[3, 6], [0, 9]],
        [[2, 10], [8, 4]],
    ]


@given(st.lists(st.integers(1, 128), min_size=64, max_size=512), st.integers(0, 3))
def test_rows_of_a_step_are_sorted_by_length(lengths: list[int], seed: int) -> None:
    """So each of its batches is as wide as it must be."""
    for step in epoch_steps(lengths, seed=seed, epoch=0, batch_size=8, accumulate=2):
        rows = flat([step])
        assert [lengths[row] for row in rows] == sorted(lengths[row] for row in rows)


def test_bucketing_halves_the_padding_or_better() -> None:
    lengths = [1 + (37 * i) % 100 for i in range(800)]

    def width(batches: list[list[int]]) -> int:
        return sum(len(rows) * max(lengths[row] for row in rows) for rows in batches)

    bucketed = [batch for step in epoch_steps(lengths, seed=0, epoch=0, batch_size=16, accumulate=1) for batch in step]
    in_order = [list(range(start, start + 16)) for start in range(0, 800, 16)]
    padding, before = width(bucketed) - sum(lengths), width(in_order) - sum(lengths)
    assert padding < before / 5


@given(LENGTHS, SIZES)
def test_scoring_takes_every_row_once_longest_first(lengths: list[int], batch_size: int) -> None:
    rows = [row for batch in scoring_batches(lengths, batch_size) for row in batch]
    assert sorted(rows) == list(range(len(lengths)))
    assert [lengths[row] for row in rows] == sorted(lengths, reverse=True)


def test_padding() -> None:
    batch = pad([[2, 7, 3], [2, 3]], pad_token=9)
    assert batch["input_ids"].tolist() == [[2, 7, 3], [2, 3, 9]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 1, 0]]
    assert all(tensor.dtype == torch.int64 for tensor in batch.values())


@given(st.lists(st.integers(1, 60), min_size=1, max_size=80))
def test_bins_hold_every_row_once_and_no_more_than_they_have_room_for(lengths: list[int]) -> None:
    found = bins(lengths, 50)
    assert sorted(row for line in found for row in line) == list(range(len(lengths)))
    for line in found:
        assert sum(lengths[row] for row in line) <= 50 or len(line) == 1
    fits = [length for length in lengths if length <= 50]
    best = math.ceil(sum(fits) / 50)
    assert len(found) - (len(lengths) - len(fits)) <= math.ceil(11 / 9 * best + 6 / 9) + 1  # Dosa 2007


@given(LENGTHS, st.integers(60, 100))
def test_a_shape_is_a_function_of_the_length_alone(lengths: list[int], room: int) -> None:
    found = list(shaped(lengths, room))
    assert sorted(row for _, rows in found for row in rows) == list(range(len(lengths)))
    for (count, longest), rows in found:
        assert len(rows) <= count
        assert all(lengths[row] <= longest <= room for row in rows)
        assert {shape for length in {lengths[row] for row in rows} for shape, _ in shaped([length], room)} == {
            (count, longest)
        }
