"""train: a base and labelled rows to weights: an adapter, or a whole model.

Knows the order of things: rows, base, method, loop, export, proof. Knows nothing of how each is done. Imports torch
only when it runs, because a recipe is planned from this signature.
"""

import os
import time
from typing import TYPE_CHECKING, Annotated, Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from adaptline.core import keys
from adaptline.core.artifacts import Desk, Use
from adaptline.core.demands import above, at_least, between
from adaptline.core.grid import Node
from adaptline.core.registry import step
from adaptline.core.rows import Rows
from adaptline.core.signatures import BadParameterError
from adaptline.core.sources import Folder
from adaptline.errors import UserError
from adaptline.models import bases
from adaptline.models.examples import select_chats, select_examples
from adaptline.models.precision import Precision, resolve_precision
from adaptline.models.runtime import deterministic, thread_count

if TYPE_CHECKING:
    import pyarrow as pa

    from adaptline.models.lesson import Lesson

CHECKPOINT_SECONDS = "ADAPTLINE_CHECKPOINT_SECONDS"  # an environment variable, for it changes no result

_SPLITS = ("train", "validation")
_MAX_TOKENS = 128
_MOST = 1_000_000  # of what is counted; more is a slip of the keyboard
_FEWEST_TOKENS = 3  # the two that a tokenizer sets around a text, and one of the text


def _check(node: Node) -> None:
    """Refuses a method for another kind of base, more tokens than it has positions for, and packing for one that reads."""
    base: Folder = node.values["base"]
    kind = bases.kind_of(base.path)
    reads = kind == "classifier"
    try:
        bases.refuse_unsuited(node.values["method"], kind)
    except UserError as error:
        raise BadParameterError("", error.what, error.do, place=("method",)) from error
    most = bases.positions_of(base.path)
    asked = node.values.get("max_tokens", _MAX_TOKENS if reads else None)
    if most is not None and asked is not None and asked > most:
        raise BadParameterError(
            "max_tokens", f"is {asked}, and the base takes at most {most}", f"Set max_tokens = {most}, or less."
        )
    if reads and node.values.get("pack"):
        raise BadParameterError("pack", "is for a base that writes, and this one reads only", "Leave it out.")


@step(version=1, output="weights", auto={"precision": resolve_precision}, check=_check)
def train(
    rows: Rows,
    *,
    desk: Desk,
    base: Folder,
    method: Annotated[Use, "adapter"],
    seed: int = 0,
    epochs: Annotated[int, between(1, _MOST)] = 3,
    batch_size: Annotated[int, between(1, _MOST)] = 16,
    accumulate: Annotated[int, between(1, _MOST)] = 1,
    lr: Annotated[float, above(0)] | None = None,
    warmup: Annotated[float, between(0, 1, high_too=False)] = 0.1,
    weight_decay: Annotated[float, at_least(0)] = 0.01,
    max_tokens: Annotated[int, at_least(_FEWEST_TOKENS)] | None = None,
    pack: bool = False,
    patience: Annotated[int, at_least(0)] = 2,
    precision: Precision = "auto",
) -> dict[str, Any]:
    """Teach a base what the rows of the split "train" say; the epoch that does best on "validation" is kept.

    An encoder learns to tell labels apart. A causal language model learns to write what assistants said, and the loss is
    that of their tokens alone.

    The output holds the adapter in PEFT's format (a whole model for `full`), labels.json or writer.json, training.json
    (curves and counts) and consumed.parquet (positions of the rows that it saw). Nothing is written unless the files,
    read back, score as the trained model did.

    Args:
        rows: with splits, and labels or answers.
        desk: where to work.
        base: a folder with a model in safetensors and its tokenizer.
        method: the adapter; its parameters stand beside it.
        seed: of the first weights of head and adapter, of dropout, and of the order of rows.
        epochs: passes over the rows, at most.
        batch_size: rows computed at once.
        accumulate: batches per optimiser step; a step is over batch_size * accumulate rows.
        lr: peak learning rate; the method's own if not given.
        warmup: share of all steps in which the learning rate rises.
        weight_decay: of matrices; biases and scales do not decay.
        max_tokens: texts are cut after so many; 128 for an encoder if not given, else what the base has positions for.
        pack: of a base that writes, several rows stand behind one another in one of max_tokens, without seeing each
            other, so that little is padded; what is learnt is the same.
        patience: epochs without a better one that end the training; 0 never ends it early.
        precision: "bf16" multiplies matrices in bfloat16 (weights stay float32); "auto" does where the processor can.

    Returns:
        The record: counts of parameters, validation, proof, and what this run took.

    Raises:
        UserError: rows or a base that cannot be trained with.
        RunError: the loss is not finite, or the export is not what was trained.
    """
    settings: dict[str, Any] = {
        "seed": seed,
        "epochs": epochs,
        "batch_size": batch_size,
        "accumulate": accumulate,
        "warmup": warmup,
    }
    settings |= {"weight_decay": weight_decay, "patience": patience}
    suited = method.load().options
    writes = bases.kind_of(base.path) == "writer"
    settings |= {"lr": suited["writer_lr" if writes else "lr"] if lr is None else lr, "head_rate": suited["head_rate"]}
    settings["precision"] = resolve_precision() if precision == "auto" else precision
    chosen = (select_chats if writes else select_examples)(rows, desk.read, _SPLITS)
    threads = thread_count()
    with deterministic(threads):
        if writes:
            lesson, shape = _answers(base, method, chosen, seed, max_tokens, pack=pack)
        else:
            lesson, shape = _labels(base, method, chosen, seed, max_tokens or _MAX_TOKENS)
        record = _train(desk, base, method, lesson, chosen, settings, shape)
    return {**record, **base.record, "threads": threads, "precision": settings["precision"]}


def _labels(
    base: Folder, method: Use, examples: "pa.Table", seed: int, max_tokens: int
) -> tuple["Lesson", dict[str, Any]]:
    from adaptline.models import labels, setup  # noqa: PLC0415 - see the module's docstring

    classifier = setup.trainable(base.path, method, labels.learnable(examples), seed, max_tokens)
    return labels.labels_of(classifier, examples), {"max_tokens": max_tokens}


def _answers(
    base: Folder, method: Use, chats: "pa.Table", seed: int, max_tokens: int | None, *, pack: bool
) -> tuple["Lesson", dict[str, Any]]:
    from adaptline.models import answers, setup  # noqa: PLC0415 - see the module's docstring

    writer = setup.trainable_writer(base.path, method, seed, max_tokens)
    return answers.answers_of(writer, chats, pack=pack), {"max_tokens": writer.max_tokens, "pack": pack}


def _train(
    desk: Desk,
    base: Folder,
    method: Use,
    lesson: "Lesson",
    chosen: "pa.Table",
    settings: dict[str, Any],
    shape: dict[str, Any],
) -> dict[str, Any]:
    """The step once there is something to learn: fills the desk's output and returns the record."""
    from adaptline.models import export, loop, setup  # noqa: PLC0415 - see the module's docstring
    from adaptline.models.checkpoint import Checkpoints  # noqa: PLC0415 - the same

    untrained, rows = lesson.outcome(), len(lesson.lengths)
    meaning = keys.key(base.digest, method.identity, method.parameters, settings, shape, _content(chosen))
    checkpoints = Checkpoints(desk.scratch / "checkpoint", meaning, _checkpoint_seconds())
    start, learns = time.monotonic(), method.load().options["learns"]
    fit = loop.fit if learns else loop.rest
    curves = fit(lesson, checkpoints=checkpoints, progress=desk.progress, **settings)
    cost = _cost(time.monotonic() - start, curves, rows)

    measured, parameters = lesson.outcome(), setup.count_parameters(lesson.model)
    lesson.save(desk.output, _portable_name(base))
    lesson = lesson.reloaded(desk.output, base.path)
    proof = export.prove(lesson.outcome(), measured, untrained, trained=learns)
    accuracy, loss = lesson.look()
    facts = {
        "base": {"name": _portable_name(base), "digest": base.digest},
        "method": {"name": method.use, "parameters": method.parameters},
        "settings": {**settings, **shape},
        "rows": _row_counts(chosen) | lesson.facts(),
        "parameters": parameters,
        "validation": {"accuracy": accuracy, "loss": loss},
        **curves,
    }
    export.write_json(desk.output / "training.json", facts)
    consumed = (
        chosen.select(["shard", "row", "split"]) if learns else chosen.select(["shard", "row", "split"]).slice(0, 0)
    )
    pq.write_table(consumed, desk.output / "consumed.parquet", compression="zstd")
    kept = ("parameters", "validation", "best_epoch")
    return {**{name: facts[name] for name in kept}, "proof": proof, **cost}


def _content(chosen: "pa.Table") -> str:
    """The digest of what is trained on, for a checkpoint to know its own."""
    named = [name for name in ("shard", "row", "split", "label") if name in chosen.column_names]
    return keys.key([chosen[name].to_pylist() for name in named])


def _row_counts(chosen: "pa.Table") -> dict[str, Any]:
    """Rows per split, and per label where they have one."""
    if "label" not in chosen.column_names:
        return {split: pc.sum(pc.equal(chosen["split"], split)).as_py() for split in _SPLITS}
    counted = chosen.group_by(["split", "label"], use_threads=False).aggregate([([], "count_all")])
    counts: dict[str, Any] = {split: {} for split in _SPLITS}
    for row in counted.to_pylist():
        counts[row["split"]][row["label"]] = row["count_all"]
    return counts


def _cost(seconds: float, curves: dict[str, Any], rows: int) -> dict[str, Any]:
    """What this process did and took; takes out of the curves the one fact that is about the process."""
    resumed_from, steps = curves.pop("resumed_from_step"), max(1, len(curves["losses"]))
    seen = rows * len(curves["epochs"]) * (steps - resumed_from) / steps
    return {
        "training_seconds": round(seconds, 3),
        "examples_per_second": round(seen / max(seconds, 1e-9), 1),
        "resumed_from_step": resumed_from,
    }


def _portable_name(base: Folder) -> str:
    """What the base is called in what is saved: by its content, as a path means nothing elsewhere."""
    return f"base-{keys.short(base.digest)}"


def _checkpoint_seconds() -> float:
    value = os.environ.get(CHECKPOINT_SECONDS, "60")
    try:
        return float(value)
    except ValueError as error:
        raise UserError(f"not a number of seconds: {value!r}", where=CHECKPOINT_SECONDS) from error
