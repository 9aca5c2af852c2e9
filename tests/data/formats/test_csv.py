from __future__ import annotations

from collections.abc import Callable
from csv import writer
from pathlib import Path

import pytest

from adaptline.data.blocks import Source
from adaptline.data.formats.csv import csv, cut
from adaptline.data.opening import open_source
from adaptline.data.schemas import Columns

RealData = Callable[[str], Path]


def rows_of(source: Source) -> list[dict[str, str]]:
    found = [record for block in cut(source) for record in csv(block, **block.source.options)]
    assert [record.error for record in found if record.error] == []
    return [record.value or {} for record in found]


@pytest.mark.parametrize(("name", "rows"), [("train", 10003), ("test", 3080)])
def test_reads_banking77(real_data: RealData, name: str, rows: int) -> None:
    path = real_data(f"clf_banking77/{name}.csv")
    found = rows_of(open_source(path, path.name, columns=Columns(text="text", label="category")))
    assert len(found) == rows
    assert len({row["category"] for row in found}) == 77
    assert sum("\n" in row["text"] for row in found) > 0


def test_reads_spam_with_its_nameless_columns(real_data: RealData) -> None:
    path = real_data("clf_sms_spam/spam_latin1.csv")
    found = rows_of(open_source(path, path.name, columns=Columns(text="v2", label="v1")))
    assert len(found) == 5572
    assert {row["v1"] for row in found} == {"ham", "spam"}
    assert sum(bool(row["2"]) for row in found) == 50  # text that ran over, kept
    assert "å£1.50 to rcv" in "".join(row["v2"] for row in found)


def test_reads_tweets_with_a_nameless_index(real_data: RealData) -> None:
    path = real_data("tox_davidson/labeled_data.csv.gz")
    found = rows_of(open_source(path, path.name, columns=Columns(text="tweet", label="class")))
    assert [sum(row["class"] == label for row in found) for label in "012"] == [1430, 19190, 4163]
    assert (found[0]["0"], found[-1]["0"]) == ("0", "25296")


@pytest.mark.parametrize(("name", "rows"), [("devset", 4672), ("testset_w_refs", 4693)])
def test_reads_e2e(real_data: RealData, name: str, rows: int) -> None:
    path = real_data(f"nlg_e2e/{name}.csv.gz")
    assert len(rows_of(open_source(path, path.name, columns=Columns(prompt="mr", completion="ref")))) == rows


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_told_from_the_first_records(tmp_path: Path, delimiter: str) -> None:
    rows = [["text", "label"], ["one, two; three", "x"], ['a "quoted" | word', "y"]]
    path = tmp_path / "a.csv"
    with path.open("w", newline="") as file:
        writer(file, delimiter=delimiter, lineterminator="\n").writerows(rows)
    found = rows_of(open_source(path, path.name))
    assert found == [{"text": "one, two; three", "label": "x"}, {"text": 'a "quoted" | word', "label": "y"}]


@pytest.mark.parametrize(
    "content",
    [
        "text\nhello; world\nand more\n",  # one column, whose texts hold a semicolon now and then
        "text,label\na;b,x\nc,y\n",
        "text\nonly; this; row\n",
    ],
)
def test_a_comma_it_is_where_nothing_else_divides_all_records_alike(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(content)
    source = open_source(path, path.name)
    (block,) = cut(source)
    assert "delimiter" not in block.source.options


def test_one_ragged_row_does_not_hide_the_delimiter(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text;label\nhello world;x\nbye, bye;y\nbroken row\nmore;x\n")
    source = open_source(path, path.name)
    found = [record for block in cut(source) for record in csv(block, **block.source.options)]
    assert [record.value and record.value["label"] for record in found] == ["x", "y", None, "x"]


def test_appending_rows_does_not_change_the_delimiter(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text;label\n" + "word;x\n" * 30)
    first = [block.source.options for block in cut(open_source(path, path.name))]
    with path.open("a") as file:
        file.write("an odd row without any\n" * 5)
    assert [block.source.options for block in cut(open_source(path, path.name))] == first == [{"delimiter": ";"}]
