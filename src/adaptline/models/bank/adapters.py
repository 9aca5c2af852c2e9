"""Stacked LoRA adapters over one frozen base: a batch whose every row has an adapter of its own, in one pass.

Each adapted layer computes W x + B[i] A[i] x for its row's adapter i; adapter 0 is the bare base. Adapters come and go
while the base stands. Knows PEFT's files and linear layers. Knows nothing of tokens, requests or training.

    x (R, T, inputs) -> W x                                   one product for all rows
                     -> A (R, rank, inputs) -> B (R, outputs, rank)   two batched ones for what is theirs

Layers that see the same x (query, key and value; gate and up) share one product with their A's, stacked. What the rows of
a batch need is gathered once when the batch changes, not at every token. R rows, T tokens.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from peft.utils.other import get_pattern_key
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from adaptline.errors import UserError
from adaptline.models.modules import linear_modules, writes

_TOGETHER = (("q_proj", "k_proj", "v_proj"), ("gate_proj", "up_proj"))  # layers that see one x, as Llama names them
_PREFIX, _A, _B = "base_model.model.", ".lora_A.weight", ".lora_B.weight"
_FIRST_SLOTS = 9  # eight adapters and the bare base
_MORE_SLOTS = 8  # at once, or an eighth of those that there are: were they doubled, up to half would lie idle

Pair = tuple[Tensor, Tensor]  # A (rank, inputs) and B (outputs, rank), the scale within B


class AdapterBank:
    """The adapters of a base, by name. After `use`, the model computes each row with the adapter that was named for it."""

    def __init__(self, model: nn.Module) -> None:
        """Puts itself between the model and its linear layers; the model's own weights stay as they are."""
        self._groups = [_Group([model.get_submodule(name) for name in names]) for names in _grouped(model)]
        self._places: dict[str, tuple[_Group, int]] = {}
        for names, group in zip(_grouped(model), self._groups, strict=True):
            for number, name in enumerate(names):
                self._places[name] = (group, number)
                parent, _, last = name.rpartition(".")
                setattr(model.get_submodule(parent), last, _Adapted(group, number))
        self._slots: dict[str, int] = {}
        self._free: list[int] = []
        self._count = 1  # slot 0 is the bare base
        self._now: list[int] = []

    @property
    def names(self) -> tuple[str, ...]:
        """The adapters that are live."""
        return tuple(self._slots)

    def add(self, name: str, folder: Path) -> None:
        """Makes an adapter live, from PEFT's files.

        Raises:
            UserError: no LoRA adapter that stacks, or one of another base.
        """
        pairs = read_lora(folder)
        unknown = sorted(set(pairs) - set(self._places))
        if unknown:
            raise UserError(
                f"the base has no layer {unknown[0]!r}", where=folder, do="It is the adapter of another base."
            )
        for layer, (a, b) in pairs.items():
            group, number = self._places[layer]
            if (a.shape[1], b.shape[0]) != group.shape(number):
                raise UserError(f"layer {layer!r} has another shape", where=folder, do="It is of another base.")
        slot = self._slots.get(name) or (self._free.pop() if self._free else self._count)
        self._count = max(self._count, slot + 1)
        for group in self._groups:
            group.set(
                slot, {n: pairs[layer] for layer, (of, n) in self._places.items() if of is group and layer in pairs}
            )
        self._slots[name] = slot
        self._gather()

    def remove(self, name: str) -> None:
        """Lets an adapter go; its place is free for another."""
        slot = self._slots.pop(name)
        for group in self._groups:
            group.set(slot, {})
        self._free.append(slot)

    def use(self, names: Sequence[str | None]) -> None:
        """Says which adapter each row of the batches to come has; None is the bare base."""
        now = [0 if name is None else self._slots[name] for name in names]
        if now != self._now:
            self._now = now
            self._gather()

    def _gather(self) -> None:
        for group in self._groups:
            group.gather(self._now)


class _Group:
    """Linear layers that see the same x, and their adapters: A (slots, sum of ranks, inputs), B (slots, outputs, rank)."""

    def __init__(self, layers: list[nn.Module]) -> None:
        self.layers = [layer for layer in layers if isinstance(layer, nn.Linear)]
        self.ranks = [0] * len(layers)  # the largest of each layer's adapters; smaller ones are filled with zeros
        self.a = [torch.zeros(_FIRST_SLOTS, 0, layer.in_features) for layer in self.layers]
        self.b = [torch.zeros(_FIRST_SLOTS, layer.out_features, 0) for layer in self.layers]
        self.mixed: tuple[Tensor, list[Tensor]] | None = None  # A and B's of the rows, or of all rows alike
        self.seen: Tensor | None = None
        self.inner: tuple[Tensor, ...] = ()

    def shape(self, number: int) -> tuple[int, int]:
        return self.layers[number].in_features, self.layers[number].out_features

    def set(self, slot: int, pairs: dict[int, Pair]) -> None:
        """Writes a slot; layers that are not named have nothing in it."""
        for number in range(len(self.layers)):
            a, b = pairs.get(number, (None, None))
            rank = 0 if a is None else a.shape[0]
            self._make_room(number, slot, rank)
            self.a[number][slot].zero_()
            self.b[number][slot].zero_()
            if a is not None and b is not None:
                self.a[number][slot, :rank] = a
                self.b[number][slot, :, :rank] = b

    def _make_room(self, number: int, slot: int, rank: int) -> None:
        a, b = self.a[number], self.b[number]
        slots, most = len(a), self.ranks[number]
        if slot >= slots or rank > most:
            grown = slots + max(_MORE_SLOTS, slots // 8)
            more, high = slots if slot < slots else max(grown, slot + 1), max(rank, most)
            self.a[number] = torch.zeros(more, high, a.shape[2])
            self.b[number] = torch.zeros(more, b.shape[1], high)
            self.a[number][:slots, :most], self.b[number][:slots, :, :most] = a, b
            self.ranks[number] = high

    def gather(self, rows: list[int]) -> None:
        """What the rows need, made once for many tokens: one adapter for all as plain matrices, else a stack."""
        self.seen = None
        if not any(rows) or not any(self.ranks):
            self.mixed = None
        elif len(set(rows)) == 1:
            self.mixed = torch.cat([a[rows[0]] for a in self.a]).t(), [b[rows[0]].t() for b in self.b]
        else:
            at = torch.tensor(rows)
            stacked = torch.cat([a[at] for a in self.a], 1).transpose(1, 2)  # (R, inputs, sum of ranks)
            self.mixed = stacked.contiguous(), [b[at].transpose(1, 2).contiguous() for b in self.b]

    def compute(self, number: int, x: Tensor) -> Tensor:
        """W x + B A x for one of the layers."""
        layer = self.layers[number]
        y = nn.functional.linear(x, layer.weight, layer.bias)
        if self.mixed is None:
            return y
        a, b = self.mixed
        if x is not self.seen:  # the first of the layers that see it computes A x for all of them
            inner = torch.bmm(x, a) if a.dim() == 3 else x @ a  # noqa: PLR2004 - a matrix per row
            self.inner = torch.split(inner, self.ranks, -1) if len(self.ranks) > 1 else (inner,)
            self.seen = x
        inner = self.inner[number]
        if inner.shape[-1] == 0:
            return y
        if b[number].dim() == 3:  # noqa: PLR2004 - the same
            return y.baddbmm_(inner, b[number])
        return y.flatten(0, -2).addmm_(inner.flatten(0, -2), b[number]).view_as(y)


class _Adapted(nn.Module):
    """Stands where a linear layer stood."""

    def __init__(self, group: _Group, number: int) -> None:
        super().__init__()
        self._group, self._number = group, number

    @property
    def weight(self) -> Tensor:
        """The layer's own; models look at its dtype."""
        return self._group.layers[self._number].weight

    def forward(self, x: Tensor) -> Tensor:
        return self._group.compute(self._number, x)


def read_lora(folder: Path) -> dict[str, Pair]:
    """Layer name -> A and B of a LoRA adapter in PEFT's files, in float32, its scale (alpha / rank) multiplied into B.

    Raises:
        UserError: no such files, or an adapter that does more than add B A x to linear layers.
    """
    try:
        config = json.loads((folder / "adapter_config.json").read_bytes())
        tensors = load_file(folder / "adapter_model.safetensors")
    except (OSError, ValueError, SafetensorError) as error:
        raise UserError(f"no adapter that can be read: {error}", where=folder) from error
    beyond = [
        name for name in ("use_dora", "modules_to_save", "use_bdlora", "alora_invocation_tokens") if config.get(name)
    ]
    if config.get("peft_type") != "LORA" or beyond or config.get("bias", "none") != "none":
        what = ", ".join(beyond) or config.get("peft_type") or "bias"
        raise UserError(f"not an adapter that stacks: {what}", where=folder, do="Serve it alone, or merge it first.")
    pairs: dict[str, Pair] = {}
    for name, a in tensors.items():
        layer = name.removeprefix(_PREFIX).removesuffix(_A)
        if not name.endswith(_A):
            if not name.endswith(_B):
                raise UserError(f"not an adapter that stacks: it holds {name}", where=folder)
            continue
        rank: int = a.shape[0]
        patterns: dict[str, float] = config.get("alpha_pattern") or {}
        alpha: float = patterns.get(get_pattern_key(list(patterns), layer), config["lora_alpha"])  # as PEFT finds it
        scale = alpha / (rank**0.5 if config.get("use_rslora") else rank)
        b = tensors.get(name.removesuffix(_A) + _B)
        if b is None or b.dim() != 2 or b.shape[1] != rank:  # noqa: PLR2004 - a matrix
            raise UserError(f"A and B of layer {layer!r} do not belong together", where=folder)
        pairs[layer] = (a.float(), b.float() * scale)
    return pairs


def _grouped(model: nn.Module) -> list[list[str]]:
    """Names of the linear layers, those that see the same x together."""
    if not writes(model):  # type: ignore[arg-type]
        raise UserError("a bank of adapters stands on a base that writes")
    names = linear_modules(model)  # type: ignore[arg-type]
    if not all(isinstance(model.get_submodule(name), nn.Linear) for name in names):
        raise UserError("the layers of this base do not stack", do="Serve its adapters through another backend.")
    groups: dict[tuple[str, object], list[str]] = {}
    for name in names:
        parent, _, last = name.rpartition(".")
        family = next((number for number, of in enumerate(_TOGETHER) if last in of), last)
        groups.setdefault((parent, family), []).append(name)
    return list(groups.values())
