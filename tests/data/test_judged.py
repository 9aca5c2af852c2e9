"""What a filter says of a shard: which rows it is asked of, in what view, and in what form its scores are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import shards
import stores

from adaptline.core.store import Store
from adaptline.data.filters.label import label
from adaptline.data.filters.length import length
from adaptline.data.judged import asks_for, score_shard
from adaptline.data.masks import pack
from adaptline.errors import RunError

TEXTS = ["one", None, "three", "five?"]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "store")


def scores(store: Store, use: Any, alive: list[bool] | None = None) -> pa.Table:
    mask = None if alive is None else pack(np.array(alive))
    return score_shard(store.read, shards.shard(store, TEXTS), use, mask, None)


def test_rows_that_are_not_asked_for_have_no_score(store: Store, tmp_path: Path) -> None:
    length = shards.use(tmp_path, "length")
    assert scores(store, length)["score"].to_pylist() == [3.0, None, 5.0, 5.0]
    assert scores(store, length, [True, False, False, True])["score"].to_pylist() == [3.0, None, None, 5.0]
    assert scores(store, length, [False] * 4)["score"].to_pylist() == [None] * 4


@pytest.mark.parametrize("view", ["list[str]", "pa.StringArray", "pa.Table"])
def test_a_filter_sees_what_its_first_parameter_asks_for(store: Store, tmp_path: Path, view: str) -> None:
    use = shards.own(tmp_path, "return [type(given).__name__] * len(given)", view=view)
    wanted = {"list[str]": "list", "pa.StringArray": "StringArray", "pa.Table": "Table"}[view]
    assert scores(store, use)["score"].to_pylist() == [wanted, None, wanted, wanted]


def test_what_a_function_asks_for() -> None:
    def strange(texts: set[str]) -> None: ...

    assert [asks_for(function) for function in (length, label, strange)] == [pa.StringArray, pa.Table, None]
    assert asks_for(lambda texts: texts) == list[str]


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("return [True, False, True]", [1.0, None, 0.0, 1.0]),
        ("return [None, 2, None]", [None, None, 2.0, None]),
        ("return [None] * 3", [None] * 4),
        ("return pa.array(['a', 'b', 'a']).dictionary_encode()", ["a", None, "b", "a"]),
        ("return pa.chunked_array([[1, 2], [3]])", [1.0, None, 2.0, 3.0]),
    ],
)
def test_scores_of_all_shards_have_one_type(store: Store, tmp_path: Path, body: str, wanted: list[Any]) -> None:
    found = scores(store, shards.own(tmp_path, body))["score"]
    assert found.to_pylist() == wanted
    assert found.type == (pa.string() if "a" in wanted else pa.float64())


def test_what_a_filter_gives_beside_its_scores_stands_at_its_rows(store: Store, tmp_path: Path) -> None:
    body = "return pa.array([{'score': 1, 'because': text} for text in given])"
    found = scores(store, shards.own(tmp_path, body), [True, True, False, True])
    assert found.to_pylist() == [
        {"score": 1.0, "because": "one"},
        {"score": None, "because": None},
        {"score": None, "because": None},
        {"score": 1.0, "because": "five?"},
    ]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("return [1.0]", "1 scores for 3 texts"),
        ("return 'abc'", "it gives 'abc': a filter takes the texts of a shard and gives one score each"),
        ("return [[1.0]] * 3", "a score is a number, or a string for a label"),
        ("return [1 / 0]", "mine.py, line 6: ZeroDivisionError"),
    ],
)
def test_what_is_no_score_is_told_with_the_filters_name(store: Store, tmp_path: Path, body: str, told: str) -> None:
    with pytest.raises(RunError, match=r"^\./mine\.py:mine") as caught:
        scores(store, shards.own(tmp_path, body))
    assert told in str(caught.value)


def test_a_filter_that_sees_splits_sees_those_of_a_split_step(store: Store, tmp_path: Path) -> None:
    text = shards.shard(store, ["a", "b"], split=["train", "train"])
    split = stores.unit(store, "split", pa.table({"split": ["test", None], "group": pa.nulls(2, pa.string())}))
    use = shards.own(tmp_path, "return given['split']", view="pa.Table")
    assert score_shard(store.read, text, use, None, None)["score"].to_pylist() == ["train", "train"]
    assert score_shard(store.read, text, use, None, split)["score"].to_pylist() == ["test", None]
