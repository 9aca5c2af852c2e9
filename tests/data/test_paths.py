"""Fields inside of others, named by their path: in typed files as in JSON, there and back."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lines
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest

import adaptline as al
from adaptline.core.rows import extra_values, texts
from adaptline.data.opening import open_source
from adaptline.data.reading import read_blocks, read_table
from adaptline.data.schemas import Columns
from adaptline.data.writing import write_rows
from adaptline.errors import UserError

MESSAGE = pa.struct(
    [("body", pa.string()), ("stars", pa.int32()), ("by", pa.string()), ("at", pa.timestamp("ns", "UTC"))]
)
AT = dt.datetime(2020, 1, 2, tzinfo=dt.UTC)
RECORDS: list[dict[str, Any]] = [
    {
        "id": 1,
        "message": {"body": "one", "stars": 5, "by": "ann", "at": AT},
        "said": [{"text": "a", "n": 1}, {"text": "b", "n": 2}],
    },
    {"id": 2, "message": {"body": "two", "stars": None, "by": None, "at": None}, "said": [{"text": "c", "n": 3}]},
    {"id": 3, "message": {"body": "three", "stars": 4, "by": "bob", "at": AT}, "said": []},
]
SCHEMA = pa.schema(
    [
        ("id", pa.int64()),
        ("message", MESSAGE),
        ("said", pa.list_(pa.struct([("text", pa.string()), ("n", pa.int8())]))),
    ]
)
COLUMNS = Columns(text="message.body", label="message.stars", subject=("message.by",))


def write_parquet(path: Path, table: pa.Table) -> Path:
    pq.write_table(table, path.with_suffix(".parquet"))
    return path.with_suffix(".parquet")


def write_arrow(path: Path, table: pa.Table) -> Path:
    with pa.ipc.new_file(str(path.with_suffix(".arrow")), table.schema) as file:
        file.write_table(table)
    return path.with_suffix(".arrow")


Write = Callable[[Path, pa.Table], Path]
TYPED = pytest.mark.parametrize("write", [write_parquet, write_arrow])


@TYPED
def test_fields_inside_of_columns_are_taken_and_the_others_stay_typed(tmp_path: Path, write: Write) -> None:
    path = write(tmp_path / "a", pa.Table.from_pylist(RECORDS, SCHEMA))
    read = read_table(path, columns=COLUMNS)
    assert texts(read).to_pylist() == ["one", "two", "three"]
    assert read["label"].to_pylist() == ["5", None, "4"]
    assert [len(people or []) for people in read["subject"].to_pylist()] == [1, 0, 1]
    extra = read["extra"].to_pylist()
    assert extra[0]["message"] == {"body": None, "stars": None, "by": None, "at": AT}
    assert extra[0]["message.stars"] == 5
    assert extra[0]["said"] == RECORDS[0]["said"]
    assert "ann" not in json.dumps(extra, default=str)
    assert "one" not in json.dumps(extra, default=str)
    assert read["extra"].type.field("message").type == MESSAGE


@TYPED
def test_what_was_taken_by_its_path_is_written_back_into_its_place(tmp_path: Path, write: Write) -> None:
    path = write(tmp_path / "a", pa.Table.from_pylist(RECORDS, SCHEMA))
    columns = Columns(text="message.body", label="message.stars", split="said.0.text")
    source = open_source(path, path.name, columns=columns)
    out = tmp_path / f"out{path.suffix}"
    write_rows([read_table(path, columns=columns)], out, columns=source.columns)
    again = pq.read_table(out) if out.suffix == ".parquet" else pa.ipc.open_file(str(out)).read_all()
    assert again.schema == SCHEMA
    assert again.to_pylist() == RECORDS


@TYPED
def test_a_path_through_a_list_takes_one_of_its_entries(tmp_path: Path, write: Write) -> None:
    path = write(tmp_path / "a", pa.Table.from_pylist(RECORDS, SCHEMA))
    read = read_table(path, columns=Columns(text="said.0.text"))
    assert texts(read).to_pylist() == ["a", "c", None]
    assert read["unreadable"].to_pylist() == [None, None, "no field 'said.0.text' (text)"]
    assert read["extra"].to_pylist()[0]["said"] == [{"text": None, "n": 1}, {"text": "b", "n": 2}]


@TYPED
def test_a_path_that_leads_nowhere_is_told(tmp_path: Path, write: Write) -> None:
    path = write(tmp_path / "a", pa.Table.from_pylist(RECORDS, SCHEMA))
    with pytest.raises(UserError, match=r"no column 'message\.text' \(named as text\)"):
        read_table(path, columns=Columns(text="message.text"))
    with pytest.raises(UserError, match=r'What is inside of others goes by its path: "message\.body"'):
        read_table(path)


def test_a_column_whose_name_has_a_dot_is_that_column(tmp_path: Path) -> None:
    table = pa.table({"message.body": ["whole"], "message": [{"body": "inner"}]})
    path = write_parquet(tmp_path / "a", table)
    read = read_table(path, columns=Columns(text="message.body"))
    assert texts(read).to_pylist() == ["whole"]
    assert read["extra"].to_pylist() == [{"message": {"body": "inner"}}]


@pytest.mark.parametrize("inner", [{"body": "inner", "n": 1}, {"n": 1}, None])
@TYPED
def test_a_column_whose_name_has_a_dot_is_written_back_beside_the_other(
    tmp_path: Path, write: Write, inner: Any
) -> None:
    table = pa.table({"message.body": ["whole"], "message": [inner]})
    path = write(tmp_path / "a", table)
    columns = Columns(text="message.body")
    write_rows([read_table(path, columns=columns)], tmp_path / "out.jsonl", columns=columns)
    assert lines.read(tmp_path / "out.jsonl") == table.to_pylist()


def test_fields_that_may_not_be_null_and_dictionaries_are_taken_too(tmp_path: Path) -> None:
    kind = pa.struct(
        [pa.field("body", pa.string(), nullable=False), pa.field("label", pa.dictionary(pa.int8(), pa.string()))]
    )
    bodies, labels = pa.array(["a", "b"]), pa.array(["x", "y"]).dictionary_encode().cast(kind.field("label").type)
    column = pa.StructArray.from_arrays([bodies, labels], fields=list(kind))
    path = write_parquet(tmp_path / "a", pa.table([column], schema=pa.schema([pa.field("m", kind, nullable=False)])))
    read = read_table(path, columns=Columns(text="m.body", label="m.label"))
    assert texts(read).to_pylist() == ["a", "b"]
    assert read["label"].to_pylist() == ["x", "y"]


def test_all_blocks_of_a_file_give_one_schema(tmp_path: Path) -> None:
    records = [{"m": {"body": "w" * 3000, "n": i if i > 900 else None}} for i in range(1000)]
    path = write_parquet(tmp_path / "a", pa.Table.from_pylist(records))
    from adaptline.data.opening import blocks_of  # noqa: PLC0415

    source = open_source(path, path.name, columns=Columns(text="m.body"))
    kinds = {read_blocks(lambda ref: ref, blocks=[block])["extra"].type for block in blocks_of(source)}
    assert len(kinds) == 1


@pytest.mark.parametrize("kind", ["parquet", "folder", "jsonl", "json", "yaml", "xml"])
def test_a_recipe_names_them_by_path_in_every_format(tmp_path: Path, kind: str) -> None:
    """Reads, splits by a field inside another, and writes; a folder is one as Hugging Face datasets saves it."""
    records = [{"user": {"id": f"u{i % 5}"}, "message": {"body": f"text number {i}"}} for i in range(20)]
    name = write_records(tmp_path, records, kind)
    (tmp_path / "recipe.toml").write_text(
        f'[raw]\nstep = "ingest"\nfiles = "{name}"\ntext = "message.body"\n'
        '[parts]\nstep = "split"\nfrom = "raw"\nby = "user.id"\nshare = { train = 0.5, test = 0.5 }\n'
    )
    al.run(tmp_path / "recipe.toml")
    al.export(tmp_path / "recipe.toml", "parts", tmp_path / "out.jsonl")
    found = lines.read(tmp_path / "out.jsonl")
    assert [row["message"]["body"] for row in found] == [record["message"]["body"] for record in records]
    splits = {(row["user"]["id"], row["split"]) for row in found}
    assert len(splits) == 5


def write_records(folder: Path, records: list[dict[str, Any]], kind: str) -> str:
    table = pa.Table.from_pylist(records)
    if kind == "parquet":
        pq.write_table(table, folder / "a.parquet")
    elif kind == "folder":
        (folder / "saved").mkdir()
        with (
            pa.OSFile(str(folder / "saved" / "data-00000-of-00001.arrow"), "wb") as sink,
            pa.ipc.new_stream(sink, table.schema) as file,
        ):
            file.write_table(table)
        state = {"_data_files": [{"filename": "data-00000-of-00001.arrow"}], "_split": None}
        (folder / "saved" / "state.json").write_text(json.dumps(state))
        (folder / "saved" / "dataset_info.json").write_text("{}")
        return "saved"
    elif kind == "xml":
        inner = "".join(
            f"<row><user><id>{r['user']['id']}</id></user><message><body>{r['message']['body']}</body></message></row>"
            for r in records
        )
        (folder / "a.xml").write_text(f"<rows>{inner}</rows>")
    elif kind == "json":
        (folder / "a.json").write_text(json.dumps(records))
    elif kind == "yaml":
        inner = "".join(f"- user: {json.dumps(r['user'])}\n  message: {json.dumps(r['message'])}\n" for r in records)
        (folder / "a.yaml").write_text(inner)
    else:
        lines.write(folder / "a.jsonl", records)
    return f"a.{kind}"


def test_a_typed_field_by_its_path_where_no_column_took_it() -> None:
    extra = pa.array([{"user": {"id": "a"}}, None, {"user": None}])
    table = pa.table({"extra": extra})
    assert extra_values(table, "user.id") == ["a", None, None]
    assert extra_values(table, "other.id") == [None, None, None]
