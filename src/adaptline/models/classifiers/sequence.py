"""Texts read by a Hugging Face classifier of whole texts, from a folder: how likely some of its labels are.

Knows such folders and their labels. Knows nothing of what a label means, or of rows. Filters find it through the registry, as
the room of data does not import that of models, and load it, torch with it, only when a recipe names a model.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from adaptline.core.registry import classifier
from adaptline.core.sources import Folder, refuse_changed
from adaptline.errors import UserError, did_you_mean
from adaptline.models import bases

if TYPE_CHECKING:
    from adaptline.models.encoder import Classifier

_MOST_TOKENS = 512  # at once, as such models are trained; a longer text is read in pieces
_MOST_LABELS = 100_000  # that only have numbers; more than any classifier of texts has
_MANY = "multi_label_classification"  # transformers' word for labels that do not exclude each other


def _check(*, folder: Folder, labels: Sequence[str]) -> None:
    """Raises UserError for labels that the folder's classifier does not have, before it is loaded."""
    known = labels_of(folder)
    listed = f"It has {', '.join(map(repr, known))}."
    if not labels:
        raise UserError("labels is missing: which labels of the model count", do=f"{listed} Name those that count.")
    for label in labels:
        if label not in known:
            raise UserError(
                f"labels has {label!r}, which the model does not give", do=f"{did_you_mean(label, known)} {listed}"
            )


def labels_of(folder: Folder) -> list[str]:
    """The labels of a folder's classifier, in order. Raises UserError where its config.json names none."""
    if not (folder.path / "config.json").is_file():
        what = f"model = {folder.name!r}, which holds no config.json"
        raise UserError(what, do="Name a folder that save_pretrained wrote.")
    config = bases.config_of(folder.path)
    if not any(str(name).endswith("ForSequenceClassification") for name in _entries(config.get("architectures"))):
        what = f"model = {folder.name!r}, which is no classifier of texts: no architecture ...ForSequenceClassification"
        raise UserError(what, do="Name a model that was trained to classify.")
    named: Any = config.get("id2label") or None  # an empty table says as little as none
    count = config.get("num_labels") or 2
    if named is None and type(count) is int and 0 < count <= _MOST_LABELS:
        return [f"LABEL_{number}" for number in range(count)]
    try:
        return [str(named[number]) for number in sorted(named, key=int)]
    except (TypeError, ValueError, KeyError) as error:
        what = f"model = {folder.name!r}, whose config.json does not say its labels: id2label names each by its number"
        raise UserError(what, do="Save the model again with save_pretrained.") from error


def _entries(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


@classifier(version=1, check=_check)
def sequence(texts: Sequence[str], *, folder: Folder, labels: Sequence[str]) -> list[float]:
    """The probability of some labels for each text, 0 to 1, in float32 on the CPU.

    Labels that exclude each other (softmax) add up; of those that do not (sigmoid) the likeliest counts. A text of more
    tokens than the model reads at once is read in pieces, and its likeliest piece counts.

    Args:
        texts: the texts.
        folder: a model and its tokenizer, as save_pretrained writes them; weights in safetensors.
        labels: which of the model's labels count.

    Raises:
        UserError: no tokenizer, no safetensors weights, or none of a trained classifier.
    """
    import torch  # noqa: PLC0415 - planning imports this module and must not pay for torch

    from adaptline.models.runtime import deterministic, thread_count  # noqa: PLC0415 - with torch
    from adaptline.models.scoring import score  # noqa: PLC0415 - with torch

    if not texts:
        return []
    model, many = _load(folder)
    pieces, of = _pieces(model, texts)
    chosen = [number for number, label in enumerate(model.labels) if label in set(labels)]
    with deterministic(thread_count()):
        logits = score(model, pieces, batch_size=32)  # batches are of texts of like length
    found = logits.sigmoid()[:, chosen].amax(1) if many else logits.softmax(1)[:, chosen].sum(1)
    highest = torch.zeros(len(texts)).scatter_reduce(0, torch.tensor(of), found, "amax")
    return [float(value) for value in highest]


@lru_cache(maxsize=1)
def _load(folder: Folder) -> tuple[Classifier, bool]:
    """The classifier, and whether its labels do not exclude each other; once per process, not once per shard."""
    from transformers import AutoModelForSequenceClassification  # noqa: PLC0415 - as above

    from adaptline.models.encoder import Classifier  # noqa: PLC0415 - with torch

    model, report = bases.load_model(folder.path, AutoModelForSequenceClassification, "to classify texts")
    if missing := sorted(report["missing_keys"]):
        do = "Name a model that was trained to classify."
        raise UserError(f"weights are missing: {', '.join(missing[:3])}", where=folder.path, do=do)
    tokenizer = bases.load_tokenizer(folder.path)
    if tokenizer.pad_token_id is None:
        raise UserError("the tokenizer has no padding token", where=folder.path, do="Name an encoder, such as a BERT.")
    positions = getattr(model.config, "max_position_embeddings", _MOST_TOKENS)
    most = min(_MOST_TOKENS, positions, tokenizer.model_max_length)
    bases.refuse_misfit(model, tokenizer, most, folder.path)
    refuse_changed(folder)
    many = model.config.problem_type == _MANY or model.config.num_labels == 1
    return Classifier(model, tokenizer, tuple(labels_of(folder)), most), many


def _pieces(model: Classifier, texts: Sequence[str]) -> tuple[list[list[int]], list[int]]:
    """Token ids of every piece, and which text each is of."""
    from adaptline.models.runtime import quiet  # noqa: PLC0415 - with transformers

    with quiet():
        found = model.tokenizer(
            list(texts),
            truncation=True,
            max_length=model.max_tokens,
            return_overflowing_tokens=True,
            return_attention_mask=False,
        )
    return [list(ids) for ids in found["input_ids"]], list(found["overflow_to_sample_mapping"])
