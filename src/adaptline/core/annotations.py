"""What an annotation of a parameter says: its type, its demands, the kind of method that it names; and that in words.

Knows annotations and plain values. Knows nothing of files, methods' parameters or recipes (signatures.py).
"""

from __future__ import annotations

import inspect
import math
import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from adaptline.core import keys, registry, servers, sources
from adaptline.core.artifacts import Use
from adaptline.core.demands import EMPTY_FILES, Demand

_ANYTHING = (Any, inspect.Parameter.empty)  # a user's own method may have no annotations
_NAMES: dict[Any, str] = {
    str: "a string",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    sources.Files: "a file pattern, a list of them, or a table of either",
    sources.Tasks: "a file pattern or a list of them",
    sources.Folder: "a folder, package:NAME or hub:ORG/NAME",
    servers.Server: 'a URL, or a table of url, key ("env:NAME"), concurrency and timeout',
    Any: "what JSON can say",
    inspect.Parameter.empty: "what JSON can say",
}


def bare(annotation: Any) -> Any:
    """The type, without None as a choice and without what Annotated adds."""
    annotation, _ = without_none(annotation)
    return taken_apart(annotation)[0]


def without_none(annotation: Any) -> tuple[Any, bool]:
    """`X | None` as X, and whether None was a choice."""
    if get_origin(annotation) in (Union, types.UnionType):
        rest = [argument for argument in get_args(annotation) if argument is not type(None)]
        if len(rest) == 1:
            return rest[0], True
    return annotation, False


def taken_apart(annotation: Any) -> tuple[Any, str | None, list[Demand]]:
    """The type, the kind of method that the value names (None if it names none), and the demands on it."""
    if get_origin(annotation) is not Annotated:
        return annotation, None, []
    kind, *added = get_args(annotation)
    named = next((entry for entry in added if isinstance(entry, str)), None)
    return kind, named, [entry for entry in added if isinstance(entry, Demand)]


def takes_empty_files(annotation: Any) -> bool:
    """Whether a parameter of files takes empty ones."""
    return EMPTY_FILES in get_args(without_none(annotation)[0])


def use_kind(annotation: Any) -> str | None:
    """The kind of method of `Annotated[Use, KIND]`; None for any other annotation."""
    kind, named, _ = taken_apart(without_none(annotation)[0])
    return named if kind is Use else None


def describe(annotation: Any) -> str:
    """An annotation in words, as they follow "must be"."""
    annotation, _ = without_none(annotation)
    kind, named, demands = taken_apart(annotation)
    if named is not None:
        return "a method's name" if named == "row" else f"one of {', '.join(registry.names(named))}"
    return " ".join([_described_type(kind), *(demand.words for demand in demands)])


def _described_type(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return f"one of {', '.join(repr(argument) for argument in arguments)}"
    if origin is list:
        return f"a list, each {describe(arguments[0])}"
    if origin is dict:
        return f"a table, each value {describe(arguments[1])}"
    if origin in (Union, types.UnionType):
        return " or ".join(describe(argument) for argument in arguments)
    return _NAMES.get(annotation, str(annotation))


def is_plain(value: Any, annotation: Any) -> bool:
    """Whether a value is of a type that JSON knows, or of one of several. A number is never NaN."""
    if annotation in _ANYTHING:
        return keys.can_hold(value)
    if annotation is bool or isinstance(value, bool):
        return annotation is bool and isinstance(value, bool)
    if annotation is float:
        return isinstance(value, int | float) and not math.isnan(value)
    if annotation in (int, str, dict, list):
        return isinstance(value, annotation) and keys.can_hold(value)
    union = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else ()
    return any(is_plain(value, argument) for argument in union)
