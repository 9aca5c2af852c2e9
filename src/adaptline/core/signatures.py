"""A function's signature as a schema: what it takes, and whether the values of a recipe fit.

Knows annotations. Knows nothing of TOML or of what the functions do. A value that does not fit raises UserError
without a place; the recipe adds file and line.
"""

from __future__ import annotations

import contextlib
import inspect
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from adaptline.core import keys, naming, registry, servers, sources
from adaptline.core.annotations import describe, is_plain, taken_apart, takes_empty_files, use_kind, without_none
from adaptline.core.artifacts import Desk, Report, Units, Use, Weights
from adaptline.core.demands import Demand, between
from adaptline.core.rows import Rows
from adaptline.errors import UserError, did_you_mean

LINKS = ("step", "from", "each", "by", "where")  # the keys of a recipe's table that are not parameters
KINDS: dict[type, str] = {Rows: "rows", Weights: "weights", Report: "report"}
SETTINGS = {
    "filter": ("on", "name", "min", "max", "keep", "drop", "unjudged"),
    "matcher": ("on", "name"),
    "transform": ("on", "name"),
    "augmenter": ("on", "name", "share", "copies"),
    "metric": ("name",),
}
_MOST_COPIES = 1000  # of one row; more is a slip of the keyboard
_SETTING_TYPES: dict[str, Any] = {
    "on": Literal["all", "prompt", "response"],
    "min": float,
    "max": float,
    "keep": list[str],
    "drop": list[str],
    "unjudged": Literal["keep", "drop"],
    "name": Annotated[str, Demand(str.isidentifier, "of letters, digits and _, no digit first")],
    "share": Annotated[float, between(0, 1)],
    "copies": Annotated[int, between(1, _MOST_COPIES)],
}
_BOUNDS = {"min", "max", "keep", "drop"}
_RESOLVERS: dict[Any, Callable[[Any, Path], Any]] = {
    sources.Files: sources.find_files,
    sources.Folder: sources.find_folder,
    servers.Server: lambda value, _: servers.find_server(value),
    sources.Tasks: sources.find_tasks,
}


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
        annotation, optional = without_none(parameter.annotation)
        item = get_args(annotation)[0] if get_origin(annotation) is list else annotation
        if annotation in (Units, Desk):
            takes.add(annotation)
        elif isinstance(item, type) and item in KINDS:
            inputs.append(Input(parameter.name, KINDS[item], item is not annotation, optional))
        else:
            parameters[parameter.name] = parameter
            if use_kind(annotation) not in (None, "row"):
                method = parameter.name
    return Signature(tuple(inputs), parameters, Units in takes, Desk in takes, method)


def bind_step(name: str, given: Mapping[str, Any], beside: Path) -> dict[str, Any]:
    """The values of a step's parameters, checked and resolved; those equal to their default are left out.

    A step that chooses a method (`method = "lora"`) hands the keys that are not its own to the method.

    Raises:
        BadParameterError: unknown, missing or ill-typed; its `do` says what would fit.
    """
    signature = of_step(name)
    auto = registry.load("step", name).options.get("auto") or {}
    own = {key: value for key, value in given.items() if key in signature.parameters}
    rest = {key: value for key, value in given.items() if key not in signature.parameters}
    if rest and signature.method is None:  # before what is missing: it may be that, misspelt
        unknown = next(iter(rest))
        raise UnknownParameterError(unknown, "is not a parameter", [*signature.parameters, *LINKS])
    values = {}
    for key, parameter in signature.parameters.items():
        value = own.get(key, parameter.default)
        if value is inspect.Parameter.empty:
            do = f"{name} needs {key}: {describe(parameter.annotation)}."
            raise BadParameterError(key, "is missing", do, place=())
        if key == signature.method and isinstance(value, str | dict):
            value = {"use": value, **rest} if isinstance(value, str) else {**value, **rest}
            rest = {}
        if key in auto and value == "auto":
            values[key] = auto[key]()
        elif key in own or isinstance(value, Mapping):
            try:
                checked = _named(key, check(key, value, parameter.annotation, beside))
            except UnknownParameterError as error:
                if key != signature.method:
                    raise
                # One of the method's, or of the step's own, misspelt.
                raise error.among([*error.known, *signature.parameters, *LINKS]) from error
            if checked != parameter.default or isinstance(checked, Use):
                values[key] = checked
    return values


def _named(key: str, checked: Any) -> Any:
    """A checked value; of a list of rules, with each name in it checked and followed."""
    if not naming.is_rules(checked):
        return checked
    with _placed(key, *(use.alias for use in checked if use.alias)):
        return naming.settled(checked)


class BadParameterError(UserError):
    """A parameter that does not fit. `place` is the way to it in a recipe's table, as places.line_of follows it."""

    def __init__(self, parameter: str, what: str, do: str = "", *, place: tuple[str, ...] | None = None) -> None:
        """The parameter, what is wrong with it, and what would fit."""
        self.place = (parameter,) if place is None else place
        super().__init__(f"{parameter} {what}".strip(), do=do)


class UnknownParameterError(BadParameterError):
    """A parameter that there is none of; `known` are those that there are."""

    def __init__(
        self, parameter: str, what: str, known: Sequence[str], *, place: tuple[str, ...] | None = None
    ) -> None:
        """The parameter, of what it is none, and the known ones."""
        self.parameter, self.of, self.known = parameter, what, known
        super().__init__(parameter, what, did_you_mean(parameter, known), place=place)

    def among(self, known: Sequence[str]) -> UnknownParameterError:
        """The same mistake where more names are known."""
        return UnknownParameterError(self.parameter, self.of, known, place=self.place)


def check(name: str, value: Any, annotation: Any, beside: Path) -> Any:
    """A value that fits an annotation, resolved if it names something outside the recipe. Raises BadParameterError."""
    annotation, optional = without_none(annotation)
    if value is None and optional:
        return None
    kind, named, demands = taken_apart(annotation)
    if kind in _RESOLVERS:
        return _resolve(name, value, annotation, beside)
    if kind is Use:
        return bind_use(name, value, named or "row", beside)
    checked = _check_plain(name, value, kind, beside)
    if named is not None and checked not in registry.names(named):
        raise _misfit(name, value, annotation, did_you_mean(checked, registry.names(named)))
    if not all(demand.holds(checked) for demand in demands):
        raise _misfit(name, value, annotation)
    return checked


def _check_plain(name: str, value: Any, annotation: Any, beside: Path) -> Any:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal and value in arguments:
        return value
    if origin is list and isinstance(value, list):
        return [check(name, entry, arguments[0], beside) for entry in value]
    if origin is dict and isinstance(value, dict):
        return {key: check(f"{name}.{key}", entry, arguments[1], beside) for key, entry in value.items()}
    if is_plain(value, annotation):
        return float(value) if annotation is float else value
    hint = did_you_mean(value, [str(a) for a in arguments]) if origin is Literal and isinstance(value, str) else ""
    if origin is list and isinstance(value, str):
        hint = f"Write {name.partition(' of ')[0]} = {json.dumps([value], ensure_ascii=False)}."
    raise _misfit(name, value, annotation, hint)


def _misfit(name: str, value: Any, annotation: Any, do: str = "") -> BadParameterError:
    return BadParameterError(name, f"must be {describe(annotation)}, not {value!r}", do, place=tuple(name.split(".")))


def _resolve(name: str, value: Any, annotation: Any, beside: Path) -> Any:
    kind = taken_apart(annotation)[0]
    fits = {sources.Folder: lambda given: isinstance(given, str), servers.Server: servers.is_server}
    if not fits.get(kind, sources.is_patterns)(value):
        raise BadParameterError(name, f"must be {describe(annotation)}, not {value!r}")
    try:
        if takes_empty_files(annotation):
            return sources.find_files(value, beside, empty=True)
        return _RESOLVERS[kind](value, beside)
    except UserError as error:
        if error.where is not None:
            raise
        lists = value.values() if isinstance(value, dict) else [value]
        entries = [entry for given in lists for entry in (given if isinstance(given, list) else [given])]
        quoted = [entry for entry in entries if isinstance(entry, str) and repr(entry) in error.what]
        raise BadParameterError("", error.what, error.do, place=(name, *quoted[:1])) from error


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
    with _placed(name, use):
        method = registry.load_row_method(use, beside) if kind == "row" else registry.load(kind, use, beside)
        known = registry.method_parameters(method)
    words = SETTINGS.get(method.kind, ())
    given = {key: entry for key, entry in table.items() if key != "use"}
    settings = {key: given.pop(key) for key in words if key in given}
    _refuse_names(name, use, given, known, words)
    settings = {key: _check_in(name, use, key, entry, _SETTING_TYPES[key], beside) for key, entry in settings.items()}
    checked = {key: _check_in(name, use, key, entry, known[key].annotation, beside) for key, entry in given.items()}
    parameters = {key: entry for key, entry in checked.items() if entry != known[key].default}
    with _placed(name, use):
        if method.check:
            method.check(**parameters)
        for key, find in method.options.get("auto", {}).items():
            if parameters.get(key, known[key].default) in ("auto", None) and (told := find(**parameters)) is not None:
                parameters[key] = told
    defaults = method.options.get("defaults", {})
    if _BOUNDS & set(settings):
        defaults = {key: entry for key, entry in defaults.items() if key not in _BOUNDS}
    alias = settings.pop("name", None) if method.kind in registry.ROW_METHODS else None
    return Use(use, method.kind, parameters, {**defaults, **settings}, method.identity, beside, alias)


def _refuse_names(
    name: str, use: str, given: Mapping[str, Any], known: Mapping[str, inspect.Parameter], words: Sequence[str]
) -> None:
    """Refuses parameters that a method does not have, lacks, or calls by a word of the step."""
    if taken := {"use", *words} & set(known):
        do = f"The step has a meaning of its own for {', '.join(('use', *words))}."
        raise BadParameterError(
            name, f"has {use!r}, whose parameter {min(taken)!r} must be renamed", do, place=(name, use)
        )
    for key in given:
        if key not in known:
            place = (name, use, key)
            if key == "as" and "name" in words:  # the word of SQL and Python for it
                raise BadParameterError(
                    key, f"is not a parameter of {use}", 'A name is given by name = "...".', place=place
                )
            raise UnknownParameterError(key, f"is not a parameter of {use}", [*known, *words], place=place)
    for key, parameter in known.items():
        if parameter.default is inspect.Parameter.empty and key not in given:
            do = f'Write {{ use = "{use}", {key} = ... }}: {describe(parameter.annotation)}.'
            raise BadParameterError(key, f"is missing: {use} needs it", do, place=(name, use))


@contextlib.contextmanager
def _placed(name: str, *words: str) -> Iterator[None]:
    """Gives a mistake without a place the place of a method in a recipe: of the words that lead to it."""
    try:
        yield
    except UserError as error:
        if error.where is not None:
            raise
        raise BadParameterError(name, f"has {error.what}", error.do, place=(name, *words)) from error


def _check_in(name: str, use: str, key: str, value: Any, annotation: Any, beside: Path) -> Any:
    try:
        return check(f"{key} of {use}", value, annotation, beside)
    except BadParameterError as error:
        error.place = (name, use, key)
        raise


def meaning(value: Any) -> Any:
    """What enters a key for a value: JSON-like, and never a path."""
    if isinstance(value, Use):
        return [value.identity, meaning(value.parameters), value.settings]
    if isinstance(value, sources.Files | sources.Folder | sources.Tasks | servers.Server):
        return value.meaning
    if isinstance(value, dict):
        return {key: meaning(entry) for key, entry in value.items()}
    return [meaning(entry) for entry in value] if isinstance(value, list) else value


def folders_in(value: Any) -> dict[str, str]:
    """The folders that a value names, by the first characters of their digests: a key holds the digest, people know the name."""
    if isinstance(value, sources.Folder):
        return {keys.short(value.digest): value.name}
    value = value.parameters if isinstance(value, Use) else value
    entries = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return {digest: name for entry in entries for digest, name in folders_in(entry).items()}


def refuse_changed(value: Any) -> None:
    """Raises RunError where a file, folder or method that a value names is not what it was when the value was bound."""
    if isinstance(value, Use):
        value.load()
        value = value.parameters
    if isinstance(value, dict | list):
        for entry in value.values() if isinstance(value, dict) else value:
            refuse_changed(entry)
    elif isinstance(value, sources.Files | sources.Folder | sources.Tasks):
        sources.refuse_changed(value)
