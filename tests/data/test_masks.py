"""Masks of rows: there and back, eight rows a byte."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from adaptline.data.masks import pack, unpack


@given(st.lists(st.booleans(), max_size=70))
def test_a_mask_comes_back_as_it_was(rows: list[bool]) -> None:
    packed = pack(np.array(rows, bool))
    assert len(packed) == -(-len(rows) // 8)
    found = unpack(packed, len(rows))
    assert found.tolist() == rows
    assert found.dtype == bool


def test_masks_that_differ_in_one_row_are_other_bytes() -> None:
    masks = np.eye(20, dtype=bool)
    assert len({pack(mask) for mask in masks} | {pack(np.zeros(20, bool))}) == 21
