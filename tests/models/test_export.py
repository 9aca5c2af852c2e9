from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import tiny
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from adaptline.errors import RunError, UserError
from adaptline.models.encoder import Classifier
from adaptline.models.export import TOLERANCE, load_trained, needs_base, prove, save_trained, write_json
from adaptline.models.lesson import Outcome
from adaptline.models.runtime import quiet
from adaptline.models.scoring import score
from adaptline.models.setup import trainable

LABELS = ["book", "cancel", "food"]
TEXTS = ["soup please", "cancel the table", "we would like seats for the salad and bread today"]
METHODS = ["head", "lora", "full"]


def perturbed(base: Path, method: str) -> Classifier:
    """A classifier whose every trainable weight was moved, as if trained."""
    classifier = trainable(base, tiny.use(method), LABELS, 0, 16)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in classifier.model.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.1)
    return classifier


@pytest.fixture(scope="module", params=METHODS)
def saved(
    request: pytest.FixtureRequest, base: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Classifier, Path]:
    folder = tmp_path_factory.mktemp(request.param)
    classifier = perturbed(base, request.param)
    save_trained(classifier, folder, "models/tiny")
    return classifier, folder


def scores_by_hand(base: Path, folder: Path) -> torch.Tensor:
    """As anybody would use the folder: transformers, PEFT, and nothing of ours."""
    facts = json.loads((folder / "labels.json").read_text())
    with quiet():
        if (folder / "adapter_config.json").exists():
            tokenizer = AutoTokenizer.from_pretrained(base)
            model = AutoModelForSequenceClassification.from_pretrained(base, num_labels=len(facts["labels"]))
            model = PeftModel.from_pretrained(model, folder)
        else:
            tokenizer, model = (
                AutoTokenizer.from_pretrained(folder),
                AutoModelForSequenceClassification.from_pretrained(folder),
            )
    model.eval()
    with torch.no_grad():
        return torch.cat(
            [model(**tokenizer(text, return_tensors="pt", return_token_type_ids=False)).logits for text in TEXTS]
        )


def test_plain_peft_and_transformers_read_it(saved: tuple[Classifier, Path], base: Path) -> None:
    classifier, folder = saved
    expected = score(classifier, classifier.tokens(TEXTS))
    assert torch.allclose(scores_by_hand(base, folder), expected, atol=1e-5)


def test_there_and_back(saved: tuple[Classifier, Path], base: Path) -> None:
    classifier, folder = saved
    found = load_trained(folder, base)
    assert (found.labels, found.max_tokens) == (classifier.labels, 16)
    tokens = classifier.tokens(TEXTS)
    assert found.tokens(TEXTS) == tokens
    assert torch.equal(score(found, tokens), score(classifier, tokens))


def test_a_model_knows_its_labels_by_name(base: Path, tmp_path: Path) -> None:
    save_trained(perturbed(base, "full"), tmp_path, "tiny")
    assert json.loads((tmp_path / "config.json").read_text())["id2label"] == {"0": "book", "1": "cancel", "2": "food"}


def test_no_file_holds_a_path_or_pickle(saved: tuple[Classifier, Path], base: Path) -> None:
    _, folder = saved
    for path in folder.rglob("*"):
        assert path.suffix in (".json", ".safetensors")
        data = path.read_bytes()
        assert str(base.parent).encode() not in data, path.name
        assert str(folder).encode() not in data, path.name


def test_an_adapter_names_its_base_as_the_recipe_does(base: Path, tmp_path: Path) -> None:
    save_trained(perturbed(base, "lora"), tmp_path, "models/tiny")
    config = json.loads((tmp_path / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "models/tiny"
    assert config["inference_mode"] is True
    assert config["modules_to_save"] == ["bert.pooler", "classifier", "score"]
    assert config["target_modules"] == sorted(config["target_modules"])


def test_an_adapter_holds_the_adapter_and_not_the_base(base: Path, tmp_path: Path) -> None:
    save_trained(perturbed(base, "head"), tmp_path, "tiny")
    tensors = load_file(tmp_path / "adapter_model.safetensors")
    assert sum(tensor.numel() for tensor in tensors.values()) == 32 * 32 + 32 + 3 * 32 + 3 + 2 * 32
    assert {name.removeprefix("base_model.model.") for name in tensors if "lora" not in name} == {
        f"{module}.{part}" for module in ("classifier", "bert.pooler.dense") for part in ("weight", "bias")
    }


def test_the_same_model_gives_the_same_bytes(saved: tuple[Classifier, Path], tmp_path: Path) -> None:
    classifier, folder = saved
    save_trained(classifier, tmp_path, "models/tiny")
    assert tiny.payload(tmp_path) == tiny.payload(folder)


@pytest.mark.parametrize("method", METHODS)
def test_saving_is_silent_and_asks_no_hub(
    base: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], method: str
) -> None:
    """A base's name may be that of a hub's repository; looking it up would warn or hang without a network."""
    save_trained(perturbed(base, method), tmp_path, "somebody/some-model")
    load_trained(tmp_path, base)
    assert capfd.readouterr() == ("", "")


def test_which_folder_needs_a_base(saved: tuple[Classifier, Path]) -> None:
    classifier, folder = saved
    assert needs_base(folder) == isinstance(classifier.model, PeftModel)


def test_a_folder_that_is_no_classifier(base: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no labels\.json: not a trained classifier"):
        load_trained(tmp_path, base)


def test_only_our_kinds_of_model_are_saved(base: Path, tmp_path: Path) -> None:
    classifier = perturbed(base, "full")
    other = Classifier(torch.nn.Linear(2, 2), classifier.tokenizer, classifier.labels, 16)
    with pytest.raises(TypeError, match="Linear"):
        save_trained(other, tmp_path, "tiny")


def outcome(scores: torch.Tensor) -> Outcome:
    return Outcome(scores, scores.argmax(1))


SCORES = torch.tensor([[1.0, 2.0], [3.0, 0.5]])


def test_a_proof_states_what_it_saw() -> None:
    found = prove(outcome(SCORES + 5e-6), outcome(SCORES), outcome(SCORES - 1))
    assert found["rows"] == 2
    assert found["same_predictions"] is True
    assert 0 < found["max_difference"] <= TOLERANCE
    assert found["changed_by_training"] == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(
    ("saved_scores", "untrained", "message"),
    [
        (SCORES + 2e-5, SCORES - 1, "is not the trained one: read back, its scores differ by up to 2e-05"),
        (SCORES * float("nan"), SCORES - 1, "is not the trained one"),
        (SCORES, SCORES, "the training changed nothing"),
        (SCORES, SCORES + 5e-6, "the training changed nothing"),
        (SCORES, SCORES * float("nan"), "the training changed nothing"),
    ],
)
def test_a_proof_that_fails(saved_scores: torch.Tensor, untrained: torch.Tensor, message: str) -> None:
    with pytest.raises(RunError, match=message):
        prove(outcome(saved_scores), outcome(SCORES), outcome(untrained))


def test_a_prediction_may_not_flip_even_within_rounding() -> None:
    near = torch.tensor([[1.0, 1.0 + 1e-6]])
    with pytest.raises(RunError, match="is not the trained one"):
        prove(outcome(torch.tensor([[1.0 + 2e-6, 1.0]])), outcome(near), outcome(near - 1))


@pytest.mark.parametrize("lost", ["lora_A", "lora_B", "classifier", "pooler"])
def test_the_proof_sees_every_kind_of_loss(base: Path, tmp_path: Path, lost: str) -> None:
    classifier = perturbed(base, "lora")
    save_trained(classifier, tmp_path, "tiny")
    path = tmp_path / "adapter_model.safetensors"
    spoiled = {name: torch.zeros_like(value) if lost in name else value for name, value in load_file(path).items()}
    save_file(spoiled, path, {"format": "pt"})
    tokens = classifier.tokens(TEXTS)
    measured = score(classifier, tokens)
    with pytest.raises(RunError, match="is not the trained one"):
        prove(outcome(score(load_trained(tmp_path, base), tokens)), outcome(measured), outcome(measured - 1))


def test_json_is_sorted_and_has_no_nan(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"b": 1, "a": "ß"})
    assert (tmp_path / "a.json").read_text("utf-8") == '{\n "a": "ß",\n "b": 1\n}\n'
    with pytest.raises(ValueError, match="Out of range float"):
        write_json(tmp_path / "b.json", {"a": float("nan")})


def test_a_model_folder_stands_alone(base: Path, tmp_path: Path) -> None:
    classifier = perturbed(base, "full")
    (tmp_path / "made").mkdir()
    save_trained(classifier, tmp_path / "made", "tiny")
    moved = Path(shutil.move(tmp_path / "made", tmp_path / "moved"))
    tokens = classifier.tokens(TEXTS)
    assert torch.equal(score(load_trained(moved, tmp_path / "no such base"), tokens), score(classifier, tokens))
