from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from adaptline.core.rows import COLUMNS, texts
from adaptline.data import cutting
from adaptline.data.opening import blocks_of, open_source
from adaptline.data.reading import describe, read_blocks, read_table
from adaptline.data.schemas import Columns

Put = Callable[[str, bytes | str], Path]
RealData = Callable[[str], Path]
LINES = ['{"text": "one", "n": 1}', "broken", '{"text": 2}', '{"text": null}', '{"label": "x"}', '{"text": "last"}']


def unread(ref: Any) -> pa.Table:
    raise AssertionError(ref)


def test_reads_a_file_with_its_bad_rows_in_place(put: Put) -> None:
    table = read_table(put("a.jsonl", "\n".join(LINES)))
    assert {field.name: field.type for field in table.schema} == COLUMNS
    assert texts(table.combine_chunks()).to_pylist() == ["one", None, "2", None, None, "last"]
    assert table["unreadable"].to_pylist() == [
        None,
        "not JSON: Expecting value at character 1",
        None,
        "'text' is null, not a string",
        "no field 'text' (text)",
        None,
    ]
    assert table["row"].to_pylist() == table["line"].to_pylist() == [1, 2, 3, 4, 5, 6]
    assert [extra and json.loads(extra) for extra in table["extra"].to_pylist()] == [
        {"n": 1},
        {"raw": "broken"},
        {"text": 2},
        {"raw": '{"text": null}'},
        {"raw": '{"label": "x"}'},
        None,
    ]


def test_rows_are_called_as_the_caller_says(put: Put) -> None:
    path = put("a.jsonl", '{"text": "a"}\n')
    assert read_table(path)["file"].to_pylist() == ["a.jsonl"]
    assert read_table(path, name="tasks/a.jsonl")["file"].to_pylist() == ["tasks/a.jsonl"]


@pytest.mark.parametrize(
    ("name", "compress"),
    [("a.jsonl", bytes), ("a.jsonl.gz", gzip.compress), ("a.jsonl.zst", zstandard.ZstdCompressor().compress)],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_compression_and_encoding_change_no_row(
    put: Put, name: str, compress: Callable[[bytes], bytes], encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cutting, "SMALLEST", 1000)
    content = "".join(json.dumps({"text": f"Zeile {n} ü 日本"}, ensure_ascii=False) + "\r\n" for n in range(300))
    table = read_table(put(name, compress(content.encode(encoding))), name="a")
    assert texts(table.combine_chunks()).to_pylist() == [f"Zeile {n} ü 日本" for n in range(300)]
    assert table["line"].to_pylist() == list(range(1, 301))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.tsv", "a.txt"])
def test_all_line_ends_are_understood(put: Put, name: str, end: str) -> None:
    lines = {"a.jsonl": ['{"text": "a"}', '{"text": "b"}'], "a.txt": ["a", "b"]}.get(name, ["text", "a", "b"])
    assert texts(read_table(put(name, end.join(lines) + end))).to_pylist() == ["a", "b"]


def test_a_broken_file_gives_its_rows_and_one_that_says_so(put: Put) -> None:
    content = "".join(json.dumps({"text": f"row {n * n}"}) + "\n" for n in range(5000)).encode()
    table = read_table(put("a.jsonl.gz", gzip.compress(content)[:-1000]))
    *good, last = table["unreadable"].to_pylist()
    assert set(good) == {None}
    assert last == "the file breaks off here: the gzip stream ends early"
    raw = json.loads(table["extra"][-1].as_py() or '{"raw": ""}')["raw"]
    assert json.dumps({"text": f"row {(table.num_rows - 1) ** 2}"}).startswith(raw)


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    when = datetime(2024, 5, 1, tzinfo=UTC)
    table = pa.table(
        {
            "text": ["a", None, "c"],
            "label": pa.array([1, 2, None], pa.int8()),
            "when": pa.array([when] * 3, pa.timestamp("ms", "UTC")),
            "split": ["train", "test", None],
        }
    )
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=2)
    read = read_table(tmp_path / "a.parquet")
    assert read["label"].to_pylist() == ["1", None, None]
    assert read["split"].to_pylist() == ["train", None, None]
    assert read["unreadable"].to_pylist() == [None, "'text' is null, not a string", None]
    assert read["line"].null_count == 3
    kind = read.schema.field("extra").type
    assert {field.name: field.type for field in kind} == {"label": pa.int8(), "when": pa.timestamp("ms", "UTC")}
    assert [row["when"] for row in read["extra"].to_pylist()] == [when] * 3


def test_parquet_chats_are_columns(tmp_path: Path) -> None:
    chat = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    exact = pa.table({"messages": pa.array([chat], COLUMNS["messages"]), "id": [1]})
    pq.write_table(exact, tmp_path / "a.parquet")
    read = read_table(tmp_path / "a.parquet")
    assert read["messages"].to_pylist() == [chat]
    assert read["extra"].to_pylist() == [{"id": 1}]
    more = [{**message, "weight": 1} for message in chat]
    pq.write_table(pa.table({"messages": [more]}), tmp_path / "b.parquet")
    read = read_table(tmp_path / "b.parquet")
    assert read["messages"].to_pylist() == [chat]
    assert read["extra"].to_pylist() == [{"messages": more}]


def test_a_parquet_file_of_texts_alone_has_no_extra(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["a", "b"]}), tmp_path / "a.parquet")
    assert read_table(tmp_path / "a.parquet")["extra"].null_count == 2


def test_parquet_people_are_hashed(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["a"], "user": ["ann"], "n": [1]}), tmp_path / "a.parquet")
    opened = open_source(tmp_path / "a.parquet", "a", format="parquet", columns=Columns(subject=("user",)))
    read = read_blocks(unread, blocks=list(blocks_of(opened)), secret=b"s")
    assert read["extra"].to_pylist() == [{"n": 1}]
    assert "ann" not in str(read.to_pylist())


def test_a_shard_says_how_its_files_were_encoded(put: Put) -> None:
    sources = [
        open_source(put("a.txt", b"caf\xe9\n"), "a.txt"),
        open_source(put("b.csv.gz", gzip.compress(b"\xef\xbb\xbftext,n\na,1\n")), "b.csv.gz"),
    ]
    table = read_blocks(unread, blocks=[block for source in sources for block in blocks_of(source)])
    assert json.loads(table.schema.metadata[b"adaptline"])["files"] == {
        "a.txt": {
            "format": "txt",
            "encoding": "cp1252",
            "bom": False,
            "compression": None,
            "columns": {"text": "text"},
        },
        "b.csv.gz": {
            "format": "csv",
            "encoding": "utf-8",
            "bom": True,
            "compression": "gzip",
            "columns": {"text": "text"},
        },
    }
    assert texts(table.combine_chunks()).to_pylist() == ["café", "a"]


def test_blocks_read_alone_or_together_are_the_same_rows(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "SMALLEST", 100)
    opened = open_source(put("a.jsonl", "\n".join(LINES * 20)), "a.jsonl")
    blocks = list(blocks_of(opened))
    assert len(blocks) > 5
    alone = pa.concat_tables(read_blocks(unread, blocks=[block]) for block in blocks)
    assert read_blocks(unread, blocks=blocks).equals(alone)


def test_a_count_that_does_not_hold_is_no_silent_shift(put: Put) -> None:
    opened = open_source(put("a.jsonl", "\n".join(LINES)), "a.jsonl")
    (block,) = blocks_of(opened)
    object.__setattr__(block, "rows", 5)
    with pytest.raises(RuntimeError, match="cut 5 rows and read 6"):
        read_blocks(unread, blocks=[block])


def test_tells_what_a_report_needs(put: Put) -> None:
    opened = open_source(put("a.tsv", "text\tlabel\na\tb\n"), "a.tsv")
    assert describe(opened)["columns"] == {"text": "text", "label": "label"}


GSM8K = ["rows.csv", "rows.json", "rows.jsonl", "rows.openai.jsonl", "rows.parquet", "rows.sharegpt.json", "rows.tsv"]


@pytest.mark.parametrize("name", [*GSM8K, "rows.alpaca.json"])
def test_the_same_rows_in_every_format_are_the_same_messages(real_data: RealData, name: str) -> None:
    reference = read_table(real_data("formats_gsm8k_200/rows.jsonl"))
    table = read_table(real_data(f"formats_gsm8k_200/{name}"))
    assert table["messages"].to_pylist() == reference["messages"].to_pylist()
    assert table["unreadable"].null_count == 200


def test_reads_conversations_with_tools(real_data: RealData) -> None:
    table = read_table(real_data("chat_toolcall/glaive_toolcall_en_demo.json.gz"))
    roles = {message["role"] for chat in table["messages"].to_pylist() for message in chat}
    assert roles == {"user", "assistant", "tool"}
    assert set(json.loads(table["extra"][0].as_py())) == {"conversations", "tools"}


def test_reads_preferences(real_data: RealData) -> None:
    table = read_table(real_data("pref_dpo/dpo_en_demo.json.gz"))
    assert table.num_rows == 300
    assert {"chosen", "rejected"} <= set(json.loads(table["extra"][0].as_py()))


@pytest.mark.slow
def test_a_row_of_100_megabytes_is_a_row(put: Put) -> None:
    text = "x" * 100_000_000
    table = read_table(put("a.jsonl", f'{{"text": "a"}}\n{{"text": "{text}"}}\n{{"text": "b"}}\n'))
    assert [len(value) for value in texts(table.combine_chunks()).to_pylist()] == [1, 100_000_000, 1]


def test_half_a_character_in_a_list_that_is_written_as_json_costs_its_row(put: Put) -> None:
    lists = [{"references": ["\ud800"]}, {"references": ["ok"]}]
    content = "".join(json.dumps({"text": "a", "references": json.dumps(row["references"])}) + "\n" for row in lists)
    why = "half of a UTF-16 pair (\\ud800) is no character"
    assert read_table(put("a.jsonl", content))["unreadable"].to_pylist() == [why, None]
    chats = [[{"role": "user", "content": "\ud800"}], [{"role": "user", "content": "ok", "other": "\ud800"}]]
    table = pa.table({"messages": [json.dumps(chat) for chat in chats]})
    csv = "messages,n\n" + "".join('"' + json.dumps(chat).replace('"', '""') + '",1\n' for chat in chats)
    assert read_table(put("a.csv", csv), columns=Columns(messages="messages"))["unreadable"].to_pylist() == [why, None]
    path = put("a.parquet", b"")
    pq.write_table(table, path)
    assert read_table(path)["unreadable"].to_pylist() == [why, None]
