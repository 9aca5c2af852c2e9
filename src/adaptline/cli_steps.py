"""Steps as commands of their own, and `new`, made from signatures: `adaptline curate in.jsonl --do exact,minhash -o out.jsonl`.

Knows how a signature becomes options and how words become values. The work is done by oneshot.py, and by the library for
`new`, whose options are those of ingest.
"""

from __future__ import annotations

import ast
import inspect
import re
import shlex
import tomllib
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import typer

from adaptline import oneshot
from adaptline.cli_options import Force, MemoryBound, Workers
from adaptline.cli_words import as_typed
from adaptline.core import registry
from adaptline.core.annotations import bare
from adaptline.core.artifacts import Use
from adaptline.errors import UserError

# Steps that make sense for one file at a time; select compares what only a recipe makes.
COMMANDS = ("augment", "curate", "split", "train")
NEW = "new"  # the command that writes a recipe
_NEW_DOC = "Write a first recipe for a file of your own."
_OUTER_COMMA = r",(?![^\[]*\])"  # not one inside a list


def names() -> list[str]:
    """The steps that are commands, and the one that writes a recipe."""
    return [NEW, *sorted(COMMANDS)]


def command(name: str, *, whole: bool) -> Any:
    """The command of a step, or None for an unknown one. Not `whole`: only its help line, read without importing it."""
    if name not in names():
        return None
    function = (_writer() if name == NEW else _caller(name)) if whole else _summary_only(name)
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(name)(function)
    return typer.main.get_command(app)


def _caller(name: str) -> Callable[..., None]:
    """A function with the step's parameters as options, that calls it."""
    from adaptline.core import signatures  # noqa: PLC0415 - loads Arrow

    own = signatures.of_step(name).parameters
    types = {key: parameter.annotation for key, parameter in own.items()}
    if method := signatures.of_step(name).method:
        for choice in registry.names("adapter"):
            for key, parameter in registry.parameters(registry.load("adapter", choice).function).items():
                types.setdefault(key, parameter.annotation)
    docs = _documented(registry.load("step", name).function)
    asked = _reading(besides=types)

    def run(**given: Any) -> None:
        source, out = given.pop("source"), given.pop("out")
        how = {key: given.pop(key) for key in ("store", *oneshot.RUNNING)}
        words = {key: given.pop(f"read_{key}") for key in asked}
        parameters = {key: _from_options(value, types[key], key) for key, value in given.items() if value is not None}
        typed = partial(as_typed, options=[*types, *asked])
        print(oneshot.call(name, source, out, parameters, reading=_read(words, asked), words=typed, **how))

    options = [
        _argument("source", "the file"),
        _plain("out", Annotated[Path, typer.Option("-o", "--out", help="the file or folder to write")]),
        *(
            _option(key, annotation, own.get(key), docs.get(key, f"of the {method or 'step'}"))
            for key, annotation in types.items()
        ),
        *_reading_options(asked),
        _plain("store", Annotated[Path | None, typer.Option(help="keep the work in this store")], None),
        _plain("workers", Workers, None),
        _plain("memory", MemoryBound, None),
        _plain("force", Force, False),
    ]
    return _with_signature(run, options, inspect.getdoc(registry.load("step", name).function) or "")


def _writer() -> Callable[..., None]:
    """A function with the parameters of ingest as options, that writes a first recipe."""
    asked = _reading()

    def run(**given: Any) -> None:
        from adaptline import library  # noqa: PLC0415 - start-up time

        data, out, force = given.pop("data"), given.pop("out"), given.pop("force")
        words = {key: given[f"read_{key}"] for key in asked}
        with oneshot.of_no_recipe(partial(as_typed, options=list(asked))):
            path = library.new(data, out, force=force, **_read(words, asked))
        typed = shlex.quote(str(path))
        print(f"{path}\n  look at it, then: adaptline plan {typed}; adaptline run {typed}")

    out = typer.Option("-o", "--out", help="the recipe to write; recipe.toml beside the file by default")
    options = [_argument("data", "a file of your own"), _plain("out", Annotated[Path | None, out], None)]
    options += [*_reading_options(asked), _plain("force", Force, False)]
    return _with_signature(run, options, _NEW_DOC)


def _reading(besides: Iterable[str] = ()) -> dict[str, Any]:
    """The parameters of ingest that say how a file is read, with what they take, besides those that a step has, too."""
    from adaptline.core import signatures  # noqa: PLC0415 - loads Arrow

    parameters = signatures.of_step("ingest").parameters
    return {key: parameter.annotation for key, parameter in parameters.items() if key not in ("files", *besides)}


def _read(words: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _from_options(value, asked[key], key) for key, value in words.items() if value is not None}


def _reading_options(asked: Mapping[str, Any]) -> list[inspect.Parameter]:
    docs = _documented(registry.load("step", "ingest").function)
    return [_option(f"read_{key}", kind, None, docs[key], name=key) for key, kind in asked.items()]


def _argument(name: str, text: str) -> inspect.Parameter:
    return _plain(name, Annotated[Path, typer.Argument(help=text, metavar="FILE")])


def _plain(name: str, annotation: Any, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _with_signature(run: Callable[..., None], options: list[inspect.Parameter], doc: str) -> Callable[..., None]:
    run.__signature__ = inspect.Signature(options)  # type: ignore[attr-defined]
    run.__annotations__ = {option.name: option.annotation for option in options}
    run.__doc__ = doc.split("\n\n", maxsplit=1)[0]
    return run


def _option(
    key: str, annotation: Any, parameter: inspect.Parameter | None, text: str, name: str | None = None
) -> inspect.Parameter:
    """An option for a parameter. Values are words: numbers and lists are read from them when the step is called."""
    flag = "--" + (name or key).replace("_", "-")
    needed = parameter is not None and parameter.default is inspect.Parameter.empty
    default = inspect.Parameter.empty if needed else None
    shown = "" if needed or parameter is None or parameter.default is None else f" [default: {parameter.default}]"
    kind: Any = list[str] if get_origin(bare(annotation)) is list else str
    kind = kind if needed else kind | None
    return inspect.Parameter(
        key,
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[kind, typer.Option(flag, help=text + shown, metavar=_metavar(annotation))],
    )


def _metavar(annotation: Any) -> str:
    annotation = bare(annotation)
    options = get_args(annotation) or (annotation,)
    if get_origin(annotation) is Literal:
        return "|".join(map(str, options))
    return (
        "NUMBER"
        if {int, float} & set(options)
        else "LIST"
        if get_origin(annotation) is list
        else "TABLE"
        if get_origin(annotation) is dict
        else "TEXT"
    )


def _from_options(given: str | list[str], annotation: Any, name: str) -> Any:
    """The value of an option; those of a list that is given more than once are put together. Raises UserError for an empty one."""
    if isinstance(given, str):
        return from_words(given, annotation)
    found = [entry for words in given for entry in from_words(words, annotation)]
    if not found and not any(words.strip() for words in given):
        raise UserError(f"--{name.replace('_', '-')} names nothing", do="Name at least one.")
    return found


def from_words(words: str, annotation: Any) -> Any:
    """A value as a recipe would give it: TOML where it parses to what is asked for, else lists at commas, else the words."""
    annotation = bare(annotation)
    origin = get_origin(annotation)
    if origin is list:
        if words.startswith("["):
            return _toml(words)
        entries = [entry.strip() for entry in re.split(_OUTER_COMMA, words) if entry.strip()]
        return [_use(entry) for entry in entries] if "Use" in str(annotation) else entries
    if origin is dict:
        pairs = [entry.partition("=") for entry in words.split(",")]
        return _toml(words) if words.startswith("{") else {key.strip(): _toml(value) for key, _, value in pairs}
    if annotation in (Use, str) or str in get_args(annotation):
        return words
    return _toml(words)


def _use(words: str) -> Any:
    """A method: "minhash", or with parameters "length:min=20:max=400"."""
    use, *settings = re.split(r":(?=[A-Za-z_]+=)", words)
    if not settings:
        return use
    return {"use": use, **{key: _toml(value) for key, _, value in (setting.partition("=") for setting in settings)}}


def _toml(words: str) -> Any:
    try:
        return tomllib.loads(f"value = {words}")["value"]
    except tomllib.TOMLDecodeError:
        return words


def _documented(function: Callable[..., Any]) -> dict[str, str]:
    """Parameter -> its line in the Args section of a docstring."""
    _, _, arguments = (inspect.getdoc(function) or "").partition("Args:\n")
    arguments = arguments.partition("\n\n")[0]
    found = re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", arguments, re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in found}


def _summary_only(name: str) -> Callable[[], None]:
    def run() -> None: ...

    run.__doc__ = _NEW_DOC if name == NEW else _first_line(name)
    return run


def _first_line(step: str) -> str:
    """What a step does, in a line, read without importing it."""
    module = registry.PACKAGE / (registry.names("step")[step].removeprefix("adaptline.").replace(".", "/") + ".py")
    tree = ast.parse(module.read_text("utf-8"))
    function = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == step)
    return (ast.get_docstring(function) or "").split("\n")[0]
