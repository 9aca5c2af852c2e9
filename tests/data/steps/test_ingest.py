from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adaptline.core import keys
from adaptline.core.rows import COLUMNS, Rows
from adaptline.core.sources import Patterns, find_files
from adaptline.core.units import StoreUnits
from adaptline.data import cutting
from adaptline.data.records import subject_hash
from adaptline.data.steps import ingest as step
from adaptline.data.steps.ingest import ingest
from adaptline.errors import UserError

Put = Callable[[str, bytes | str], Path]
RealData = Callable[[str], Path]
NewUnits = Callable[[], StoreUnits]


@pytest.fixture
def take(tmp_path: Path, new_units: NewUnits) -> Callable[..., tuple[Rows, StoreUnits]]:
    """Runs the step over files of the test's folder."""

    def run(patterns: Patterns, **parameters: Any) -> tuple[Rows, StoreUnits]:
        units = new_units()
        return ingest(find_files(patterns, tmp_path), units=units, **parameters), units

    return run


Take = Callable[..., tuple[Rows, StoreUnits]]


def table_of(rows: Rows, units: StoreUnits) -> pa.Table:
    return pa.concat_tables(units.read(shard.text) for shard in rows.shards)


def jsonl(count: int, **more: Any) -> str:
    return "".join(json.dumps({"text": f"row {number} of many", **more}) + "\n" for number in range(count))


def test_rows_come_in_the_order_of_the_files(put: Put, take: Take) -> None:
    put("b.jsonl", '{"text": "one"}\n')
    put("a.csv", "text,label\ntwo,x\n")
    put("c/d.txt", "three\n")
    rows, units = take(["b.jsonl", "a.csv", "c/*.txt"])
    table = table_of(rows, units)
    assert [row[0]["content"] for row in table["messages"].to_pylist()] == ["one", "two", "three"]
    assert table["file"].to_pylist() == ["b.jsonl", "a.csv", "c/d.txt"]
    assert {field.name: field.type for field in table.schema} == COLUMNS


def test_a_second_run_reads_nothing(put: Put, take: Take) -> None:
    put("a.jsonl", jsonl(5000))
    first, units = take("a.jsonl")
    assert units.ran["read"] == len(first.shards) > 1
    second, units = take("a.jsonl")
    assert units.ran["read"] == 0
    assert second == first


def test_one_percent_more_rows_is_little_more_work(put: Put, take: Take, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "SMALLEST", cutting.FIRST)  # as in a file 16 times as large
    put("a.jsonl", jsonl(100_000))
    first, _ = take("a.jsonl")
    put("a.jsonl", jsonl(101_000))
    second, units = take("a.jsonl")
    assert units.ran["read"] <= 3 < len(second.shards) / 5
    assert second.shards[: len(first.shards) - 1] == first.shards[:-1]
    assert sum(shard.text.rows for shard in second.shards) == 101_000


def test_one_more_of_many_small_files_is_one_unit(put: Put, take: Take) -> None:
    for number in range(300):
        put(f"many/{number:03d}.txt", f"document {number}\n")
    first, _ = take("many/*.txt")
    assert 2 < len(first.shards) < 30
    put("many/150b.txt", "one more\n")
    second, units = take("many/*.txt")
    assert units.ran["read"] == 1
    assert sum(shard.text.rows for shard in second.shards) == 301


def test_a_row_that_changes_is_one_unit(put: Put, take: Take) -> None:
    content = jsonl(20_000)
    put("a.jsonl", content)
    take("a.jsonl")
    put("a.jsonl", content.replace("row 11111 of", "row 99999 of"))
    assert take("a.jsonl")[1].ran["read"] == 1


def test_the_rows_do_not_depend_on_where_the_recipe_lies(tmp_path: Path, put: Put, new_units: NewUnits) -> None:
    put("here/a.jsonl", jsonl(10))
    put("there/a.jsonl", jsonl(10))
    here = ingest(find_files("a.jsonl", tmp_path / "here"), units=new_units())
    units = new_units()
    assert ingest(find_files("a.jsonl", tmp_path / "there"), units=units) == here
    assert units.ran["read"] == 0


@pytest.mark.parametrize("parameters", [{"label": "n"}, {"encoding": "latin-1"}, {"split": "n"}, {"text": "other"}])
def test_another_reading_is_another_unit(put: Put, take: Take, parameters: dict[str, Any]) -> None:
    put("a.jsonl", '{"text": "a", "other": "b", "n": "c"}\n')
    before, _ = take("a.jsonl")
    after, units = take("a.jsonl", **parameters)
    assert units.ran["read"] == 1
    assert after.shards[0].text.key != before.shards[0].text.key


def test_naming_what_would_be_told_anyway_is_the_same_reading(put: Put, take: Take) -> None:
    put("a.jsonl", '{"text": "a", "label": "b"}\n')
    assert take("a.jsonl", text="text", label="label")[0] == take("a.jsonl")[0]


def test_a_table_of_files_sets_the_split(put: Put, take: Take) -> None:
    put("a.csv", "text,label\nx,l\n")
    put("b.csv", "text,label\ny,l\n")
    rows, units = take({"train": "a.csv", "test": ["b.csv"]})
    assert table_of(rows, units)["split"].to_pylist() == ["train", "test"]


@pytest.mark.parametrize("compressed", [False, True])
def test_the_detail_tells_files_and_segments(
    put: Put, take: Take, compressed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cutting, "SMALLEST", 300)
    name = "a.jsonl.gz" if compressed else "a.jsonl"
    put(name, gzip.compress(jsonl(40).encode()) if compressed else jsonl(40))
    put("b.json", json.dumps([{"text": "x" * 400}] * 3))
    put("c.txt", b"caf\xe9\n")
    rows, units = take([name, "b.json", "c.txt"])
    assert [(entry["file"], entry["rows"], entry["encoding"]) for entry in rows.detail["files"]] == [
        (name, 40, "utf-8"),
        ("b.json", 3, "utf-8"),
        ("c.txt", 1, "cp1252"),
    ]
    for shard, segments in zip(rows.shards, rows.detail["segments"], strict=True):
        table = units.read(shard.text)
        places = list(zip(table["file"].to_pylist(), table["row"].to_pylist(), strict=True))
        assert places == [(file, first + i) for file, first, count in segments for i in range(count)]
    assert json.loads(json.dumps(rows.detail)) == rows.detail


def test_segments_of_packed_files_name_every_file(put: Put, take: Take) -> None:
    for number in range(5):
        put(f"{number}.json", json.dumps([{"text": "a"}] * (number + 1)))
    rows, _ = take("*.json")
    segments = [segment for shard in rows.detail["segments"] for segment in shard]
    assert segments == [[f"{number}.json", 1, number + 1] for number in range(5)]


def test_people_are_hashed_under_the_stores_secret(put: Put, take: Take) -> None:
    put("a.jsonl", '{"text": "a", "user": "ann", "cc": ["bob", "ann"]}\n{"user": "ann", "text": [}\n')
    rows, units = take("a.jsonl", subject=["user", "cc"], group="user")
    table = table_of(rows, units)
    secret = units.subject_secret()
    ann, bob = (subject_hash(secret, name) for name in ("ann", "bob"))
    assert table["subject"].to_pylist() == [[ann, bob], None]
    assert table["group"].to_pylist() == [ann, None]
    assert table["unreadable"].null_count == 1
    everything = b"".join(path.read_bytes() for path in units.store.root.rglob("*") if path.is_file())
    assert b"bob" not in everything
    assert b"bob" not in json.dumps(rows.detail).encode()
    assert "ann" not in str(table.to_pylist())


def test_another_secret_is_another_unit(put: Put, take: Take, monkeypatch: pytest.MonkeyPatch) -> None:
    put("a.jsonl", '{"text": "a", "user": "ann"}\n')
    found = set()
    for secret in ("11" * 32, "22" * 32):
        monkeypatch.setenv("ADAPTLINE_SUBJECT_KEY", secret)
        found.add(take("a.jsonl", subject=["user"])[0].shards[0].text.key)
    assert len(found) == 2


def test_compressed_files_go_to_workers_in_runs(put: Put, take: Take, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step, "_WINDOW", 200_000)
    content = jsonl(30_000)
    put("a.jsonl", content)
    put("b.jsonl.gz", gzip.compress(content.encode()))
    rows, units = take(["a.jsonl", "b.jsonl.gz"])
    table = table_of(rows, units)
    assert table.num_rows == 60_000
    plain, packed = table.slice(0, 30_000), table.slice(30_000)
    assert packed["messages"].equals(plain["messages"])
    assert packed["line"].equals(plain["line"])


@pytest.mark.parametrize(
    ("name", "content", "parameters", "what"),
    [
        ("b.jsonl", '{"text": "a"}\n', {"text": "p"}, "b.jsonl: no column 'p'"),
        ("b.jsonl", "no json\n", {}, "b.jsonl, line 1: no row can be read"),
        ("b.png", b"\x89PNG\r\n", {}, "b.png: no format is known for '.png'"),
        ("b.jsonl", '{"text": "a"}\n', {"encoding": "utf-9"}, "a.jsonl: unknown encoding 'utf-9'"),
        ("b.jsonl", '{"text": "a"}\n', {"text": "text", "prompt": "p"}, "text and prompt cannot both be given"),
    ],
)
def test_mistakes_are_told_before_any_work(
    put: Put, take: Take, new_units: NewUnits, name: str, content: bytes | str, parameters: dict[str, Any], what: str
) -> None:
    put("a.jsonl", jsonl(10, p="q"))
    put(name, content)
    with pytest.raises(UserError) as caught:
        take(["a.jsonl", name], **parameters)
    assert str(caught.value).startswith(what)
    assert list(new_units().store.root.glob("units/*/*")) == []


def test_the_same_bytes_come_out_every_time(put: Put, tmp_path: Path, new_units: NewUnits) -> None:
    put("a.jsonl", jsonl(3000, label=5, more={"ü": [1, 2]}))
    digests = []
    for _ in range(2):
        units = new_units()
        rows = ingest(find_files("a.jsonl", tmp_path), units=units)
        digests.append([shard.text.digest for shard in rows.shards])
        for path in units.store.root.glob("units/*/*"):
            path.unlink()
    assert digests[0] == digests[1]


def test_parquet_row_groups_are_units(tmp_path: Path, take: Take, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "SMALLEST", 1)
    table = pa.table({"text": [f"text {number}" for number in range(400)], "n": range(400)})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=100)
    rows, units = take("a.parquet")
    assert [shard.text.rows for shard in rows.shards] == [100] * 4
    assert [row["n"] for row in table_of(rows, units)["extra"].to_pylist()] == list(range(400))


def test_reads_banking77_as_a_recipe_would(real_data: RealData, new_units: NewUnits) -> None:
    folder = real_data("clf_banking77")
    units = new_units()
    files = find_files({"train": "train.csv", "test": "test.csv"}, folder)
    rows = ingest(files, units=units, text="text", label="category")
    table = table_of(rows, units)
    assert table["split"].to_pylist() == ["train"] * 10003 + ["test"] * 3080
    assert table["unreadable"].null_count == table.num_rows == 13083
    assert table["extra"].null_count == table.num_rows
    assert len(table["label"].unique()) == 77


def test_reads_clinc150_with_its_own_splits(real_data: RealData, new_units: NewUnits) -> None:
    units = new_units()
    rows = ingest(find_files("data_full.json.gz", real_data("clf_clinc150")), units=units, text="0", label="1")
    table = table_of(rows, units)
    assert table.num_rows == 23700
    assert set(table["split"].to_pylist()) == {"train", "val", "test", "oos_train", "oos_val", "oos_test"}
    assert table["label"].to_pylist().count("oos") == 1200


def test_reads_spam_in_both_encodings(real_data: RealData, new_units: NewUnits) -> None:
    folder, units = real_data("clf_sms_spam"), new_units()
    plain = table_of(ingest(find_files("sms.tsv", folder), units=units, text="1", label="0"), units)
    rows = ingest(find_files("spam_latin1.csv", folder), units=units, text="v2", label="v1")
    legacy = table_of(rows, units)
    assert (plain.num_rows, legacy.num_rows) == (5574, 5572)
    assert plain["unreadable"].null_count + legacy["unreadable"].null_count == 5574 + 5572
    assert plain["label"].to_pylist().count("spam") == legacy["label"].to_pylist().count("spam") == 747
    assert rows.detail["files"][0]["encoding"] == "cp1252"


def test_a_key_says_what_was_asked_and_no_path(put: Put, take: Take, tmp_path: Path) -> None:
    put("a.jsonl", '{"text": "a"}\n')
    rows, units = take("a.jsonl")
    assert len(rows.shards[0].text.key) == len(keys.digest(b""))
    stored = b"".join(path.read_bytes() for path in units.store.root.rglob("*") if path.is_file())
    assert str(tmp_path).encode() not in stored
