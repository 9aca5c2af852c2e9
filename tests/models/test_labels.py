from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest
import tiny
import torch

from adaptline.errors import RunError
from adaptline.models import setup
from adaptline.models.examples import select_examples
from adaptline.models.labels import Examples, encode, labels_of

LABELS = sorted(tiny.TELLING)


@pytest.fixture(scope="module")
def examples(shards: tiny.Shards) -> pa.Table:
    return select_examples(shards.rows(tiny.records(72)), shards.read, ["train", "validation"])


def test_examples_hold_tokens_and_numbers(base: Path, examples: pa.Table) -> None:
    classifier = setup.trainable(base, tiny.use("head"), LABELS[:2], 0, 16)
    found = encode(classifier, examples, "train")
    assert isinstance(found, Examples)
    assert len(found.tokens) == len(found.labels) == 54
    assert set(found.labels) == {0, 1, -1}


def test_rows_as_numbers(base: Path, shards: tiny.Shards) -> None:
    rows = shards.rows(
        [{"text": "soup", "label": "food", "split": "train"}, {"text": "off", "label": "?", "split": "test"}]
    )
    found = select_examples(rows, shards.read, ["train", "test"])
    classifier = setup.trainable(base, tiny.use("head"), LABELS, 0, 16)
    assert encode(classifier, found, "train").labels == [2]
    test = encode(classifier, found, "test")
    assert (test.labels, test.tokens) == ([-1], classifier.tokens(["off"]))


def test_a_lesson_tells_lengths_weights_and_what_is_new(base: Path, examples: pa.Table) -> None:
    lesson = labels_of(setup.trainable(base, tiny.use("lora"), LABELS[:2], 0, 16), examples)
    assert lesson.lengths == [len(row) for row in lesson.training.tokens]
    assert lesson.weight(0) == 1
    assert all("pooler" in name or "classifier" in name for name in lesson.faster())
    assert lesson.facts() == {"validation_of_unseen_labels": lesson.validation.labels.count(-1)}
    assert lesson.outcome().numbers.shape == (9, 2)
    assert lesson.outcome().choices.tolist() == lesson.outcome().numbers.argmax(1).tolist()


def test_what_was_saved_must_read_rows_as_before(base: Path, examples: pa.Table, tmp_path: Path) -> None:
    lesson = labels_of(setup.trainable(base, tiny.use("full"), LABELS[:2], 0, 16), examples)
    lesson.save(tmp_path, "base")
    assert torch.equal(lesson.reloaded(tmp_path, base).outcome().numbers, lesson.outcome().numbers)
    tokenizer = tmp_path / "tokenizer.json"
    facts = json.loads(tokenizer.read_text())
    vocabulary = facts["model"]["vocab"]
    used = lesson.classifier.tokenizer.convert_ids_to_tokens(lesson.validation.tokens[0][1])
    other = next(word for word in vocabulary if word.isalpha() and word != used)
    vocabulary[used], vocabulary[other] = vocabulary[other], vocabulary[used]
    tokenizer.write_text(json.dumps(facts))
    with pytest.raises(RunError, match="reads validation row 0 otherwise"):
        lesson.reloaded(tmp_path, base)
