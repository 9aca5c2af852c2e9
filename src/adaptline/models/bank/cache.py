"""Keys and values of the rows that are being written, in place: rows come, grow by a token each and go, without copies.

Rows lie at the front, one after another; where one goes, the last takes its place. Knows tensors only.
R rows in use, H heads of keys, T tokens, E numbers a head.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import Cache

_FIRST_TOKENS = 256


class RowCache(Cache):
    """What a model of transformers takes for `past_key_values`: it is told where the tokens of the next pass belong."""

    def __init__(self, rows: int, tokens: int) -> None:
        """For at most so many rows of at most so many tokens each; room is made as it is needed, twice as much each time."""
        self.layers: list[Any] = []  # transformers' own kind of layers; there are none
        self._rows, self._tokens = rows, tokens
        self._keys: list[Tensor] = []
        self._values: list[Tensor] = []
        self._first = 0  # row of the pass's first
        self._start = 0  # where the first of the pass's tokens belongs
        self._places: Tensor | None = None  # (R,): where the one new token of each row belongs; None: from the start on
        self._length = 0

    def begin(self, first: int, start: int) -> None:
        """The next pass is over parts of prompts of new rows, from row `first` on, of which `start` tokens are kept."""
        self._first, self._start, self._places = first, start, None

    def grow(self, places: Tensor, length: int) -> None:
        """The next pass is over one token of each row, at these places; all are below `length`."""
        self._first, self._places, self._length = 0, places, length

    def move(self, source: int, target: int) -> None:
        """The row at `source` takes the place of the one at `target`."""
        for held in (*self._keys, *self._values):
            held[target] = held[source]

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *_: Any, **__: Any
    ) -> tuple[Tensor, Tensor]:
        """Keeps (R, H, T, E) of a layer, and returns all that the rows of the pass have there."""
        if layer_idx == len(self._keys):
            for of, states in ((self._keys, key_states), (self._values, value_states)):
                of.append(torch.zeros((self._rows, states.shape[1], 0, states.shape[3]), dtype=states.dtype))
        rows, tokens = key_states.shape[0], key_states.shape[2]
        end = self._start + tokens if self._places is None else self._length
        self._make_room(layer_idx, end)
        found = []
        for held, new in ((self._keys[layer_idx], key_states), (self._values[layer_idx], value_states)):
            part = held[self._first : self._first + rows]
            if self._places is None:
                part[:, :, self._start : end] = new
            else:
                part[torch.arange(rows), :, self._places] = new[:, :, 0]
            found.append(part[:, :, :end])
        return found[0], found[1]

    def _make_room(self, layer: int, tokens: int) -> None:
        for of in (self._keys, self._values):
            held = of[layer]
            if held.shape[2] < tokens:
                room = min(self._tokens, max(_FIRST_TOKENS, tokens, 2 * held.shape[2]))
                grown = torch.zeros((*held.shape[:2], room, held.shape[3]), dtype=held.dtype)
                grown[:, :, : held.shape[2]] = held
                of[layer] = grown

    def get_seq_length(self, *_: Any, **__: Any) -> int:
        """Positions are always given, so that nobody needs it."""
        return 0
