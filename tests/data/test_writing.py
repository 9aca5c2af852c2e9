from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from adaptline.data.opening import open_source
from adaptline.data.reading import read_table
from adaptline.data.schemas import Columns
from adaptline.data.writing import refuse_unwritable, write_rows
from adaptline.errors import UserError

Put = Callable[[str, bytes | str], Path]
RealData = Callable[[str], Path]


def again(path: Path, out: Path, **options: Any) -> int:
    """A file read and written back under the names that it has."""
    source = open_source(path, path.name, **options)
    return write_rows([read_table(path, **options)], out, columns=source.columns)


def lines_of(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(["label", "split", "references", "messages", "prompt", "id"]) | st.text(max_size=4)
RECORD = st.builds(
    lambda more, text: {**more, "text": text}, st.dictionaries(NAMES, JSON, max_size=4), st.text(max_size=9)
)


@settings(deadline=None)
@given(st.lists(RECORD, min_size=1, max_size=6), st.booleans())
def test_json_lines_come_back_whole(
    tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, Any]], ascii_only: bool
) -> None:
    folder = tmp_path_factory.mktemp("jsonl")
    text = "".join(json.dumps(record, ensure_ascii=ascii_only) + "\n" for record in records)
    (folder / "in.jsonl").write_bytes(text.encode())
    columns = open_source(folder / "in.jsonl", "in.jsonl", columns=Columns(text="text")).columns
    table = read_table(folder / "in.jsonl", columns=columns)
    good = [record for record, bad in zip(records, table["unreadable"].to_pylist(), strict=True) if bad is None]
    assert write_rows([table], folder / "out.jsonl", columns=columns) == len(good)
    assert lines_of(folder / "out.jsonl") == good
    for record, row in zip(records, table.to_pylist(), strict=True):
        if row["unreadable"]:
            assert json.loads(json.loads(row["extra"])["raw"]) == record


@pytest.mark.parametrize(
    "record",
    [
        {"text": "a", "label": "b"},
        {"text": "a", "label": 3, "big": 2**70, "small": 1e-300, "none": None, "nested": {"a": [1, {"b": "ü"}]}},
        {"prompt": "a", "completion": "b", "references": ["c"]},
        {"question": "a", "answer": 42},
        {"instruction": "a", "input": "b", "output": "c"},
        {"instruction": "a", "input": "", "output": "c"},
        {"messages": [{"role": "user", "content": "a", "name": "ann"}], "tools": "[]"},
        {"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}], "id": "x"},
    ],
)
@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".parquet"])
def test_records_of_every_shape_come_back(put: Put, tmp_path: Path, record: dict[str, Any], suffix: str) -> None:
    if suffix == ".parquet" and "big" in record:
        record = {**record, "big": 2**60, "nested": {"a": [1]}}
    out = tmp_path / f"out{suffix}"
    assert again(put("in.jsonl", json.dumps(record) + "\n"), out) == 1
    if suffix == ".parquet":
        assert pq.read_table(out).to_pylist() == [record]
    else:
        assert json.loads(out.read_text("utf-8")) == (record if suffix == ".jsonl" else [record])


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_tables_come_back(put: Put, tmp_path: Path, suffix: str) -> None:
    mark = "," if suffix == ".csv" else "\t"
    content = f"text{mark}category{mark}n\nä, b{mark}x{mark}1\n".replace("ä, b", '"ä, b"' if mark == "," else '"ä, b')
    out = tmp_path / f"out{suffix}"
    again(put(f"in{suffix}", content), out, columns=Columns(text="text", label="category"))
    assert out.read_bytes().decode() == content


def test_text_comes_back(put: Put, tmp_path: Path) -> None:
    again(put("in.txt", "one\nzwei ß\n"), tmp_path / "out.txt")
    assert (tmp_path / "out.txt").read_bytes().decode() == "one\nzwei ß\n"


@pytest.mark.parametrize(
    ("name", "columns", "out"),
    [
        ("clf_banking77/test.csv", Columns(text="text", label="category"), "out.csv"),
        ("clf_sms_spam/sms.tsv", Columns(text="1", label="0"), "out.tsv"),
        ("instruct_gsm8k/test.jsonl.gz", Columns(), "out.jsonl.gz"),
        ("chat_toolcall/glaive_toolcall_en_demo.json.gz", Columns(), "out.json.zst"),
        ("formats_gsm8k_200/rows.parquet", Columns(), "out.parquet"),
    ],
)
def test_real_files_come_back(real_data: RealData, tmp_path: Path, name: str, columns: Columns, out: str) -> None:
    path = real_data(name)
    again(path, tmp_path / out, columns=columns)
    before, after = (read_table(each, columns=columns, name="x") for each in (path, tmp_path / out))
    same = [column for column in before.schema.names if column not in ("line", "extra")]
    assert after.select(same).equals(before.select(same))
    parsed = [[row and json.loads(row) for row in table["extra"].to_pylist()] for table in (before, after)]
    assert parsed[0] == parsed[1]


def test_rows_that_could_not_be_read_are_not_written(put: Put, tmp_path: Path) -> None:
    path = put("in.jsonl", '{"text": "a"}\nbad\n{"text": "b"}\n')
    assert again(path, tmp_path / "out.jsonl") == 2
    assert lines_of(tmp_path / "out.jsonl") == [{"text": "a"}, {"text": "b"}]


def test_typed_fields_are_written_as_text_where_they_must(tmp_path: Path) -> None:
    table = pa.table({"text": ["a"], "when": pa.array([0], pa.timestamp("ms", "UTC")), "n": pa.array([7], pa.int8())})
    pq.write_table(table, tmp_path / "in.parquet")
    again(tmp_path / "in.parquet", tmp_path / "out.jsonl")
    assert lines_of(tmp_path / "out.jsonl") == [{"text": "a", "when": "1970-01-01 00:00:00+00:00", "n": 7}]
    again(tmp_path / "in.parquet", tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet").equals(table)


def test_shards_are_written_one_by_one(put: Put, tmp_path: Path) -> None:
    def shards() -> Iterator[pa.Table]:
        for name in "abc":
            yield read_table(put(f"{name}.jsonl", json.dumps({"text": name}) + "\n"))

    assert write_rows(shards(), tmp_path / "out.jsonl") == 3
    assert [record["text"] for record in lines_of(tmp_path / "out.jsonl")] == ["a", "b", "c"]


@pytest.mark.parametrize(("suffix", "open_again"), [(".gz", gzip.decompress), (".zst", zstandard.decompress)])
def test_the_same_rows_give_the_same_file(
    put: Put, tmp_path: Path, suffix: str, open_again: Callable[[bytes], bytes]
) -> None:
    table = read_table(put("in.jsonl", '{"text": "a"}\n'))
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_rows([table], tmp_path / name / f"out.jsonl{suffix}")
    one, two = ((tmp_path / name / f"out.jsonl{suffix}").read_bytes() for name in ("one", "two"))
    assert one == two
    if suffix == ".gz":
        assert open_again(one) == b'{"text":"a"}\n'
    else:
        assert read_table(tmp_path / "one" / "out.jsonl.zst").num_rows == 1


def test_fields_by_position_are_written_in_their_order(put: Put, tmp_path: Path) -> None:
    again(put("in.tsv", "ham\thello\n"), tmp_path / "out.tsv", columns=Columns(text="1", label="0"))
    assert (tmp_path / "out.tsv").read_text("utf-8") == "ham\thello\n"


def test_a_failure_leaves_the_old_file_and_nothing_else(put: Put) -> None:
    out = put("out/out.tsv", "the old file")
    first = read_table(put("a.jsonl", '{"text": "a"}\n'))
    second = read_table(put("b.jsonl", '{"text": "b\\tc", "late": 1}\n'))
    with pytest.raises(UserError, match=r"out.tsv: a value has a delimiter or line end in it"):
        write_rows([first, second], out)
    assert [path.name for path in out.parent.iterdir()] == ["out.tsv"]
    assert out.read_text("utf-8") == "the old file"
    with pytest.raises(TypeError, match="needs them twice"):
        write_rows(iter([first]), out)


def test_the_new_file_takes_the_place_of_the_old(put: Put) -> None:
    out = put("out/out.jsonl", "the old file")
    write_rows([read_table(put("a.jsonl", '{"text": "a"}\n'))], out)
    assert lines_of(out) == [{"text": "a"}]
    assert [path.name for path in out.parent.iterdir()] == ["out.jsonl"]


def test_mistakes_are_told(put: Put, tmp_path: Path) -> None:
    table = read_table(put("a.jsonl", '{"text": "a"}\n'))
    with pytest.raises(UserError, match="no such folder"):
        write_rows([table], tmp_path / "none" / "out.jsonl")
    with pytest.raises(UserError, match=r"no format is known for '.doc'"):
        write_rows([table], tmp_path / "out.doc")
    assert write_rows([table], tmp_path / "out.doc", format="jsonl") == 1


def test_fields_inside_of_lists_come_back(put: Put, tmp_path: Path) -> None:
    record = {"turns": ["a", "b", None], "deep": [[1, {"x": "y"}]], "id": 1}
    path = put("in.jsonl", json.dumps(record) + "\n")
    columns = Columns(prompt="turns.0", completion="turns.1", label="deep.0.1.x")
    table = read_table(path, columns=columns)
    assert table["messages"].to_pylist() == [[{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]]
    write_rows([table], tmp_path / "out.jsonl", columns=columns)
    assert lines_of(tmp_path / "out.jsonl") == [record]


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz"])
def test_chats_and_references_come_back_from_a_table(put: Put, tmp_path: Path, suffix: str) -> None:
    chat = [{"role": "user", "content": 'a "b", c\n'}, {"role": "assistant", "content": "d"}]
    record = {"messages": chat, "references": ["x", "[y"], "n": {"deep": [1]}}
    path = put("in.jsonl", json.dumps(record) + "\n")
    assert again(path, tmp_path / f"out{suffix}") == 1
    before, after = (read_table(each, name="x") for each in (path, tmp_path / f"out{suffix}"))
    assert after.select(["messages", "references"]).equals(before.select(["messages", "references"]))
    assert json.loads(after["extra"][0].as_py()) == {"n": '{"deep":[1]}'}


@pytest.mark.parametrize("text", ['["a"', '[1, "a"]', "[x]", '["a", {}]'])
def test_a_string_that_is_no_list_is_one_reference(put: Put, text: str) -> None:
    path = put("in.jsonl", json.dumps({"text": "t", "references": text}) + "\n")
    assert read_table(path, columns=Columns(text="text", references="references"))["references"].to_pylist() == [[text]]


@pytest.mark.parametrize("name", ["a.parquet.gz", "a.arrow.zst"])
def test_what_is_compressed_inside_is_not_compressed_again(name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"compressed inside(?s:.*)Leave "):
        refuse_unwritable(tmp_path / name)
