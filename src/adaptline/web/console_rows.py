"""What the console shows of rows, as plain data: a few to begin with, and the life of one.

Knows the store through the library's verbs. Knows nothing of HTML and HTTP.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from adaptline import library
from adaptline.core.history import History
from adaptline.core.recipe import Recipe
from adaptline.core.rows import Ref
from adaptline.core.store import Store
from adaptline.data import sampling
from adaptline.errors import UserError

Data = dict[str, Any]
_SAMPLES = 15


def some(recipe: Recipe, store: Store) -> Data:
    """A few rows of each curate step: kept, dropped by each rule, doubtful."""
    try:
        history = History.open(store, recipe.name, [table.name for table in recipe.tables])
    except UserError:  # it never ran
        return {"steps": []}
    chosen = [of[0] for of in history.manifests.values() if of and "verdicts" in of[0].get("detail", {})]
    return {"steps": [{"step": manifest["name"], "rows": _rows(store, manifest)} for manifest in chosen]}


def one(recipe: Recipe, store: Store, address: str) -> Data:
    """The life of a row with its graph. Raises UserError for an address that fits nothing."""
    found = library.trace(recipe, address, store=store.root)
    if "origin" not in found:
        raise UserError(f"{address!r} names no row", do="Rows are FILE:ROW or STEP:POSITION.")
    return found


def _rows(store: Store, manifest: Data) -> list[Data]:
    starts = np.cumsum([0, *(shard["text"][2] for shard in manifest["shards"])])
    found = []
    for pick in sampling.sample(store, manifest, _SAMPLES):
        where = store.read(Ref(*manifest["shards"][pick.shard]["text"]), ["file", "row"]).slice(pick.position, 1)
        (place,) = where.to_pylist()
        address = f"{manifest['name']}:{int(starts[pick.shard]) + pick.position}"
        found.append({"place": f"{place['file']}:{place['row']}", "address": address, "stratum": pick.stratum})
    return found
