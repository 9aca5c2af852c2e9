"""The verbs as Python functions: what the command line and a notebook call.

Each is thin: it opens the recipe and its store, asks a room, and returns plain data.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adaptline.core import disk, failures, machine, manifests, moves, recipe, sources, sweep, versions
from adaptline.core import run as running
from adaptline.core import trace as tracing
from adaptline.core.history import History
from adaptline.core.plan import plan as plan  # noqa: PLC0414 - a verb like the others
from adaptline.core.progress import Progress
from adaptline.core.recipe import Recipe, label
from adaptline.core.run import Artifact
from adaptline.core.store import Store
from adaptline.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from adaptline.web.reviewing import Review

_OF_A_METHOD = ("use", "kind", "parameters", "settings", "before", "dropped", "changed", "unjudged")  # what is shown

Source = Path | str | Recipe
Where = Path | str | None
Reading = Mapping[str, Any] | None  # parameters of ingest: format, text, label ...


def run(
    source: Source,
    step: str | None = None,
    *,
    store: Where = None,
    workers: int | None = None,
    memory: str | None = None,
    keep: Iterable[str] = (),
    show: Progress | None = None,
) -> list[Artifact]:
    """Runs a recipe up to `step` and writes its report; see adaptline.core.run.run."""
    made = running.run(source, step, store=store, workers=workers, memory=memory, keep=keep, show=show)
    if any(not artifact.cached for artifact in made) or not report_path(source, store=store).exists():
        report(source, store=store)
    return made


def with_and_without(source: Source, step: str) -> Recipe:
    """A recipe that makes a step, and all that comes after it, with and without what the step adds; raises UserError.

    al.run(al.with_and_without("recipe.toml", "more")) trains on both, and the evaluation compares them in pairs.
    """
    return recipe.with_and_without(_recipe(source), step)


def report_path(source: Source, *, store: Where = None) -> Path:
    """Where a recipe's report is, or will be."""
    found = _recipe(source)
    return _store(found, store).root / "reports" / f"{found.name}.html"


def report(source: Source, *, store: Where = None) -> Path:
    """Writes the recipe's report from what its last run left, and returns its path. Raises UserError where it never ran."""
    from adaptline.web.gather import write_report  # noqa: PLC0415 - templates load only here

    return write_report(_history(source, store))


def show(source: Source, step: str | None = None, *, store: Where = None) -> list[dict[str, Any]]:
    """What the last run left: per artifact its step, cell, key, digest, kind, rows, metrics and record. Raises UserError.

    There may be nothing of a step that failed, or that the run did not come to: `failure` tells.
    """
    failed = failure(source, store=store)
    if failed is not None and not _store(found := _recipe(source), store).refs(found.name):
        return []
    history = _history(source, store)
    if step is not None and step not in history.manifests:
        if failed is not None and step in (failed.step, *failed.left):
            return []
        raise UserError(f"no artifact of step {step!r}", do=did_you_mean(step, history.manifests))
    return [
        _shown(history.store, manifest)
        for name, manifests in history.manifests.items()
        if step in (None, name)
        for manifest in manifests
    ]


def failure(source: Source, *, store: Where = None) -> failures.Failure | None:
    """What ended the last run of a recipe too early: which step, when and why, and what was done; None if nothing did."""
    found = _recipe(source)
    told = failures.last(_store(found, store), found.name)
    return told if told is not None and told.step in {table.name for table in found.tables} else None


def trace(source: Source, what: str, *, line: bool = False, store: Where = None) -> dict[str, Any]:
    """A row's life (FILE:ROW, STEP:POSITION, DIGEST:POSITION) with its graph, or what stands behind a step's artifacts.

    With `line` it is FILE:LINE, as messages about a file name it: the life of the row in which that line lies. Raises UserError.
    """
    from adaptline.data import source_lines  # noqa: PLC0415 - start-up time
    from adaptline.web import life  # noqa: PLC0415

    found = _recipe(source)
    history = _history(found, store)
    if what in history.manifests and not line:
        return tracing.trace_artifact(history, what)

    def lived(address: str) -> dict[str, Any]:
        told = tracing.trace_row(history, source_lines.row_at_line(history, address, found.beside) if line else address)
        return told | {"graph": life.graph(told)}

    name, colon, row = what.rpartition(":")
    if colon and Path(name).is_file():  # as a shell completes it: relative to where one is, not to the recipe
        beside = Path(os.path.relpath(Path(name).resolve(), found.beside.resolve())).as_posix()
        with contextlib.suppress(UserError):
            return lived(f"{beside}:{row}")
    return lived(what)


def inputs(source: Source, *, store: Where = None) -> list[Path]:
    """What no output takes the place of, with --force or not: a recipe, what it names, and the files that its last run read.

    Raises UserError where it never ran.
    """
    found = _recipe(source)
    files = (
        file for manifest in _history(found, store).of_kind("rows") for file in manifest["detail"].get("files", ())
    )
    named = sources.named_in([[table.parameters, *table.cells] for table in found.tables], found.beside)
    return [*filter(None, [found.path]), *named, *(found.beside / file["file"] for file in files)]


def write_life(found: dict[str, Any], out: Path | str, *, inputs: Iterable[Path] = (), force: bool = False) -> Path:
    """Writes what `trace` told of a row as a page of its own.

    Raises:
        UserError: an artifact, or a file that cannot be written or is there already (unless `force`), or one of the `inputs`.
    """
    from adaptline import output  # noqa: PLC0415 - reads formats
    from adaptline.web import life  # noqa: PLC0415 - templates load only here

    if "origin" not in found:
        raise UserError("only a row's life is drawn", do="Name a row: FILE:ROW or STEP:POSITION.")
    path = Path(out)
    output.refuse_place(path, inputs=inputs, force=force)
    with disk.explained(path):
        path.write_text(life.page(found), "utf-8")
    return path


def review(
    source: Source,
    step: str | None = None,
    *,
    out: Path | str | None = None,
    sample: int = 100,
    by: str = "",
    seed: int = 0,
    store: Where = None,
) -> Review:
    """A person's review of a sample of what a curate step kept and dropped; ReviewServer of adaptline.web shows it as a page.

    Args:
        source: the recipe, which has run.
        step: one of its curate steps; the last by default.
        out: the review file, which the filter `review` reads; what it holds already counts. By default review.jsonl beside
            the recipe.
        sample: rows to look at, at most.
        by: who looks.
        seed: chooses the rows.
        store: the store's folder.

    Raises:
        UserError: no such step, or the file cannot be read or written.
    """
    from adaptline.data.review_file import ReviewFile  # noqa: PLC0415 - start-up time
    from adaptline.web import reviewing  # noqa: PLC0415

    found = _recipe(source)
    history = _history(found, store)
    path = Path(out) if out else found.beside / "review.jsonl"
    reviewing.refuse_place(path, found.beside)
    manifest = reviewing.chosen(history.manifests, step)
    file = ReviewFile(path, beside=found.beside, by=by)
    return reviewing.Review(history.store, manifest, file, count=sample, seed=seed)


def log(source: Source, step: str | None = None, *, store: Where = None) -> list[dict[str, Any]]:
    """What runs of a recipe made, oldest first."""
    found = _recipe(source)
    if step is not None:
        found.table(step)
    return versions.log(_store(found, store), found.name, step)


def diff(
    source: Source, step: str, old: str | None = None, new: str | None = None, *, store: Where = None
) -> dict[str, Any]:
    """What differs between two versions of a step; see adaptline.core.versions.diff."""
    found = _recipe(source)
    found.table(step)
    return versions.diff(_store(found, store), found.name, step, old, new)


def gc(store: Path | str, *, dry: bool = False, damaged: bool = False) -> list[tuple[str, int]]:
    """Removes what no recipe's last run reaches, or with `damaged` what cannot be read. Returns (path, bytes) of each.

    Raises:
        UserError: the folder is no store.
    """
    root = Path(store)
    if not (root / "store.json").exists():
        raise UserError("no store here", where=root, do="A recipe's store is the folder .adaptline beside it.")
    opened = Store.open(root)
    return sweep.damaged(opened, dry=dry) if damaged else sweep.unreached(opened, dry=dry)


def export(
    source: Source,
    step: str,
    out: Path | str,
    *,
    cell: Mapping[str, Any] | None = None,
    force: bool = False,
    store: Where = None,
) -> Path:
    """Writes what a step made: kept rows to a file, by its suffix; weights or a report to a folder.

    Args:
        source: the recipe, which has run.
        step: one of its steps. Of select, the weights that it chose are written.
        out: the file or folder to write.
        cell: which cell of a grid, as far as it takes to tell: {"method": "lora", "seed": 0}.
        force: writes over a file that is there.
        store: the store's folder.

    Raises:
        UserError: no such artifact, more than one, `out` exists, or its format cannot hold the rows.
    """
    from adaptline import output  # noqa: PLC0415 - reads formats

    history = _history(source, store)
    if step not in history.manifests:
        raise UserError(f"no artifact of step {step!r}", do=did_you_mean(step, history.manifests))
    found = [
        manifest
        for manifest in history.manifests[step]
        if all(_same(manifest["cell"].get(key), value) for key, value in (cell or {}).items())
    ]
    if len(found) != 1:
        cells = "; ".join(label(manifest["cell"]) for manifest in history.manifests[step][:12])
        fit = f" that fit {label(dict(cell))}" if cell else ""
        raise UserError(f"step {step!r} has {len(found)} artifacts{fit}", do=f"Name one with --cell: {cells}")
    known = inputs(source, store=store)
    return output.write(history.store, _chosen(history, found[0]), Path(out), inputs=known, force=force)


def _same(value: Any, given: Any) -> bool:
    """Whether a cell's value is what somebody typed: 0.01 as 1e-2, true as True."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        with contextlib.suppress(ValueError, TypeError):
            return float(given) == value
    return str(value).lower() == str(given).lower()


def _chosen(history: History, manifest: dict[str, Any]) -> dict[str, Any]:
    """The weights that a select step chose; any other artifact itself."""
    if manifest["step"] != "select":
        return manifest
    winner = json.loads((history.store.folder(manifest["key"]) / "report.json").read_bytes())["winner"]
    found = history.by_digest(winner["digest"])
    if found is None:
        raise UserError(f"the weights that {manifest['name']} chose are gone", do="Run the recipe again.")
    return found


def curate(source: Path | str, out: Path | str, *, store: Where = None, reading: Reading = None, **given: Any) -> Path:
    """The step curate on one file: al.curate("in.jsonl", "out.jsonl", do=["exact"]); see adaptline.oneshot.call."""
    return _one("curate", source, out, store, reading, given)


def augment(source: Path | str, out: Path | str, *, store: Where = None, reading: Reading = None, **given: Any) -> Path:
    """The step augment on one file: al.augment("in.jsonl", "out.jsonl", do=["noise"]): its rows, then their children."""
    return _one("augment", source, out, store, reading, given)


def split(source: Path | str, out: Path | str, *, store: Where = None, reading: Reading = None, **given: Any) -> Path:
    """The step split on one file: al.split("in.csv", "out.csv", share={"train": 0.9, "test": 0.1})."""
    return _one("split", source, out, store, reading, given)


def train(source: Path | str, out: Path | str, *, store: Where = None, reading: Reading = None, **given: Any) -> Path:
    """The step train on one file: al.train("in.csv", "adapter", base="models/base", method="lora")."""
    return _one("train", source, out, store, reading, given)


def _one(step: str, source: Path | str, out: Path | str, store: Where, reading: Reading, given: dict[str, Any]) -> Path:
    from adaptline import oneshot  # noqa: PLC0415 - loads the command line's library

    kept = Path(store) if store else None
    how = {name: given.pop(name) for name in oneshot.RUNNING if name in given}
    return oneshot.call(step, Path(source), Path(out), given, reading=dict(reading or {}), store=kept, **how)


def new(data: Path | str, out: Path | str | None = None, *, force: bool = False, **reading: Any) -> Path:
    """Writes a first recipe for a file of one's own.

    Args:
        data: the file.
        out: the recipe to write; recipe.toml beside the file by default.
        force: writes over a file that is there.
        reading: parameters of ingest, where names and bytes do not tell: text="body", records="data.rows".

    Raises:
        UserError: the file cannot be read, it has no such fields, or the recipe exists.
    """
    from adaptline import output  # noqa: PLC0415 - reads formats
    from adaptline.data.starting import starting_recipe  # noqa: PLC0415 - reads the file

    data = Path(data)
    if not data.is_file():
        raise UserError(
            "is a folder, not a file" if data.is_dir() else "no such file",
            where=data,
            do="adaptline new YOUR_FILE.jsonl",
        )
    path = Path(out) if out else data.with_name("recipe.toml")
    output.refuse_place(path, inputs=[data], force=force)
    recipe_text = starting_recipe(data, beside=path.absolute().parent, reading=reading)
    with disk.explained(path):
        path.write_text(recipe_text, "utf-8")
    return path


def named_store(source: Source, store: Where) -> tuple[str, Store]:
    """A recipe's name and its store for reading, without a look into the recipe. Raises UserError where there is none."""
    if isinstance(source, Recipe):
        return source.name, _store(source, store)
    path = Path(source)
    if not path.is_file():
        recipe.read(path)  # says why
    return path.stem, Store.look(Path(store) if store else path.absolute().parent / ".adaptline")


def opened(source: Source, store: Where) -> tuple[Recipe, Store]:
    """A recipe, and its store for reading. Raises UserError for a mistake in the recipe."""
    found = _recipe(source)
    return found, _store(found, store)


def _recipe(source: Source) -> Recipe:
    return source if isinstance(source, Recipe) else recipe.read(Path(source))


def _store(found: Recipe, store: Where) -> Store:
    return Store.look(Path(store) if store else found.beside / ".adaptline")


def _history(source: Source, store: Where) -> History:
    found = _recipe(source)
    return History.open(_store(found, store), found.name, [table.name for table in found.tables])


def _shown(store: Store, manifest: dict[str, Any]) -> dict[str, Any]:
    shown = {name: manifest[name] for name in ("name", "cell", "key", "digest", "kind", "record")}
    shown["step"] = shown.pop("name")
    shown["summary"] = versions.summary(manifest)
    shown["drift"] = list(machine.drift(manifest["record"]))
    if manifest["kind"] == "rows":
        shown["rows"] = sum(shard["text"][2] for shard in manifest["shards"])
        shown |= _rows_shown(store, manifest)
        shown["methods"] = [
            {"name": name} | {key: method[key] for key in _OF_A_METHOD} | {"told": method.get("told", [])}
            for name, method in zip(moves.rules(manifest), manifest["detail"].get("methods", []), strict=True)
        ]
        if told := manifest["detail"].get("augmenters"):
            names = ("use", "name", "settings", "asked", "made", "refused")
            shown["augmenters"] = [{name: one[name] for name in names} for one in told]
            shown["measures"] = manifest["detail"]["measures"]
        return shown
    shown["path"] = str(store.folder(manifest["key"]))
    evidence = Path(shown["path"]) / "report.json"
    if evidence.exists():
        shown["metrics"] = json.loads(evidence.read_bytes())
    return shown


def _rows_shown(store: Store, manifest: dict[str, Any]) -> dict[str, Any]:
    """Of rows: the files that were read, why some of them could not be, and how many of the kept ones each split has."""
    import pyarrow.compute as pc  # noqa: PLC0415 - start-up time

    from adaptline import output  # noqa: PLC0415
    from adaptline.core.rows import readable  # noqa: PLC0415

    rows = manifests.rows_of(manifest)
    splits: Counter[str] = Counter()
    for shard in rows.shards:
        kept = readable(store.read(shard.text, ["unreadable"]))
        if shard.keep:
            kept = pc.and_(kept, store.read(shard.keep)["keep"])
        split = store.read(shard.split or shard.text, ["split"])["split"]
        splits.update(split.filter(kept).drop_null().to_pylist())
    found: dict[str, Any] = {"splits": dict(splits.most_common())}
    if "files" in manifest["detail"]:
        reasons = Counter(row["reason"] for row in output.unreadable(store, manifest))
        found |= {"files": manifest["detail"]["files"], "unreadable": dict(reasons.most_common())}
    return found
