"""A line of a source, as messages name it, leads to the row in which it lies, or is told to lie in none."""

from __future__ import annotations

import gzip
from pathlib import Path

import lines
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import adaptline as al
from adaptline import library
from adaptline.errors import UserError

CSV = 'text,label\n"one\nof three\nlines",a\ntwo,b\nbroken\nfour,d\n'
RECIPE = '[raw]\nstep = "ingest"\nfiles = ["data/a.csv", "b.parquet"]\ntext = "text"\n[clean]\nstep = "curate"\nfrom = "raw"\ndo = ["exact"]\n'


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text(CSV)
    pq.write_table(pa.table({"text": ["x"], "label": ["y"]}), tmp_path / "b.parquet")
    (tmp_path / "recipe.toml").write_text(RECIPE)
    al.run(tmp_path / "recipe.toml")
    return tmp_path / "recipe.toml"


@pytest.mark.parametrize(("line", "row"), [(2, 1), (3, 1), (4, 1), (5, 2), (6, 3), (7, 4)])
def test_a_line_leads_to_its_row(recipe: Path, line: int, row: int) -> None:
    found = library.trace(recipe, f"a.csv:{line}", line=True)
    assert found["origin"]["row"] == row
    assert found["origin"]["line"] <= line
    assert library.trace(recipe, f"a.csv:{row}")["origin"] == found["origin"]


def test_a_file_is_named_as_a_shell_completes_it(recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(recipe.parent / "data")
    assert library.trace(recipe, "a.csv:6", line=True)["origin"]["unreadable"].startswith("1 field")


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("a.csv:1", "line 1 of a.csv is in no row"),
        ("b.parquet:1", "'b.parquet:1' names no line of a file that was read"),
        ("c.csv:1", "'c.csv:1' names no line of a file that was read"),
        ("a.csv:x", "'a.csv:x' names no line of a file that was read"),
        ("clean", "'clean' names no line of a file that was read"),
    ],
)
def test_what_is_no_line_of_a_row_is_told(recipe: Path, address: str, message: str) -> None:
    with pytest.raises(UserError) as told:
        library.trace(recipe, address, line=True)
    assert message in str(told.value)


BLANK = 'text,label\n"one\n\nof three",a\ntwo,b\n\n\nthree,c\n\n'


@pytest.mark.parametrize(
    ("line", "row", "why"),
    [
        (3, 1, ""),  # blank, but between a row's quotes
        (4, 1, ""),
        (5, 2, ""),
        (6, None, "it is blank"),
        (7, None, "it is blank"),
        (8, 3, ""),
        (9, None, "it is blank"),
        (10, None, "the file has 9 lines"),
        (99999, None, "the file has 9 lines"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "gzip"])
def test_a_line_in_no_row_is_told(tmp_path: Path, line: int, row: int | None, why: str, encoding: str) -> None:
    data = gzip.compress(BLANK.encode()) if encoding == "gzip" else BLANK.encode(encoding)
    (tmp_path / "a.csv").write_bytes(data)
    path = ingested(tmp_path, "a.csv")
    if row is not None:
        assert library.trace(path, f"a.csv:{line}", line=True)["origin"]["row"] == row
        return
    with pytest.raises(UserError) as told:
        library.trace(path, f"a.csv:{line}", line=True)
    assert told.value.what == f"line {line} of a.csv is in no row: {why}"
    start = 5 if line < 8 else 8
    assert told.value.do.startswith(f"The row before it starts at line {start}")


def ingested(folder: Path, *files: str) -> Path:
    """The recipe of files that were read."""
    path = folder / "recipe.toml"
    path.write_text(f'[raw]\nstep = "ingest"\nfiles = {list(files)}\n'.replace("'", '"'))
    al.run(path, workers=1)
    return path


def test_of_a_file_that_has_changed_only_what_the_store_knows_is_told(tmp_path: Path) -> None:
    for name, text in (("a.csv", BLANK), ("a.jsonl", '{"text": "one"}\n\n{"text": "two"}\n')):
        (tmp_path / name).write_text(text)
    path = ingested(tmp_path, "a.csv", "a.jsonl")
    for line, why in ((2, "it is blank"), (4, "the file has 3 lines")):
        with pytest.raises(UserError, match=f"line {line} of a.jsonl is in no row: {why}"):
            library.trace(path, f"a.jsonl:{line}", line=True)
    for name in ("a.csv", "a.jsonl"):
        with (tmp_path / name).open("a") as file:
            file.write('{"text": "three"}\n')
    assert library.trace(path, "a.csv:8", line=True)["origin"]["row"] == 3
    with pytest.raises(UserError, match=r"whether line 9 of a\.csv is in a row cannot be told"):
        library.trace(path, "a.csv:9", line=True)
    (tmp_path / "a.csv").unlink()
    with pytest.raises(UserError, match=r"whether line 3 of a\.csv is in a row cannot be told"):
        library.trace(path, "a.csv:3", line=True)
    with pytest.raises(UserError, match=r"line 4 of a\.jsonl is in no row") as told:
        library.trace(path, "a.jsonl:4", line=True)
    assert told.value.what == "line 4 of a.jsonl is in no row"
    assert told.value.do == "The row before it starts at line 3, and is the last."


def test_of_rows_that_share_a_line_none_is_chosen(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"text": "one"}, {"text": "two"},\n{"text":\n"three"}]\n')
    path = ingested(tmp_path, "a.json")
    assert library.trace(path, "a.json:3", line=True)["origin"]["row"] == 3
    with pytest.raises(UserError, match=r"2 rows begin at line 1 of a\.json") as told:
        library.trace(path, "a.json:1", line=True)
    assert "a.json:1 to a.json:2" in told.value.do


def test_the_latest_row_before_a_line_is_its_own_in_files_of_many_shards(tmp_path: Path) -> None:
    lines.write(tmp_path / "b.jsonl", lines.records(1, 3000))
    path = ingested(tmp_path, "b.jsonl")
    for line in (1, 1500, 3000):
        assert library.trace(path, f"b.jsonl:{line}", line=True)["origin"]["row"] == line
    with pytest.raises(UserError, match="is in no row: the file has 3000 lines"):
        library.trace(path, "b.jsonl:3001", line=True)


def test_two_files_of_a_name_are_told_apart_by_their_path(tmp_path: Path) -> None:
    for i, folder in enumerate("cd"):
        lines.write(tmp_path / folder / "a.jsonl", lines.records(i, 4 + i))
    path = ingested(tmp_path, "c/a.jsonl", "d/a.jsonl")
    with pytest.raises(UserError, match="names 2 files"):
        library.trace(path, "a.jsonl:2", line=True)
    assert library.trace(path, "d/a.jsonl:5", line=True)["origin"]["row"] == 5
    with pytest.raises(UserError, match="the file has 4 lines"):
        library.trace(path, "c/a.jsonl:5", line=True)
