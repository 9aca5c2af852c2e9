"""Pre-trains the small base model: `python pretrain.py [OUT] [--steps N] [--more FILE ...]`, on one core, in about an hour.

What it reads is made by texts.py; `--more` adds a share of plain text files. Killed, it goes on from its last state.
Knows steps, learning rates and files. The network is network.py's, the tokens are tokens.py's.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional
from transformers import PreTrainedTokenizerFast

sys.path += [str(Path(__file__).resolve().parent.parent / room) for room in ("world", "demo")]  # scripts are no package

import eateries
import network
import tokens
from draws import Draws
from texts import document

SEED = 0
PEAK_RATE, FINAL_SHARE, WARM_UP_STEPS = 2.5e-3, 0.02, 60
SHORT_SHARE = 0.6  # of the steps are 16 rows of 128 tokens, the rest 8 of 256: short ones do while it learns words
REPEATS_EARLY, REPEATS_LATE = 0.15, 0.04  # share of documents that are random tokens, said again and again
MORE_SHARE = 0.04  # of documents that come from the files of --more
SETTLED_STEP = 600  # from here on the layers set by hand may learn faster
BETAS, DECAY, CLIP = (0.9, 0.95), 0.1, 1.0
STATE_SECONDS, LOG_STEPS = 300, 100


def main() -> None:
    """Reads the command line and trains."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("out", nargs="?", type=Path, default=Path(__file__).with_name("model"))
    arguments.add_argument("--steps", type=int, default=6_000)
    arguments.add_argument("--more", type=Path, nargs="*", default=[])
    given = arguments.parse_args()
    torch.set_num_threads(1)
    given.out.mkdir(parents=True, exist_ok=True)
    more = [part.strip() for path in given.more for part in _read(path).split("\n\n") if part.strip()]
    tokenizer = tokens.train(document(Draws(SEED, "tokenizer", number)) for number in range(20_000))
    Training(given.out, tokenizer, more, given.steps).run()


class Training:
    """The weights, their optimiser and where the training stands."""

    def __init__(self, out: Path, tokenizer: PreTrainedTokenizerFast, more: list[str], steps: int) -> None:
        """Goes on from the state in `out`, if there is one."""
        self.out, self.tokenizer, self.more, self.steps = out, tokenizer, more, steps
        shapes = network.shapes(len(tokenizer))
        sizes = [math.prod(shape) for shape in shapes.values()]
        # All tensors lie in one: an optimiser's step is then a few long operations instead of many short ones.
        self.master, self.mean, self.square = (torch.zeros(sum(sizes)) for _ in range(3))
        self.half = torch.zeros(sum(sizes), dtype=torch.bfloat16)
        self.gradient = torch.zeros(sum(sizes), dtype=torch.bfloat16)
        pieces = {name: slice(end - size, end) for name, size, end in zip(shapes, sizes, _sums(sizes), strict=True)}
        self.pieces = pieces
        network.start(
            {name: self.master[where].view(shapes[name]) for name, where in pieces.items()},
            torch.Generator().manual_seed(SEED),
        )
        self.weights = {name: self.half[where].view(shapes[name]).requires_grad_() for name, where in pieces.items()}
        for name, where in pieces.items():
            self.weights[name].grad = self.gradient[where].view(shapes[name])
        self.decays = self._per_weight(lambda name: float("mlp" in name))
        self.paces = [self._per_weight(partial(network.pace, settled=settled)) for settled in (False, True)]
        self.tables = network.tables(torch.bfloat16)
        self.step, self.documents = 0, 0
        self._load()
        with torch.no_grad():
            self.half.copy_(self.master)

    def run(self) -> None:
        """All steps that are left; then the model's folder."""
        stream: Iterator[list[int]] = self._stream()
        waiting: list[int] = []
        _say(f"{len(self.master):,} parameters  {self._look()}")
        written, began, losses = time.monotonic(), time.monotonic(), []
        first = self.step
        while self.step < self.steps:
            rows, length = (16, 128) if self.step < SHORT_SHARE * self.steps else (8, 256)
            while len(waiting) < rows * (length + 1):
                waiting += next(stream)
            taken = torch.tensor(waiting[: rows * (length + 1)]).view(rows, length + 1)
            del waiting[: rows * (length + 1)]
            losses.append(self._learn(taken))
            if self.step % LOG_STEPS == 0:
                speed = (self.step - first) * 2048 / (time.monotonic() - began)
                loss = sum(losses) / len(losses)
                _say(f"step {self.step} of {self.steps}  loss {loss:.3f}  {self._look()}  {speed:,.0f} tokens/s")
                losses = []
            if time.monotonic() - written > STATE_SECONDS:
                self._save()
                written = time.monotonic()
        self._write_model()

    def _learn(self, taken: Tensor) -> float:
        logits = network.forward(self.weights, taken[:, :-1], self.tables)
        loss = functional.cross_entropy(logits.reshape(-1, logits.shape[-1]).float(), taken[:, 1:].reshape(-1))
        self.gradient.zero_()
        torch.autograd.backward(loss)
        self.step += 1
        rate = PEAK_RATE * min(1.0, self.step / WARM_UP_STEPS)
        rate *= FINAL_SHARE + (1 - FINAL_SHARE) * 0.5 * (1 + math.cos(math.pi * self.step / self.steps))
        pace = self.paces[self.step > SETTLED_STEP]
        with torch.no_grad():
            gradient = self.gradient.float()
            gradient *= min(1.0, CLIP / (float(gradient.norm()) + 1e-6))
            self.mean.lerp_(gradient, 1 - BETAS[0])
            self.square.mul_(BETAS[1]).addcmul_(gradient, gradient, value=1 - BETAS[1])
            spread = (self.square / (1 - BETAS[1] ** self.step)).sqrt_().add_(1e-8)
            self.master.addcmul_(self.master, self.decays, value=-rate * DECAY)
            self.master.addcdiv_(self.mean * pace, spread, value=-rate / (1 - BETAS[0] ** self.step))
            self.half.copy_(self.master)
        return loss.item()

    @torch.no_grad()
    def _look(self) -> str:
        """How well it copies: random tokens said twice, and the name of an unseen record, by its most likely tokens."""
        chance = torch.Generator().manual_seed(1)
        twice = torch.randint(3, len(self.tokenizer), (16, 40), generator=chance).repeat(1, 2)
        said = network.forward(self.weights, twice, self.tables).argmax(-1)
        repeats = (said[:, 40:-1] == twice[:, 41:]).float().mean().item()
        right = 0
        for number in range(32):
            values = eateries.record(Draws("look", number), demo=True)
            asked = f"{eateries.bracketed(values)}\nQ: What is it called?\nA:"
            before, name = (self.tokenizer.encode(text, add_special_tokens=False) for text in (asked, values["name"]))
            ids = torch.tensor([[self.tokenizer.bos_token_id, *before, *name]])
            said = network.forward(self.weights, ids, self.tables)[0].argmax(-1)
            right += said[len(before) : -1].tolist() == name
        return f"repeats {repeats:.2f}  names {right / 32:.2f}"

    def _per_weight(self, of: Callable[[str], float]) -> Tensor:
        """One number per weight, the same within a tensor."""
        found = torch.empty_like(self.master)
        for name, where in self.pieces.items():
            found[where] = of(name)
        return found

    def _stream(self) -> Iterator[list[int]]:
        """Documents as tokens, from where the training stands."""
        start, end = self.tokenizer.bos_token_id, self.tokenizer.eos_token_id
        while True:
            draws = Draws(SEED, "document", self.documents)
            self.documents += 1
            early = self.step < 0.4 * self.steps
            if draws.chance(REPEATS_EARLY if early else REPEATS_LATE):
                again = [draws.between(3, len(self.tokenizer) - 1) for _ in range(draws.between(4, 30))]
                yield [start, *(again * 16)[:90], end]
            text = draws.choice(self.more) if self.more and draws.chance(MORE_SHARE) else document(draws)
            yield [start, *self.tokenizer.encode(text, add_special_tokens=False), end]

    def _load(self) -> None:
        path = self.out / "state.safetensors"
        if path.exists():
            found = load_file(path)
            for name in ("master", "mean", "square"):
                getattr(self, name).copy_(found[name])
            self.step, self.documents = found["where"].tolist()

    def _save(self) -> None:
        where = torch.tensor([self.step, self.documents])
        half = self.out / "state.part"
        save_file({"master": self.master, "mean": self.mean, "square": self.square, "where": where}, half)
        half.replace(self.out / "state.safetensors")
        self._write_model()

    def _write_model(self) -> None:
        tokens.save(self.tokenizer, self.out)
        weights = {name: weight.detach().clone() for name, weight in self.weights.items()}
        save_file(weights, self.out / "model.safetensors", {"format": "pt"})
        (self.out / "config.json").write_text(json.dumps(network.config(len(self.tokenizer)), indent=1) + "\n", "utf-8")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _read(path: Path) -> str:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode()


def _sums(sizes: list[int]) -> list[int]:
    total, found = 0, []
    for size in sizes:
        total += size
        found.append(total)
    return found


if __name__ == "__main__":
    main()
