"""How likely a text is toxic: by a small model of our own for English, or by any classifier in a folder or on a hub.

Knows which languages a model knows: what is not in one of them beyond doubt has no score. Knows nothing of why somebody
writes so: quotes, jokes and reports count as what they say.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pyarrow as pa

from adaptline.core import registry
from adaptline.core.demands import Demand
from adaptline.core.registry import filter
from adaptline.core.sources import Folder
from adaptline.data import languages as detected
from adaptline.data import linear
from adaptline.errors import UserError

MODEL = Path(__file__).with_suffix(".safetensors")  # recipes/toxicity makes it, and says from what
_CLASSIFIER = "sequence"
_KNOWN = frozenset(detected.LANGUAGES.split())


def _files() -> list[Path]:
    return [MODEL, *detected.model_files()]


def _cost(parameters: Mapping[str, Any]) -> Literal["low", "high"]:
    return "high" if parameters.get("model") else "low"


def _check(*, model: Folder | None = None, labels: list[str] | None = None, languages: list[str] | None = None) -> None:
    if model is None:
        if labels is not None:
            raise UserError("labels without a model", do='Name a classifier: model = "folder or hub:ORG/NAME".')
        if languages and set(languages) != {"en"}:
            raise UserError(
                f"languages = {languages}, and the model inside the package knows English alone",
                do="Name a model that knows them, or leave languages out.",
            )
        return
    classifier = registry.load("classifier", _CLASSIFIER)
    if classifier.check:
        classifier.check(folder=model, labels=labels or [])


@filter(
    version=2,
    gives="number",
    bounds=(0, 1),
    defaults={"max": 0.5},
    cost=_cost,
    files=_files,
    uses=("classifier",),
    check=_check,
)
def toxicity(
    texts: list[str],
    *,
    model: Folder | None = None,
    labels: list[str] | None = None,
    languages: Annotated[list[str], Demand(_KNOWN.issuperset, "that is a language's code")] = ["en"],  # noqa: B006 - never changed
) -> pa.Array:
    """The probability that a text is toxic, 0 to 1; null for another language. Drops above 0.5, unless a recipe gives max.

    The model inside the package is logistic regression on hashed words and n-grams of characters, trained by
    recipes/toxicity on Davidson's tweets (Davidson et al., "Automated Hate Speech Detection and the Problem of
    Offensive Language", 2017): hate and offensive language against neither, beside ordinary texts and sentences made of
    parts. It calls swearing offensive, as its judges did. Of a long text the worst 20 words count. docs/recipes.md says
    how good it is.

    A text has a score where it is in one of the languages beyond doubt, as data/languages.py tells it: what is short,
    mixed or unlike any language has none.

    Args:
        texts: the texts.
        model: a Hugging Face classifier of whole texts instead of the package's own.
        labels: the labels of that model that mean toxic.
        languages: those that the model knows, as ISO 639 codes; an empty list for all texts, whatever they are in, as
            after a language filter.

    Returns:
        One probability per text, null for what is not judged.

    Raises:
        UserError: the model has no such label, or cannot be loaded.
    """
    judged = np.array([not languages or detected.is_in(text, languages) for text in texts], np.bool_)
    chosen = [text for text, is_judged in zip(texts, judged, strict=True) if is_judged]
    scores = np.zeros(len(texts))
    if model is None:
        scores[judged] = _own().probabilities(pa.array(chosen, pa.string()))
    else:
        ask = registry.load("classifier", _CLASSIFIER).function
        scores[judged] = ask(chosen, folder=model, labels=labels)
    return pa.array(scores, mask=~judged)


@cache
def _own() -> linear.Linear:
    return linear.load(MODEL)
