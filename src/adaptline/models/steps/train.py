"""train: a base and labelled rows to weights: an adapter, or a whole model.

Knows the order of things: rows, base, method, loop, export, proof. Knows nothing of how each is done. Imports torch
only when it runs, because a recipe is planned from this signature.
"""

import json
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
from adaptline.models.examples import select_examples
from adaptline.models.precision import Precision, resolve_precision
from adaptline.models.runtime import deterministic, thread_count

if TYPE_CHECKING:
    import pyarrow as pa

CHECKPOINT_SECONDS = "ADAPTLINE_CHECKPOINT_SECONDS"  # an environment variable, for it changes no result

_SPLITS = ("train", "validation")
_PROOF_ROWS = 64
_FEWEST_LABELS = 2
_FEWEST_ROWS_PER_LABEL = 1.5  # on average; below it, most labels are seen once and the field is hardly a label
_MAX_TOKENS = 128
_FEWEST_TOKENS = 3  # the two that a tokenizer sets around a text, and one of the text


def _check(node: Node) -> None:
    """Refuses more tokens than the base says that it has positions for."""
    try:
        told = json.loads((node.values["base"].path / "config.json").read_bytes())
    except (OSError, ValueError):
        return  # reading the base will say more
    most, asked = told.get("max_position_embeddings"), node.values.get("max_tokens", _MAX_TOKENS)
    if isinstance(most, int) and asked > most:
        raise BadParameterError(
            "max_tokens", f"is {asked}, and the base takes at most {most}", f"Set max_tokens = {most}, or less."
        )


@step(version=1, output="weights", auto={"precision": resolve_precision}, check=_check)
def train(
    rows: Rows,
    *,
    desk: Desk,
    base: Folder,
    method: Annotated[Use, "adapter"],
    seed: int = 0,
    epochs: Annotated[int, at_least(1)] = 3,
    batch_size: Annotated[int, at_least(1)] = 16,
    accumulate: Annotated[int, at_least(1)] = 1,
    lr: Annotated[float, above(0)] | None = None,
    warmup: Annotated[float, between(0, 1, high_too=False)] = 0.1,
    weight_decay: Annotated[float, at_least(0)] = 0.01,
    max_tokens: Annotated[int, at_least(_FEWEST_TOKENS)] = _MAX_TOKENS,
    patience: Annotated[int, at_least(0)] = 2,
    precision: Precision = "auto",
) -> dict[str, Any]:
    """Teach a base to tell the labels of the split "train" apart; the epoch that does best on "validation" is kept.

    The output holds the adapter in PEFT's format (a whole model for `full`), labels.json, training.json (curves and
    counts) and consumed.parquet (positions of the rows that it saw). Nothing is written unless the files, read back,
    score as the trained model did.

    Args:
        rows: with labels and splits.
        desk: where to work.
        base: a folder with an encoder in safetensors and its tokenizer.
        method: the adapter; its parameters stand beside it.
        seed: of the first weights of head and adapter, of dropout, and of the order of rows.
        epochs: passes over the rows, at most.
        batch_size: rows computed at once.
        accumulate: batches per optimiser step; a step is over batch_size * accumulate rows.
        lr: peak learning rate; the method's own if not given.
        warmup: share of all steps in which the learning rate rises.
        weight_decay: of matrices; biases and scales do not decay.
        max_tokens: texts are cut after so many.
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
    settings |= {"lr": suited["lr"] if lr is None else lr, "head_rate": suited["head_rate"]}
    settings["precision"] = resolve_precision() if precision == "auto" else precision
    examples = select_examples(rows, desk.read, _SPLITS)
    labels = _labels(examples)
    threads = thread_count()
    with deterministic(threads):
        record = _train(desk, base, method, examples, labels, settings, max_tokens)
    return {**record, "threads": threads, "precision": settings["precision"]}


def _train(
    desk: Desk,
    base: Folder,
    method: Use,
    examples: "pa.Table",
    labels: list[str],
    settings: dict[str, Any],
    max_tokens: int,
) -> dict[str, Any]:
    """The step once its arguments are checked: fills the desk's output and returns the record."""
    from adaptline.models import export, loop, scoring, setup  # noqa: PLC0415 - see the module's docstring
    from adaptline.models.checkpoint import Checkpoints  # noqa: PLC0415 - the same

    classifier = setup.trainable(base.path, method, labels, settings["seed"], max_tokens)
    training, validation = (setup.encode(classifier, examples, split) for split in _SPLITS)
    sample = validation.tokens[:_PROOF_ROWS]
    untrained = scoring.score(classifier, sample)
    meaning = keys.key(base.digest, method.identity, method.parameters, settings, max_tokens, _content(examples))
    checkpoints = Checkpoints(desk.scratch / "checkpoint", meaning, _checkpoint_seconds())
    start = time.monotonic()
    curves = loop.fit(classifier, training, validation, checkpoints=checkpoints, progress=desk.progress, **settings)
    cost = _cost(time.monotonic() - start, curves, len(training.tokens))

    measured, parameters = scoring.score(classifier, sample), setup.count_parameters(classifier)
    export.save_trained(classifier, desk.output, _portable_name(base))
    del classifier  # room for its reloaded self
    reloaded = export.load_trained(desk.output, base.path)
    proof = export.prove(scoring.score(reloaded, sample), measured, untrained)
    accuracy, loss = scoring.accuracy_and_loss(scoring.score(reloaded, validation.tokens), validation.labels)
    facts = {
        "base": {"name": _portable_name(base), "digest": base.digest},
        "method": {"name": method.use, "parameters": method.parameters},
        "settings": {**settings, "max_tokens": max_tokens},
        "rows": _row_counts(examples, validation.labels.count(scoring.UNSEEN)),
        "parameters": parameters,
        "validation": {"accuracy": accuracy, "loss": loss},
        **curves,
    }
    export.write_json(desk.output / "training.json", facts)
    pq.write_table(examples.select(["shard", "row", "split"]), desk.output / "consumed.parquet", compression="zstd")
    kept = ("parameters", "validation", "best_epoch")
    return {**{name: facts[name] for name in kept}, "proof": proof, **cost}


def _labels(examples: "pa.Table") -> list[str]:
    """The labels to learn, sorted: those of the training rows. Raises UserError where they cannot be learned."""
    found = {split: set(examples.filter(pc.equal(examples["split"], split))["label"].to_pylist()) for split in _SPLITS}
    train, validation = found.values()
    rows = examples.filter(pc.equal(examples["split"], "train")).num_rows
    if len(train) * _FEWEST_ROWS_PER_LABEL > rows:
        do = "Is it one? A classifier learns from several rows of each label. Name another field: label = ..."
        raise UserError(f"{rows} training rows have {len(train)} different labels", do=do)
    if len(train) < _FEWEST_LABELS:
        raise UserError(f"every training row has the label {min(train)!r}", do="A classifier needs two labels or more.")
    if not train & validation:
        raise UserError("no validation row has a label that a training row has", do="Split at random, or by group.")
    return sorted(train)


def _content(examples: "pa.Table") -> str:
    """The digest of what is trained on, for a checkpoint to know its own."""
    return keys.key([examples[name].to_pylist() for name in ("shard", "row", "split", "label")])


def _row_counts(examples: "pa.Table", unseen: int) -> dict[str, Any]:
    """Rows per split and label, and validation rows whose label no training row has."""
    counted = examples.group_by(["split", "label"], use_threads=False).aggregate([([], "count_all")])
    counts: dict[str, Any] = {split: {} for split in _SPLITS}
    for row in counted.to_pylist():
        counts[row["split"]][row["label"]] = row["count_all"]
    return {**counts, "validation_of_unseen_labels": unseen}


def _cost(seconds: float, curves: dict[str, Any], rows: int) -> dict[str, Any]:
    """What this process did and took; takes out of the curves the one fact that is about the process."""
    resumed_from, steps = curves.pop("resumed_from_step"), len(curves["losses"])
    seen = rows * len(curves["epochs"]) * (steps - resumed_from) / steps
    return {
        "training_seconds": round(seconds, 3),
        "examples_per_second": round(seen / seconds, 1),
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
