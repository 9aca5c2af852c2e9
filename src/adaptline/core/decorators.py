"""Decorators: one per kind of method, each with what a method of that kind declares of itself.

Knows the facts that a declaration holds. Knows nothing of how methods are found (registry.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from adaptline.core.methods import Cost, Method

if TYPE_CHECKING:
    from adaptline.core.grid import Node

F = TypeVar("F", bound=Callable[..., Any])


def _register(method_kind: str, **facts: Any) -> Callable[[F], F]:
    def mark(function: F) -> F:
        function.__dict__["__adaptline__"] = Method(method_kind, function, **facts)
        return function

    return mark


def step(
    *,
    version: int,
    output: Literal["rows", "weights", "report"],
    auto: Mapping[str, Callable[[], Any]] | None = None,
    uses: Sequence[str] = (),
    secret: str | None = None,
    reads_detail: bool = False,
    reads_cells: bool = False,
    reads_ancestry: bool = False,
    check: Callable[[Node], None] | None = None,
    notes: Callable[[Node], Sequence[str]] | None = None,
) -> Callable[[F], F]:
    """A function from artifacts to one artifact; its signature is the schema of the recipe's table.

    Args:
        version: raised when the step's meaning changes.
        output: the kind of artifact that it makes.
        auto: for each parameter that may be "auto", what it means on this machine; resolved before a key is made.
        uses: kinds of methods that it finds by itself, by a file's suffix or in a task; all of their versions enter its
            key.
        secret: the parameter that, where it is given, makes results depend on the store's secret.
        reads_detail: whether it reads what its inputs remember beside their rows (scores, verdicts).
        reads_cells: whether it is told which cells of the grid its inputs are; others' keys do not hold them.
        reads_ancestry: whether it gets the weights and reports that stand behind its reports; its key holds their digests.
        check: looks at the step's values and at the steps before it, before any work, and raises UserError for what
            cannot end well.
        notes: looks at the same, and says what may be meant otherwise; `plan` tells it.
    """
    reads = {"reads_detail": reads_detail, "reads_cells": reads_cells, "reads_ancestry": reads_ancestry}
    options = {
        "output": output,
        "auto": dict(auto or {}),
        "uses": tuple(uses),
        "secret": secret,
        "notes": notes,
        **reads,
    }
    return _register("step", version=version, check=check or _refuse_nothing, options=options)


def _refuse_nothing(_: Node) -> None:
    """What a step without a check of its own refuses."""


def filter(
    *,
    version: int,
    finds: Sequence[str] = (),
    cost: Cost | Callable[[Mapping[str, Any]], Cost] = "low",
    files: Callable[[], Sequence[Path]] | None = None,
    defaults: Mapping[str, Any] | None = None,
    gives: Literal["number", "label"] | None = None,
    labels: Callable[[], Iterable[str]] | None = None,
    bounds: tuple[float, float] | None = None,
    settle: Callable[..., None] | None = None,
    tell: Callable[..., Sequence[str]] | None = None,
    writes: Callable[..., Any] | None = None,
    uses: Sequence[str] = (),
    sees_splits: bool = False,
    check: Callable[..., None] | None = None,
) -> Callable[[F], F]:
    """A score per text: a number or a label, null where there is none to give.

    Args:
        version: raised when the scores change.
        finds: the kinds of defect that it is for, as an audit names them.
        cost: "high" scores only the survivors of the methods before it; or a function that tells it of the parameters.
        files: data files whose digests enter the key.
        defaults: the bounds (min, max, keep, drop, unjudged) for a recipe that gives none of them.
        gives: what a score is, where the annotation of what the function returns (list[float], list[str]) does not tell.
        labels: all labels that it can give; keep and drop must name some of them.
        bounds: the lowest and the highest number that it can give; min and max must lie between.
        settle: called once with the tables of scores of all shards and the parameters, after the bounds: raises
            UserError for what only the whole shows.
        tell: called with the same after that: lines that are kept and shown beside what it dropped.
        writes: of a filter that holds what people wrote: takes a shard's scores and gives what changes in it (columns row,
            message, content; a null message is the label), as a transform's work.
        uses: kinds of methods that it finds by itself (formats, by a file's suffix); their versions enter its keys.
        sees_splits: whether the shard that it takes has the splits of a split step, not of the source alone.
        check: called with the parameters that a recipe gives, before any work; raises UserError.
    """
    options = {
        "defaults": dict(defaults or {}),
        "gives": "label" if labels else gives,
        "labels": labels,
        "bounds": bounds,
        "settle": settle,
        "tell": tell,
        "writes": writes,
        "sees_splits": sees_splits,
    }
    facts = {"finds": tuple(finds), "uses": tuple(uses), "cost": cost, "files": files, "check": check}
    return _register("filter", version=version, options=options, **facts)


def transform(*, version: int, finds: Sequence[str] = (), check: Callable[..., None] | None = None) -> Callable[[F], F]:
    """A new text per text. `check` is called with the parameters that a recipe gives, before any work; raises UserError."""
    return _register("transform", version=version, finds=tuple(finds), check=check)


def augmenter(
    *,
    version: int,
    files: Callable[[], Sequence[Path]] | None = None,
    auto: Mapping[str, Callable[..., Any]] | None = None,
    check: Callable[..., None] | None = None,
) -> Callable[[F], F]:
    """Another text per passage (data/passages.py), or the gate that refused it. One that equals the old text counts as none.

    Args:
        version: raised when its texts change.
        files: data files whose digests enter the key.
        auto: for each parameter that may be "auto" or left out, what it means on this machine with the other parameters that
            a recipe gives, None for nothing; resolved before a key is made.
        check: called with the parameters that a recipe gives, before any work; raises UserError.
    """
    return _register("augmenter", version=version, files=files, check=check, options={"auto": dict(auto or {})})


def matcher(
    *,
    version: int,
    sketch: Callable[..., Any],
    finds: Sequence[str] = (),
    check: Callable[..., None] | None = None,
) -> Callable[[F], F]:
    """Pairs of rows that are the same: a `sketch` per shard, and a global match over all sketches.

    The match gets the sketches and who is alive, per shard; with a third parameter `texts`, also each shard's texts, which
    are read when they are asked for; and with a fourth, `start`, the verdicts on the first shards where they are known, and how much memory it may take (matching.Start).

    Args:
        version: raised when the verdicts change.
        sketch: what a shard's texts become, before all shards are matched; its parameters are the matcher's too.
        finds: the kinds of defect that it is for, as an audit names them.
        check: called with the parameters that a recipe gives, for those that do not go together; raises UserError.
    """
    return _register("matcher", version=version, sketch=sketch, finds=tuple(finds), check=check)


def format(
    *, version: int, suffixes: Sequence[str], cut: Callable[..., Any], write: Callable[..., Any] | None = None
) -> Callable[[F], F]:
    """A reader of one file format: how a file is cut into blocks, how a block becomes records, how rows are written."""
    return _register("format", version=version, options={"suffixes": tuple(suffixes), "cut": cut, "write": write})


def adapter(
    *,
    version: int,
    lr: float,
    head_rate: float = 1.0,
    writer_lr: float | None = None,
    learns: bool = True,
    suits: Sequence[str] = ("classifier", "writer"),
) -> Callable[[F], F]:
    """A way to make a base trainable: which of its parameters, and which new ones, learn.

    Args:
        version: raised when its meaning changes.
        lr: the peak learning rate that suits it, where a recipe names none.
        head_rate: how many times faster the new head learns than the rest.
        writer_lr: the peak learning rate for a base that writes, where it is another.
        learns: whether anything learns; a base that is taken as it is can be compared like the others.
        suits: the kinds of base that it is for: those that read and get a head, those that write.
    """
    rates = {"lr": lr, "head_rate": head_rate, "writer_lr": lr if writer_lr is None else writer_lr}
    return _register("adapter", version=version, options={**rates, "learns": learns, "suits": tuple(suits)})


def classifier(*, version: int, check: Callable[..., None] | None = None) -> Callable[[F], F]:
    """A model that reads texts and tells how likely some of its labels are, for filters that name one.

    Args:
        version: raised when its probabilities change.
        check: called with the folder and the labels, before any work; raises UserError.
    """
    return _register("classifier", version=version, check=check)


def metric(
    *, version: int, bounds: tuple[float, float] | None = None, signature: Callable[..., str] | None = None
) -> Callable[[F], F]:
    """A score per item; higher is better. It takes predictions, references and, if its third parameter is `prompts`, these.

    Args:
        version: raised when the scores change.
        bounds: the lowest and the highest score that a set of items can have.
        signature: what a score is called so that others can compare theirs, as sacrebleu's signatures do: takes what the
            metric takes less the predictions. It is called before any item is answered: references (or prompts) that the
            metric cannot use are refused here, too.
    """
    if bounds is not None and not bounds[0] < bounds[1]:
        raise ValueError(f"bounds = {bounds}: the lowest comes first")
    return _register("metric", version=version, options={"bounds": bounds, "signature": signature})


def guard(*, version: int, check: Callable[..., None] | None = None) -> Callable[[F], F]:
    """A look at a prompt's text before it is answered: the reason why it is not, or None.

    Args:
        version: raised when its verdicts change.
        check: called with the parameters that a recipe gives, before any work; raises UserError.
    """
    return _register("guard", version=version, check=check)
