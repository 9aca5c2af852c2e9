"""A linear model: calibrated, the same each time, kept in a file and read again."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from adaptline.data import linear
from adaptline.data.loops.features import Shape
from adaptline.errors import UserError

SHAPE = Shape(low=3, high=4, bits=12)
FLAVOURS = [
    f"{side} {word} {number}"
    for side in ("sweet", "sour")
    for word in ("plum", "apple", "pear")
    for number in range(40)
]


def trained(noise: float = 0.0) -> linear.Trained:
    draw = np.random.default_rng(0)
    texts = [f"{text} {draw.integers(1000):03d}x" for text in FLAVOURS]
    labels = np.array([text.startswith("sweet") for text in texts]) ^ (draw.random(len(texts)) < noise)
    return linear.train(pa.array(texts), labels, shape=SHAPE)


def test_it_learns_what_is_there_to_learn() -> None:
    found = trained()
    assert found.auc == 1.0
    probabilities = found.model.probabilities(pa.array(["a sweet cherry", "a sour cherry", None]))
    assert probabilities[0] > 0.9
    assert probabilities[1] < 0.1


def test_probabilities_are_those_of_noise_that_nobody_can_tell() -> None:
    found = trained(noise=0.3).model
    sweet, sour = (
        found.probabilities(pa.array([text for text in FLAVOURS if text.startswith(side)])).mean()
        for side in ("sweet", "sour")
    )
    assert 0.6 < sweet < 0.8
    assert 0.2 < sour < 0.4


def test_of_a_very_long_text_the_beginning_counts() -> None:
    model = trained().model
    beginning = "sweet \u00e4 " * (linear.MOST_CHARACTERS // 8)
    one, other = model.margins(pa.array([beginning, beginning + "sour " * 2_000_000]))
    assert one == other


def test_a_file_holds_all_of_it_in_half_precision(tmp_path: Path) -> None:
    model = trained().model
    path = tmp_path / "model.safetensors"
    path.write_bytes(linear.to_bytes(model))
    again = linear.load(path)
    assert linear.to_bytes(again) == linear.to_bytes(model) == linear.to_bytes(trained().model)
    assert path.stat().st_size < 2 * (1 << SHAPE.bits) + 500
    texts = pa.array(FLAVOURS)
    assert np.abs(again.probabilities(texts) - model.probabilities(texts)).max() < 0.01


def test_what_is_no_model_is_told(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    whole = linear.to_bytes(trained().model)
    header = json.dumps({"weights": {"dtype": "F16", "shape": [2], "data_offsets": [0, 4]}}).encode()
    for broken in (b"", whole[:100], whole[:-2], struct.pack("<Q", len(header)) + header + bytes(4)):
        path.write_bytes(broken)
        with pytest.raises(UserError, match="no linear model that can be read"):
            linear.load(path)
    path.write_bytes(whole.replace(b'\\"bits\\": 12', b'\\"bits\\": 11'))
    with pytest.raises(UserError, match=r"4096 weights, not 2\^11"):
        linear.load(path)


@given(
    st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2).filter(
        lambda rows: len({label for _, label in rows}) == 2
    )
)
def test_the_area_under_the_curve_is_scikit_learns(rows: list[tuple[int, bool]]) -> None:
    scores, labels = np.array([score for score, _ in rows], float), np.array([label for _, label in rows])
    assert linear.auc(scores, labels) == pytest.approx(roc_auc_score(labels, scores))


def test_equal_texts_lie_in_one_fold() -> None:
    folds = linear.folds_of(pa.array(["a", "b", "a", *map(str, range(500))]))
    assert folds[0] == folds[2]
    assert np.bincount(folds).min() > 60
