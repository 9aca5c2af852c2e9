"""Methods and steps: one decorator per kind, found by file name, imported when used.

Knows where methods of each kind live and what enters a key for them. Knows nothing of what they compute.
A method is one function in one file of the folder of its kind, and the file's name is the method's name; nothing else
needs to be told about it.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import inspect
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args, get_origin

from adaptline.core import keys
from adaptline.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from adaptline.core.grid import Node

F = TypeVar("F", bound=Callable[..., Any])
Cost = Literal["low", "high"]

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
_IMPORTING = threading.RLock()  # the import system's own caches are not safe from two who clear them at once
ROW_METHODS = ("filter", "matcher", "transform")  # the kinds that `do` lists
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
        return own + ([identities(self.uses)] if self.uses else [])


def _register(method_kind: str, **facts: Any) -> Callable[[F], F]:
    def mark(function: F) -> F:
        function.__dict__["__adaptline__"] = Method(method_kind, function, **facts)
        return function

    return mark


def step(
    *,
    version: int,
    output: Literal["rows", "weights", "report"],
    auto: Mapping[str, Callable[[], Any]] | None = None,
    uses: Sequence[str] = (),
    secret: str | None = None,
    reads_detail: bool = False,
    reads_cells: bool = False,
    reads_ancestry: bool = False,
    check: Callable[[Node], None] | None = None,
    notes: Callable[[Node], Sequence[str]] | None = None,
) -> Callable[[F], F]:
    """A function from artifacts to one artifact; its signature is the schema of the recipe's table.

    Args:
        version: raised when the step's meaning changes.
        output: the kind of artifact that it makes.
        auto: for each parameter that may be "auto", what it means on this machine; resolved before a key is made.
        uses: kinds of methods that it finds by itself, by a file's suffix or in a task; all of their versions enter its
            key.
        secret: the parameter that, where it is given, makes results depend on the store's secret.
        reads_detail: whether it reads what its inputs remember beside their rows (scores, verdicts).
        reads_cells: whether it is told which cells of the grid its inputs are; others' keys do not hold them.
        reads_ancestry: whether it gets the weights and reports that stand behind its reports; its key holds their digests.
        check: looks at the step's values and at the steps before it, before any work, and raises UserError for what
            cannot end well.
        notes: looks at the same, and says what may be meant otherwise; `plan` tells it.
    """
    reads = {"reads_detail": reads_detail, "reads_cells": reads_cells, "reads_ancestry": reads_ancestry}
    options = {
        "output": output,
        "auto": dict(auto or {}),
        "uses": tuple(uses),
        "secret": secret,
        "notes": notes,
        **reads,
    }
    return _register("step", version=version, check=check or _refuse_nothing, options=options)


def _refuse_nothing(_: Node) -> None:
    """What a step without a check of its own refuses."""


def filter(
    *,
    version: int,
    finds: Sequence[str] = (),
    cost: Cost | Callable[[Mapping[str, Any]], Cost] = "low",
    files: Callable[[], Sequence[Path]] | None = None,
    defaults: Mapping[str, Any] | None = None,
    gives: Literal["number", "label"] | None = None,
    labels: Callable[[], Iterable[str]] | None = None,
    settle: Callable[..., None] | None = None,
    tell: Callable[..., Sequence[str]] | None = None,
    uses: Sequence[str] = (),
    check: Callable[..., None] | None = None,
) -> Callable[[F], F]:
    """A score per text: a number or a label, null where there is none to give.

    Args:
        version: raised when the scores change.
        finds: the kinds of defect that it is for, as an audit names them.
        cost: "high" scores only the survivors of the methods before it; or a function that tells it of the parameters.
        files: data files whose digests enter the key.
        defaults: the bounds (min, max, keep, drop, unjudged) for a recipe that gives none of them.
        gives: what a score is, where the annotation of what the function returns (list[float], list[str]) does not tell.
        labels: all labels that it can give; keep and drop must name some of them.
        settle: called once with the tables of scores of all shards and the parameters, after the bounds: raises
            UserError for what only the whole shows.
        tell: called with the parameters after that: lines that are kept and shown beside what it dropped.
        uses: kinds of methods that it finds by itself (formats, by a file's suffix); their versions enter its keys.
        check: called with the parameters that a recipe gives, before any work; raises UserError.
    """
    options = {
        "defaults": dict(defaults or {}),
        "gives": "label" if labels else gives,
        "labels": labels,
        "settle": settle,
        "tell": tell,
    }
    facts = {"finds": tuple(finds), "uses": tuple(uses), "cost": cost, "files": files, "check": check}
    return _register("filter", version=version, options=options, **facts)


def transform(*, version: int, finds: Sequence[str] = (), check: Callable[..., None] | None = None) -> Callable[[F], F]:
    """A new text per text. `check` is called with the parameters that a recipe gives, before any work; raises UserError."""
    return _register("transform", version=version, finds=tuple(finds), check=check)


def augmenter(
    *,
    version: int,
    files: Callable[[], Sequence[Path]] | None = None,
    auto: Mapping[str, Callable[..., Any]] | None = None,
    check: Callable[..., None] | None = None,
) -> Callable[[F], F]:
    """Another text per passage (data/passages.py), or the gate that refused it. One that equals the old text counts as none.

    Args:
        version: raised when its texts change.
        files: data files whose digests enter the key.
        auto: for each parameter that may be "auto" or left out, what it means on this machine with the other parameters that
            a recipe gives, None for nothing; resolved before a key is made.
        check: called with the parameters that a recipe gives, before any work; raises UserError.
    """
    return _register("augmenter", version=version, files=files, check=check, options={"auto": dict(auto or {})})


def matcher(
    *,
    version: int,
    sketch: Callable[..., Any],
    finds: Sequence[str] = (),
    check: Callable[..., None] | None = None,
) -> Callable[[F], F]:
    """Pairs of rows that are the same: a `sketch` per shard, and a global match over all sketches.

    The match gets the sketches and who is alive, per shard; with a third parameter `texts`, also each shard's texts, which
    are read when they are asked for; and with a fourth, `start`, the verdicts on the first shards where they are known, and how much memory it may take (matching.Start).

    Args:
        version: raised when the verdicts change.
        sketch: what a shard's texts become, before all shards are matched; its parameters are the matcher's too.
        finds: the kinds of defect that it is for, as an audit names them.
        check: called with the parameters that a recipe gives, for those that do not go together; raises UserError.
    """
    return _register("matcher", version=version, sketch=sketch, finds=tuple(finds), check=check)


def format(
    *, version: int, suffixes: Sequence[str], cut: Callable[..., Any], write: Callable[..., Any] | None = None
) -> Callable[[F], F]:
    """A reader of one file format: how a file is cut into blocks, how a block becomes records, how rows are written."""
    return _register("format", version=version, options={"suffixes": tuple(suffixes), "cut": cut, "write": write})


def adapter(
    *,
    version: int,
    lr: float,
    head_rate: float = 1.0,
    writer_lr: float | None = None,
    learns: bool = True,
    suits: Sequence[str] = ("classifier", "writer"),
) -> Callable[[F], F]:
    """A way to make a base trainable: which of its parameters, and which new ones, learn.

    Args:
        version: raised when its meaning changes.
        lr: the peak learning rate that suits it, where a recipe names none.
        head_rate: how many times faster the new head learns than the rest.
        writer_lr: the peak learning rate for a base that writes, where it is another.
        learns: whether anything learns; a base that is taken as it is can be compared like the others.
        suits: the kinds of base that it is for: those that read and get a head, those that write.
    """
    rates = {"lr": lr, "head_rate": head_rate, "writer_lr": lr if writer_lr is None else writer_lr}
    return _register("adapter", version=version, options={**rates, "learns": learns, "suits": tuple(suits)})


def classifier(*, version: int, check: Callable[..., None] | None = None) -> Callable[[F], F]:
    """A model that reads texts and tells how likely some of its labels are, for filters that name one.

    Args:
        version: raised when its probabilities change.
        check: called with the folder and the labels, before any work; raises UserError.
    """
    return _register("classifier", version=version, check=check)


def metric(
    *, version: int, bounds: tuple[float, float] | None = None, signature: Callable[..., str] | None = None
) -> Callable[[F], F]:
    """A score per item; higher is better. It takes predictions, references and, if its third parameter is `prompts`, these.

    Args:
        version: raised when the scores change.
        bounds: the lowest and the highest score that a set of items can have.
        signature: what a score is called so that others can compare theirs, as sacrebleu's signatures do: takes what the
            metric takes less the predictions. It is called before any item is answered: references (or prompts) that the
            metric cannot use are refused here, too.
    """
    if bounds is not None and not bounds[0] < bounds[1]:
        raise ValueError(f"bounds = {bounds}: the lowest comes first")
    return _register("metric", version=version, options={"bounds": bounds, "signature": signature})


def guard(*, version: int, check: Callable[..., None] | None = None) -> Callable[[F], F]:
    """A look at a prompt's text before it is answered: the reason why it is not, or None.

    Args:
        version: raised when its verdicts change.
        check: called with the parameters that a recipe gives, before any work; raises UserError.
    """
    return _register("guard", version=version, check=check)


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
    method = _method_in(_import_file(path, source), name)
    return Method(**{**vars(method), "source": source})


@cache
def _import_file(path: Path, source: str) -> Any:
    """A user's file as a module; its own folder is importable while it loads, so it can have helpers beside it."""
    module_name = f"adaptline_user_{source[:16]}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise UserError("not a Python file", where=path, do="Its name must end in .py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        with _IMPORTING, _importable(path.parent):
            spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[module_name]
        raise UserError(
            f"cannot be imported: {type(error).__name__}: {error}", where=path, do="Run it with python to see why."
        ) from error
    return module


@contextlib.contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """While the block runs, modules of a folder can be imported, and are read anew.

    A helper may have been edited since it was last imported, and another recipe may have one of the same name: neither
    what is in memory nor a bytecode file, which tells seconds only, may stand in for what the key was made from.
    """
    earlier = {name: module for name, module in sys.modules.items() if _is_of(folder, name)}
    for name in earlier:
        del sys.modules[name]
    writes_bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    importlib.invalidate_caches()
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        sys.dont_write_bytecode = writes_bytecode
        for name in [name for name in sys.modules if _is_of(folder, name)]:
            del sys.modules[name]
        sys.modules.update(earlier)


def _is_of(folder: Path, name: str) -> bool:
    """Whether a loaded module, or the package that it belongs to, is a file or folder directly in `folder`."""
    top = name.partition(".")[0]
    module = sys.modules.get(top)
    is_file = getattr(module, "__file__", None) == str(folder / f"{top}.py")
    return top != "adaptline" and (is_file or str(folder / top) in getattr(module, "__path__", ()))


def takes_prompts(method: Method) -> bool:
    """Whether it is a metric that asks for what the items ask: `prompts`, right after predictions and references."""
    return method.kind == "metric" and list(inspect.signature(method.function).parameters)[2:3] == ["prompts"]


def takes_texts(method: Method) -> bool:
    """Whether a matcher asks, after sketches and who is alive, for the texts themselves, to look at some of them."""
    return method.kind == "matcher" and list(inspect.signature(method.function).parameters)[2:3] == ["texts"]


def takes_start(method: Method) -> bool:
    """Whether a matcher that takes texts can start, with a fourth parameter `start`, from verdicts on the first shards."""
    return takes_texts(method) and list(inspect.signature(method.function).parameters)[3:4] == ["start"]


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
