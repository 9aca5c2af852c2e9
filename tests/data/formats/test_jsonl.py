from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from adaptline.data import cutting
from adaptline.data.blocks import Batch, Record, Source
from adaptline.data.formats.jsonl import jsonl, write
from adaptline.data.lines import cut_lines

Put = Callable[[str, bytes | str], Path]


def read(path: Path) -> list[Record]:
    return [record for block in cut_lines(Source(path, path.name, "jsonl")) for record in jsonl(block)]


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ('{"text": "a"}', {"text": "a"}),
        ('  {"text": "a"}\t\r', {"text": "a"}),
        ('["a", "b"]', {"0": "a", "1": "b"}),
        ('"a"', {"0": "a"}),
        ('{"n": 123456789012345678901234567890}', {"n": 123456789012345678901234567890}),
        ('{"n": 0.1, "m": 1e5, "k": -0}', {"n": 0.1, "m": 100000.0, "k": 0}),
        ('{"a": 1, "a": 2}', {"a": 2}),
        (r'{"text": "\u0000\ud83d\ude00"}', {"text": "\0\U0001f600"}),
    ],
)
def test_reads_a_record_a_line(put: Put, line: str, value: dict[str, Any]) -> None:
    (record,) = read(put("a.jsonl", line + "\n"))
    assert (record.row, record.line, record.value, record.error) == (1, 1, value, None)


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b'{"text": "a"', "not JSON: Expecting ',' delimiter at character 14"),
        (b"text", "not JSON: Expecting value at character 1"),
        (b"3", "a number, not an object"),
        (b"null", "null, not an object"),
        (b'{"text": "caf\xe9"}', "the byte 0xe9 at character 14 is not utf-8"),
        (b'{"text": "a\0"}', "a zero byte at character 12"),
        (rb'{"text": "\ud83d"}', "half of a UTF-16 pair (\\ud83d) is no character"),
        (b'{"a":' * 50_000, "nested too deeply"),
    ],
)
def test_a_bad_line_costs_itself_only(put: Put, line: bytes, error: str) -> None:
    before, bad, after = read(put("a.jsonl", b'{"text": "x"}\n' + line + b'\r\n{"text": "y"}\n'))
    assert (before.value, after.value, after.row, after.line) == ({"text": "x"}, {"text": "y"}, 3, 3)
    assert (bad.value, bad.error, bad.row, bad.line) == (None, error, 2, 2)
    assert bad.raw == line.decode("utf-8", "surrogateescape")


def test_byte_order_marks_of_files_that_were_joined_are_no_text(put: Put) -> None:
    first, second = read(put("a.jsonl", '{"a": "\ufeff"}\n\ufeff{"a": 2}\n'))
    assert (first.value, second.value) == ({"a": "\ufeff"}, {"a": 2})


def test_blank_lines_are_no_rows(put: Put) -> None:
    found = read(put("a.jsonl", '\n{"a": 1}\n \t\r\n\n{"a": 2}'))
    assert [(record.row, record.line) for record in found] == [(1, 2), (2, 5)]


def test_rows_go_on_from_block_to_block(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "SMALLEST", 20)
    found = read(put("a.jsonl", "".join(f'{{"n": {number}}}\n\n' for number in range(1, 50))))
    assert [record.row for record in found] == list(range(1, 50))
    assert [record.line for record in found] == list(range(1, 98, 2))
    assert [record.value for record in found] == [{"n": number} for number in range(1, 50)]


def test_writes_an_object_a_line() -> None:
    file = BytesIO()
    write([Batch([{"text": "ü\n", "n": None}], {}), Batch([], {}), Batch([{"n": [1.5]}], {})], file)
    assert file.getvalue().decode() == '{"text":"ü\\n","n":null}\n{"n":[1.5]}\n'
