from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adaptline.data import cutting, delimited
from adaptline.data.blocks import Batch, Record, Source
from adaptline.data.delimited import cut_delimited, literal, quoted, records, write_delimited
from adaptline.data.schemas import Columns
from adaptline.data.streams import Coding
from adaptline.errors import UserError

Put = Callable[[str, bytes | str], Path]
NEVER_CLOSED = "a quote that opens here is never closed"


def read(path: Path, columns: Columns | None = None, **options: Any) -> list[Record]:
    """All records of a file, whose columns are called as its header says."""
    given = {"quotes": True, "delimiter": ",", "header": True, **options}
    coding = given.pop("coding", Coding())
    source = Source(path, path.name, "csv", coding, columns or Columns(text="text"))
    blocks = cut_delimited(source, **given)
    return [r for block in blocks for r in records(block, quotes=given["quotes"], delimiter=given["delimiter"])]


def values(found: list[Record]) -> list[Any]:
    return [record.error or list((record.value or {}).values()) for record in found]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a,b\n", [["a", "b"]]),
        ('"a, b","say ""hi"""\n', [["a, b", 'say "hi"']]),
        ('"two\nlines",b\n', [["two\nlines", "b"]]),
        ('"two\r\nlines",b\r\n', [["two\r\nlines", "b"]]),
        ('5" pipe,b\n', [['5" pipe', "b"]]),
        ("a,\n,b\n", [["a", ""], ["", "b"]]),
        ("\n  \na,b\n\t\n", [["a", "b"]]),
        ("a,b", [["a", "b"]]),
        (" a , b \n", [[" a ", " b "]]),
        ('a, "b"\n', [["a", ' "b"']]),
        ('"",""\n', [["", ""]]),
        ("a\n", ["1 field, where the header has 2"]),
        ("a,b,c\n", ["3 fields, where the header has 2"]),
        ('"a"b,c\n', ["',' expected after '\"'"]),
        ('"a,b\nc,d\n', [NEVER_CLOSED, ["c", "d"]]),
        (
            'a,b\n"stray,x\nc,"quoted, d"\ne,f\n',
            [["a", "b"], "',' expected after '\"'", ["c", "quoted, d"], ["e", "f"]],
        ),
        ("a\rb,c\nd,e\n", ["a carriage return in a field without quotes", ["d", "e"]]),
        ("a\0,b\nc,d\n", ["a zero byte at character 2", ["c", "d"]]),
    ],
)
def test_reads_quoted_fields(put: Put, content: str, expected: list[Any]) -> None:
    assert values(read(put("a.csv", "text,label\n" + content))) == expected


def test_rows_and_lines_are_counted_past_the_header(put: Put) -> None:
    found = read(put("a.csv", '\ntext,label\n"two\nlines",a\n\nb,c\nbad\n'))
    assert [(record.row, record.line) for record in found] == [(1, 3), (2, 6), (3, 7)]
    assert found[2].raw == "bad"


@pytest.mark.parametrize("content", ['ham\tHe said "hi\n', 'ham\t"quoted" text\n', 'ham\t"\n', 'ham\t"""\n'])
def test_quotes_can_be_text(put: Put, content: str) -> None:
    found = read(put("a.tsv", content), Columns(text="1"), quotes=False, delimiter="\t", header=False)
    assert values([found[0]]) == [content.rstrip("\n").split("\t")]


def test_invalid_bytes_make_their_row_unreadable(put: Put) -> None:
    content = "text,label\nä,b\n".encode() + b"\xe4,b\nc,d\n"
    assert values(read(put("a.csv", content))) == [["ä", "b"], "the byte 0xe4 at character 1 is not utf-8", ["c", "d"]]


def test_a_header_is_read_in_the_files_encoding(put: Put) -> None:
    found = read(put("a.csv", "größe,text\n1,x\n".encode("cp1252")), coding=Coding("cp1252"))
    assert found[0].value == {"größe": "1", "text": "x"}


@pytest.mark.parametrize(
    ("first", "columns", "header", "names"),
    [
        ("text,label", Columns(), None, ["text", "label"]),
        ("text", Columns(), None, ["text"]),
        ("question,answer", Columns(), None, ["question", "answer"]),
        ("v1,v2,,,", Columns(text="v2"), None, ["v1", "v2", "2", "3", "4"]),
        ("a,b", Columns(text="1", label="0"), None, ["0", "1"]),
        ("a,b", Columns(text="1"), True, ["a", "b"]),
        ("0,1", Columns(text="1"), True, ["0", "1"]),
        ("text,label", Columns(text="0"), False, ["0", "1"]),
        (" text , label ", Columns(text="text"), None, ["text", "label"]),
    ],
)
def test_tells_a_header(put: Put, first: str, columns: Columns, header: bool | None, names: list[str]) -> None:
    row = ",".join("x" for _ in names)
    found = read(put("a.csv", f"{first}\n{row}\n"), columns, header=header)
    assert list(found[-1].value or {}) == names
    assert len(found) == (1 if names[0] == first.split(",", maxsplit=1)[0].strip() or header else 2)


@pytest.mark.parametrize("first", ["ham,Go until jurong point", "one column"])
def test_asks_where_it_cannot_tell_a_header(put: Put, first: str) -> None:
    with pytest.raises(UserError, match="its first line is") as caught:
        read(put("a.csv", f"{first}\nx,y\n"), Columns(), header=None)
    assert 'text = "0" (by position)' in caught.value.do


def test_a_long_first_line_does_not_fill_the_screen(put: Put) -> None:
    with pytest.raises(UserError) as caught:
        read(put("a.csv", "x" * 5000 + ",y\n"), Columns(), header=None)
    assert len(str(caught.value)) < 300


def test_two_columns_of_one_name_are_a_mistake(put: Put) -> None:
    with pytest.raises(UserError, match="two columns are called 'text'"):
        read(put("a.csv", "text,text\na,b\n"))


def test_a_header_that_never_ends_is_a_mistake(put: Put) -> None:
    with pytest.raises(UserError, match="its first line cannot be read"):
        read(put("a.csv", '"text,label\na,b\n'))


@pytest.mark.parametrize("delimiter", [";", "|"])
def test_other_delimiters(put: Put, delimiter: str) -> None:
    path = put("a.csv", f"text{delimiter}label\na,b{delimiter}c\n")
    assert values(read(path, delimiter=delimiter)) == [["a,b", "c"]]


@pytest.mark.parametrize("delimiter", ["", ",,", '"', "\n"])
def test_a_delimiter_is_one_character(put: Put, delimiter: str) -> None:
    with pytest.raises(UserError, match="is no delimiter"):
        read(put("a.csv", "a,b\n"), delimiter=delimiter)


@pytest.mark.parametrize(
    ("content", "is_quoted"),
    [
        ('text\tlabel\n"two\nlines"\tx\n', True),
        ('text\tlabel\n"a\ttab"\tx\n', True),
        ('text\tlabel\n"quoted"\tx\n', False),
        ('text\tlabel\n"open\tx\nb\tc\n', False),
        ('text\tlabel\nonly one\n"x"y\tz\n', False),
        ("text\tlabel\na\tb\tc\n", False),
    ],
)
def test_quotes_are_text_unless_only_they_make_sense(put: Put, content: str, is_quoted: bool) -> None:
    source = Source(put("a.tsv", content), "a.tsv", "tsv", columns=Columns(text="text"))
    blocks = list(cut_delimited(source, quotes=None, delimiter="\t", header=True))
    assert blocks[0].source.options["quotes"] is is_quoted


CELLS = st.text("ab\",é\r\n '", max_size=8)


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=10))
def test_reads_what_pythons_own_writer_writes(rows: list[tuple[str, ...]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(rows)
    assert [fields for fields, _, _, _ in quoted(text.getvalue(), ",")] == list(map(list, rows))


@given(st.text('a",\n', max_size=200))
def test_every_character_is_in_one_record(text: str) -> None:
    found = list(quoted(text, ","))
    assert "".join(raw for _, _, raw, _ in found) == text
    assert sum(lines for *_, lines in found) == len(io.StringIO(text, newline="\n").readlines())


@settings(deadline=None)
@given(st.text('ab",é\n\r\t', max_size=400), st.booleans())
@example('a,"b\n\n\nc\n', True)
def test_cutting_into_small_blocks_changes_no_row(
    tmp_path_factory: pytest.TempPathFactory, content: str, quotes: bool
) -> None:
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_bytes(b"text,label\n" + content.encode())
    with pytest.MonkeyPatch.context() as patch:
        whole = read(path, quotes=quotes)
        patch.setattr(cutting, "SMALLEST", 7)
        patch.setattr("adaptline.data.streams.CHUNK", 16)
        pieces = read(path, quotes=quotes)
    assert [place(record) for record in pieces] == [place(record) for record in whole]


def place(record: Record) -> tuple[Any, ...]:
    """A record without the words of its error: which quote ends an open one depends on how far it is followed."""
    return record.row, record.line, record.value, record.error is None, record.raw


def test_blocks_know_how_many_rows_they_hold(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "SMALLEST", 50)
    content = "text,label\n" + '"a ""quoted"" field\nof two lines",b\n\n"stray,c\nd,e\n' * 40
    source = Source(put("a.csv", content), "a.csv", "csv", columns=Columns(text="text"))
    blocks = list(cut_delimited(source, quotes=True, delimiter=",", header=None))
    assert len(blocks) > 10
    assert [block.rows for block in blocks] == [
        len(list(records(block, quotes=True, delimiter=","))) for block in blocks
    ]
    assert sum(block.rows or 0 for block in blocks) == 120


def test_a_field_longer_than_any_may_be_costs_one_row(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "LONGEST_FIELD", 1 << 18)
    content = "text,label\na,b\n" + f'"{"é" * (3 << 16)}",c\n' + f'"{"é" * (1 << 16)}",d\n' + "e,f\n"
    found = read(put("a.csv", content))
    assert [record.error for record in found] == [None, NEVER_CLOSED, None, None]
    assert [len((record.value or {}).get("text", "")) for record in found] == [1, 0, 1 << 16, 1]


ROWS: list[dict[str, Any]] = [
    {"text": 'say "hi", you', "label": None, "n": 3},
    {"text": "two\nlines", "label": "b", "n": [1, "ü"]},
]


def written(rows: list[dict[str, Any]], *, quotes: bool = True, delimiter: str = ",") -> str:
    file = io.BytesIO()
    write_delimited([Batch(rows, {})], file, quotes=quotes, delimiter=delimiter)
    return file.getvalue().decode()


def test_writes_a_header_and_quotes_what_needs_it() -> None:
    assert written(ROWS) == 'text,label,n\n"say ""hi"", you",,3\n"two\nlines",b,"[1,""ü""]"\n'


def test_writes_no_header_where_fields_go_by_position() -> None:
    assert written([{"0": "a", "1": "b"}]) == "a,b\n"


@pytest.mark.parametrize("value", ["a\tb", "a\nb", "a\rb"])
def test_what_cannot_stand_without_quotes_is_not_written(value: str) -> None:
    with pytest.raises(UserError, match="has a delimiter or line end in it"):
        written([{"text": value}], quotes=False, delimiter="\t")


def test_a_blank_row_would_not_come_back() -> None:
    with pytest.raises(UserError, match="a row is blank"):
        written([{"text": " "}], quotes=False, delimiter="\t")
    assert written([{"text": " "}]) == 'text\n" "\n'


def test_fields_that_come_late_have_a_column_from_the_start() -> None:
    file = io.BytesIO()
    batches = [Batch([{"text": "a"}], {}), Batch([], {}), Batch([{"late": "c", "text": "b"}], {})]
    write_delimited(batches, file, quotes=True, delimiter=",")
    assert file.getvalue().decode() == "text,late\na,\nb,c\n"


@settings(deadline=None)
@given(st.lists(st.fixed_dictionaries({"text": CELLS, "label": CELLS, "0": CELLS}), min_size=1, max_size=8))
def test_what_is_written_comes_back(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, str]]) -> None:
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_text(written(rows), "utf-8", newline="")
    assert [record.value for record in read(path)] == rows


def test_literal_lines_keep_every_character_but_the_line_end() -> None:
    assert [fields for fields, _, _, _ in literal(' a\t"b \r\n\nc', "\t")] == [[" a", '"b '], [], ["c"]]
