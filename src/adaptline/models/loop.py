"""The training loop: epochs of optimiser steps, a look at the validation rows after each, the best epoch kept.

Knows a model by its trainable parameters and a lesson by its loss. Knows nothing of adapters, files or recipes.
Everything random in a step follows from (seed, step), so a run that was killed goes on as if nothing had happened, bit
by bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from adaptline.errors import RunError
from adaptline.models.batches import epoch_steps
from adaptline.models.checkpoint import Checkpoint, Checkpoints
from adaptline.models.lesson import Lesson
from adaptline.models.runtime import derive_seed

_MAX_GRADIENT_NORM = 1.0  # as in BERT's fine-tuning (Devlin et al. 2019)

Facts = dict[str, Any]


def fit(
    lesson: Lesson,
    *,
    seed: int,
    epochs: int,
    batch_size: int,
    accumulate: int,
    lr: float,
    head_rate: float,
    warmup: float,
    weight_decay: float,
    patience: int,
    precision: str,
    checkpoints: Checkpoints,
    progress: Callable[[int, int, str], None],
) -> Facts:
    """Train the trainable parameters of a lesson's model; it ends with those of the best epoch.

    AdamW (Loshchilov & Hutter 2019) with a linear warm-up over the first `warmup` of all steps and a linear decay to
    zero; the head's learning rate is `head_rate` times as high. `patience` epochs without a better one (`best_epoch`)
    end the training; 0 never does.

    Returns:
        `losses` and `learning_rates` per optimiser step, `epochs` (train_loss, validation_loss, validation_accuracy),
        `best_epoch` (from 1), `stopped_early`, and `resumed_from_step`, the only one that depends on what happened to
        the process.

    Raises:
        RunError: a loss is not a finite number.
    """
    course = _Course(lesson, weight_decay, head_rate, checkpoints)
    resumed_from, looks = course.step, course.facts["epochs"]
    lengths = lesson.lengths
    steps_per_epoch = math.ceil(len(lengths) / (batch_size * accumulate))
    total = steps_per_epoch * epochs
    while len(looks) < epochs and not _out_of_patience(looks, patience):
        first = len(looks) * steps_per_epoch
        steps = epoch_steps(lengths, seed=seed, epoch=len(looks), batch_size=batch_size, accumulate=accumulate)
        for step in range(course.step, first + steps_per_epoch):
            torch.manual_seed(derive_seed(seed, "step", step))  # for dropout
            rate = lr * schedule(step, total, warmup)
            loss = course.learn(steps[step - first], rate, precision)
            progress(step + 1, total, _note(loss, looks))
        course.look(*lesson.look(precision), first)
    course.take_best()
    ended = {"best_epoch": best_epoch(looks) + 1, "stopped_early": len(looks) < epochs}
    return {**course.facts, **ended, "resumed_from_step": resumed_from}


def rest(lesson: Lesson, **_: Any) -> Facts:
    """What `fit` returns where nothing is to learn: the model as it is, with one look at it."""
    accuracy, loss = lesson.look()
    look = {"train_loss": None, "validation_loss": loss, "validation_accuracy": accuracy}
    facts = {"losses": [], "learning_rates": [], "epochs": [look], "best_epoch": 1, "stopped_early": False}
    return {**facts, "resumed_from_step": 0}


def schedule(step: int, total: int, warmup: float) -> float:
    """The factor of the peak learning rate at a step (from 0): up to 1 over the warm-up, then straight down to 0."""
    rising = math.ceil(total * warmup)
    if step < rising:
        return (step + 1) / rising
    return (total - step) / max(total - rising, 1)


def best_epoch(looks: Sequence[Facts]) -> int:
    """The number (from 0) of the best epoch: highest validation accuracy, then lowest validation loss, then earliest.

    Accuracy first, because it is what a model is chosen by; the loss tells epochs apart where a small validation split
    cannot.
    """
    return min(range(len(looks)), key=lambda e: (-looks[e]["validation_accuracy"], looks[e]["validation_loss"], e))


class _Course:
    """What a training changes: parameters, their optimiser, the facts of steps and epochs, the best epoch's parameters."""

    def __init__(self, lesson: Lesson, weight_decay: float, head_rate: float, checkpoints: Checkpoints) -> None:
        """Goes on from the checkpoint, if there is one."""
        self.lesson, self.model, self.checkpoints = lesson, lesson.model, checkpoints
        self.learning = {name: value for name, value in self.model.named_parameters() if value.requires_grad}
        self.optimiser = _optimiser(self.learning, lesson.faster(), weight_decay, head_rate)
        self.facts: Facts = {"losses": [], "learning_rates": [], "epochs": []}
        self.best: dict[str, torch.Tensor] = {}
        self.best_step = 0
        found = checkpoints.load()
        if found is not None:
            self._resume(found)

    @property
    def step(self) -> int:
        """Optimiser steps done."""
        return len(self.facts["losses"])

    def learn(self, batches: list[list[int]], rate: float, precision: str) -> float:
        """One optimiser step over the rows of the batches; their mean loss."""
        self.model.train()
        weight, total = sum(self.lesson.weight(row) for batch in batches for row in batch), 0.0
        for batch in batches:
            loss = self.lesson.loss(batch, precision) / weight
            torch.autograd.backward(loss)
            total += loss.item()
        self._refuse_infinite(total, "the loss")
        torch.nn.utils.clip_grad_norm_(self.learning.values(), _MAX_GRADIENT_NORM)
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["rate"]
        self.optimiser.step()
        self.optimiser.zero_grad()
        self.facts["losses"].append(total)
        self.facts["learning_rates"].append(rate)
        if self.checkpoints.due():
            self._save()
        return total

    def look(self, accuracy: float, loss: float, first: int) -> None:
        """End an epoch, whose steps began with `first`, by what the validation rows say of it."""
        self._refuse_infinite(loss, "the validation loss")
        losses = self.facts["losses"][first:]
        looks = self.facts["epochs"]
        mean = sum(losses) / len(losses)
        looks.append({"train_loss": mean, "validation_loss": loss, "validation_accuracy": accuracy})
        if best_epoch(looks) == len(looks) - 1:
            self.best, self.best_step = {name: p.detach().clone() for name, p in self.learning.items()}, self.step
        self._save()

    def take_best(self) -> None:
        """Give the model the best epoch's parameters."""
        _copy(self.best, self.learning)

    def _refuse_infinite(self, loss: float, which: str) -> None:
        if not math.isfinite(loss):
            raise RunError(
                f'{which} is {loss} after {self.step} steps; lower lr, or set precision = "fp32"', brief=True
            )

    def _save(self) -> None:
        now = {f"parameter.{name}": parameter.detach() for name, parameter in self.learning.items()}
        for name, parameter in self.learning.items():
            state = self.optimiser.state.get(parameter, {})
            now |= {f"{part}.{name}": value for part, value in state.items()}
        facts = {**self.facts, "best_step": self.best_step}
        self.checkpoints.save(Checkpoint(facts, now, self.best), step=self.step, best_step=self.best_step)

    def _resume(self, found: Checkpoint) -> None:
        self.best, self.best_step = found.best, found.facts.pop("best_step")
        self.facts = found.facts
        parts: dict[str, dict[str, torch.Tensor]] = {}
        for key, value in found.now.items():
            part, _, name = key.partition(".")
            parts.setdefault(name, {})[part] = value
        _copy({name: values.pop("parameter") for name, values in parts.items()}, self.learning)
        for name, values in parts.items():
            if values:  # a parameter that never had a gradient has no state
                self.optimiser.state[self.learning[name]] = values


def _optimiser(
    learning: Mapping[str, torch.nn.Parameter], head: set[str], weight_decay: float, head_rate: float
) -> torch.optim.AdamW:
    """AdamW; biases and normalisation scales, which are vectors, do not decay. `rate` multiplies a group's learning rate."""
    groups: dict[tuple[float, float], list[torch.nn.Parameter]] = {}
    for name, parameter in learning.items():
        kind = (head_rate if name in head else 1.0, weight_decay if parameter.dim() > 1 else 0.0)
        groups.setdefault(kind, []).append(parameter)
    described = [{"params": of, "rate": rate, "weight_decay": decay} for (rate, decay), of in groups.items()]
    return torch.optim.AdamW(described, fused=True)


def _copy(values: dict[str, torch.Tensor], parameters: dict[str, torch.nn.Parameter]) -> None:
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(values[name])


def _out_of_patience(looks: Sequence[Facts], patience: int) -> bool:
    return bool(looks) and patience > 0 and len(looks) - 1 - best_epoch(looks) >= patience


def _note(loss: float, looks: Sequence[Facts]) -> str:
    note = f"epoch {len(looks) + 1} · loss {loss:.2f}"
    return f"{note} · validation {looks[-1]['validation_accuracy']:.2f}" if looks else note
