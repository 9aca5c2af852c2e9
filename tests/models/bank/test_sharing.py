from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from peft import LoraConfig, TaskType, get_peft_model
from torch import nn

from adaptline.models import export
from adaptline.models.bank.sharing import share, weights_of
from adaptline.models.bank.worker import Classifying
from adaptline.models.encoder import Classifier, load_base
from adaptline.models.modules import head_modules, linear_modules
from adaptline.models.runtime import quiet
from adaptline.models.scoring import score
from adaptline.models.setup import trainable

TEXTS = ["soup please", "cancel the table", "we would like seats for the salad and bread today"]
LABELS = {"lora": ["book", "cancel", "food"], "few": ["book", "food"], "head": ["book", "cancel", "food"]}
QUERY = "bert.encoder.layer.0.attention.self.query.weight"


def moved(classifier: Classifier, seed: int) -> Classifier:
    """Every trainable weight by chance, as if trained."""
    chance = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in classifier.model.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn(parameter.shape, generator=chance), alpha=0.3)
    return classifier


def with_biases(base: Path) -> Classifier:
    """One whose adapter changes the base's own biases, as PEFT can."""
    classifier = load_base(base, LABELS["lora"], 16)
    model: Any = classifier.model
    config = LoraConfig(
        task_type=TaskType.SEQ_CLS,
        r=2,
        bias="lora_only",
        target_modules=linear_modules(model),
        modules_to_save=head_modules(model),
    )
    with quiet():
        return Classifier(get_peft_model(model, config), classifier.tokenizer, classifier.labels, 16)


@pytest.fixture(scope="module")
def folders(base: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Releases on one base: adapters of unlike layers and labels, one that changes biases, and a whole model."""
    made = {
        "whole": trainable(base, tiny.use("full"), LABELS["lora"], 0, 16),
        "lora": trainable(base, tiny.use("lora", rank=2), LABELS["lora"], 1, 16),
        "few": trainable(base, tiny.use("lora", rank=3, targets=["query", "value"]), LABELS["few"], 2, 16),
        "head": trainable(base, tiny.use("head"), LABELS["head"], 3, 16),
        "biases": with_biases(base),
    }
    found = {name: tmp_path_factory.mktemp(name) for name in made}
    for seed, (name, classifier) in enumerate(made.items()):
        export.save_trained(moved(classifier, seed), found[name], "models/tiny")
    return found


@pytest.fixture
def told() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def worker(base: Path, folders: dict[str, Path], told: list[dict[str, Any]]) -> Classifying:
    found = Classifying(base, 8, told.append)
    for name, folder in folders.items():
        found.add(name, folder)
    return found


def answers(worker: Classifying, told: list[dict[str, Any]], name: str) -> list[list[tuple[str, float]]]:
    told.clear()
    worker.take({"id": "1", "name": name, "texts": TEXTS})
    worker.step()
    (line,) = told
    found: list[list[tuple[str, float]]] = line["labels"]
    return found


def without_sharing(folder: Path, base: Path) -> list[list[tuple[str, float]]]:
    classifier = export.load_trained(folder, base)
    shares = score(classifier, classifier.tokens(TEXTS)).double().softmax(1).tolist()
    return [sorted(zip(classifier.labels, row, strict=True), key=lambda pair: pair[1], reverse=True) for row in shares]


def places(worker: Classifying, name: str) -> dict[str, int]:
    """Name of a parameter, as the base has it where it is wrapped -> where its storage is."""
    model: Any = worker._classifiers[name].model
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    return {
        found.replace(".base_layer.", "."): parameter.untyped_storage().data_ptr()
        for found, parameter in inner.named_parameters()
    }


def test_answers_are_those_of_models_that_share_nothing(
    worker: Classifying, folders: dict[str, Path], base: Path, told: list[dict[str, Any]]
) -> None:
    found = {name: answers(worker, told, name) for name in folders}
    assert found == {name: without_sharing(folder, base) for name, folder in folders.items()}
    assert len({str(one) for one in found.values()}) == len(folders)


def test_the_encoder_is_there_once_and_what_was_trained_for_each(worker: Classifying) -> None:
    at = {name: places(worker, name) for name in ("lora", "few", "head")}
    for one, other in (("lora", "few"), ("lora", "head")):
        encoder = {name for name in at[one] if name.startswith("bert.") and name in at[other]}
        encoder = {name for name in encoder if "lora_" not in name and ".modules_to_save." not in name}
        assert len(encoder) > 30
        assert all(at[one][name] == at[other][name] for name in encoder)
        trained = [{at[name][of] for of in at[name] if ".modules_to_save." in of or "lora_" in of} for name in at]
        assert not set.intersection(*trained)


def test_one_release_more_takes_the_memory_of_its_adapter_and_head(
    base: Path, folders: dict[str, Path], told: list[dict[str, Any]]
) -> None:
    def held(worker: Classifying) -> int:
        storages = {
            parameter.untyped_storage().data_ptr(): parameter.untyped_storage().nbytes()
            for classifier in worker._classifiers.values()
            for parameter in classifier.model.parameters()
        }
        return sum(storages.values())

    worker = Classifying(base, 8, told.append)
    worker.add("first", folders["few"])
    before = held(worker)
    for number in range(4):
        worker.add(str(number), folders["few"])
    saved = (folders["few"] / "adapter_model.safetensors").stat().st_size
    assert held(worker) - before < 4 * 1.2 * saved < before


def test_what_a_training_changed_is_its_own(worker: Classifying) -> None:
    assert not set(places(worker, "whole").values()) & set(places(worker, "lora").values())
    biased, other = places(worker, "biases"), places(worker, "lora")
    assert biased[QUERY] == other[QUERY]
    assert biased[QUERY.replace("weight", "bias")] != other[QUERY.replace("weight", "bias")]


@pytest.mark.parametrize(
    "order", [["lora", "whole", "few", "biases", "head"], ["biases", "head", "few", "lora", "whole"]]
)
def test_the_others_stay_right_when_one_goes(
    base: Path, folders: dict[str, Path], told: list[dict[str, Any]], order: list[str]
) -> None:
    """Whichever came first, and whichever goes."""
    expected = {name: without_sharing(folder, base) for name, folder in folders.items()}
    worker = Classifying(base, 8, told.append)
    for name in order:
        worker.add(name, folders[name])
    while order:
        assert all(answers(worker, told, name) == expected[name] for name in order)
        worker.drop(order.pop(0))
    worker.add("lora", folders["lora"])
    assert answers(worker, told, "lora") == expected["lora"]


def test_weights_that_only_seem_to_be_the_same() -> None:
    """Zeros of another sign, another kind of number, another shape."""
    base, model = nn.Linear(3, 2), nn.Linear(3, 2)
    with torch.no_grad():
        base.weight.zero_()
        model.weight.fill_(-0.0)
        model.bias.copy_(base.bias)
    share(model, weights_of(base))
    assert model.bias is base.bias
    assert torch.signbit(model.weight).all()
    assert model.weight.data_ptr() != base.weight.data_ptr()
    for other in (nn.Linear(3, 2).half(), nn.Linear(2, 3)):
        before = other.weight.data_ptr()
        share(other, weights_of(base))
        assert other.weight.data_ptr() == before
