"""Files as they should not be, through the whole of ingest: a row that says why, or a message; never a crash, never silence."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

import adaptline as al
from adaptline.core import recipe
from adaptline.errors import UserError

Put = Callable[[str, bytes | str], Path]


@pytest.fixture
def put(tmp_path: Path) -> Put:
    def write(name: str, content: bytes | str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.fixture
def take(tmp_path: Path) -> Callable[..., list[dict[str, Any]]]:
    """Reads files as a recipe does; gives the rows: text, label, and why one could not be read."""

    def run(files: Any, **parameters: Any) -> list[dict[str, Any]]:
        found = recipe.from_tables({"raw": {"step": "ingest", "files": files, **parameters}}, "bad", tmp_path)
        al.run(found, workers=1)
        out = []
        for position in range(al.show(found)[0]["rows"]):
            origin = al.trace(found, f"raw:{position}")["origin"]
            out.append({name: origin.get(name) for name in ("file", "row", "text", "label", "unreadable")})
        return out

    return run


Take = Callable[..., list[dict[str, Any]]]


def refused(take: Take, files: Any, **parameters: Any) -> UserError:
    with pytest.raises(UserError) as caught:
        take(files, **parameters)
    assert caught.value.do or caught.value.where, "it says what to do, or at least where"
    return caught.value


def packed(kind: str, content: bytes) -> bytes:
    return gzip.compress(content, mtime=0) if kind == "gz" else zstandard.compress(content)


LINES = b"".join(json.dumps({"text": f"row {n} {n * 7919 % 10007} of many"}).encode() + b"\n" for n in range(20_000))


@pytest.mark.parametrize(
    "name", ["a.jsonl", "a.csv", "a.parquet", "a.json", "a.xml", "a.yaml", "a.arrow", "a.txt", "a.tsv"]
)
def test_an_empty_file_is_told(put: Put, take: Take, name: str) -> None:
    put(name, b"")
    put(f"b.{name.split('.')[1]}", LINES)
    assert refused(take, f"*.{name.split('.')[1]}").what.endswith(f"{name} is empty")


@pytest.mark.parametrize("content", [b"\n\n \n", b"\xef\xbb\xbf", gzip.compress(b""), zstandard.compress(b"\n")])
def test_a_file_without_rows_is_told(put: Put, take: Take, content: bytes) -> None:
    put("a.jsonl", content)
    put("b.jsonl", LINES)
    error = refused(take, "*.jsonl")
    assert (str(error.where), error.what) == ("a.jsonl", "has no rows")


def test_invalid_utf8_costs_its_row(put: Put, take: Take) -> None:
    put("a.jsonl", '{"text": "äöü"}\n'.encode() + b'{"text": "\xff\xfe"}\n{"text": "b"}\n')
    assert [row["unreadable"] for row in take("a.jsonl")] == [None, "the byte 0xff at character 11 is not utf-8", None]


def test_encodings_that_are_mixed_in_one_file_are_told_row_by_row(put: Put, take: Take) -> None:
    put("a.txt", "".join(f"grüße {n}\n" for n in range(5)).encode() + "grüße\n".encode("cp1252"))
    rows = take("a.txt")
    assert [row["text"] for row in rows[:5]] == [f"grüße {n}" for n in range(5)]
    assert rows[5]["unreadable"] == "the byte 0xfc at character 3 is not utf-8"


def test_files_of_several_encodings_are_read_each_in_its_own(put: Put, take: Take) -> None:
    text = "Grüße aus der schönen Stadt, und viel Vergnügen\n"
    for encoding in ("utf-8", "utf-16", "cp1252"):
        put(f"{encoding}.txt", text.encode(encoding))
    assert {row["text"] for row in take("*.txt")} == {text.strip()}


def test_a_schema_that_changes_is_read_row_by_row(put: Put, take: Take) -> None:
    rows = [{"text": "a"}, {"text": {"deep": ["b"]}}, {"other": "c"}, ["d"], {"text": 4, "new": None}, "e", None]
    put("a.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    found = take("a.jsonl", text="text")
    assert [row["text"] for row in found] == ["a", None, None, None, "4", None, None]
    assert [row["unreadable"] for row in found] == [
        None,
        "'text' is an object, not a string",
        "no field 'text' (text)",
        "no field 'text' (text)",
        None,
        "no field 'text' (text)",
        "null, not an object",
    ]


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet", "arrow"])
def test_two_columns_of_one_name_are_told(tmp_path: Path, put: Put, take: Take, suffix: str) -> None:
    table = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["text", "text"])
    if suffix == "parquet":
        pq.write_table(table, tmp_path / "a.parquet")
    elif suffix == "arrow":
        with pa.ipc.new_file(str(tmp_path / "a.arrow"), table.schema) as writer:
            writer.write_table(table)
    else:
        mark = "," if suffix == "csv" else "\t"
        put(f"a.{suffix}", f"text{mark}text\na{mark}b\n")
    assert refused(take, f"a.{suffix}", text="text").what == "two columns are called 'text'"


def test_a_name_that_an_object_has_twice_is_read_as_json_readers_do(put: Put, take: Take) -> None:
    put("a.jsonl", '{"text": "a", "text": "b"}\n')
    assert [row["text"] for row in take("a.jsonl")] == ["b"]


def test_labels_that_are_no_numbers_are_words_or_missing(tmp_path: Path, put: Put, take: Take) -> None:
    put("a.jsonl", '{"text": "a", "label": NaN}\n{"text": "b", "label": null}\n{"text": "c", "label": "nan"}\n')
    put("b.csv", "text,label\na,NaN\nb,\n")
    pq.write_table(pa.table({"text": ["a", "b"], "label": [float("nan"), None]}), tmp_path / "c.parquet")
    labels = [row["label"] for row in take(["a.jsonl", "b.csv", "c.parquet"])]
    assert labels == [None, None, "nan", "NaN", "", None, None]


@pytest.mark.parametrize("kind", ["gz", "zst"])
@pytest.mark.parametrize("suffix", ["jsonl", "csv", "txt", "yaml"])
def test_a_compressed_stream_that_is_cut_gives_what_came_before(put: Put, kind: str, suffix: str) -> None:
    content = {
        "jsonl": LINES,
        "csv": b"text,n\n" + b"".join(b"row %d,%d\n" % (n, n * 7919 % 10007) for n in range(20_000)),
        "txt": LINES,
        "yaml": b"".join(b"- " + line for line in LINES.splitlines(keepends=True)),
    }[suffix]
    whole = packed(kind, content)
    put(f"a.{suffix}.{kind}", whole[: len(whole) * 2 // 3])
    found = recipe.from_tables({"raw": {"step": "ingest", "files": f"a.{suffix}.{kind}"}}, "cut", put("x", "").parent)
    al.run(found, workers=1)
    shown = al.show(found)[0]
    assert shown["rows"] > 1000
    last = al.trace(found, f"raw:{shown['rows'] - 1}")["origin"]
    assert last["unreadable"].startswith("the file breaks off here: the "), shown["summary"]


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.zip"])
def test_a_zip_archive_is_not_unpacked(put: Put, take: Take, name: str) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../out.jsonl", LINES)
    put(name, file.getvalue())
    error = refused(take, name, format="jsonl")
    assert error.what == "is a ZIP archive, which is not unpacked here"
    assert "Unpack it" in error.do


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_archive_is_not_unpacked(tmp_path: Path, take: Take, mode: Any) -> None:
    with tarfile.open(tmp_path / "a.jsonl", mode) as archive:
        entry = tarfile.TarInfo("../../out.jsonl")
        entry.size = len(LINES)
        archive.addfile(entry, io.BytesIO(LINES))
    kind = {"w:bz2": "bzip2", "w:xz": "xz"}.get(mode, "tar")
    assert refused(take, "a.jsonl").what == f"is a {kind} archive, which is not unpacked here"


def test_an_archive_by_its_suffix_is_told(put: Put, take: Take) -> None:
    put("a.zip", b"PK\3\4")
    assert "Unpack it" in refused(take, "a.zip").do


def test_a_link_out_of_the_folder_is_not_followed_in_silence(tmp_path: Path, put: Put, take: Take) -> None:
    secret = put("elsewhere/secret.jsonl", '{"text": "secret"}\n')
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.jsonl").symlink_to(secret)
    inside = recipe.from_tables({"raw": {"step": "ingest", "files": "*.jsonl"}}, "links", tmp_path / "data")
    with pytest.raises(UserError, match="is a link that leads out of its folder"):
        al.run(inside)
    assert [row["text"] for row in take("data/*.jsonl")] == ["secret"], "this recipe's own folder holds both"


def test_a_damaged_parquet_page_is_told(tmp_path: Path, take: Take) -> None:
    table = pa.table({"text": [f"row {n} of many" for n in range(5000)]})
    pq.write_table(table, tmp_path / "a.parquet", compression="zstd", write_page_checksum=True)
    data = bytearray((tmp_path / "a.parquet").read_bytes())
    data[1000:1100] = b"\xaa" * 100
    (tmp_path / "a.parquet").write_bytes(data)
    assert "damaged Parquet file" in refused(take, "a.parquet").what


@pytest.mark.parametrize("text", ["[" * 100_000, '{"text": ' + "[" * 100_000 + "]" * 100_000 + "}"])
@pytest.mark.parametrize("suffix", ["jsonl", "json", "yaml"])
def test_what_is_nested_without_end_costs_its_row(put: Put, take: Take, text: str, suffix: str) -> None:
    good = '{"text": "good"}'
    content = {"jsonl": f"{good}\n{text}\n{good}\n", "json": f"[{good},\n{text}]", "yaml": f"- {good}\n- {text}\n- {good}\n"}[suffix]  # fmt: skip
    put(f"a.{suffix}", content)
    rows = take(f"a.{suffix}")
    assert (rows[0]["text"], rows[1]["text"]) == ("good", None)
    assert rows[1]["unreadable"]
