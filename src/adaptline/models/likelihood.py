"""How likely a causal language model holds sequences of tokens, in windows where they are longer than it reads at once.

Knows tokens. Knows nothing of texts, or of where the model came from. A result does not depend on what is computed beside it:
the shape of a batch is a function of its windows' length alone, and rows that are not there are filled with padding.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch

from adaptline.models.batches import Tokens, shaped


class Window(NamedTuple):
    """Tokens [begin, end) of a sequence are read; those from `scored` on count, each after all that stand before it there."""

    begin: int
    end: int
    scored: int


def windows(length: int, room: int, stride: int) -> list[Window]:
    """Windows of up to `room` tokens that score every token of a sequence but the first exactly once.

    Each but the first ends `stride` tokens after the one before, so that of what it scores every token has at least
    room - stride before it (strided perplexity, as in the documentation of transformers).

    Raises:
        ValueError: stride >= room: the windows would not overlap, and tokens would be scored by what is not there.
    """
    if stride >= room:
        raise ValueError(f"stride {stride} of windows of {room} tokens")
    found: list[Window] = []
    done, end = 1, min(room, length)
    while done < length:
        found.append(Window(max(0, end - room), end, done))
        done, end = end, min(end + stride, length)
    return found


def surprise(model: torch.nn.Module, sequences: Tokens, *, room: int, stride: int, pad_token: int) -> list[float]:
    """The negative log-likelihood of each sequence in nats: the sum over its tokens but the first; the model is in evaluation mode after.

    Args:
        model: a causal language model of transformers, float32.
        sequences: token ids.
        room: tokens that the model reads at once.
        stride: tokens between the ends of two windows, less than room.
        pad_token: fills batches on the right, where no other token sees it.
    """
    work = [(row, window) for row, tokens in enumerate(sequences) for window in windows(len(tokens), room, stride)]
    found: dict[int, float] = {}
    model.eval()
    for shape, numbers in shaped([window.end - window.begin for _, window in work], room):
        ids = torch.full(shape, pad_token)
        for place, number in enumerate(numbers):
            row, window = work[number]
            ids[place, : window.end - window.begin] = torch.tensor(sequences[row][window.begin : window.end])
        called: Any = model
        with torch.inference_mode():
            logits = called(input_ids=ids, use_cache=False).logits
            for place, number in enumerate(numbers):
                found[number] = _scored(logits[place], ids[place], work[number][1])
    sums = [0.0] * len(sequences)
    for number, (row, _) in enumerate(work):
        sums[row] += found[number]
    return sums


def _scored(logits: torch.Tensor, ids: torch.Tensor, window: Window) -> float:
    """logits: (shape, vocabulary), ids: (shape,). The negative log-likelihood of the window's scored tokens."""
    first, last = window.scored - window.begin, window.end - window.begin
    before = logits[first - 1 : last - 1].float()
    return float(torch.nn.functional.cross_entropy(before, ids[first:last], reduction="none").double().sum())
