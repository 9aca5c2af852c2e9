from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adaptline.data import cutting
from adaptline.data.formats import xml
from adaptline.data.opening import blocks_of, open_source
from adaptline.data.reading import read_table
from adaptline.data.schemas import Columns
from adaptline.errors import UserError

Put = Callable[[str, bytes | str], Path]
HEAD = '<?xml version="1.0"?>\n<!-- a > b -->\n<!DOCTYPE rows SYSTEM "rows.dtd">\n<rows made="a>b">\n'


def texts(path: Path, **options: Any) -> list[str | None]:
    table = read_table(path, **options)
    return [messages and messages[0]["content"] for messages in table["messages"].to_pylist()]


def test_records_are_the_children_of_the_root(put: Put) -> None:
    table = read_table(
        put("a.xml", f"{HEAD}<row id='7'><text>one</text></row>\n\n<row><text>zwei ß</text></row></rows>\n")
    )
    assert table["messages"].to_pylist() == [[{"role": "text", "content": text}] for text in ("one", "zwei ß")]
    assert (table["row"].to_pylist(), table["line"].to_pylist()) == ([1, 2], [5, 7])
    assert table["extra"].to_pylist() == ['{"@id":"7"}', None]


def test_a_bad_record_costs_itself_only(put: Put) -> None:
    rows = "<row><text>a</text></row><row><text>b</row><row><text>\xff</text></row><row><text>c</text></row>"
    table = read_table(put("a.xml", f"{HEAD}{rows}</rows>".encode("latin-1")), encoding="utf-8")
    assert table["unreadable"].to_pylist() == [
        None,
        "not XML: mismatched tag",
        "the byte 0xff at character 12 is not utf-8",
        None,
    ]


@pytest.mark.parametrize("declared", ["iso-8859-1", "koi8-r", "utf-8", "utf-16"])
def test_the_declared_encoding_counts(put: Put, declared: str) -> None:
    text = "äöü" if declared != "koi8-r" else "мир"
    content = f'<?xml version="1.0" encoding="{declared}"?><rows><r><text>{text}</text></r></rows>'
    assert texts(put("a.xml", content.encode(declared))) == [text]


BOMB = "<!DOCTYPE lolz [" + '<!ENTITY a "ha">' + '<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">' + "]>"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (BOMB + "<rows><r><text>&b;</text></r></rows>", "declares the entity 'a'"),
        ('<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><rows><r>&x;</r></rows>', "declares the entity 'x'"),
        ("text", "is no XML: syntax error"),
        ("<rows/>", "has no rows"),
        ("<rows></rows>", "has no rows"),
        ("<!-- never", "is no XML: unclosed token"),
        ("<!-- " + "x" * (5 << 20) + "--><rows><r>a</r></rows>", "has no root element in its first MiB"),
    ],
)
def test_what_is_refused(put: Put, content: str, what: str) -> None:
    with pytest.raises(UserError, match=what):
        read_table(put("a.xml", content))


def test_an_entity_of_a_foreign_dtd_is_never_looked_up(put: Put) -> None:
    table = read_table(put("a.xml", f"{HEAD}<r><text>&name;</text></r><r><text>b</text></r></rows>"))
    assert table["unreadable"].to_pylist() == ["not XML: undefined entity", None]


def test_cutting_into_small_blocks_changes_no_row(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = "".join(f"<r n='{n}'><text>row {n}</text></r>\n" * (n % 3) + "stray " * (n % 7 == 0) for n in range(4000))
    path = put("a.xml", f"{HEAD}{rows}</rows>\n")
    whole = read_table(path)
    monkeypatch.setattr(cutting, "FIRST", 100)
    monkeypatch.setattr(cutting, "SMALLEST", 1000)
    assert len(list(blocks_of(open_source(path, "a.xml")))) > 50
    assert read_table(path).equals(whole)


def test_a_stream_that_breaks_off_gives_what_came_before(put: Put) -> None:
    content = (HEAD + "".join(f"<r><text>row {n}</text></r>\n" for n in range(5000)) + "</rows>").encode()
    packed = gzip.compress(content)
    table = read_table(put("a.xml.gz", packed[: len(packed) // 2]))
    reasons = [reason for reason in table["unreadable"].to_pylist() if reason]
    assert table.num_rows > 1000
    assert reasons == ["the file breaks off here: the gzip stream ends early"]


LONG = "<row><text>" + "w" * 3_000_000 + "</text></row>"  # three chunks of a file and more


@pytest.mark.parametrize(
    ("rows", "unreadable", "left"),
    [
        (["<row>a</row>", LONG, "<row>b</row>"], [False, True, False], ["a", None, "b"]),
        ([LONG, LONG, "<row>b</row>"], [True, True, False], [None, None, "b"]),
        (["<row>a</row>", "<row>b</row>", LONG], [False, False, True], ["a", "b", None]),
        (["<row>a</row>", LONG.replace("</text>", "</texts>"), "<row>b</row>"], [False, True, False], ["a", None, "b"]),
        (["<row>a</row>", "stray" * 600_000, "<row>b</row>"], [False, True, False], ["a", None, "b"]),
        (["<row>a</row>", LONG.replace("</text></row>", "")], [False, True], ["a", None]),
        (
            ["<row>a</row>", LONG.replace("</row>", " " * 5000 + "</row\n>"), "<row>b</row>"],
            [False, True, False],
            ["a", None, "b"],
        ),
        (
            ["<row>a</row>", LONG.replace("</text>", "</text><row>no</row><b/>"), "<row>b</row>"],
            [False, True, False],
            ["a", None, "b"],
        ),
        (
            ["<row>a</row>", LONG.replace("</text>", "<![CDATA[ </row> ]]></text>"), "<row>b</row>"],
            [False, True, False],
            ["a", None, "b"],
        ),
        (["<row>a</row>", f"<!-- <row> {LONG} -->", "<row>b</row>"], [False, True, False], ["a", None, "b"]),
        (
            ["<row>a</row>", f"<!-- <q/> --><?q <r>?>{LONG}", "<row>b</row>", "<row>c</row>"],
            [False, True, False, False],
            ["a", None, "b", "c"],
        ),
        (["<row>a</row>", f'<row text="{LONG[11:-13]}>/>"/>', "<row>b</row>"], [False, True, False], ["a", None, "b"]),
        (
            ["<row>a</row>", LONG.replace("</row>", "</row" + " " * 12 + ">"), "<row>b</row>"],
            [False, True, False],
            ["a", None, "b"],
        ),
        (["<row>a</row>", LONG.replace("<row>", "<raw>"), "<row>b</row>"], [False, True, False], ["a", None, "b"]),
        (["<row>a</row>", LONG.replace("<text>", "<text x='"), "<row>b</row>"], [False, True, False], ["a", None, "b"]),
        (
            ["<row>a</row>", f"<row x=< {LONG[11:-13]}>", "<row>b</row>"],
            [False, True, False],
            ["a", None, "b"],
        ),
        (
            ["<row>a</row>", LONG.replace("</text>", "</text></row bad>"), "<row>b</row>"],
            [False, True, False],
            ["a", None, "b"],
        ),
        (
            ["<row>a</row>", "<row>" + "<a>" * 1_000_000 + "</row>", "<row>b</row>"],
            [False, True, False],
            ["a", None, "b"],
        ),
    ],
    ids=[
        "between",
        "two",
        "last",
        "ill-formed",
        "stray text",
        "without end",
        "odd end",
        "nested",
        "CDATA",
        "comment",
        "after a comment",
        "self-closing",
        "twelve spaces",
        "misspelt start",
        "quote without end",
        "bad start",
        "bad end",
        "nested too deeply",
    ],
)
def test_a_record_longer_than_any_may_be_costs_itself_only(
    put: Put, monkeypatch: pytest.MonkeyPatch, rows: list[str], unreadable: list[bool], left: list[str | None]
) -> None:
    for module in (cutting, xml):
        monkeypatch.setattr(module, "LONGEST_ROW", 1 << 20)
    document = "\n".join(["<rows>", *rows, "</rows>"])
    found = read_table(put("a.xml", document), columns=Columns(text="#text"))
    assert [why is not None for why in found["unreadable"].to_pylist()] == unreadable
    assert [messages and messages[0]["content"] for messages in found["messages"].to_pylist()] == left
    assert found["row"].to_pylist() == list(range(1, len(rows) + 1))
    assert any(why and why.startswith("a row longer than 1 MiB") for why in found["unreadable"].to_pylist())
    starts = [2, 3, 5] if "\n" in rows[1] else [2, 3, 4, 5][: len(rows)]
    assert found["line"].to_pylist() == starts


def test_what_has_no_end_says_that_nothing_after_it_was_read(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (cutting, xml):
        monkeypatch.setattr(module, "LONGEST_ROW", 1 << 20)
    for endless in (LONG.replace("</row>", ""), f"<!-- {LONG}", f"<?q {LONG}"):
        path = put("a.xml", f"<rows><row>a</row>{endless}<row>b</row></rows>")
        assert read_table(path)["unreadable"].to_pylist() == [
            None,
            "a row longer than 1 MiB; its end was not found, so nothing after it was read",
        ]


def test_white_space_is_no_record_however_long(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (cutting, xml):
        monkeypatch.setattr(module, "LONGEST_ROW", 1 << 20)
    document = "<rows><row>a</row>" + " \n" * 2_000_000 + "<row>b</row></rows>"
    found = read_table(put("a.xml", document), columns=Columns(text="#text"))
    assert [messages[0]["content"] for messages in found["messages"].to_pylist()] == ["a", "b"]
    assert found["line"].to_pylist() == [1, 2_000_001]


def test_its_memory_is_bounded(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (cutting, xml):
        monkeypatch.setattr(module, "LONGEST_ROW", 1 << 20)
    path = put("a.xml", b"<rows><row>" + b"w" * 100_000_000 + b"</row><row>b</row></rows>")
    source = open_source(path, "a.xml", columns=Columns(text="#text"))
    tracemalloc.start()
    blocks = list(blocks_of(source))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [bool(block.broken) for block in blocks] == [True, False]
    assert peak < 20_000_000


def test_reads_the_same_as_the_other_formats(real_data: Callable[[str], Path]) -> None:
    xml, jsonl = (read_table(real_data(f"formats_gsm8k_200/rows.{name}")) for name in ("xml", "jsonl"))
    assert xml["messages"].equals(jsonl["messages"])
