from __future__ import annotations

import gzip
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adaptline.data import cutting
from adaptline.data.blocks import Batch, Record, Source
from adaptline.data.formats.txt import RowPer, cut, txt, write
from adaptline.data.streams import Coding
from adaptline.errors import UserError

Put = Callable[[str, bytes | str], Path]
POEM = "\nOne line\nand another\n\n \t\nA second stanza\r\nof two lines\r\n\r\nlast\n"


def read(path: Path, row_per: RowPer = "line", coding: Coding = Coding()) -> list[Record]:  # noqa: B008 - frozen
    source = Source(path, path.name, "txt", coding, options={"row_per": row_per})
    return [record for block in cut(source) for record in txt(block, row_per=row_per)]


@pytest.mark.parametrize(
    ("row_per", "rows"),
    [
        (
            "line",
            [(2, "One line"), (3, "and another"), (6, "A second stanza"), (7, "of two lines"), (9, "last")],
        ),
        ("paragraph", [(2, "One line\nand another"), (6, "A second stanza\nof two lines"), (9, "last")]),
        ("file", [(1, POEM)]),
    ],
)
def test_a_row_is_what_the_recipe_says(put: Put, row_per: RowPer, rows: list[tuple[int, str]]) -> None:
    found = read(put("a.txt", POEM), row_per)
    assert [(record.line, (record.value or {})["text"]) for record in found] == rows
    assert [record.row for record in found] == list(range(1, len(rows) + 1))


@pytest.mark.parametrize("row_per", ["line", "paragraph", "file"])
def test_damage_is_told(put: Put, row_per: RowPer) -> None:
    found = read(put("a.txt", b"good\n\nb\xe4d\n"), row_per)
    assert found[-1].error is not None
    assert found[-1].error.startswith("the byte 0xe4 at character")
    assert len(found) == (1 if row_per == "file" else 2)


def test_an_empty_document_is_no_row(put: Put) -> None:
    assert read(put("a.txt", ""), "file") == []


def test_a_document_that_breaks_off_cannot_be_read(put: Put) -> None:
    path = put("a.txt.gz", gzip.compress(b"a document\n" * 1000)[:-9])
    (record,) = read(path, "file", Coding(compression="gzip"))
    assert record.error == "the file breaks off here: the gzip stream ends early"


@settings(deadline=None)
@given(st.text("ab \n\r\t", max_size=200), st.sampled_from(["line", "paragraph"]))
def test_cutting_into_small_blocks_changes_no_row(
    tmp_path_factory: pytest.TempPathFactory, content: str, row_per: RowPer
) -> None:
    path = tmp_path_factory.mktemp("txt") / "a.txt"
    path.write_bytes(content.encode())
    whole = read(path, row_per)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cutting, "SMALLEST", 5)
        patch.setattr("adaptline.data.streams.CHUNK", 7)
        assert read(path, row_per) == whole


def test_writes_a_line_each() -> None:
    file = BytesIO()
    write([Batch([{"text": "one"}, {"text": "zwölf"}], {})], file)
    assert file.getvalue().decode() == "one\nzwölf\n"


@pytest.mark.parametrize(
    "record", [{"text": "two\nlines"}, {"text": " "}, {"text": "a\r"}, {"text": "a", "label": "b"}]
)
def test_does_not_write_what_would_not_come_back(record: dict[str, str]) -> None:
    with pytest.raises(UserError, match=r"Write .jsonl instead"):
        write([Batch([record], {})], BytesIO())


@pytest.mark.parametrize(("row_per", "rows"), [("line", 32777), ("paragraph", 7222), ("file", 1)])
def test_reads_shakespeare(real_data: Callable[[str], Path], row_per: RowPer, rows: int) -> None:
    found = read(real_data("text_tinyshakespeare/input.txt.gz"), row_per, Coding(compression="gzip"))
    assert len(found) == rows
    assert str(found[0].raw).startswith("First Citizen:")
