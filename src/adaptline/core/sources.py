"""What a recipe names outside itself: files, folders, task files. Resolved to paths for the run and digests for the key.

Knows how patterns become files. Knows nothing of their formats. A name is relative to the recipe, so recipe and
sources can move together without a key changing.
"""

from __future__ import annotations

import glob
import importlib.util
import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adaptline.core import hub, keys, saved_sets
from adaptline.errors import RunError, UserError

_OWN_METHOD = re.compile(r".+\.py:\w+")

_ANY_DEPTH = re.compile(r"(^|.*?/)\*\*(?:/|$)", re.DOTALL)

Patterns = str | Sequence[str] | Mapping[str, "str | Sequence[str]"]


@dataclass(frozen=True)
class Files:
    """Files that a recipe names by patterns, in the patterns' order and sorted within each.

    `names` are relative to the recipe; `parts` holds the name under which each file was listed, if it was a table
    (`files = { train = "a.csv", test = "b.csv" }`).
    """

    paths: tuple[Path, ...]
    names: tuple[str, ...]
    digests: tuple[str, ...]
    parts: tuple[str | None, ...]

    def __iter__(self) -> Iterator[Path]:
        """The paths."""
        return iter(self.paths)

    def __len__(self) -> int:
        """How many files."""
        return len(self.paths)

    def changed(self) -> str | None:
        """The name of a file that is not what it was when it was found, or None."""
        for path, name, digest in zip(self.paths, self.names, self.digests, strict=True):
            if not path.is_file() or keys.file_digest(path) != digest:
                return name
        return None

    @property
    def meaning(self) -> list[Any]:
        """What enters a key."""
        return [list(entry) for entry in zip(self.names, self.digests, self.parts, strict=True)]


@dataclass(frozen=True)
class Folder:
    """A folder of files that only its content names: a base model. Given as a path, 'package:NAME' or 'hub:ORG/NAME'.

    Of a folder from a hub, whose name says the commit, no other files count than `only`.
    """

    path: Path
    name: str
    digest: str
    only: tuple[str, ...] | None = None

    def changed(self) -> str | None:
        """Its name if its content is not what it was when it was found, else None."""
        same = self.path.is_dir() and keys.folder_digest(self.path, self.only) == self.digest
        return None if same else self.name

    @property
    def record(self) -> dict[str, str]:
        """What is recorded of it beside a key: the commit of a hub that it is."""
        return {} if self.only is None else {"hub": self.name.removeprefix(hub.PREFIX)}

    @property
    def meaning(self) -> str:
        """What enters a key."""
        return self.digest


@dataclass(frozen=True)
class Task:
    """One evaluation task: a TOML file that names its items' files and how to read and score them."""

    name: str
    path: Path
    settings: dict[str, Any]  # the TOML table, less name and files
    files: Files
    methods: dict[str, str] = field(default_factory=dict)  # "./mine.py:f" in the settings -> the digest of its source

    def changed(self) -> str | None:
        """The name of a file that is not what it was when the task was found, or None."""
        own = (use for use, digest in self.methods.items() if _method_digest(use, self.path.parent) != digest)
        return self.files.changed() or next(own, None)

    @property
    def meaning(self) -> list[Any]:
        """What enters a key: not the task file's own bytes but what it says."""
        return [self.name, self.settings, self.files.meaning, *([self.methods] if self.methods else [])]


@dataclass(frozen=True)
class Tasks:
    """Task files that a recipe names by patterns."""

    tasks: tuple[Task, ...]

    def __iter__(self) -> Iterator[Task]:
        """The tasks, in the order of their files."""
        return iter(self.tasks)

    def changed(self) -> str | None:
        """The name of a file that is not what it was when the tasks were found, or None."""
        return next((name for task in self.tasks if (name := task.changed())), None)

    @property
    def meaning(self) -> list[Any]:
        """What enters a key."""
        return [task.meaning for task in self.tasks]


def refuse_changed(found: Files | Folder | Tasks) -> None:
    """Raises RunError where something is not what it was when it was found.

    What was made of it would lie for ever under the key of what it had been.
    """
    if name := found.changed():
        raise RunError(f"{name} changed while it was used. Run again.", brief=True)


def find_files(patterns: Patterns, beside: Path, *, empty: bool = False) -> Files:
    """The files of patterns relative to the folder `beside`; one that two patterns find counts once.

    A folder that Hugging Face datasets saved stands for its files, each with its split. A link that a wildcard finds is
    followed inside of the pattern's folder or the recipe's only: whoever unpacks a foreign set names no other file of
    the machine by it. With `empty` a file may have nothing in it.

    Raises:
        UserError: a pattern finds nothing, nothing that can be read, or a link that leads out; a file is empty; a file is listed under
            two names of a table.
    """
    listed = patterns if isinstance(patterns, Mapping) else {None: patterns}
    paths: dict[Path, tuple[str, str | None]] = {}
    for part, group in listed.items():
        for pattern in [group] if isinstance(group, str) else group:
            for path, own in _matches(pattern, beside.resolve()):
                name, given = _name(path, beside.resolve()), own if part is None else part
                _, earlier = paths.setdefault(path.resolve(), (name, given))
                if earlier != given:
                    raise UserError(f"{name} is listed as {earlier!r} and as {given!r}", do="List every file once.")
    digests = tuple(_digest(path, name, empty) for path, (name, _) in paths.items())
    names, parts = [name for name, _ in paths.values()], [part for _, part in paths.values()]
    return Files(tuple(paths), tuple(names), digests, tuple(parts))


def find_folder(name: str, beside: Path) -> Folder:
    """A folder by its path relative to `beside`; the model inside an installed package as 'package:NAME', or of a hub.

    A hub is asked only where the name says so: a mistyped path must not be sent anywhere.

    Raises:
        UserError: there is no such folder, package or model, or it cannot be read.
    """
    found, only = name, None
    if name.startswith(hub.PREFIX):
        snapshot = hub.find(name)
        path, found, only = snapshot.path, snapshot.name, snapshot.files
    elif name.startswith("package:"):
        path = _package_folder(name.removeprefix("package:"))
    else:
        path = (beside / name).resolve()
    if not path.is_dir():
        raise UserError(
            f"no such folder: {name!r}",
            do="Give a folder relative to the recipe, package:NAME for a model inside an installed package, or hub:ORG/NAME.",
        )
    try:
        return Folder(path, found, keys.folder_digest(path, only), only)
    except PermissionError as error:
        raise UserError(
            f"no permission to read {error.filename}",
            do=f"chmod -R u+rX {path if only else name}, or run as its owner.",
        ) from error


def find_tasks(patterns: Patterns, beside: Path) -> Tasks:
    """The tasks of patterns of TOML files; the files that a task names are relative to the task's own file."""
    tasks: dict[str, Task] = {}
    for path in find_files(patterns, beside):
        task = _read_task(path)
        if task.name in tasks:
            raise UserError(
                f"two tasks are called {task.name!r}",
                where=path,
                do=f"The other is {tasks[task.name].path}; give one a name of its own.",
            )
        tasks[task.name] = task
    return Tasks(tuple(tasks.values()))


def is_patterns(value: Any) -> bool:
    """Whether a recipe's value can name files: a pattern, a list of them, or a table of either."""
    if isinstance(value, dict):
        return bool(value) and all(is_patterns(entry) and not isinstance(entry, dict) for entry in value.values())
    if isinstance(value, list):
        return bool(value) and all(isinstance(entry, str) for entry in value)
    return isinstance(value, str)


def named_in(values: Any, beside: Path) -> Iterator[Path]:
    """What may be a file among a recipe's values: every string as a path, "./mine.py:polite" as that of its file."""
    if isinstance(values, dict | list | tuple):
        for entry in values.values() if isinstance(values, dict) else values:
            yield from named_in(entry, beside)
    elif isinstance(values, str):
        yield beside / (values.rpartition(":")[0] if _OWN_METHOD.fullmatch(values) else values)


def _matches(pattern: str, root: Path) -> list[tuple[Path, str | None]]:
    """The files of a pattern, and the split that a saved data set says each is."""
    path = root / pattern
    try:
        if path.is_file():  # a name may hold [ or * of its own
            return [(path, None)]
    except PermissionError as error:
        raise UserError(
            f"no permission to look for {pattern!r}", do="Its folder must be searchable: chmod u+x."
        ) from error
    if path.is_dir():
        return _saved(path, pattern, root)
    names = sorted(_globbed(pattern, root))
    found = [path for name in names if (path := root / name).is_file() or _leads_nowhere(path)]
    if not found:
        raise UserError(f"no file matches {pattern!r}", do=f"Paths are relative to the recipe's folder, {root}.")
    literal = re.split(r"[^/]*[*?\[]", pattern)[0]
    for path in found:
        _refuse_way_out(path, root / literal, root)
    return [(path, None) for path in found]


def _globbed(pattern: str, root: Path) -> list[str]:
    """The names that a pattern finds, relative to the root if it is; below `**` every folder is looked into once."""
    found = _ANY_DEPTH.search(pattern)
    if found is None:
        return glob.glob(pattern, root_dir=root)  # noqa: PTH207 - Path.glob takes no absolute pattern
    head, tail = pattern[: found.end(1)], pattern[found.end() :] or "*"
    bases = glob.glob(head, root_dir=root) if head else [""]  # noqa: PTH207 - as above
    folders = (folder for base in bases for folder in _folders(base, root))
    return [str(Path(folder, name)) for folder in folders for name in _globbed(tail, root / folder)]


def _folders(base: str, root: Path) -> Iterator[str]:
    """A folder and those inside of it, each once by whichever name comes first: links can lead round in circles."""
    seen, waiting = set[Path](), [base]
    while waiting:
        folder = waiting.pop()
        real = (root / folder).resolve()
        if real not in seen:
            seen.add(real)
            yield folder
            inner = glob.glob("*/", root_dir=root / folder)  # noqa: PTH207 - as above
            waiting += sorted((str(Path(folder, name)) for name in inner), reverse=True)


def _leads_nowhere(path: Path) -> bool:
    """False. Raises UserError for a link to nothing: the file that it stood for would be passed over in silence."""
    if path.is_symlink() and not path.exists():
        raise UserError(
            f"{path.name} is a link to nothing: {path.readlink()}", do="Put the file there, or remove the link."
        )
    return False


def _saved(folder: Path, pattern: str, root: Path) -> list[tuple[Path, str | None]]:
    found = saved_sets.files_of(folder)
    if not found:
        raise UserError(f"{pattern!r} is a folder", do=f'Name its files: "{pattern.rstrip("/")}/*.jsonl".')
    for path, _ in found:
        _refuse_way_out(path, folder, root)
    return found


def _refuse_way_out(path: Path, *inside: Path) -> None:
    """Raises UserError for a link that leads out of all these folders."""
    target = path.resolve()
    if not any(target.is_relative_to(folder.resolve()) for folder in inside):
        raise UserError(
            f"{_name(path, inside[-1])} is a link that leads out of its folder, to {target}",
            do="Name it without a wildcard if it is meant, or put a copy in its place.",
        )


def _name(path: Path, root: Path) -> str:
    """A file's name relative to the recipe. A link goes by its own name: where its content lies has no meaning."""
    name = os.path.relpath(path, root)
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise UserError(f"the name of {name!a} is not UTF-8", do="Rename the file.") from error
    return name


def _digest(path: Path, name: str, empty: bool) -> str:
    try:
        if not empty and path.stat().st_size == 0:
            raise UserError(f"{name} is empty", do="Remove it from the recipe, or find out where its content went.")
        return keys.file_digest(path)
    except PermissionError as error:
        raise UserError(f"no permission to read {name}", do=f"chmod u+r {name}, or run as its owner.") from error


def _package_folder(name: str) -> Path:
    spec = importlib.util.find_spec(name) if name.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise UserError(f"no installed package {name!r}", do=f"pip install {name.replace('_', '-')}")
    root = Path(next(iter(spec.submodule_search_locations)))
    configs = sorted([*root.rglob("config.json")] or root.rglob("config.cfg"), key=lambda path: (len(path.parts), path))
    if not configs:
        do = "A model is a folder with a config.json, or spaCy's config.cfg."
        raise UserError(f"package {name!r} holds no model", do=do)
    return configs[0].parent


def _read_task(path: Path) -> Task:
    try:
        settings = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"not a TOML file: {error}", where=path, do="See https://toml.io for the syntax.") from error
    patterns, name = settings.pop("files", None), settings.pop("name", path.stem)
    if not is_patterns(patterns):
        raise UserError("a task needs files", where=path, do='Add files = ["test.jsonl"], relative to this task file.')
    if not isinstance(name, str):
        raise UserError(f"a task's name is a string, not {name!r}", where=path, do='name = "..."')
    if not keys.can_hold(settings):
        raise UserError("a task has no dates or times", where=path, do="Write them as strings.")
    try:
        files = find_files(patterns, path.parent)
    except UserError as error:
        raise error.at(path) from error
    methods = {use: digest for use in _own_methods(settings) if (digest := _method_digest(use, path.parent))}
    return Task(name, path, settings, files, methods)


def _own_methods(value: Any) -> Iterator[str]:
    """Every string of a task's settings that names a function of a file, like "./mine.py:polite"."""
    if isinstance(value, dict | list):
        for entry in value.values() if isinstance(value, dict) else value:
            yield from _own_methods(entry)
    elif isinstance(value, str) and _OWN_METHOD.fullmatch(value):
        yield value


def _method_digest(use: str, beside: Path) -> str | None:
    path = beside / use.rpartition(":")[0]
    return keys.source_digest(path) if path.is_file() else None
