"""Steps as commands of their own, made from their signatures: `adaptline curate in.jsonl --do exact,minhash -o out.jsonl`.

Knows how a signature becomes options and how a file becomes a recipe of two steps. The work itself is an ordinary run.
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import json
import re
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import typer

from adaptline.core import registry
from adaptline.core.annotations import bare
from adaptline.core.artifacts import Use
from adaptline.errors import UserError, printable

# Steps that make sense for one file at a time; select compares what only a recipe makes.
COMMANDS = ("augment", "curate", "split", "train")
_OUTER_COMMA = r",(?![^\[]*\])"  # not one inside a list
_REASONS_SHOWN = 3
# Parameters of ingest that no step here has too.
_INGEST_OPTIONS = (
    "format", "encoding", "delimiter", "header", "quotes", "row_per", "records",
    "text", "label", "prompt", "context", "completion", "messages", "references", "group", "subject",
)  # fmt: skip


def names() -> list[str]:
    """The steps that are commands."""
    return sorted(COMMANDS)


def command(name: str, *, whole: bool) -> Any:
    """The command of a step, or None for an unknown one. Not `whole`: only its help line, read without importing it."""
    if name not in COMMANDS:
        return None
    function = _caller(name) if whole else _summary_only(name)
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(name)(function)
    return typer.main.get_command(app)


def call(
    step: str,
    source: Path,
    out: Path,
    parameters: dict[str, Any],
    *,
    reading: dict[str, Any] | None = None,
    store: Path | None = None,
) -> Path:
    """Runs one step on one file and writes what comes out.

    Rows that cannot be read are told on stderr and written beside `out`, as `<out>.unreadable.jsonl`: nothing else
    remembers them where the store is temporary.

    Args:
        step: a step that takes rows.
        source: the file. It, and every file that the parameters name, is relative to the current folder.
        out: a file for rows, by whose suffix the format is chosen; a folder for weights.
        parameters: the step's parameters, as a recipe would give them.
        reading: parameters of ingest (format, text, label ...).
        store: keeps the work for another time; a temporary folder by default.

    Raises:
        UserError: a mistake in the file or the parameters, or `out` or the file of unreadable rows exists.
    """
    from adaptline import output  # noqa: PLC0415 - start-up time
    from adaptline.core import progress, recipe, run  # noqa: PLC0415 - start-up time
    from adaptline.core.store import Store  # noqa: PLC0415
    from adaptline.data.writing import refuse_unwritable  # noqa: PLC0415

    aside = out.with_name(out.name + ".unreadable.jsonl")
    output.refuse_place(out, aside)
    if registry.load("step", step).options["output"] == "rows":
        refuse_unwritable(out)
    tables: dict[str, Any] = {"in": {"step": "ingest", "files": str(source.absolute()), **(reading or {})}}
    if step == "train":  # validation needs a part of its own
        tables["parts"] = {"step": "split", "from": "in", "share": {"train": 0.9, "validation": 0.1}}
    tables[step] = {"step": step, "from": list(tables)[-1], **parameters}
    with tempfile.TemporaryDirectory(prefix="adaptline-") as temporary, _of_no_recipe():
        found = recipe.from_tables(tables, f"oneshot-{step}", Path.cwd())
        with progress.for_terminal() as show:
            made = run.run(found, store=store or Path(temporary), show=show)
        opened = Store.open(store or Path(temporary))
        first, last = (opened.manifest(artifact.key) or {} for artifact in (made[0], made[-1]))
        output.write(opened, last, out)
        if strange := list(output.unreadable(opened, first)):
            aside.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in strange), "utf-8")
            _tell(strange, aside)
    return out


@contextlib.contextmanager
def _of_no_recipe() -> Iterator[None]:
    """Takes the recipe and its step out of a mistake's words: the user wrote neither."""
    try:
        yield
    except UserError as error:
        if error.where != "recipe":
            raise
        what = re.sub(r"^\[\w+\] ", "", error.what)
        do = error.do.replace("Paths are relative to the recipe's folder", "Paths are relative to the current folder")
        raise UserError(what, do=do) from error


def _tell(unreadable: list[dict[str, Any]], aside: Path) -> None:
    count = len(unreadable)
    lines = [f"{count:,} {'row' if count == 1 else 'rows'} could not be read; see {aside}"]
    lines += [f"  {_place(row)}: {row['reason']}" for row in unreadable[:_REASONS_SHOWN]]
    lines += ["  ..."] if count > _REASONS_SHOWN else []
    for line in lines:  # names of files are foreign
        print(printable(line), file=sys.stderr)


def _place(row: dict[str, Any]) -> str:
    return f"{row['file']}, row {row['row']}" + (f" (line {row['line']})" if row["line"] else "")


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
    asked = {key: parameter.annotation for key, parameter in signatures.of_step("ingest").parameters.items()}
    reading_docs = _documented(registry.load("step", "ingest").function)

    def run(**given: Any) -> None:
        source, out, store = given.pop("source"), given.pop("out"), given.pop("store")
        words = {key: given.pop(f"read_{key}") for key in _INGEST_OPTIONS}
        reading = {key: _from_options(value, asked[key]) for key, value in words.items() if value is not None}
        parameters = {key: _from_options(value, types[key]) for key, value in given.items() if value is not None}
        print(call(name, source, out, parameters, reading=reading, store=store))

    options = [
        inspect.Parameter(
            "source",
            inspect.Parameter.KEYWORD_ONLY,
            annotation=Annotated[Path, typer.Argument(help="the file", metavar="FILE")],
        ),
        inspect.Parameter(
            "out",
            inspect.Parameter.KEYWORD_ONLY,
            annotation=Annotated[Path, typer.Option("-o", "--out", help="the file or folder to write")],
        ),
        *(
            _option(key, annotation, own.get(key), docs.get(key, f"of the {method or 'step'}"))
            for key, annotation in types.items()
        ),
        *(_option(f"read_{key}", asked[key], None, reading_docs[key], name=key) for key in _INGEST_OPTIONS),
        inspect.Parameter(
            "store",
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[Path | None, typer.Option(help="keep the work in this store")],
        ),
    ]
    run.__signature__ = inspect.Signature(options)  # type: ignore[attr-defined]
    run.__annotations__ = {option.name: option.annotation for option in options}
    run.__doc__ = inspect.getdoc(registry.load("step", name).function)
    run.__doc__ = (run.__doc__ or "").split("\n\n")[0]
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


def _from_options(given: str | list[str], annotation: Any) -> Any:
    """The value of an option; those of a list that is given more than once are put together."""
    if isinstance(given, str):
        return from_words(given, annotation)
    return [entry for words in given for entry in from_words(words, annotation)]


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

    module = registry.PACKAGE / (registry.names("step")[name].removeprefix("adaptline.").replace(".", "/") + ".py")
    tree = ast.parse(module.read_text("utf-8"))
    function = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name)
    run.__doc__ = (ast.get_docstring(function) or "").split("\n")[0]
    return run
