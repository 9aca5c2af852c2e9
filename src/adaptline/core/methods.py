"""A method: a registered function, what a key must know of it, and what its signature asks for.

Knows one function at a time. Knows nothing of where methods lie (registry.py), nor of what they compute.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from adaptline.core import keys
from adaptline.errors import UserError

Cost = Literal["low", "high"]

_DATA_PARAMETERS = {"matcher": 2, "metric": 2}  # sketches and who is alive; predictions and references


@dataclass(frozen=True)
class Method:
    """A registered function and what a key must know of it.

    `identity` enters every key that the method has a part in: name and version for the package's own methods, the
    digest of the file's tokens for a user's. `files` are data files whose digests enter it too (a bundled model).
    `uses` are kinds of methods that it finds by itself, whose versions enter it. `check` is called with the parameters that a recipe gives, or a step's node, before any work; it raises UserError.
    """

    kind: str
    function: Callable[..., Any]
    version: int
    finds: tuple[str, ...] = ()
    cost: Cost | Callable[[Mapping[str, Any]], Cost] = "low"
    files: Callable[[], Sequence[Path]] | None = None
    sketch: Callable[..., Any] | None = None
    check: Callable[..., None] | None = None
    uses: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    source: str = ""  # "" for the package's own, else the digest of the user's file

    @property
    def name(self) -> str:
        """The function's name, which is the method's name in a recipe."""
        return self.function.__name__

    def cost_with(self, parameters: Mapping[str, Any]) -> Cost:
        """What it costs with some parameters."""
        return self.cost(parameters) if callable(self.cost) else self.cost

    @property
    def identity(self) -> list[Any]:
        """What enters a key for this method."""
        own: list[Any] = [self.kind, self.name, self.source or self.version]
        own += [[keys.file_digest(path) for path in self.files()]] if self.files else []
        if not self.uses:
            return own
        from adaptline.core import registry  # noqa: PLC0415 - which methods there are is found by those who load them

        return [*own, registry.identities(self.uses)]


def takes_prompts(method: Method) -> bool:
    """Whether it is a metric that asks for what the items ask: `prompts`, right after predictions and references."""
    return method.kind == "metric" and list(inspect.signature(method.function).parameters)[2:3] == ["prompts"]


def takes_texts(method: Method) -> bool:
    """Whether a matcher asks, after sketches and who is alive, for the texts themselves, to look at some of them."""
    return method.kind == "matcher" and list(inspect.signature(method.function).parameters)[2:3] == ["texts"]


def takes_start(method: Method) -> bool:
    """Whether a matcher can start, with a parameter `start` after the texts if it asks for them, from verdicts on the first shards."""
    given = inspect.signature(method.function).parameters.values()
    names = [parameter.name for parameter in given if parameter.kind is parameter.POSITIONAL_OR_KEYWORD]
    return method.kind == "matcher" and (names[2:3] == ["start"] or names[2:4] == ["texts", "start"])


def takes_scores(method: Method) -> bool:
    """Whether a matcher that takes known verdicts can take rows by their scores (`best`), which a fifth parameter brings."""
    return takes_start(method) and list(inspect.signature(method.function).parameters)[4:5] == ["scores"]


def method_parameters(method: Method) -> dict[str, inspect.Parameter]:
    """A method's parameters; a matcher has those of its sketch and of its match. Raises UserError as `parameters` does."""
    more = (takes_prompts, takes_texts, takes_start, takes_scores)
    data = _DATA_PARAMETERS.get(method.kind, 1) + sum(takes(method) for takes in more)
    own = parameters(method.function, data)
    return own if method.sketch is None else parameters(method.sketch) | own


def score_kind(method: Method) -> Literal["number", "label"] | None:
    """What a filter's scores are, as it declares or its annotation says; None where neither tells."""
    if found := method.options.get("gives"):
        return "label" if found == "label" else "number"
    returned = inspect.signature(method.function, eval_str=True).return_annotation
    if get_origin(returned) is not list:
        return None
    entry = get_args(returned)[0]
    kinds = {kind for kind in (get_args(entry) or (entry,)) if kind is not type(None)}
    return "label" if kinds == {str} else "number" if kinds and kinds <= {int, float, bool} else None


def parameters(function: Callable[..., Any], data: int = 1) -> dict[str, inspect.Parameter]:
    """A function's own parameters: all but the first `data`, which carry the data. Annotations are evaluated.

    Raises:
        UserError: an annotation names what its file does not have.
    """
    try:
        found = inspect.signature(function, eval_str=True).parameters.values()
    except (NameError, AttributeError, TypeError, SyntaxError) as error:
        raise UserError(
            f"an annotation of {function.__name__} cannot be read: {error}",
            where=inspect.getfile(function),
            do="Import the name where Python runs it, not under TYPE_CHECKING.",
        ) from error
    return {p.name: p for p in list(found)[data:] if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
