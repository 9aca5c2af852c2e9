"""Methods and steps: found by file name, imported when used.

Knows where methods of each kind live. Knows nothing of what they compute. A method is one function in one file of the
folder of its kind, and the file's name is the method's name; nothing else needs to be told about it. This is the one
module that methods and those who use them import: what a method declares (decorators.py) and what it is (methods.py)
are had from here.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from adaptline.core import keys
from adaptline.core.decorators import (
    adapter,
    augmenter,
    classifier,
    filter,
    format,
    guard,
    matcher,
    metric,
    step,
    transform,
)
from adaptline.core.methods import (
    Method,
    method_parameters,
    parameters,
    score_kind,
    takes_prompts,
    takes_scores,
    takes_start,
    takes_texts,
)
from adaptline.core.user_files import import_file
from adaptline.errors import UserError, did_you_mean

__all__ = [
    "FOLDERS",
    "PACKAGE",
    "ROW_METHODS",
    "Method",
    "adapter",
    "augmenter",
    "classifier",
    "filter",
    "format",
    "guard",
    "identities",
    "kind_of",
    "load",
    "load_row_method",
    "matcher",
    "method_parameters",
    "metric",
    "names",
    "parameters",
    "score_kind",
    "step",
    "takes_prompts",
    "takes_scores",
    "takes_start",
    "takes_texts",
    "transform",
]

PACKAGE = Path(__file__).parent.parent
FOLDERS: dict[str, tuple[str, ...]] = {
    "step": ("data/steps", "models/steps", "evals/steps", "deploy/steps"),
    "format": ("data/formats",),
    "filter": ("data/filters", "models/filters"),
    "matcher": ("data/matchers", "models/matchers"),
    "transform": ("data/transforms",),
    "augmenter": ("data/augments", "models/augments"),
    "adapter": ("models/adapters",),
    "classifier": ("models/classifiers",),
    "metric": ("evals/metrics",),
    "guard": ("deploy/guards",),
}
ROW_METHODS = ("filter", "matcher", "transform")  # the kinds that `do` lists


def names(kind: str) -> dict[str, str]:
    """Name of every method of a kind -> the module that holds it; imports nothing."""
    found = {}
    for folder in FOLDERS[kind]:
        for path in sorted((PACKAGE / folder).glob("[!_]*.py")):
            found[path.stem] = f"adaptline.{folder.replace('/', '.')}.{path.stem}"
    return found


def identities(kinds: Sequence[str]) -> list[list[Any]]:
    """What enters a key for every method of the package of some kinds; imports them."""
    return [load(kind, name).identity for kind in kinds for name in names(kind)]


def kind_of(name: str) -> str:
    """The kind of a row method, by its name. Raises UserError for an unknown one."""
    for kind in ROW_METHODS:
        if name in names(kind):
            return kind
    known = [name for kind in ROW_METHODS for name in names(kind)]
    raise UserError(f"unknown method {name!r}", do=did_you_mean(name, known) + ' Your own: use = "./file.py:function".')


def load(kind: str, name: str, beside: Path | None = None) -> Method:
    """The method of a kind by its name, or a user's own as './file.py:function', relative to the recipe's folder."""
    if ":" in name:
        method = _load_users(name, beside or Path())
        allowed = ROW_METHODS if kind in ROW_METHODS else (kind,)
        if method.kind not in allowed:
            raise UserError(
                f"{name!r} is {_with_article(method.kind)}, not {_with_article(kind)}", do=f"Decorate it with @{kind}."
            )
        return method
    module = names(kind).get(name)
    if module is None:
        raise UserError(f"unknown {kind} {name!r}", do=did_you_mean(name, names(kind)))
    return _method_in(importlib.import_module(module), name)


def _with_article(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def load_row_method(name: str, beside: Path | None = None) -> Method:
    """A filter, matcher or transform by its name or by the user's file."""
    return load("filter" if ":" in name else kind_of(name), name, beside)


def _method_in(module: Any, name: str) -> Method:
    function = getattr(module, name, None)
    method = getattr(function, "__adaptline__", None)
    if not isinstance(method, Method):
        marked = [n for n, f in vars(module).items() if isinstance(getattr(f, "__adaptline__", None), Method)]
        raise UserError(
            f"no method {name!r} in {module.__file__}",
            do=did_you_mean(name, marked)
            if marked
            else "Decorate the function with @filter(version=1) or @transform(version=1).",
        )
    return method


def _load_users(use: str, beside: Path) -> Method:
    file, _, name = use.rpartition(":")
    path = (beside / file).resolve()
    if not path.is_file():
        raise UserError(f"no such file: {file}", do=f"{use!r} is looked for beside the recipe.")
    try:
        source = keys.source_digest(path)
    except PermissionError as error:
        raise UserError(f"no permission to read {error.filename}", do="chmod u+r, or run as its owner.") from error
    method = _method_in(import_file(path, source), name)
    return Method(**{**vars(method), "source": source})
