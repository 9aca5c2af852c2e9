"""What a recipe's last run left in a store: its artifacts' manifests, and which were made from which.

Knows manifests. Knows nothing of rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from adaptline.core import naming
from adaptline.core.store import Store
from adaptline.errors import UserError


@dataclass(frozen=True)
class History:
    """What a recipe's last run left in a store: per step its artifacts' manifests, in the order of the recipe."""

    store: Store
    recipe: str
    manifests: dict[str, list[dict[str, Any]]]

    @classmethod
    def open(cls, store: Store, recipe: str, order: list[str]) -> History:
        """The manifests that a recipe's refs point at. Raises UserError where it never ran."""
        refs = store.refs(recipe)
        if not refs:
            raise UserError(
                f"recipe {recipe!r} has not run in this store",
                where=store.root,
                do="adaptline run it first, or name its store with --store.",
            )
        manifests = {
            step: [
                naming.with_rules({**m, "name": step, "cell": ref["cell"]}, ref)
                for ref in refs[step]
                if (m := store.manifest(ref["key"]))
            ]
            for step in order
            if step in refs
        }
        return cls(store, recipe, manifests)

    def of_kind(self, kind: str) -> Iterator[dict[str, Any]]:
        """The manifests of a kind, in the recipe's order."""
        for manifests in self.manifests.values():
            yield from (manifest for manifest in manifests if manifest["kind"] == kind)

    def by_digest(self, digest: str) -> dict[str, Any] | None:
        """The recipe's manifest of a digest. Not by key: a step that ran again and gave the same bytes has another."""
        for manifests in self.manifests.values():
            for manifest in manifests:
                if manifest["digest"] == digest:
                    return manifest
        return None


def ancestors(history: History, digests: Iterable[str]) -> set[str]:
    """The digests of all that some artifacts of rows were made from, and their own."""
    found: set[str] = set()
    waiting = list(digests)
    while waiting:
        digest = waiting.pop()
        if digest not in found and (manifest := history.by_digest(digest)):
            found.add(digest)
            waiting += parents(manifest)
    return found


def parents(manifest: dict[str, Any]) -> list[str]:
    """The digests of what an artifact was made from."""
    return [digest for inputs in manifest["meaning"]["inputs"].values() for digest, *_ in inputs]
