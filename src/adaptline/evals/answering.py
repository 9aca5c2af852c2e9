"""What trained weights say of items: the likeliest label, or an answer, with the base that they stand on.

Knows which model is in a folder of weights. Knows nothing of scores. Loads torch when it answers.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from adaptline.core.artifacts import Weights
from adaptline.core.sources import Folder
from adaptline.errors import UserError
from adaptline.evals.tasks import Items

if TYPE_CHECKING:
    from adaptline.models.encoder import Classifier
    from adaptline.models.writer import Writer

# Of items: what the model says, how likely it holds a label to be, and facts of the answers.
Answer = Callable[[Items], tuple[list[str], list[float | None], dict[str, float]]]


def classifying(weights: Weights, batch_size: int) -> Answer:
    """The likeliest label of each item, and its probability."""
    from adaptline.models.export import load_trained  # noqa: PLC0415 - see the module's docstring
    from adaptline.models.scoring import score  # noqa: PLC0415 - the same

    classifier: Classifier = load_trained(weights.path, _base_of(weights))

    def answer(items: Items) -> tuple[list[str], list[float | None], dict[str, float]]:
        probabilities = score(classifier, classifier.tokens(items.texts), batch_size=batch_size).double().softmax(1)
        best = probabilities.max(1)
        return [classifier.labels[number] for number in best.indices.tolist()], best.values.tolist(), {}

    return answer


def writing(weights: Weights, batch_size: int, max_new_tokens: int) -> Answer:
    """What the model writes for each item, and facts of the answers: how many ended by themselves, how long they are."""
    from adaptline.models.export import load_trained_writer  # noqa: PLC0415 - see the module's docstring
    from adaptline.models.generating import write  # noqa: PLC0415 - the same

    writer: Writer = load_trained_writer(weights.path, _base_of(weights))

    def answer(items: Items) -> tuple[list[str], list[float | None], dict[str, float]]:
        prompts = [
            _prompt(writer, chat, f"item {number} of {items.task}") for number, chat in enumerate(items.chats, 1)
        ]
        written = write(writer, prompts, max_new_tokens=max_new_tokens, batch_size=batch_size)
        facts = {
            "ended": sum(entry.ended for entry in written) / len(written),
            "tokens": sum(len(entry.tokens) for entry in written) / len(written),
            "cut": sum(entry.cut for entry in written),
        }
        return [writer.said(entry.tokens) for entry in written], [None] * len(written), facts

    return answer


def _base_of(weights: Weights) -> Path:
    """Where the weights' base lies: the one that they were trained on and no other; for a whole model, itself."""
    from adaptline.models.export import needs_base  # noqa: PLC0415 - see the module's docstring

    if not needs_base(weights.path):
        return weights.path
    expected = json.loads((weights.path / "training.json").read_text("utf-8"))["base"]
    base: Folder | None = weights.folders.get("base")
    if base is None or base.digest != expected["digest"]:
        raise UserError(
            f"the base of these weights, {expected['name']!r}, is {'missing' if base is None else 'not as it was'}",
            where=None if base is None else base.path,
            do="Put it back, or train again on what is there now.",
        )
    return base.path


def _prompt(writer: Writer, chat: list[dict[str, str]], which: str) -> list[int]:
    from adaptline.models.writer import TemplateMisfitError  # noqa: PLC0415 - see the module's docstring

    try:
        return writer.prompt(chat)
    except TemplateMisfitError as error:
        do = "Mend the item, or leave it out: every item of a task counts."
        raise UserError(f"the model's chat template does not take {which}: {error}", do=do) from error
