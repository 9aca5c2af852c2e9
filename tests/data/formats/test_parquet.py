from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adaptline.data import cutting
from adaptline.data.blocks import Batch, Block, Source
from adaptline.data.formats.parquet import cut, parquet, write
from adaptline.data.streams import Coding
from adaptline.errors import UserError

Put = Callable[[str, bytes | str], Path]
TABLE = pa.table({"text": [f"text {number}" for number in range(1000)], "n": pa.array(range(1000), pa.int16())})


def blocks_of(path: Path) -> list[Block]:
    return list(cut(Source(path, path.name, "parquet", Coding(""))))


def file_of(tmp_path: Path, table: pa.Table, rows: int = 100) -> Path:
    path = tmp_path / "a.parquet"
    pq.write_table(table, path, row_group_size=rows)
    return path


def read(blocks: list[Block]) -> pa.Table:
    return pa.Table.from_batches([batch for block in blocks for batch in parquet(block)])


def test_a_small_file_is_one_block(tmp_path: Path) -> None:
    blocks = blocks_of(file_of(tmp_path, TABLE))
    assert [(block.rows, block.groups) for block in blocks] == [(1000, tuple(range(10)))]
    assert read(blocks).equals(TABLE)


def test_blocks_are_whole_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "SMALLEST", 3000)
    blocks = blocks_of(file_of(tmp_path, TABLE))
    assert len(blocks) > 2
    assert [group for block in blocks for group in block.groups] == list(range(10))
    assert [block.first_row for block in blocks] == [block.groups[0] * 100 + 1 for block in blocks]
    assert read(blocks).equals(TABLE)


def test_appended_row_groups_leave_earlier_blocks_as_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "SMALLEST", 1)
    before = blocks_of(file_of(tmp_path, TABLE.slice(0, 500)))
    after = blocks_of(file_of(tmp_path, TABLE))
    assert [block.meaning for block in after[:5]] == [block.meaning for block in before]
    assert len({block.digest for block in after}) == 10


def test_a_file_that_was_replaced_after_it_was_cut_is_not_read(tmp_path: Path) -> None:
    blocks = blocks_of(file_of(tmp_path, TABLE))
    file_of(tmp_path, TABLE.set_column(0, "text", pa.array(["other"] * 1000)))
    with pytest.raises(UserError, match="changed while it was read"):
        read(blocks)


def test_shards_of_which_nothing_is_left_tell_no_schema() -> None:
    file = BytesIO()
    write([Batch([], {}), Batch([{"text": "a", "n": 1}], {}), Batch([], {})], file)
    assert pq.read_table(BytesIO(file.getvalue())).to_pylist() == [{"text": "a", "n": 1}]


def test_types_are_part_of_what_a_block_means(tmp_path: Path) -> None:
    wider = TABLE.set_column(1, "n", TABLE["n"].cast(pa.int32()))
    assert blocks_of(file_of(tmp_path, TABLE))[0].digest != blocks_of(file_of(tmp_path, wider))[0].digest


def test_an_empty_table_has_no_rows(tmp_path: Path) -> None:
    assert sum(block.rows or 0 for block in blocks_of(file_of(tmp_path, TABLE.slice(0, 0)))) == 0


@pytest.mark.parametrize("content", [b"PAR1 nothing PAR1", b"PAR1"])
def test_a_damaged_file_is_said_to_be(put: Put, content: bytes) -> None:
    with pytest.raises(UserError, match=r"a.parquet: a damaged Parquet file"):
        blocks_of(put("a.parquet", content))


def test_a_text_is_no_parquet(put: Put) -> None:
    with pytest.raises(UserError, match=r"a.parquet: is no Parquet file"):
        list(cut(Source(put("a.parquet", "text"), "a.parquet", "parquet", Coding("utf-8"))))


def test_strings_that_are_no_utf8_are_damage(tmp_path: Path) -> None:
    invalid = pa.Array.from_buffers(pa.string(), 1, pa.array([b"\xff"]).buffers())
    with pytest.raises(UserError, match="a damaged Parquet file"):
        read(blocks_of(file_of(tmp_path, pa.table({"text": invalid}))))


def written(batches: list[Batch]) -> pa.Table:
    file = BytesIO()
    write(batches, file)
    return pq.read_table(pa.BufferReader(file.getvalue()))


def test_known_types_are_kept_and_others_guessed() -> None:
    when = datetime(2024, 5, 1, tzinfo=UTC)
    records: list[dict[str, Any]] = [{"text": "a", "n": 1, "when": when, "none": None, "more": [1]}]
    table = written([Batch(records, {"n": pa.int8(), "when": pa.timestamp("ms", "UTC")})])
    assert table.schema.field("n").type == pa.int8()
    assert table.schema.field("when").type == pa.timestamp("ms", "UTC")
    assert table.schema.field("none").type == pa.string()
    assert table.to_pylist() == records


def test_rows_get_one_schema() -> None:
    with pytest.raises(UserError, match="rows do not share one schema"):
        written([Batch([{"n": 1}], {}), Batch([{"n": "one"}], {})])
    late = written([Batch([{"n": 1}], {}), Batch([{"m": 1}], {})])
    assert late.to_pylist() == [{"n": 1, "m": None}, {"n": None, "m": 1}]
    with pytest.raises(UserError, match="rows do not share one schema"):
        written([Batch([{"n": 1}, {"n": "one"}], {})])


def test_a_large_row_group_is_cut_by_its_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adaptline.data.formats.parquet._LARGE_GROUP", 1000)
    monkeypatch.setattr("adaptline.data.formats.parquet._FEW", 50)
    monkeypatch.setattr(cutting, "FIRST", 1000)
    monkeypatch.setattr(cutting, "SMALLEST", 1000)
    blocks = blocks_of(file_of(tmp_path, TABLE, rows=500))
    assert len(blocks) > 5
    assert [block.first_row for block in blocks][1:] == [block.first_row + (block.rows or 0) for block in blocks][:-1]
    assert read(blocks).equals(TABLE)
