from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from adaptline.data import cutting
from adaptline.data import typed as module
from adaptline.data.blocks import Batch, Block, Source
from adaptline.data.formats.arrow import arrow, cut, write
from adaptline.data.reading import read_table
from adaptline.data.streams import Coding
from adaptline.errors import UserError

Put = Callable[[str, bytes | str], Path]
TABLE = pa.table({"text": [f"text {number}" for number in range(1000)], "n": pa.array(range(1000), pa.int16())})
WRITERS = {"file": pa.ipc.new_file, "stream": pa.ipc.new_stream}


def file_of(tmp_path: Path, table: pa.Table, kind: str = "file", rows: int = 100, **options: Any) -> Path:
    path = tmp_path / "a.arrow"
    with WRITERS[kind](str(path), table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table, rows)
    return path


def blocks_of(path: Path) -> list[Block]:
    return list(cut(Source(path, path.name, "arrow", Coding(""))))


def read(blocks: list[Block]) -> pa.Table:
    return pa.Table.from_batches([batch for block in blocks for batch in arrow(block)])


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
def test_files_and_streams_are_read(tmp_path: Path, kind: str, compression: str | None) -> None:
    blocks = blocks_of(file_of(tmp_path, TABLE, kind, compression=compression))
    assert [block.rows for block in blocks] == [1000]
    assert read(blocks).equals(TABLE)


def test_batches_are_cut_by_position_and_large_ones_by_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SMALLEST", 200)
    monkeypatch.setattr(cutting, "SMALLEST", 1000)
    many, one = (blocks_of(file_of(tmp_path, TABLE, rows=rows)) for rows in (50, 1000))
    for blocks in (many, one):
        assert len(blocks) > 10
        assert [block.first_row for block in blocks][1] == (blocks[0].rows or 0) + 1
        assert read(blocks).equals(TABLE)


def test_appended_batches_leave_earlier_blocks_as_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "SMALLEST", 1)
    before = blocks_of(file_of(tmp_path, TABLE.slice(0, 500)))
    after = blocks_of(file_of(tmp_path, TABLE))
    assert [block.meaning for block in after[:5]] == [block.meaning for block in before]


def test_dictionaries_become_what_they_stand_for(tmp_path: Path) -> None:
    table = TABLE.append_column("label", TABLE["text"].dictionary_encode())
    found = read_table(file_of(tmp_path, table, "stream"))
    assert found["label"].equals(TABLE["text"])


@pytest.mark.parametrize("left", [1, 50, 200])
def test_a_stream_that_breaks_off_gives_what_came_before(tmp_path: Path, left: int) -> None:
    path = file_of(tmp_path, TABLE, "stream")
    path.write_bytes(path.read_bytes()[: -left - 8])
    found = read_table(path)
    assert found["unreadable"].null_count == 900
    assert found["row"].to_pylist() == list(range(1, 902))
    assert found["unreadable"][900].as_py().startswith("the file breaks off here: ")


def test_a_file_without_its_end_is_damaged(tmp_path: Path) -> None:
    path = file_of(tmp_path, TABLE)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UserError, match="a damaged Arrow file"):
        read_table(path)


def test_strings_that_are_no_utf8_are_damage(tmp_path: Path) -> None:
    bad = pa.StringArray.from_buffers(1, pa.py_buffer(b"\0\0\0\0\1\0\0\0"), pa.py_buffer(b"\xff"))
    path = file_of(tmp_path, pa.table({"text": pa.chunked_array([pa.array(["a"]), bad])}))
    assert read_table(path)["unreadable"].to_pylist() == [
        None,
        "the file breaks off here: In column 0: Invalid: Invalid UTF8 sequence at string index 0",
    ]


def test_a_row_longer_than_any_may_be_is_one_that_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LONGEST_ROW", 1000)
    monkeypatch.setattr(module, "SMALLEST", 500)
    found = read_table(file_of(tmp_path, pa.table({"text": ["a", "x" * 2000, "b"]})))
    assert found["unreadable"].to_pylist() == [None, "a row longer than 0 MiB", None]
    assert found["row"].to_pylist() == [1, 2, 3]


def test_what_is_refused(put: Put, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no Arrow file"):
        read_table(put("b.arrow", "text\n"))
    twice = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["text", "text"])
    with pytest.raises(UserError, match="two columns are called 'text'"):
        read_table(file_of(tmp_path, twice))
    with pytest.raises(UserError, match="has a column of a kind that cannot be kept"):
        read_table(
            file_of(tmp_path, pa.table({"text": ["a"], "n": pa.array([(1, 2, 3)], pa.month_day_nano_interval())}))
        )
    with pytest.raises(UserError, match="has no rows"):
        read_table(file_of(tmp_path, TABLE.slice(0, 0)))


def test_writes_a_file() -> None:
    file = BytesIO()
    write([Batch([], {}), Batch([{"text": "a", "n": None}], {}), Batch([{"text": "b"}], {})], file)
    rows = pa.ipc.open_file(file.getvalue()).read_all().to_pylist()
    assert rows == [{"text": "a", "n": None}, {"text": "b", "n": None}]


def test_reads_the_same_as_parquet(real_data: Callable[[str], Path]) -> None:
    one, other = (read_table(real_data(f"formats_gsm8k_200/rows.{name}"), name="x") for name in ("arrow", "parquet"))
    assert one.equals(other)


def test_a_name_that_is_not_utf8_is_a_mistake(tmp_path: Path) -> None:
    with pa.ipc.new_stream(
        str(tmp_path / "a.arrow"), (table := pa.table({"text": ["a"], "x": [{"nnnn": 1}]})).schema
    ) as writer:
        writer.write_table(table)
    path = tmp_path / "a.arrow"
    path.write_bytes(path.read_bytes().replace(b"nnnn", b"nn\xffn"))
    with pytest.raises(UserError, match="the name of a column is not UTF-8"):
        blocks_of(path)


def test_dictionaries_cost_what_their_values_do(tmp_path: Path) -> None:
    entries = pa.array([f"{number}" * 200 for number in range(1000)])
    numbers = pa.array([7, None, *range(998)], pa.int32())
    coded = pa.DictionaryArray.from_arrays(numbers, entries)
    ends = pa.array(range(1001), pa.int32())
    table = pa.table(
        {
            "text": [f"text {number}" for number in range(1000)],
            "top": coded,
            "struct": pa.StructArray.from_arrays([coded], ["k"]),
            "list": pa.ListArray.from_arrays(ends, pa.StructArray.from_arrays([coded], ["k"])),
            "map": pa.MapArray.from_arrays(ends, pa.array(map(str, range(1000))), coded),
        }
    )
    path = file_of(tmp_path, table, rows=1000)
    blocks = blocks_of(path)
    assert len(blocks) > 1
    assert sum(len(block.payload or b"") for block in blocks) < 8 * path.stat().st_size
    found = read(blocks)
    assert found.to_pylist() == table.to_pylist()
    assert not any("dictionary" in str(kind) for kind in found.schema.types)


def test_a_batch_is_decoded_piece_by_piece(tmp_path: Path) -> None:
    entry = pa.array(["x" * (1 << 20)])
    coded = pa.DictionaryArray.from_arrays(pa.array([0] * 64, pa.int32()), entry)
    path = file_of(tmp_path, pa.table({"text": ["a"] * 64, "system": coded}))
    before = pa.total_allocated_bytes()
    most = 0
    for block in cut(Source(path, path.name, "arrow", Coding(""))):
        most = max(most, pa.total_allocated_bytes() - before)
        assert (block.rows or 0) <= 3
    assert most < 16 << 20
