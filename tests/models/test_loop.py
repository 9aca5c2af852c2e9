from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import tiny
import torch
from hypothesis import given
from hypothesis import strategies as st

from adaptline.errors import RunError
from adaptline.models import setup
from adaptline.models.batches import epoch_steps, pad
from adaptline.models.checkpoint import Checkpoints
from adaptline.models.encoder import Classifier
from adaptline.models.examples import select_examples
from adaptline.models.labels import encode, labels_of
from adaptline.models.loop import best_epoch, fit, schedule
from adaptline.models.modules import head_parameters
from adaptline.models.runtime import deterministic
from adaptline.models.scoring import accuracy_and_loss, score

LABELS = sorted(tiny.TELLING)
SETTINGS: dict[str, Any] = {
    "seed": 3,
    "epochs": 3,
    "batch_size": 8,
    "accumulate": 1,
    "lr": 1e-3,
    "head_rate": 1.0,
    "warmup": 0.1,
    "weight_decay": 0.01,
    "patience": 0,
    "precision": "fp32",
}


@pytest.fixture(scope="module")
def examples(shards: tiny.Shards) -> pa.Table:
    return select_examples(shards.rows(tiny.records(72)), shards.read, ["train", "validation"])


@pytest.fixture(autouse=True)
def _deterministic() -> Iterator[None]:
    with deterministic(1):
        yield


def run(
    base: Path, examples: pa.Table, folder: Path, method: str = "full", **changed: Any
) -> tuple[Classifier, dict[str, Any], Classifier]:
    """The trained classifier, what fit tells, and the classifier before."""
    seconds, progress = changed.pop("seconds", 3600.0), changed.pop("progress", lambda *_: None)
    settings = SETTINGS | changed
    classifier = setup.trainable(base, tiny.use(method), LABELS, settings["seed"], 16)
    before = copy.deepcopy(classifier)
    checkpoints = Checkpoints(folder / "checkpoint", "a test", seconds)
    facts = fit(labels_of(classifier, examples), checkpoints=checkpoints, progress=progress, **settings)
    return classifier, facts, before


def parameters(classifier: Classifier) -> dict[str, torch.Tensor]:
    return {name: parameter.detach() for name, parameter in classifier.model.named_parameters()}


def farthest(first: Classifier, second: Classifier) -> float:
    """The largest difference of any parameter."""
    theirs = parameters(second)
    return max((value - theirs[name]).abs().max().item() for name, value in parameters(first).items())


def farthest_learned(first: Classifier, second: Classifier) -> float:
    """The same without biases of keys: softmax ignores them, so their gradient is rounding alone, and Adam enlarges it."""
    theirs = parameters(second)
    kept = {name: value for name, value in parameters(first).items() if "key.bias" not in name}
    return max((value - theirs[name]).abs().max().item() for name, value in kept.items())


def test_it_learns(base: Path, shards: tiny.Shards, tmp_path: Path) -> None:
    many = select_examples(shards.rows(tiny.records(256, seed=1)), shards.read, ["train", "validation"])
    _, facts, _ = run(base, many, tmp_path, epochs=8, lr=3e-3)
    assert facts["losses"][0] > 0.9
    assert facts["epochs"][-1]["train_loss"] < 0.2
    assert max(look["validation_accuracy"] for look in facts["epochs"]) > 0.9


def test_three_steps_by_hand(still_base: Path, examples: pa.Table, tmp_path: Path) -> None:
    """Against a loop written out: AdamW without decay of vectors, clipped to norm 1, warmed up and decayed linearly."""
    three = examples.filter(
        pa.array([i < 24 or split != "train" for i, split in enumerate(examples["split"].to_pylist())])
    )
    trained, facts, before = run(still_base, three, tmp_path, epochs=1, weight_decay=0.1, warmup=0.5)
    training = encode(before, three, "train")
    steps = epoch_steps([len(row) for row in training.tokens], seed=3, epoch=0, batch_size=8, accumulate=1)
    assert len(steps) == 3
    own = dict(before.model.named_parameters())
    groups = [
        {"params": [p for p in own.values() if p.dim() > 1], "weight_decay": 0.1},
        {"params": [p for p in own.values() if p.dim() <= 1], "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, foreach=False)
    before.model.train()
    for (rows,), rate in zip(steps, (0.5e-3, 1e-3, 1e-3), strict=True):
        for group in optimiser.param_groups:
            group["lr"] = rate
        batch = pad([training.tokens[row] for row in rows], 0)
        targets = torch.tensor([training.labels[row] for row in rows])
        loss = torch.nn.functional.cross_entropy(before.model(**batch).logits, targets)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(list(own.values()), 1.0)
        optimiser.step()
        assert facts["losses"].pop(0) == pytest.approx(loss.item(), abs=1e-5)
    assert farthest_learned(trained, before) < 1e-5


@pytest.mark.parametrize(("batch_size", "accumulate"), [(8, 2), (4, 4), (1, 16)])
def test_accumulating_equals_larger_batches(
    still_base: Path, examples: pa.Table, tmp_path: Path, batch_size: int, accumulate: int
) -> None:
    whole, facts, before = run(still_base, examples, tmp_path / "whole", epochs=1, batch_size=16)
    parts, pieces, _ = run(
        still_base, examples, tmp_path / "parts", epochs=1, batch_size=batch_size, accumulate=accumulate
    )
    assert pieces["losses"] == pytest.approx(facts["losses"], abs=1e-5)
    assert farthest_learned(whole, parts) < 2e-5
    assert farthest_learned(whole, before) > 1e-3


def test_the_same_seed_gives_the_same_bits_and_another_does_not(base: Path, examples: pa.Table, tmp_path: Path) -> None:
    first, facts, _ = run(base, examples, tmp_path / "first")
    second, again, _ = run(base, examples, tmp_path / "second")
    other, _, _ = run(base, examples, tmp_path / "other", seed=4)
    assert facts == again
    assert farthest(first, second) == 0
    assert farthest(first, other) > 0


def test_randomness_outside_changes_nothing(base: Path, examples: pa.Table, tmp_path: Path) -> None:
    def draw(*_: object) -> None:
        torch.rand(5)

    first, _, _ = run(base, examples, tmp_path / "first", method="lora")
    second, _, _ = run(base, examples, tmp_path / "second", method="lora", progress=draw)
    assert farthest(first, second) == 0


@pytest.mark.parametrize("method", ["head", "lora"])
def test_only_what_is_trainable_changes(base: Path, examples: pa.Table, tmp_path: Path, method: str) -> None:
    trained, _, before = run(base, examples, tmp_path, method=method, epochs=1)
    old = parameters(before)
    for name, parameter in trained.model.named_parameters():
        moved = not torch.equal(parameter, old[name])
        assert moved == parameter.requires_grad, name


def test_the_head_learns_at_its_own_rate(base: Path, examples: pa.Table, tmp_path: Path) -> None:
    """The first step of Adam moves every weight that has a gradient by its learning rate."""
    eight = examples.filter(
        pa.array([i < 8 or split != "train" for i, split in enumerate(examples["split"].to_pylist())])
    )
    trained, facts, before = run(
        base, eight, tmp_path, epochs=1, warmup=0.0, weight_decay=0.0, lr=1e-4, head_rate=20.0, batch_size=16
    )
    assert facts["learning_rates"] == [1e-4]
    new, old, head = parameters(trained), parameters(before), head_parameters(before.model)
    farthest = {name: (new[name] - old[name]).abs().max().item() for name in new}
    assert farthest["classifier.weight"] == pytest.approx(2e-3, rel=0.01)
    assert farthest["bert.pooler.dense.weight"] == pytest.approx(2e-3, rel=0.01)
    assert max(moved for name, moved in farthest.items() if name not in head) == pytest.approx(1e-4, rel=0.01)


def test_the_best_epoch_is_kept(base: Path, examples: pa.Table, tmp_path: Path) -> None:
    trained, facts, _ = run(base, examples, tmp_path, epochs=6, lr=2e-2)
    looks = facts["epochs"]
    assert facts["best_epoch"] < 6, "the case is not one: the last epoch is the best"
    validation = encode(trained, examples, "validation")
    accuracy, loss = accuracy_and_loss(score(trained, validation.tokens), validation.labels)
    best = looks[facts["best_epoch"] - 1]
    assert (accuracy, loss) == (best["validation_accuracy"], best["validation_loss"])
    assert accuracy == max(look["validation_accuracy"] for look in looks)


def look(accuracy: float, loss: float) -> dict[str, float]:
    return {"validation_accuracy": accuracy, "validation_loss": loss}


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        ([look(0.5, 1.0)], 0),
        ([look(0.5, 1.0), look(0.6, 2.0), look(0.4, 0.1)], 1),  # accuracy first
        ([look(0.6, 1.0), look(0.6, 0.9), look(0.6, 1.1)], 1),  # then loss
        ([look(0.6, 1.0), look(0.6, 1.0)], 0),  # then the earlier
    ],
)
def test_which_epoch_is_best(looks: list[dict[str, float]], expected: int) -> None:
    assert best_epoch(looks) == expected


def test_patience(base: Path, examples: pa.Table, tmp_path: Path) -> None:
    _, facts, _ = run(base, examples, tmp_path / "one", epochs=12, lr=2e-2, patience=1)
    assert facts["stopped_early"]
    assert len(facts["epochs"]) == facts["best_epoch"] + 1 < 12
    _, endless, _ = run(base, examples, tmp_path / "none", epochs=6, lr=2e-2, patience=0)
    assert len(endless["epochs"]) == 6
    assert not endless["stopped_early"]


@given(st.integers(1, 500), st.floats(0, 0.99))
def test_the_schedule_rises_to_one_and_falls_without_reaching_zero(total: int, warmup: float) -> None:
    rates = [schedule(step, total, warmup) for step in range(total)]
    rising = math.ceil(total * warmup)
    assert rates[:rising] == sorted(rates[:rising])
    assert rates[rising:] == sorted(rates[rising:], reverse=True)
    assert 0 < min(rates) <= max(rates) == 1
    assert sum(rates) == pytest.approx(total / 2 + 0.5 if rising < total else (total + 1) / 2, abs=0.51)


def test_the_schedule() -> None:
    assert [schedule(step, 6, 0.3) for step in range(6)] == [0.5, 1.0, 1.0, 0.75, 0.5, 0.25]
    assert [schedule(step, 2, 0.0) for step in range(2)] == [1.0, 0.5]


def test_a_loss_that_is_no_number_ends_the_run(base: Path, examples: pa.Table, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"the (validation )?loss is (nan|inf) after \d+ steps; lower lr"):
        run(base, examples, tmp_path, lr=1e38)


class Stopped(Exception):  # noqa: N818 - nothing is wrong
    """The test stops the loop here."""


@pytest.mark.parametrize(("method", "precision"), [("full", "fp32"), ("lora", "fp32"), ("lora", "bf16")])
@pytest.mark.parametrize("stop", [[1], [7], [2, 9, 17], list(range(1, 21))])
def test_going_on_from_a_checkpoint_changes_no_bit(
    base: Path, examples: pa.Table, tmp_path: Path, method: str, precision: str, stop: list[int]
) -> None:
    """Stopped at optimiser steps, in the middle and at the ends of epochs (7 steps each), and started again each time."""
    given = {"method": method, "precision": precision}
    undisturbed, expected, _ = run(base, examples, tmp_path / "undisturbed", **given)
    assert len(expected["losses"]) == 21

    for step in stop:

        def progress(done: int, *_: object, step: int = step) -> None:
            if done == step:
                raise Stopped

        with pytest.raises(Stopped):
            run(base, examples, tmp_path / "stopped", progress=progress, seconds=0.0, **given)
    resumed, facts, _ = run(base, examples, tmp_path / "stopped", **given)
    assert facts["resumed_from_step"] == stop[-1]
    assert expected["resumed_from_step"] == 0
    assert {**facts, "resumed_from_step": 0} == expected
    assert farthest(undisturbed, resumed) == 0


def test_a_finished_training_is_not_repeated(base: Path, examples: pa.Table, tmp_path: Path) -> None:
    first, expected, _ = run(base, examples, tmp_path, patience=1, epochs=12, lr=2e-2)
    steps: list[int] = []
    second, facts, _ = run(
        base, examples, tmp_path, patience=1, epochs=12, lr=2e-2, progress=lambda done, *_: steps.append(done)
    )
    assert steps == []
    assert facts["resumed_from_step"] == len(expected["losses"])
    assert facts["epochs"] == expected["epochs"]
    assert farthest(first, second) == 0


def test_checkpoints_are_rare_unless_they_are_due(base: Path, examples: pa.Table, tmp_path: Path) -> None:
    written: set[int] = set()

    def progress(*_: object) -> None:
        written.update(path.stat().st_mtime_ns for path in tmp_path.glob("checkpoint/now-*"))

    run(base, examples, tmp_path, progress=progress)
    assert len(written) == 2  # seen during epochs 2 and 3: those at the end of epochs 1 and 2


def test_progress_tells_epoch_loss_and_validation(base: Path, examples: pa.Table, tmp_path: Path) -> None:
    told: list[tuple[int, int, str]] = []
    run(base, examples, tmp_path, epochs=2, progress=lambda *of: told.append(of))
    assert [done for done, _, _ in told] == list(range(1, 15))
    assert {total for _, total, _ in told} == {14}
    assert told[0][2].startswith("epoch 1 · loss 1.")
    assert told[-1][2].startswith("epoch 2 · loss ")
    assert " · validation 0." in told[-1][2]
