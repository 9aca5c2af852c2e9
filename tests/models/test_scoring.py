from __future__ import annotations

from pathlib import Path

import pytest
import sklearn.metrics
import torch

from adaptline.models.encoder import Classifier, load_base
from adaptline.models.scoring import UNSEEN, accuracy_and_loss, numbers_of, score

TEXTS = [
    "soup",
    "please reserve a table for me and we would like the bread",
    "cancel",
    "off and the seats",
    "a a a a a",
]


@pytest.fixture(scope="module")
def classifier(base: Path) -> Classifier:
    torch.manual_seed(0)
    return load_base(base, ["book", "cancel", "food"], max_tokens=16)


def test_scores_stand_in_the_order_of_the_rows(classifier: Classifier) -> None:
    tokens = classifier.tokens(TEXTS)
    together = score(classifier, tokens, batch_size=2)
    assert together.shape == (5, 3)
    assert together.dtype == torch.float32
    alone = torch.cat([score(classifier, [row]) for row in tokens])
    assert torch.allclose(together, alone, atol=1e-6)
    assert not torch.allclose(together, together.flip(0), atol=1e-3)


def test_padding_changes_no_score(classifier: Classifier) -> None:
    tokens = classifier.tokens(TEXTS)
    assert torch.allclose(score(classifier, tokens, batch_size=5), score(classifier, tokens, batch_size=1), atol=1e-6)


def test_no_dropout_while_scoring(classifier: Classifier) -> None:
    classifier.model.train()
    tokens = classifier.tokens(TEXTS)
    assert torch.equal(score(classifier, tokens), score(classifier, tokens))


def test_bf16_is_near_and_not_the_same(classifier: Classifier) -> None:
    tokens = classifier.tokens(TEXTS)
    exact, rough = score(classifier, tokens), score(classifier, tokens, precision="bf16")
    assert rough.dtype == torch.float32
    assert 0 < (exact - rough).abs().max() < 0.05
    assert all(parameter.dtype == torch.float32 for parameter in classifier.model.parameters())


def test_accuracy_and_loss_as_scikit_learn_has_them() -> None:
    scores = torch.randn((50, 4), generator=torch.Generator().manual_seed(1))
    labels = [number % 4 for number in range(50)]
    accuracy, loss = accuracy_and_loss(scores, labels)
    assert accuracy == sklearn.metrics.accuracy_score(labels, scores.argmax(1))
    assert loss == pytest.approx(sklearn.metrics.log_loss(labels, scores.double().softmax(1)), rel=1e-6)


def test_a_label_never_seen_is_wrong_and_has_no_loss() -> None:
    scores = torch.tensor([[5.0, 0.0], [5.0, 0.0]])
    accuracy, loss = accuracy_and_loss(scores, [0, UNSEEN])
    assert accuracy == 0.5
    assert loss == accuracy_and_loss(scores[:1], [0])[1]


def test_numbers_of_labels(classifier: Classifier) -> None:
    assert numbers_of(classifier, ["food", "book", "taxi"]) == [2, 0, UNSEEN]
