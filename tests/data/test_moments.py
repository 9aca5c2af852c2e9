from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adaptline.data.moments import Moment, counted, has_moments, rows_of
from adaptline.data.reading import read_table
from adaptline.data.schemas import Columns
from adaptline.data.writing import write_rows

CASES: list[tuple[pa.DataType, int, str]] = [
    (pa.timestamp("ns"), 1_700_000_000_123_456_789, "2023-11-14 22:13:20.123456789"),
    (pa.timestamp("us"), 1_700_000_000_500_000, "2023-11-14 22:13:20.500000"),
    (pa.timestamp("s"), 1_700_000_000, "2023-11-14 22:13:20"),
    (pa.timestamp("s"), 2**48, "8921556-12-07 10:44:16"),
    (pa.timestamp("s", "UTC"), 2**48, "8921556-12-07 10:44:16+00:00"),
    (pa.timestamp("s", "Mars/Base"), 0, "1970-01-01 00:00:00+00:00"),
    (pa.timestamp("s", "Europe/Berlin"), 0, "1970-01-01 01:00:00+01:00"),
    (pa.timestamp("s", "+05:30"), 0, "1970-01-01 05:30:00+05:30"),
    (pa.date32(), 3_000_000, "10183-09-21"),
    (pa.date64(), 86_400_000, "1970-01-02"),
    (pa.time32("s"), 3_600, "01:00:00"),
    (pa.time64("ns"), 123_456_789, "00:00:00.123456789"),
    (pa.duration("s"), 90, "0:01:30"),
    (pa.duration("ns"), 1_234_567_891, "1234567891 ns"),
    (pa.duration("s"), 2**62, f"{2**62} s"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "number", "words"), CASES)
def test_every_time_has_words_and_keeps_its_number(tmp_path: Path, kind: pa.DataType, number: int, words: str) -> None:
    rows = 150  # more than the reader samples: only the last one has the value
    table = pa.table({"text": ["a"] * rows, "when": pa.array([None] * (rows - 1) + [number], kind)})
    with pa.ipc.new_file(tmp_path / "in.arrow", table.schema) as writer:
        writer.write_table(table)
    read = read_table(tmp_path / "in.arrow", columns=Columns(text="text", label="when"))
    assert read["unreadable"].null_count == rows
    assert read["label"][-1].as_py() == words
    assert read["extra"].type.field("when").type == kind
    write_rows([read], tmp_path / "out.arrow", columns=Columns(text="text", label="when"))
    assert pa.ipc.open_file(tmp_path / "out.arrow").read_all().equals(table)
    write_rows([read], tmp_path / "out.jsonl", columns=Columns(text="text", label="when"))
    assert f'"when":"{words}"' in (tmp_path / "out.jsonl").read_text().splitlines()[-1]


TIME = pa.timestamp("ns")
NESTED: list[tuple[pa.DataType, Any]] = [
    (pa.list_(TIME), [7, None]),
    (pa.large_list(TIME), [7]),
    (pa.list_(TIME, 2), [7, 8]),
    (pa.struct([("at", TIME), ("n", pa.int8())]), {"at": 7, "n": 1}),
    (pa.map_(pa.string(), TIME), [("k", 7)]),
    (pa.list_(pa.struct([("at", pa.list_(TIME))])), [{"at": [7]}]),
]


@pytest.mark.parametrize(("kind", "value"), NESTED)
def test_times_inside_of_others(tmp_path: Path, kind: pa.DataType, value: Any) -> None:
    table = pa.table({"text": ["a", "b"], "x": pa.array([value, None], kind)})
    assert has_moments(kind)
    assert "1970-01-01 00:00:00.000000007" in str(rows_of(table)[0]["x"])
    pq.write_table(table, tmp_path / "in.parquet")
    read = read_table(tmp_path / "in.parquet", columns=Columns(text="text"))
    write_rows([read], tmp_path / "out.parquet", columns=Columns(text="text"))
    assert pq.read_table(tmp_path / "out.parquet")["x"].combine_chunks().equals(table["x"].combine_chunks())  # fmt: skip


def test_a_unit_of_another_file_is_counted_anew() -> None:
    (row,) = rows_of(pa.table({"when": pa.array([7], pa.timestamp("s"))}))
    assert isinstance(row["when"], Moment)
    assert counted(row["when"], pa.timestamp("ms")) == 7_000
    assert counted("a word", pa.timestamp("ms")) == "a word"


def test_times_in_a_dictionary() -> None:
    column = pa.array([7, 7], TIME).dictionary_encode()
    assert rows_of(pa.table({"x": column}))[1] == {"x": "1970-01-01 00:00:00.000000007"}
