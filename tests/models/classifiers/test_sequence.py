"""A classifier of whole texts in a folder: what it needs, and what is told where that is missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from safetensors.torch import load_file, save_file

from adaptline.core.sources import Folder, find_folder
from adaptline.errors import UserError
from adaptline.models.classifiers.sequence import labels_of, sequence

TEXTS = ["please book a table", "soup", "cancel the refund for me today"]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return tiny.write_classifier(tmp_path / "model", ["fine", "rude"])


def changed(folder: Folder) -> Folder:
    return find_folder(folder.name, folder.path.parent)


def test_labels_in_order_and_their_probabilities(folder: Folder) -> None:
    assert labels_of(folder) == ["fine", "rude"]
    fine, rude = (sequence(TEXTS, folder=folder, labels=[label]) for label in ("fine", "rude"))
    assert [one + other for one, other in zip(fine, rude, strict=True)] == pytest.approx([1.0] * 3)
    assert sequence(TEXTS, folder=folder, labels=["rude"]) == rude
    assert sequence([], folder=folder, labels=["rude"]) == []


def test_labels_without_names_have_numbers(folder: Folder) -> None:
    path = folder.path / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({key: value for key, value in config.items() if key not in ("id2label", "label2id")}))
    assert labels_of(changed(folder)) == ["LABEL_0", "LABEL_1"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"id2label": {"fine": 0, "rude": 1}}, "does not say its labels"),
        ({"id2label": ["fine", "rude"]}, "does not say its labels"),
        ({"id2label": 3}, "does not say its labels"),
        ({"id2label": {}, "num_labels": "z"}, "does not say its labels"),
        ({"id2label": None, "num_labels": 200_000}, "does not say its labels"),
        ({"id2label": None, "num_labels": -1}, "does not say its labels"),
        ({"architectures": 5}, "no classifier of texts"),
        ({"architectures": "BertForSequenceClassification"}, "no classifier of texts"),
    ],
)
def test_a_config_of_another_make_is_told(folder: Folder, changes: dict[str, Any], told: str) -> None:
    path = folder.path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(UserError, match=told):
        labels_of(changed(folder))


def test_a_head_that_was_never_trained_is_refused(folder: Folder) -> None:
    weights = folder.path / "model.safetensors"
    rest = {name: tensor for name, tensor in load_file(weights).items() if not name.startswith("classifier.")}
    save_file(rest, weights, {"format": "pt"})
    with pytest.raises(UserError, match=r"weights are missing: classifier\.bias, classifier\.weight"):
        sequence(TEXTS, folder=changed(folder), labels=["rude"])


def test_other_weights_than_safetensors_are_refused(folder: Folder) -> None:
    weights = folder.path / "model.safetensors"
    torch.save(load_file(weights), folder.path / "pytorch_model.bin")
    weights.unlink()
    with pytest.raises(UserError, match="no weights in safetensors format"):
        sequence(TEXTS, folder=changed(folder), labels=["rude"])


def test_a_tokenizer_is_needed(folder: Folder) -> None:
    (folder.path / "tokenizer.json").unlink()
    with pytest.raises(UserError, match="no tokenizer"):
        sequence(TEXTS, folder=changed(folder), labels=["rude"])
