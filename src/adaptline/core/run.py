"""execute -> resume. A run makes what is not there yet, in order, and loses nothing when it is killed.

Knows keys, states and the order of things. Knows nothing of what steps compute: it finds them by name.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from adaptline.core import failures, keys, machine, manifests, naming, progress, registry, signatures
from adaptline.core.artifacts import Desk, Report, Weights
from adaptline.core.engines.local import LocalEngine
from adaptline.core.grid import Node
from adaptline.core.line import Line
from adaptline.core.memory import Memory, size_of
from adaptline.core.progress import Progress, Silent
from adaptline.core.recipe import Recipe
from adaptline.core.rows import Rows
from adaptline.core.sources import Folder
from adaptline.core.store import Store
from adaptline.core.units import StoreUnits
from adaptline.core.versions import summary
from adaptline.errors import UserError


@dataclass(frozen=True)
class Artifact:
    """One artifact after a run: where it is, and whether it was there before."""

    step: str
    cell: dict[str, Any]
    key: str
    digest: str
    kind: str
    path: Path
    cached: bool
    seconds: float


def run(
    source: Path | str | Recipe,
    step: str | None = None,
    *,
    store: Path | str | None = None,
    workers: int | None = None,
    memory: str | None = None,
    keep: Iterable[str] = (),
    show: Progress | None = None,
) -> list[Artifact]:
    """Makes every artifact of a recipe (up to `step`) that is not there yet.

    Args:
        source: a recipe's path, or a recipe.
        step: the last step to run; None runs all.
        store: the store's folder; `.adaptline` beside the recipe by default.
        workers: processes at most; the number of cores by default.
        memory: what the processes that make rows may take together, like "2GB" (private memory; weights are not counted).
        keep: steps whose last artifacts are accepted as they are, whatever changed before them.
        show: where progress goes.

    Raises:
        UserError: a mistake in the recipe or its sources.
        RunError: something failed while running; what is done stays done.
    """
    room = Memory(None if memory is None else size_of(memory))
    most = room.workers(workers or LocalEngine().workers)
    line = Line.open(source, store, keep)
    show = show or Silent()
    made: list[Artifact] = []
    if line.recipe.path is not None:
        line.store.claim(line.recipe.name, line.recipe.path)
    with line.store.in_use(), LocalEngine(most) as engine:
        by_step: dict[str, list[Node]] = {}
        for node in line.chosen(step):
            by_step.setdefault(node.table.name, []).append(node)
        steps = list(by_step)
        for number, (name, nodes) in enumerate(by_step.items()):
            with failures.noted(line.store, line.recipe.name, name, steps[:number], steps[number + 1 :]):
                made += (done := _run_step(line, nodes, engine, room, show))
                refs = [_ref_of(node, artifact) for node, artifact in zip(nodes, done, strict=True)]
                line.store.set_refs(line.recipe.name, name, refs)
        if step is None:
            line.store.forget_refs(line.recipe.name, besides=set(by_step))
    return made


def _run_step(line: Line, nodes: list[Node], engine: LocalEngine, room: Memory, show: Progress) -> list[Artifact]:
    found = {id(node): line.look_up(node) for node in nodes}
    missing = [node for node in nodes if found[id(node)][1] is None]
    took: dict[int, float] = {}
    for node in nodes:
        if found[id(node)][1] is not None:
            _remember(line, node, _artifact(line, node, cached=True, seconds=0.0))
    runs = (
        _run_rows(line, missing, engine, room, show)
        if nodes[0].kind == "rows"
        else _run_folders(line, missing, engine, show)
    )
    start = time.monotonic()
    for node, manifest, seconds in runs:
        line.manifests[id(node)] = manifest
        took[id(node)] = seconds
        _remember(line, node, _artifact(line, node, cached=False, seconds=seconds))
        told = summary(naming.with_rules(manifest, _rules(node)))
        show.say(f"  {node.title}: {told}, {seconds:.1f} s  {keys.short(manifest['digest'])}")
    if not missing:
        show.say(f"  {nodes[0].table.name}: {'all ' + str(len(nodes)) + ' ' if len(nodes) > 1 else ''}there already")
    elif len(nodes) > 1:
        show.say(f"  {nodes[0].table.name}: {len(missing)} of {len(nodes)} ran in {time.monotonic() - start:.1f} s")
    return [_artifact(line, node, cached=id(node) not in took, seconds=took.get(id(node), 0.0)) for node in nodes]


def _remember(line: Line, node: Node, artifact: Artifact) -> None:
    """Tells log and gc of what a recipe's cell has now, as soon as it has it: the next cell may never be."""
    ref = _ref_of(node, artifact)
    if line.store.set_ref(line.recipe.name, artifact.step, ref):
        line.store.append_event("run", recipe=line.recipe.name, made=[{"step": artifact.step, **ref}])


def _ref_of(node: Node, artifact: Artifact) -> dict[str, Any]:
    return {"cell": artifact.cell, "key": artifact.key, "digest": artifact.digest, **_rules(node)}


def _rules(node: Node) -> dict[str, Any]:
    """What the recipe calls the rules of a step; nothing where it names none."""
    names = naming.given_in(node.values)
    return {} if names is None else {"names": names}


def _run_rows(
    line: Line, nodes: list[Node], engine: LocalEngine, room: Memory, show: Progress
) -> Iterator[tuple[Node, dict[str, Any], float]]:
    """Runs nodes that make rows, here; their units run on the engine."""
    for node in nodes:
        key = _key_of(line, node)
        with line.store.working_on(key):
            start, cpu = time.monotonic(), time.process_time()
            manifest = line.store.manifest(key)
            if manifest is None:
                units = StoreUnits(line.store, engine, show, room, node.title)
                with _blamed(line, node):
                    made = registry.load("step", node.table.step).function(**_arguments(line, node), units=units)
                    signatures.refuse_changed(node.values)
                record = machine.record(
                    line.recipe.beside,
                    seconds=time.monotonic() - start,
                    cpu_seconds=units.cpu_seconds_elsewhere + time.process_time() - cpu,
                )
                record["units"] = {"ran": units.ran, "found": units.found}
                if folders := signatures.folders_in(node.values):
                    record["folders"] = folders
                manifest = manifests.of_rows(line, node, key, made, record)
                line.store.commit_manifest(manifest)
        yield node, manifest, time.monotonic() - start


def _run_folders(
    line: Line, nodes: list[Node], engine: LocalEngine, show: Progress
) -> Iterator[tuple[Node, dict[str, Any], float]]:
    """Runs nodes that fill a folder, each as one call on the engine."""
    if not nodes:
        return
    calls, scratches = [], {}
    for node in nodes:
        key = _key_of(line, node)
        scratches[node.title] = line.store.scratch(key)
        calls.append(
            (
                line.store.root,
                line.recipe.beside,
                key,
                node.table.step,
                _arguments(line, node),
                manifests.header(line, node, key),
            )
        )
    with progress.watched(show, scratches), _blamed(line, nodes[0]):
        for result in engine.map(make_folder_artifact, calls):
            manifest, seconds = result.value
            show.end(nodes[result.index].title)
            yield nodes[result.index], manifest, seconds


def make_folder_artifact(
    root: Path, beside: Path, key: str, step: str, arguments: dict[str, Any], header: dict[str, Any]
) -> tuple[dict[str, Any], float]:
    """Makes one artifact of weights or of a report and commits it; runs here or in a worker."""
    store = Store(root)
    start, cpu = time.monotonic(), time.process_time()
    with store.working_on(key):
        manifest = store.manifest(key)
        if manifest is None:
            scratch = store.scratch(key)
            with store.temporary() as output:
                output.mkdir()
                desk = Desk(output, scratch, store.read, progress.to_file(scratch))
                facts = registry.load("step", step).function(**arguments, desk=desk)
                signatures.refuse_changed(arguments)
                digest = store.commit_folder(key, output)
            record = machine.record(beside, seconds=time.monotonic() - start, cpu_seconds=time.process_time() - cpu)
            manifest = store.commit_manifest({**header, "digest": digest, "record": {**record, **(facts or {})}})
    return manifest, time.monotonic() - start


def _arguments(line: Line, node: Node) -> dict[str, Any]:
    """What the step's function is called with: parameters that are set, and its input artifacts."""
    inputs = {i.name: i for i in signatures.of_step(node.table.step).inputs}
    options = registry.load("step", node.table.step).options
    arguments = dict(node.values)
    for name, parents in node.inputs.items():
        artifacts = [_open_input(line, parent, options) for parent in parents]
        arguments[name] = artifacts if inputs[name].gathers else artifacts[0]
    return arguments


def _open_input(line: Line, node: Node, options: dict[str, Any]) -> Rows | Weights | Report:
    """An input as its step may see it: with its cell where the step is told of cells, with its ancestry where it reads it."""

    def opened(node: Node) -> Rows | Weights | Report:
        return _open_artifact(line, node, node.cell if options["reads_cells"] else {})

    found = opened(node)
    if not (options["reads_ancestry"] and isinstance(found, Report)):
        return found
    behind = [opened(ancestor) for ancestor in node.ancestors()]
    return replace(found, behind=tuple(artifact for artifact in behind if not isinstance(artifact, Rows)))


def _open_artifact(line: Line, node: Node, cell: dict[str, Any]) -> Rows | Weights | Report:
    manifest = line.manifests[id(node)]
    if node.kind == "rows":
        return manifests.rows_of(manifest)
    folder = line.store.folder(manifest["key"])
    if node.kind == "weights":
        folders = {name: value for name, value in node.values.items() if isinstance(value, Folder)}
        return Weights(folder, manifest["key"], manifest["digest"], cell, manifest["record"], folders)
    return Report(folder, manifest["key"], manifest["digest"], cell)


def _key_of(line: Line, node: Node) -> str:
    return keys.key("artifact", line.meaning(node))  # its inputs are there: the order of the tables sees to it


def _artifact(line: Line, node: Node, *, cached: bool, seconds: float) -> Artifact:
    manifest = line.manifests[id(node)]
    path = line.store.folder(manifest["key"])
    return Artifact(
        node.table.name,
        node.cell,
        manifest["key"],
        manifest["digest"],
        node.kind,
        path if node.kind != "rows" else path.with_name(path.name + ".json"),
        cached,
        round(seconds, 3),
    )


@contextlib.contextmanager
def _blamed(line: Line, node: Node) -> Iterator[None]:
    """Gives a mistake without a place the place of the step that met it."""
    try:
        yield
    except UserError as error:
        if error.where is not None:
            raise
        line.recipe.fail(node.table.name, None, error.what, error.do)
