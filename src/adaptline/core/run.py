"""plan -> execute -> resume. A run makes what is not there yet, in order, and loses nothing when it is killed.

Knows keys, states and the order of things. Knows nothing of what steps compute: it finds them by name.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from adaptline.core import grid, keys, machine, progress, recipe, registry, signatures
from adaptline.core.artifacts import Desk, Report, Weights
from adaptline.core.engines.local import LocalEngine
from adaptline.core.grid import Node
from adaptline.core.progress import Progress, Silent
from adaptline.core.recipe import Recipe
from adaptline.core.rows import Ref, Rows, Shard
from adaptline.core.sources import Folder
from adaptline.core.store import Store
from adaptline.core.units import StoreUnits
from adaptline.core.versions import summary
from adaptline.errors import UserError

_ALSO = {"methods": "versions of methods that it uses", "secret": "the secret of subjects"}  # of a key's meaning
State = Literal["cached", "kept", "will run", "may run"]


@dataclass(frozen=True)
class Planned:
    """What a run would do about one artifact, and why. `seconds` is what it took last time, None if never."""

    step: str
    cell: dict[str, Any]
    kind: str
    state: State
    why: str
    key: str | None
    seconds: float | None
    drift: tuple[str, ...]


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


@dataclass
class Line:
    """A recipe opened on a store: its nodes, and the manifests known so far."""

    recipe: Recipe
    store: Store
    nodes: dict[str, list[Node]]
    keep: frozenset[str]
    manifests: dict[int, dict[str, Any]]

    @classmethod
    def open(
        cls,
        source: Path | str | Recipe,
        store: Path | str | None = None,
        keep: Iterable[str] = (),
        *,
        make: bool = True,
    ) -> Line:
        """Reads and checks a recipe and opens its store, `.adaptline` beside the recipe if none is named.

        Raises:
            UserError: a mistake in the recipe or its sources, or a store that cannot be made (unless not `make`).
        """
        found = source if isinstance(source, Recipe) else recipe.read(Path(source))
        nodes = grid.build(found)
        kept = frozenset(keep)
        for name in kept:
            found.table(name)
        root = Path(store) if store else found.beside / ".adaptline"
        return cls(found, Store.open(root) if make else Store.look(root), nodes, kept, {})

    def key(self, node: Node) -> str | None:
        """The key of a node, or None while an input of it does not exist."""
        meaning = self.meaning(node)
        return None if meaning is None else keys.key("artifact", meaning)

    def meaning(self, node: Node) -> dict[str, Any] | None:
        """All that a node's key holds: step, parameters, inputs' digests, and cells where the step is told of them."""
        inputs: dict[str, Any] = {}
        for name, parents in node.inputs.items():
            known = [self.manifests.get(id(parent)) for parent in parents]
            if not all(known):
                return None
            inputs[name] = [
                [manifest["digest"], parent.cell if parent.kind != "rows" else {}, self._detail(node, manifest)]
                for parent, manifest in zip(parents, known, strict=True)
                if manifest
            ]
        step = registry.load("step", node.table.step)
        meaning = {"step": step.identity, "parameters": signatures.meaning(node.values), "inputs": inputs}
        if step.options["uses"]:
            meaning["methods"] = registry.identities(step.options["uses"])
        if node.values.get(step.options["secret"]):
            meaning["secret"] = keys.key("secret", self.store.subject_secret().hex())
        return meaning

    def _detail(self, node: Node, manifest: dict[str, Any]) -> str | None:
        """The digest of what an input remembers beside its rows, for a step that reads it: later steps do not see it."""
        reads = registry.load("step", node.table.step).options["reads_detail"]
        return keys.key("detail", manifest["detail"]) if reads and manifest["kind"] == "rows" else None

    def look_up(self, node: Node) -> tuple[str | None, dict[str, Any] | None]:
        """The key and the manifest of a node: of its key, or with --keep of what the recipe had last. Remembers it."""
        key = self.key(node)
        manifest = self.store.manifest(key) if key else None
        if manifest is None and node.table.name in self.keep and (last := self.last(node)):
            key, manifest = last["key"], last
        if manifest is not None:
            self.manifests[id(node)] = manifest
        return key, manifest

    def last(self, node: Node) -> dict[str, Any] | None:
        """The manifest that a node had when the recipe last ran."""
        for ref in self.store.refs(self.recipe.name).get(node.table.name, []):
            if ref["cell"] == node.cell:
                return self.store.manifest(ref["key"])
        return None

    def chosen(self, step: str | None) -> Iterator[Node]:
        """The nodes up to a step, or all, in order."""
        wanted = None if step is None else _ancestry(self.recipe, self.recipe.table(step).name)
        for table in self.recipe.tables:
            if wanted is None or table.name in wanted:
                yield from self.nodes[table.name]


def plan(
    source: Path | str | Recipe, step: str | None = None, *, store: Path | str | None = None, keep: Iterable[str] = ()
) -> list[Planned]:
    """What a run would do and why, without doing it.

    "will run" is certain; "may run" depends on what comes out before it: the same bytes, and it will not.

    Raises:
        UserError: a mistake in the recipe or its sources.
    """
    line = Line.open(source, store, keep, make=False)
    return [_plan_node(line, node) for node in line.chosen(step)]


def run(
    source: Path | str | Recipe,
    step: str | None = None,
    *,
    store: Path | str | None = None,
    workers: int | None = None,
    keep: Iterable[str] = (),
    show: Progress | None = None,
) -> list[Artifact]:
    """Makes every artifact of a recipe (up to `step`) that is not there yet.

    Args:
        source: a recipe's path, or a recipe.
        step: the last step to run; None runs all.
        store: the store's folder; `.adaptline` beside the recipe by default.
        workers: processes at most; the number of cores by default.
        keep: steps whose last artifacts are accepted as they are, whatever changed before them.
        show: where progress goes.

    Raises:
        UserError: a mistake in the recipe or its sources.
        RunError: something failed while running; what is done stays done.
    """
    line = Line.open(source, store, keep)
    show = show or Silent()
    made: list[Artifact] = []
    if line.recipe.path is not None:
        line.store.claim(line.recipe.name, line.recipe.path)
    with line.store.in_use(), LocalEngine(workers) if workers else LocalEngine() as engine:
        by_step: dict[str, list[Node]] = {}
        for node in line.chosen(step):
            by_step.setdefault(node.table.name, []).append(node)
        for name, nodes in by_step.items():
            made += (done := _run_step(line, nodes, engine, show))
            line.store.set_refs(line.recipe.name, name, [_ref_of(artifact) for artifact in done])
        if step is None:
            line.store.forget_refs(line.recipe.name, besides=set(by_step))
    return made


def _run_step(line: Line, nodes: list[Node], engine: LocalEngine, show: Progress) -> list[Artifact]:
    found = {id(node): line.look_up(node) for node in nodes}
    missing = [node for node in nodes if found[id(node)][1] is None]
    took: dict[int, float] = {}
    runner = _run_rows if nodes[0].kind == "rows" else _run_folders
    start = time.monotonic()
    for node, manifest, seconds in runner(line, missing, engine, show):
        line.manifests[id(node)] = manifest
        took[id(node)] = seconds
        _remember(line, _artifact(line, node, cached=False, seconds=seconds))
        show.say(f"  {node.title}: {summary(manifest)}, {seconds:.1f} s  {keys.short(manifest['digest'])}")
    if not missing:
        show.say(f"  {nodes[0].table.name}: {'all ' + str(len(nodes)) + ' ' if len(nodes) > 1 else ''}there already")
    elif len(nodes) > 1:
        show.say(f"  {nodes[0].table.name}: {len(missing)} of {len(nodes)} ran in {time.monotonic() - start:.1f} s")
    return [_artifact(line, node, cached=id(node) not in took, seconds=took.get(id(node), 0.0)) for node in nodes]


def _remember(line: Line, artifact: Artifact) -> None:
    """Tells log and gc of an artifact as soon as it is there: the next cell may never be."""
    step, ref = artifact.step, _ref_of(artifact)
    others = [old for old in line.store.refs(line.recipe.name).get(step, []) if old["cell"] != artifact.cell]
    line.store.set_refs(line.recipe.name, step, [*others, ref])
    line.store.append_event("run", recipe=line.recipe.name, made=[{"step": step, **ref}])


def _ref_of(artifact: Artifact) -> dict[str, Any]:
    return {"cell": artifact.cell, "key": artifact.key, "digest": artifact.digest}


def _run_rows(
    line: Line, nodes: list[Node], engine: LocalEngine, show: Progress
) -> Iterator[tuple[Node, dict[str, Any], float]]:
    """Runs nodes that make rows, here; their units run on the engine."""
    for node in nodes:
        key = _key_of(line, node)
        with line.store.working_on(key):
            start, cpu = time.monotonic(), time.process_time()
            manifest = line.store.manifest(key)
            if manifest is None:
                units = StoreUnits(line.store, engine, show, node.title)
                with _blamed(line, node):
                    made = registry.load("step", node.table.step).function(**_arguments(line, node), units=units)
                    signatures.refuse_changed(node.values)
                record = machine.record(
                    line.recipe.beside,
                    seconds=time.monotonic() - start,
                    cpu_seconds=max(units.cpu_seconds, time.process_time() - cpu),
                )
                manifest = _rows_manifest(
                    line, node, key, made, {**record, "units": {"ran": units.ran, "found": units.found}}
                )
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
                _header(line, node, key),
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
    arguments = dict(node.values)
    for name, parents in node.inputs.items():
        artifacts = [_open_artifact(line, parent) for parent in parents]
        arguments[name] = artifacts if inputs[name].gathers else artifacts[0]
    return arguments


def _open_artifact(line: Line, node: Node) -> Rows | Weights | Report:
    manifest = line.manifests[id(node)]
    if node.kind == "rows":
        return rows_of(manifest)
    folder = line.store.folder(manifest["key"])
    if node.kind == "weights":
        folders = {name: value for name, value in node.values.items() if isinstance(value, Folder)}
        return Weights(folder, manifest["key"], manifest["digest"], node.cell, manifest["record"], folders)
    return Report(folder, manifest["key"], manifest["digest"], node.cell)


def rows_of(manifest: dict[str, Any]) -> Rows:
    """The rows that a manifest describes."""

    def ref(triple: list[Any] | None) -> Ref | None:
        return Ref(*triple) if triple else None

    shards = tuple(Shard(Ref(*shard["text"]), ref(shard["split"]), ref(shard["keep"])) for shard in manifest["shards"])
    return Rows(shards, manifest["detail"])


def _header(line: Line, node: Node, key: str) -> dict[str, Any]:
    made_from = {
        name: [line.manifests[id(parent)]["key"] for parent in parents] for name, parents in node.inputs.items()
    }
    return {
        "key": key,
        "kind": node.kind,
        "step": node.table.step,
        "name": node.table.name,
        "cell": node.cell,
        "meaning": line.meaning(node),
        "inputs": made_from,
    }


def _rows_manifest(line: Line, node: Node, key: str, made: Rows, record: dict[str, Any]) -> dict[str, Any]:
    shards = [{part: _triple(getattr(shard, part)) for part in ("text", "split", "keep")} for shard in made.shards]
    # What later steps see: the digests of what shards hold, not the keys under which it was asked for.
    digest = keys.key(
        "rows", [[ref[1] if (ref := shard[part]) else None for part in ("text", "split", "keep")] for shard in shards]
    )
    return {**_header(line, node, key), "digest": digest, "shards": shards, "detail": made.detail, "record": record}


def _triple(ref: Ref | None) -> list[Any] | None:
    return None if ref is None else [ref.key, ref.digest, ref.rows]


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


def _plan_node(line: Line, node: Node) -> Planned:
    key, manifest = line.look_up(node)
    last = line.last(node)
    seconds = last["record"].get("seconds") if last else None
    if manifest is not None:
        kept = key != line.key(node)
        drift = machine.drift(manifest["record"])
        return Planned(
            node.table.name,
            node.cell,
            node.kind,
            "kept" if kept else "cached",
            "accepted with --keep" if kept else "",
            key,
            seconds,
            drift,
        )
    if key is None:
        waiting = sorted(
            {
                parent.table.name
                for parents in node.inputs.values()
                for parent in parents
                if id(parent) not in line.manifests
            }
        )
        return Planned(
            node.table.name, node.cell, node.kind, "may run", f"if {' or '.join(waiting)} changes", None, seconds, ()
        )
    return Planned(
        node.table.name, node.cell, node.kind, "will run", _why(line.meaning(node) or {}, last), key, seconds, ()
    )


def _why(meaning: dict[str, Any], last: dict[str, Any] | None) -> str:
    """What differs from the last time, in words."""
    if last is None:
        return "new"
    before = last["meaning"]
    if before["step"] != meaning["step"]:
        return f"{meaning['step'][1]} is version {meaning['step'][2]} now, was {before['step'][2]}"
    old, new = before["parameters"], meaning["parameters"]
    changed = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
    changed += sorted(
        f"what {name} gives" for name in meaning["inputs"] if before["inputs"].get(name) != meaning["inputs"][name]
    )
    changed += [word for name, word in _ALSO.items() if before.get(name) != meaning.get(name)]
    return f"changed: {', '.join(changed)}" if changed else "its artifact is gone"


def _ancestry(found: Recipe, name: str) -> set[str]:
    return {name}.union(*(_ancestry(found, source) for source in found.table(name).sources))


@contextlib.contextmanager
def _blamed(line: Line, node: Node) -> Iterator[None]:
    """Gives a mistake without a place the place of the step that met it."""
    try:
        yield
    except UserError as error:
        if error.where is not None:
            raise
        line.recipe.fail(node.table.name, None, error.what, error.do)


def as_json(value: Planned | Artifact) -> dict[str, Any]:
    """A plan's or a run's entry as JSON: paths as strings."""
    return {key: str(entry) if isinstance(entry, Path) else entry for key, entry in asdict(value).items()}
