"""Rows with the same messages and other preferences or tools."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lines
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import adaptline as al
from adaptline import library
from adaptline.core.rows import Ref
from adaptline.data import beside, matching

RECIPE = """
[raw]
step  = "ingest"
files = "rows.{suffix}"
prompt = "{field}"
[clean]
step = "curate"
from = "raw"
do   = ["exact", {{ use = "minhash", threshold = 0.9 }}]
"""
LONG = "a question that is long enough to be compared by its n-grams, number {}"
ROWS: list[dict[str, Any]] = [
    {"prompt": LONG.format(1), "chosen": "yes", "rejected": "no"},
    {"prompt": LONG.format(1), "chosen": "yes", "rejected": "no"},
    {"prompt": LONG.format(1), "chosen": "no", "rejected": "yes"},
    {"prompt": LONG.format(1), "chosen": None, "rejected": None},
    {"prompt": LONG.format(1) + " !", "chosen": "perhaps", "rejected": "no"},
    {"prompt": "another", "chosen": "yes", "rejected": "no"},
]


def told(folder: Path, rows: list[dict[str, Any]], suffix: str) -> list[list[str]]:
    lines.write(folder / "rows.jsonl", rows)
    pq.write_table(pa.Table.from_pylist(rows), folder / "rows.parquet")
    (folder / "recipe.toml").write_text(RECIPE.format(suffix=suffix, field=next(iter(rows[0]))))
    al.run(folder / "recipe.toml")
    return [method["told"] for method in library.show(folder / "recipe.toml", "clean")[0]["methods"]]


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_rows_alike_with_other_preferences_are_counted(tmp_path: Path, suffix: str) -> None:
    tail = "other chosen, rejected or tools than the row that stays: it compares messages only"
    assert told(tmp_path, ROWS, suffix) == [
        [f"2 rows that it drops have {tail}"],
        [f"1 row that it drops has {tail}"],
    ]


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_nothing_is_told_of_other_fields(tmp_path: Path, suffix: str) -> None:
    assert told(tmp_path, [{"text": "the same", "id": number} for number in range(3)], suffix) == [[], []]
    assert told(tmp_path, [{"text": "the same", "tools": ["a"]}] * 3, suffix) == [[], []]


def test_rows_of_several_shards_and_a_row_that_stays_for_many() -> None:
    shards = [
        pa.table({"extra": ['{"tools":["a"]}', None, '{"tools":["b"]}']}),
        pa.table({"extra": ['{"tools":["a"]}', '{"tools":["c"]}', '{"id":1}']}),
    ]
    drops = {
        "shard": [0, 0, 1, 1, 1],
        "row": [1, 2, 0, 1, 2],
        "of_shard": [0] * 5,
        "of_row": [0] * 5,
        "score": [1.0] * 5,
    }
    table = pa.table(drops, schema=matching.SCHEMA)
    assert beside.differing(lambda ref, _: shards[int(ref.key)], [Ref("0", "d", 3), Ref("1", "d", 3)], table) == 4
    assert beside.differing(lambda *_: shards[0], [], table.slice(0, 0)) == 0


def test_long_fields_take_no_memory_of_their_own() -> None:
    """A preference of a megabyte, for which thousands of rows are dropped, is looked at once."""
    long = pa.table({"extra": ['{"chosen":"' + "x" * (1 << 20) + '"}', *['{"chosen":"y"}'] * 5000]})
    columns = [
        np.zeros(5000, np.int32),
        np.arange(1, 5001),
        np.zeros(5000, np.int32),
        np.zeros(5000, np.int64),
        np.ones(5000),
    ]
    before = pa.total_allocated_bytes()
    assert beside.differing(lambda *_: long, [Ref("k", "d", 5001)], pa.table(columns, schema=matching.SCHEMA)) == 5000
    assert pa.total_allocated_bytes() - before < 1 << 20
