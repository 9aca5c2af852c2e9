"""What a transform changes in a shard, and the shard with its changes."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
import shards
import stores

from adaptline.core import rows
from adaptline.core.store import Store
from adaptline.data.changed import transform_shard, write_shard
from adaptline.errors import RunError


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "store")


def test_only_what_changed_is_told_and_written(store: Store, tmp_path: Path) -> None:
    text = shards.shard(store, ["caf\u00c3\u00a9", None, "fine", "a&amp;b"], label=["x", None, "y", "z"])
    found = transform_shard(store.read, text, shards.use(tmp_path, "unicode"))
    assert found.to_pylist() == [
        {"row": 0, "message": 0, "content": "caf\u00e9"},
        {"row": 3, "message": 0, "content": "a&b"},
    ]
    after = write_shard(store.read, text, stores.unit(store, "changes", found))
    assert rows.texts(after).to_pylist() == ["caf\u00e9", None, "fine", "a&b"]
    assert after["label"].to_pylist() == ["x", None, "y", "z"]
    assert after["parent_row"].to_pylist() == [0, 1, 2, 3]
    assert set(after["parent_shard"].to_pylist()) == {text.digest}


def test_a_shard_without_changes_has_an_empty_table_of_the_same_type(store: Store, tmp_path: Path) -> None:
    unicode = shards.use(tmp_path, "unicode")
    none = transform_shard(store.read, shards.shard(store, ["fine", None]), unicode)
    some = transform_shard(store.read, shards.shard(store, ["caf\u00c3\u00a9"]), unicode)
    assert none.num_rows == 0
    assert none.schema == some.schema


def test_each_message_of_a_view_is_changed_by_itself(store: Store, tmp_path: Path) -> None:
    chat = [{"role": "user", "content": "a&amp;b"}, {"role": "assistant", "content": "c&amp;d"}]
    text = stores.unit(store, "chat", rows.table({"messages": [chat]}, 1))
    found = transform_shard(store.read, text, shards.use(tmp_path, {"use": "unicode", "on": "response"}))
    assert found.to_pylist() == [{"row": 0, "message": 1, "content": "c&d"}]


def test_what_ingest_said_of_the_files_stays(store: Store) -> None:
    text = stores.unit(store, "told", rows.table({"file": ["a"]}, 1).replace_schema_metadata({"adaptline": "{}"}))
    changes = pa.table({"row": [0], "message": pa.nulls(1, pa.int32()), "content": ["new"]})
    after = write_shard(store.read, text, stores.unit(store, "labelled", changes))
    assert after["label"].to_pylist() == ["new"]
    assert after.schema.metadata == {b"adaptline": b"{}"}


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("return 'ab'", "it gives str: a transform takes the texts of a shard and gives a list of as many"),
        ("return given[:1]", "1 texts for 2"),
        ("return [1, 2]", "1 is no text"),
    ],
)
def test_what_is_no_list_of_texts_is_told_with_the_transforms_name(
    store: Store, tmp_path: Path, body: str, told: str
) -> None:
    use = shards.own(tmp_path, body, "transform")
    with pytest.raises(RunError, match=r"^\./mine\.py:mine") as caught:
        transform_shard(store.read, shards.shard(store, ["a", "b"]), use)
    assert told in str(caught.value)
