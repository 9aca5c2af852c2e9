from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adaptline.data import opening
from adaptline.data.blocks import Block, Source
from adaptline.data.opening import blocks_of, format_of, open_source
from adaptline.data.reading import read_table
from adaptline.data.schemas import Columns
from adaptline.errors import UserError

Put = Callable[[str, bytes | str], Path]
Open = Callable[..., Source]
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)) * 20


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("a.jsonl", "jsonl"),
        ("a.ndjson", "jsonl"),
        ("a.JSON", "json"),
        ("a.csv.gz", "csv"),
        ("a.tsv.zst", "tsv"),
        ("v1.2/a.txt", "txt"),
        ("a.b.parquet", "parquet"),
    ],
)
def test_suffixes_tell_formats(name: str, format: str) -> None:
    assert format_of(name) == format


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("a.jsnl", "no format is known for '.jsnl'"),
        ("a.jsonl.bak", "for '.bak'"),
        ("README", "has no suffix"),
        ("a.gz", "has no suffix"),
    ],
)
def test_an_unknown_suffix_is_told_with_the_known(name: str, what: str) -> None:
    with pytest.raises(UserError, match=what) as caught:
        format_of(name)
    assert "csv, json, jsonl, parquet, tsv, txt" in caught.value.do


def test_a_mistyped_suffix_is_guessed() -> None:
    with pytest.raises(UserError) as caught:
        format_of("a.jsonnl")
    assert "Did you mean '.jsonl'?" in caught.value.do


def test_the_format_can_be_said(put: Put) -> None:
    path = put("a.data", '{"text": "a"}\n')
    assert open_source(path, "a.data", format="jsonl").format == "jsonl"
    with pytest.raises(UserError, match=r"a.data: unknown format 'jsonll'"):
        open_source(path, "a.data", format="jsonll")


def test_columns_are_told_from_the_first_records(source: Open) -> None:
    assert source("a.jsonl", '{"question": "a", "answer": "b", "n": 1}\n').columns == Columns(
        prompt="question", completion="answer"
    )


def test_options_go_to_the_formats_that_know_them(source: Open) -> None:
    assert source("a.txt", "one\n", row_per="file", header=True).options == {"row_per": "file"}
    assert source("a.csv", "text\na\n", header=None, quotes=True).options == {"quotes": True}


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.json", "a.txt", "a.tsv"])
def test_a_picture_is_none_of_the_formats(source: Open, name: str) -> None:
    with pytest.raises(UserError, match=f"{name}: is no text"):
        source(name, PNG)


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("a.jsonl", "not\njson\n", "a.jsonl, line 1: no row can be read: not JSON: Expecting value at character 1"),
        (
            "a.json",
            "not json",
            "a.json, line 1: no row can be read: the rest cannot be read: not JSON: Expecting value",
        ),
        ("a.json", "[]", "a.json: has no rows"),
        ("a.jsonl", "\n \n", "a.jsonl: has no rows"),
        ("a.csv", "text,label\n", "a.csv: has no rows"),
        ("a.csv", "text,label\na\nb,c,d\n", "a.csv, line 2: no row can be read: 1 field, where the header has 2"),
        ("a.jsonl", '{"text": ["a"]}\n{"text": ["b"]}\n', "no row can be read: 'text' is a list, not a string"),
        ("a.jsonl", '{"body": "a", "n": "b"}\n', "it cannot be told which of its columns matter: 'body', 'n'"),
        ("a.parquet", "text", "a.parquet: is no Parquet file"),
        ("a.jsonl", b"PAR1....PAR1", "a.jsonl: is a Parquet or Arrow file, not jsonl"),
        ("a.jsonl.gz", gzip.compress(b'{"text": "a"}\n' * 9)[:12], "no row can be read: the file breaks off here"),
    ],
)
def test_a_file_of_which_nothing_can_be_read_is_a_mistake(
    source: Open, name: str, content: bytes | str, what: str
) -> None:
    with pytest.raises(UserError) as caught:
        source(name, content)
    assert what in str(caught.value)


def test_a_column_that_no_row_has_is_a_mistake(source: Open) -> None:
    with pytest.raises(UserError, match=r"a.jsonl: no column 'txt' \(named as text\)") as caught:
        source("a.jsonl", '{"text": "a"}\n' * 1000, Columns(text="txt"))
    assert "Did you mean 'text'?" in caught.value.do


@pytest.mark.parametrize("name", ["label", "references", "split", "group"])
def test_every_column_that_is_named_must_be_there(source: Open, name: str) -> None:
    named: dict[str, Any] = {"text": "text", name: "klass"}
    with pytest.raises(UserError, match=rf"no column 'klass' \(named as {name}\)"):
        source("a.csv", "text,class\n" + "a,b\n" * 10, Columns(**named))
    with pytest.raises(UserError, match=r"no column 'user' \(named as subject\)"):
        source("a.csv", "text,class\na,b\n", Columns(text="text", subject=("user",)))


def test_a_column_that_comes_late_is_found(source: Open) -> None:
    content = '{"text": "a"}\n' * 5000 + '{"text": "b", "label": "c"}\n'
    assert source("a.jsonl", content, Columns(label="label")).columns == Columns("text", "label")


def test_the_search_for_a_column_ends(source: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "_SCANNED", 1000)
    content = '{"text": "a"}\n' * 2000 + '{"text": "b", "label": "c"}\n'
    with pytest.raises(UserError, match="no column 'label'"):
        source("a.jsonl", content, Columns(label="label"))


def test_a_wrong_kind_of_text_everywhere_is_a_mistake(source: Open) -> None:
    with pytest.raises(UserError, match="no row can be read: 'text' is a list, not a string"):
        source("a.jsonl", '{"text": ["a"]}\n', Columns(text="text"))


def test_contradicting_columns_are_no_fault_of_the_file(source: Open) -> None:
    with pytest.raises(UserError) as caught:
        source("a.jsonl", '{"text": "a"}\n', Columns(text="text", prompt="text"))
    assert caught.value.where is None


def test_columns_by_position_are_resolved_in_a_header(source: Open) -> None:
    assert source("a.csv", "l,t\na,b\n", Columns(text="1"), header=True).columns == Columns(text="t")
    assert source("a.csv", "l,t\na,b\n", Columns(text="1")).columns == Columns(text="1")


def test_parquet_is_told_by_its_schema(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"prompt": ["a"], "response": ["b"], "label": [3]}), path)
    assert open_source(path, "a.parquet").columns == Columns(label="label", prompt="prompt", completion="response")
    with pytest.raises(UserError, match="no column 'txt'"):
        open_source(path, "a.parquet", columns=Columns(text="txt"))


def test_mistakes_name_the_file_as_the_recipe_does(put: Put) -> None:
    path = put("deep/down/a.json", "{")
    with pytest.raises(UserError, match=r"^down/a.json, line 1: "):
        open_source(path, "down/a.json")


def test_opening_reads_only_the_beginning(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    content = "".join(json.dumps({"text": f"row {number}"}) + "\n" for number in range(50_000))
    path = put("a.jsonl", content)
    read: list[Any] = []
    items = opening.items_of

    def counted(block: Block) -> Any:
        read.append(block.length)
        return items(block)

    monkeypatch.setattr(opening, "items_of", counted)
    opened = open_source(path, "a.jsonl")
    assert sum(read) < len(content) / 10
    assert sum(block.rows or 0 for block in blocks_of(opened)) == 50_000


GSM8K = ["rows.alpaca.json", "rows.csv", "rows.json", "rows.jsonl", "rows.openai.jsonl", "rows.parquet"]


@pytest.mark.parametrize("name", [*GSM8K, "rows.sharegpt.json", "rows.tsv"])
def test_real_files_need_no_hints(real_data: Callable[[str], Path], name: str) -> None:
    opened = open_source(real_data(f"formats_gsm8k_200/{name}"), name)
    assert opened.columns.content in (
        ("question", "answer"),
        ("instruction", "input", "output"),
        ("messages",),
        ("conversations",),
    )


@pytest.mark.parametrize("name", ["qa_xquad/xquad.en.json.gz", "sum_scitldr/dev.jsonl.gz", "nlg_e2e/devset.csv.gz"])
def test_real_files_of_other_shapes_say_what_they_have(real_data: Callable[[str], Path], name: str) -> None:
    with pytest.raises(UserError, match="it cannot be told which"):
        open_source(real_data(name), name)


def test_an_appended_row_does_not_take_the_labels_of_those_before(put: Put) -> None:
    lines = ['{"text": "a", "label": "x"}', '{"text": "b", "label": "y"}', '{"text": "c", "label": ["x"]}']
    found = read_table(put("a.jsonl", "\n".join(lines)))
    assert found["label"].to_pylist() == ["x", "y", None]
    assert found["unreadable"].to_pylist() == [None, None, "'label' is a list, not a string"]


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("a.csv", b"text,pr\xe9nom\n" + "été,x\n".encode() * 3, r"the column 'pr\udce9nom' is not in the file's encoding"),
        ("a.tsv", b"text\tn\xff\n" + "é\tx\n".encode() * 3, r"the column 'n\udcff' is not in the file's encoding"),
        ("a.json", rb'{"\ud800":[{"text":"a"}]}', r"the split '\ud800' is no text"),
        ("b.json", b'{"a":[{"text":"a"}],"\xff":[{"text":"b"}]}', r"the split '\udcff' is no text"),
    ],
)  # fmt: skip
def test_a_name_that_is_no_text_is_a_mistake(tmp_path: Path, name: str, content: bytes, what: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError) as caught:
        read_table(tmp_path / name, encoding="utf-8")
    assert (caught.value.where, caught.value.what) == (name, what)
