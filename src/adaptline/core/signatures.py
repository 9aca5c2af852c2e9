"""A function's signature as a schema: what it takes, and whether the values of a recipe fit.

Knows annotations. Knows nothing of TOML or of what the functions do. A value that does not fit raises UserError
without a place; the recipe adds file and line.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from adaptline.core import registry, sources
from adaptline.core.artifacts import Desk, Report, Units, Use, Weights
from adaptline.core.registry import Method
from adaptline.core.rows import Rows
from adaptline.errors import UserError, did_you_mean

KINDS: dict[type, str] = {Rows: "rows", Weights: "weights", Report: "report"}
SETTINGS = {"filter": ("on", "min", "max", "keep", "drop", "unjudged"), "matcher": ("on",), "transform": ("on",)}
_SETTING_TYPES: dict[str, Any] = {
    "on": Literal["all", "prompt", "response"],
    "min": float,
    "max": float,
    "keep": list[str],
    "drop": list[str],
    "unjudged": Literal["keep", "drop"],
}
_RESOLVERS: dict[Any, Callable[[Any, Path], Any]] = {
    sources.Files: sources.find_files,
    sources.Folder: sources.find_folder,
    sources.Tasks: sources.find_tasks,
}
_NAMES = {str: "a string", int: "a whole number", float: "a number", bool: "true or false"}


@dataclass(frozen=True)
class Input:
    """A parameter that takes an artifact: of which kind, one or a gathered list, needed or not."""

    name: str
    kind: str
    gathers: bool
    optional: bool


@dataclass(frozen=True)
class Signature:
    """A step's signature, sorted into inputs and parameters. `method` names the parameter that chooses a method, if any."""

    inputs: tuple[Input, ...]
    parameters: dict[str, inspect.Parameter]
    takes_units: bool
    takes_desk: bool
    method: str | None


@cache
def of_step(name: str) -> Signature:
    """The signature of a step by its name."""
    function = registry.load("step", name).function
    inputs, parameters = [], {}
    method = None
    takes: set[type] = set()
    for parameter in inspect.signature(function, eval_str=True).parameters.values():
        annotation, optional = _without_none(parameter.annotation)
        item = get_args(annotation)[0] if get_origin(annotation) is list else annotation
        if annotation in (Units, Desk):
            takes.add(annotation)
        elif isinstance(item, type) and item in KINDS:
            inputs.append(Input(parameter.name, KINDS[item], item is not annotation, optional))
        else:
            parameters[parameter.name] = parameter
            if _use_kind(annotation) not in (None, "row"):
                method = parameter.name
    return Signature(tuple(inputs), parameters, Units in takes, Desk in takes, method)


def bind_step(name: str, given: Mapping[str, Any], beside: Path) -> dict[str, Any]:
    """The values of a step's parameters, checked and resolved; those equal to their default are left out.

    A step that chooses a method (`method = "lora"`) hands the keys that are not its own to the method.

    Raises:
        UserError: unknown, missing or ill-typed; its `do` says what would fit. `_key` of its text is the parameter.
    """
    signature = of_step(name)
    auto = registry.load("step", name).options.get("auto") or {}
    own = {key: value for key, value in given.items() if key in signature.parameters}
    rest = {key: value for key, value in given.items() if key not in signature.parameters}
    values = {}
    for key, parameter in signature.parameters.items():
        value = own.get(key, parameter.default)
        if value is inspect.Parameter.empty:
            raise BadParameterError(key, "is missing", f"[{name}] needs {key}: {describe(parameter.annotation)}.")
        if key == signature.method and (rest or key in own):
            value = {"use": value, **rest} if isinstance(value, str) else {**value, **rest}
            rest = {}
        if key in auto and value == "auto":
            values[key] = auto[key]()
        elif key in own or isinstance(value, Mapping):
            checked = check(key, value, parameter.annotation, beside)
            if checked != parameter.default or isinstance(checked, Use):
                values[key] = checked
    if rest:
        unknown = next(iter(rest))
        raise BadParameterError(unknown, "is not a parameter", did_you_mean(unknown, signature.parameters))
    return values


class BadParameterError(UserError):
    """A parameter that does not fit. `parameter` is its name, for a place in a file."""

    def __init__(self, parameter: str, what: str, do: str = "", **place: Any) -> None:
        """The parameter, what is wrong with it, and what would fit."""
        self.parameter = parameter
        super().__init__(f"{parameter} {what}", do=do, **place)


def check(name: str, value: Any, annotation: Any, beside: Path) -> Any:
    """A value that fits an annotation, resolved if it names something outside the recipe. Raises BadParameterError."""
    annotation, optional = _without_none(annotation)
    if value is None and optional:
        return None
    if annotation in _RESOLVERS:
        if not _is_patterns(value, single=annotation is sources.Folder):
            raise BadParameterError(name, f"must be {describe(annotation)}, not {value!r}")
        return _RESOLVERS[annotation](value, beside)
    if kind := _use_kind(annotation):
        return bind_use(name, value, kind, beside)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal and value in arguments:
        return value
    if origin is list and isinstance(value, list):
        return [check(name, entry, arguments[0], beside) for entry in value]
    if origin is dict and isinstance(value, dict):
        return {key: check(f"{name}.{key}", entry, arguments[1], beside) for key, entry in value.items()}
    if annotation is Any or _is_plain(value, annotation):
        return float(value) if annotation is float else value
    hint = did_you_mean(value, [str(a) for a in arguments]) if origin is Literal and isinstance(value, str) else ""
    raise BadParameterError(name, f"must be {describe(annotation)}, not {value!r}", hint)


def bind_use(name: str, value: Any, kind: str, beside: Path) -> Use:
    """A method as a recipe uses it, from "name" or { use = "name", ... }. Raises BadParameterError."""
    table = {"use": value} if isinstance(value, str) else value
    if not isinstance(table, dict) or not isinstance(table.get("use"), str):
        raise BadParameterError(
            name,
            f"must be a method's name or a table with use, not {value!r}",
            'Write "name" or { use = "name", parameter = value }.',
        )
    use = table["use"]
    try:
        method = registry.load_row_method(use, beside) if kind == "row" else registry.load(kind, use, beside)
    except UserError as error:
        raise BadParameterError(name, f"has {error.what}", error.do, where=error.where) from error
    given = {key: entry for key, entry in table.items() if key != "use"}
    settings = {key: given.pop(key) for key in SETTINGS.get(method.kind, ()) if key in given}
    settings = {
        key: check(f"{name}.{use}.{key}", entry, _SETTING_TYPES[key], beside) for key, entry in settings.items()
    }
    settings = {**method.options.get("defaults", {}), **settings}
    known = method_parameters(method)
    parameters = {}
    for key, entry in given.items():
        if key not in known:
            raise BadParameterError(
                key, f"is not a parameter of {use}", did_you_mean(key, [*known, *SETTINGS.get(method.kind, ())])
            )
        checked = check(key, entry, known[key].annotation, beside)
        if checked != known[key].default:
            parameters[key] = checked
    for key, parameter in known.items():
        if parameter.default is inspect.Parameter.empty and key not in given:
            raise BadParameterError(
                key,
                f"is missing: {use} needs it",
                f'Write {{ use = "{use}", {key} = ... }}: {describe(parameter.annotation)}.',
            )
    return Use(use, method.kind, parameters, settings, method.identity, beside)


def method_parameters(method: Method) -> dict[str, inspect.Parameter]:
    """A method's parameters; a matcher has those of its sketch and of its match."""
    own = registry.parameters(method.function)
    if method.sketch is None:
        return own
    return registry.parameters(method.sketch) | {key: p for key, p in own.items() if key != "alive"}


def meaning(value: Any) -> Any:
    """What enters a key for a value: JSON-like, and never a path."""
    if isinstance(value, Use):
        return [value.identity, meaning(value.parameters), value.settings]
    if isinstance(value, sources.Files | sources.Folder | sources.Tasks):
        return value.meaning
    if isinstance(value, dict):
        return {key: meaning(entry) for key, entry in value.items()}
    return [meaning(entry) for entry in value] if isinstance(value, list) else value


def describe(annotation: Any) -> str:
    """An annotation in words."""
    annotation, _ = _without_none(annotation)
    if annotation is sources.Files or annotation is sources.Tasks:
        return "a file pattern or a list of them"
    if annotation is sources.Folder:
        return "a folder, or package:NAME"
    if kind := _use_kind(annotation):
        return "a method's name" if kind == "row" else f"one of {', '.join(registry.names(kind))}"
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return f"one of {', '.join(repr(argument) for argument in arguments)}"
    if origin is list:
        return f"a list, each {describe(arguments[0])}"
    if origin is dict:
        return f"a table, each value {describe(arguments[1])}"
    return _NAMES.get(annotation, str(annotation))


def _without_none(annotation: Any) -> tuple[Any, bool]:
    if get_origin(annotation) in (Union, types.UnionType):
        rest = [argument for argument in get_args(annotation) if argument is not type(None)]
        if len(rest) == 1:
            return rest[0], True
    return annotation, False


def _use_kind(annotation: Any) -> str | None:
    if get_origin(annotation) is Annotated and get_args(annotation)[0] is Use:
        kind: str = get_args(annotation)[1]
        return kind
    return None


def _is_patterns(value: Any, *, single: bool) -> bool:
    if single or isinstance(value, str):
        return isinstance(value, str)
    if isinstance(value, dict):
        return all(_is_patterns(entry, single=False) for entry in value.values())
    return isinstance(value, list) and bool(value) and all(isinstance(entry, str) for entry in value)


def _is_plain(value: Any, annotation: Any) -> bool:
    if annotation is bool or isinstance(value, bool):
        return annotation is bool and isinstance(value, bool)
    if annotation is float:
        return isinstance(value, int | float)
    if annotation in (int, str, dict, list):
        return isinstance(value, annotation)
    union = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else ()
    return any(_is_plain(value, argument) for argument in union)
