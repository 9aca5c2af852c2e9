"""A recipe opened on a store: the key of every artifact, as far as what it is made from is known, and what is there.

Knows keys and what enters them. Knows nothing of how artifacts are made (run.py) or what is said of them (plan.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adaptline.core import grid, keys, naming, recipe, registry, signatures
from adaptline.core.grid import Node
from adaptline.core.recipe import Recipe
from adaptline.core.store import Store


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
        step = registry.load("step", node.table.step)
        told = step.options["reads_cells"]
        inputs: dict[str, Any] = {}
        for name, parents in node.inputs.items():
            known = [self.manifests.get(id(parent)) for parent in parents]
            if not all(known):
                return None
            inputs[name] = [
                [manifest["digest"], parent.cell if told else {}, self._detail(node, manifest)]
                for parent, manifest in zip(parents, known, strict=True)
                if manifest
            ]
        meaning = {"step": step.identity, "parameters": signatures.meaning(node.values), "inputs": inputs}
        if step.options["reads_ancestry"]:
            behind = self._behind(node)
            if behind is None:
                return None
            meaning["behind"] = behind
        if step.options["uses"]:
            meaning["methods"] = registry.identities(step.options["uses"])
        if node.values.get(step.options["secret"]):
            meaning["secret"] = keys.key("secret", self.store.subject_secret().hex())
        return meaning

    def _behind(self, node: Node) -> list[str] | None:
        """The digests of the weights and reports behind a node's inputs; None while one of them does not exist.

        The digests of its inputs do not tell: a report that names only the weights that won is the same, byte for byte,
        when another that was looked at says more.
        """
        ancestors = [
            ancestor
            for parents in node.inputs.values()
            for parent in parents
            for ancestor in parent.ancestors()
            if ancestor.kind != "rows"
        ]
        known = [self.manifests.get(id(ancestor)) for ancestor in ancestors]
        return sorted({manifest["digest"] for manifest in known if manifest}) if all(known) else None

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
                manifest = self.store.manifest(ref["key"])
                return manifest and naming.with_rules(manifest, ref)
        return None

    def chosen(self, step: str | None) -> Iterator[Node]:
        """The nodes up to a step, or all, in order."""
        wanted = None if step is None else _ancestry(self.recipe, self.recipe.table(step).name)
        for table in self.recipe.tables:
            if wanted is None or table.name in wanted:
                yield from self.nodes[table.name]


def _ancestry(found: Recipe, name: str) -> set[str]:
    return {name}.union(*(_ancestry(found, source) for source in found.table(name).sources))
