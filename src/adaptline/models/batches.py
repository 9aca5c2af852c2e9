"""Rows of tokens to padded batches, in an order that only seed and epoch decide.

Knows token lengths. Knows nothing of labels or models. Texts of like length share a batch, so little is padded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from adaptline.core import keys

Tokens = list[list[int]]

_LENGTH_STEP = 16
_TOKENS_TOGETHER = 1024  # in a batch of one shape: what the logits of a large vocabulary take of memory is bounded
_STEPS_PER_BUCKET = 16  # wide enough that a batch pads little, narrow enough that its rows stay a random sample


def epoch_steps(
    lengths: Sequence[int], *, seed: int, epoch: int, batch_size: int, accumulate: int
) -> list[list[list[int]]]:
    """Optimiser steps of an epoch; each is up to `accumulate` batches of up to `batch_size` row numbers.

    Which rows share a step depends on batch_size * accumulate alone, so accumulating changes memory and nothing else.
    """
    step_rows = batch_size * accumulate
    bucket_rows = step_rows * _STEPS_PER_BUCKET
    order = _shuffled(len(lengths), seed, "rows", epoch)
    buckets = (sorted(rows, key=lambda row: lengths[row]) for rows in _cut(order, bucket_rows))
    steps = [rows for bucket in buckets for rows in _cut(bucket, step_rows)]
    return [_cut(steps[number], batch_size) for number in _shuffled(len(steps), seed, "steps", epoch)]


def scoring_batches(lengths: Sequence[int], batch_size: int) -> list[list[int]]:
    """Row numbers in batches of like length, longest first: memory peaks at once, not at the end."""
    return _cut(sorted(range(len(lengths)), key=lambda row: -lengths[row]), batch_size)


def pad(tokens: Sequence[Sequence[int]], pad_token: int) -> dict[str, torch.Tensor]:
    """`input_ids` and `attention_mask`, both (rows, longest), int64, padded on the right."""
    longest = max(map(len, tokens))
    ids = torch.tensor([[*row, *[pad_token] * (longest - len(row))] for row in tokens])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in tokens])
    return {"input_ids": ids, "attention_mask": mask}


def shaped(lengths: Sequence[int], room: int) -> Iterator[tuple[tuple[int, int], list[int]]]:
    """Row numbers in batches whose shape (rows, tokens) is a function of their lengths alone, longest first.

    A batch may have fewer rows than its shape: who fills it up gets the same bits for a row whatever is computed beside it.
    Lengths are rounded up, so that few shapes occur, but not above `room`, the most that a model reads.
    """
    by_length: dict[int, list[int]] = {}
    for number, length in enumerate(lengths):
        by_length.setdefault(min(-(-length // _LENGTH_STEP) * _LENGTH_STEP, room), []).append(number)
    for length, numbers in sorted(by_length.items(), reverse=True):
        count = max(1, _TOKENS_TOGETHER // length)
        for batch in _cut(numbers, count):
            yield (count, length), batch


def bins(lengths: Sequence[int], room: int) -> list[list[int]]:
    """Row numbers in as few bins as first-fit decreasing finds, each of at most `room` tokens (Johnson 1974).

    A row that is longer than the room has a bin of its own.
    """
    found: list[list[int]] = []
    left: list[int] = []
    for row in sorted(range(len(lengths)), key=lambda row: (-lengths[row], row)):
        place = next((number for number, free in enumerate(left) if free >= lengths[row]), None)
        if place is None:
            found.append([row])
            left.append(room - lengths[row])
        else:
            found[place].append(row)
            left[place] -= lengths[row]
    return found


def _cut(rows: list[int], size: int) -> list[list[int]]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def _shuffled(count: int, *stream: object) -> list[int]:
    """The numbers below `count` in an order that only the stream's name decides.

    Philox is a counter-based generator (Salmon et al. 2011); its raw output is fixed, that of numpy's `permutation` is
    not. Ties of 64 bits, which do not happen, would fall in order.
    """
    generator = np.random.Philox(key=int(keys.key("order", *stream)[:32], 16))
    order: list[int] = np.argsort(generator.random_raw(count), kind="stable").tolist()
    return order
