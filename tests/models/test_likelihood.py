"""Likelihoods of token sequences: windows that score each token once, and bits that depend on the sequence alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tiny_writer
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from adaptline.models import likelihood
from adaptline.models.writer import Writer, load_writer


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Writer:
    folder: Path = tiny_writer.write_base(tmp_path_factory.mktemp("bases") / "writing")
    return load_writer(folder)


@given(st.integers(0, 60), st.integers(2, 20), st.integers(1, 19))
@settings(max_examples=200)
def test_windows_score_every_token_but_the_first_once(length: int, room: int, stride: int) -> None:
    stride = min(stride, room - 1)
    found = likelihood.windows(length, room, stride)
    assert [at for window in found for at in range(window.scored, window.end)] == list(range(1, length))
    assert all(window.begin < window.scored and window.end - window.begin <= room for window in found)
    assert all(window.scored - window.begin >= min(room - stride, window.scored) for window in found)


@pytest.mark.parametrize("stride", [16, 17])
def test_windows_that_do_not_overlap_are_refused(stride: int) -> None:
    with pytest.raises(ValueError, match=f"stride {stride} of windows of 16 tokens"):
        likelihood.windows(40, 16, stride)


def test_no_bit_depends_on_what_is_computed_beside_a_text(writer: Writer) -> None:
    tokens = [[1, *range(5, 5 + length)] for length in (3, 9, 40, 200, 300)]

    def surprise(rows: list[list[int]]) -> list[float]:
        return likelihood.surprise(writer.model, rows, room=96, stride=48, pad_token=writer.pad_token)

    together = surprise(tokens * 20)
    assert together == surprise(tokens) * 20
    assert together[:5] == [one for row in tokens for one in surprise([row])]
    assert surprise(tokens[::-1]) == together[:5][::-1]


def test_what_the_base_wrote_surprises_it_less_than_noise(writer: Writer) -> None:
    with torch.inference_mode():
        model: Any = writer.model
        ids = model.generate(torch.tensor([[1]]), max_new_tokens=60, min_new_tokens=60, do_sample=False)
    rows = [ids[0].tolist(), [1, *range(100, 160)]]
    written, noise = likelihood.surprise(writer.model, rows, room=96, stride=48, pad_token=writer.pad_token)
    assert written < noise / 2
