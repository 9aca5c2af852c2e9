"""Embeddings: what the encoder's states say, by one way of pooling, and nothing of what is computed beside a text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoTokenizer

from adaptline.errors import UserError
from adaptline.models.embedding import Pooling, load_encoder

TEXTS = [
    "book a table please",
    "table",
    "would like soup",
    "soup for me today and bread",
    "refund",
    "the the the the",
    "off",
]


def test_an_embedding_is_the_mean_of_the_last_states(base: Path) -> None:
    model: Any = AutoModel.from_pretrained(base)  # in evaluation mode
    tokenizer = AutoTokenizer.from_pretrained(base)
    poolings: tuple[Pooling, ...] = ("mean", "cls")
    for pooling in poolings:
        found, cut = load_encoder(base).embed(TEXTS, pooling)
        for text, vector in zip(TEXTS, found, strict=True):
            with torch.inference_mode():
                states = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
            wanted = states.mean(0) if pooling == "mean" else states[0]
            np.testing.assert_allclose(vector, (wanted / wanted.norm()).numpy(), atol=1e-5)
        assert cut == [False] * len(TEXTS)


def test_no_bit_of_it_depends_on_what_is_computed_beside_it(base: Path) -> None:
    encoder = load_encoder(base)
    together, _ = encoder.embed(TEXTS * 30)
    alone = np.concatenate([encoder.embed([text])[0] for text in TEXTS])
    assert (together == np.tile(alone, (30, 1))).all()


def test_an_encoder_that_lacks_weights_is_told(base: Path, tmp_path: Path) -> None:
    for path in base.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    weights = load_file(base / "model.safetensors")
    del weights["encoder.layer.0.output.dense.weight"]
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(UserError, match=r"lacks weights: encoder\.layer\.0\.output"):
        load_encoder(tmp_path)


def test_cosines_are_those_of_the_vectors_whatever_stands_beside_a_pair(base: Path) -> None:
    encoder = load_encoder(base)
    pairs = [(one, other) for one in TEXTS for other in TEXTS[:4]]
    for pooling in ("mean", "cls"):
        vectors = dict(zip(TEXTS, encoder.embed(TEXTS, pooling)[0].astype(float), strict=True))
        wanted = [float(vectors[one] @ vectors[other]) for one, other in pairs]
        assert encoder.cosines(pairs, pooling) == pytest.approx(wanted, abs=1e-6)
        assert encoder.cosines(pairs[::-1], pooling) == [encoder.cosines([pair], pooling)[0] for pair in pairs[::-1]]
    assert encoder.cosines([(TEXTS[0], TEXTS[0])]) == [1.0]
    assert encoder.cosines([]) == []
