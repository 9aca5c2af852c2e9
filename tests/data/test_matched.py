"""A matcher over the shards of an artifact: what it is given, and that a start changes nothing of what it finds."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import shards
import stores

from adaptline.core.store import Store
from adaptline.data import settled
from adaptline.data.masks import pack
from adaptline.data.matched import match_all, sketch_shard

LONG = "please book a table for two people tonight at eight, by the window"
TEXTS: list[list[str | None]] = [
    [LONG, "where is my order?", None],
    [f"{LONG}!", "Where is my  ORDER?", "fine"],
    [LONG, "fine", "?"],
]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "store")


def found(
    store: Store, method: Any, out: Collection[tuple[int, int]] = (), scores: Any = (), held: Any = ()
) -> pa.Table:
    """What the method finds in TEXTS without the rows that are out."""
    use = shards.use(store.root.parent, method)
    texts = [shards.shard(store, each) for each in TEXTS]
    sketches = [
        stores.unit(store, f"{method} {number}", sketch_shard(store.read, text, use, {}))
        for number, text in enumerate(texts)
    ]
    alive = [
        pack(np.array([text is not None and (number, row) not in out for row, text in enumerate(each)]))
        for number, each in enumerate(TEXTS)
    ]
    given = [stores.unit(store, f"scores {each}", pa.table({"score": pa.array(each, pa.float64())})) for each in scores]
    return match_all(store.read, sketches, alive, texts, held, given, use, use.parameters, None)


def places(table: pa.Table) -> list[tuple[int, ...]]:
    return [(row["shard"], row["row"], row["of_shard"], row["of_row"]) for row in table.to_pylist()]


def test_rows_are_dropped_for_the_earliest_over_all_shards(store: Store) -> None:
    assert places(found(store, "exact")) == [(1, 1, 0, 1), (2, 0, 0, 0), (2, 1, 1, 2)]
    assert places(found(store, "minhash")) == [(1, 0, 0, 0), (1, 1, 0, 1), (2, 0, 0, 0), (2, 1, 1, 2)]


def test_rows_that_are_out_take_no_part(store: Store) -> None:
    assert places(found(store, "exact", {(0, 0), (1, 2)})) == [(1, 1, 0, 1)]
    assert places(found(store, "minhash", {(0, 0), (1, 2)})) == [(1, 1, 0, 1), (2, 0, 1, 0)]


def test_by_a_score_the_best_stays(store: Store) -> None:
    scores = [[1.0, 1.0, None], [3.0, 0.0, 0.0], [2.0, 5.0, 0.0]]
    method = {"use": "minhash", "best": "length#1"}
    assert places(found(store, method, scores=scores)) == [(0, 0, 1, 0), (1, 1, 0, 1), (1, 2, 2, 1), (2, 0, 1, 0)]


def test_what_is_known_of_the_first_shards_is_not_looked_for_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settled, "GROUP", 2)
    whole = found(store, "minhash")
    known = whole.filter(pa.array([row["shard"] < 2 for row in whole.to_pylist()]))
    assert 0 < known.num_rows < whole.num_rows
    held = [stores.unit(store, "known", known)]
    assert places(found(store, "minhash", held=held)) == places(whole)
    nothing = [stores.unit(store, "nothing known", known.slice(0, 0))]  # taken at its word
    assert places(found(store, "minhash", held=nothing)) == [(2, 0, 0, 0), (2, 1, 1, 2)]


def test_a_method_without_a_sketch_has_none(store: Store, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="length has no sketch"):
        sketch_shard(store.read, shards.shard(store, ["a"]), shards.use(tmp_path, "length"), {})
