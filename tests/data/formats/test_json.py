from __future__ import annotations

import gzip
import json as standard
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptline.data.blocks import Batch, Record, Source
from adaptline.data.cutting import SMALLEST
from adaptline.data.formats.json import _elements, cut, json, write
from adaptline.data.streams import Coding

Put = Callable[[str, bytes | str], Path]


def read(path: Path, coding: Coding = Coding()) -> list[Record]:  # noqa: B008 - frozen
    return [record for block in cut(Source(path, path.name, "json", coding)) for record in json(block)]


@pytest.mark.parametrize(
    ("document", "records"),
    [
        ('[{"a": 1}, {"a": 2}]', [({"a": 1}, None), ({"a": 2}, None)]),
        ('[["x", "y"]]', [({"0": "x", "1": "y"}, None)]),
        ('["x", "y"]', [({"0": "x"}, None), ({"0": "y"}, None)]),
        (
            '{"train": [["x", "y"]], "test": [], "dev": [{"a": 1}]}',
            [({"0": "x", "1": "y"}, "train"), ({"a": 1}, "dev")],
        ),
        ('{"data": [1], "version": "1.1"}', [({"data": [1], "version": "1.1"}, None)]),
        ('{"a": 1}', [({"a": 1}, None)]),
        ("{}", [({}, None)]),
        ('{"a": 1}\n{"a": 2}\n', [({"a": 1}, None), ({"a": 2}, None)]),
        ('{"a": [1]}\n{"a": [2]}\n', [({"a": [1]}, None), ({"a": [2]}, None)]),
        (" [ ] ", []),
    ],
)
def test_reads_documents_of_every_shape(put: Put, document: str, records: list[Any]) -> None:
    found = read(put("a.json", document))
    assert [(record.value, record.part) for record in found] == records
    assert [record.row for record in found] == list(range(1, len(records) + 1))


def test_knows_the_line_of_a_record(put: Put) -> None:
    found = read(put("a.json", '[\n {"a":\n  1},\n\n {"a": 2}, {"a": 3}\n]'))
    assert [record.line for record in found] == [2, 5, 5]


@pytest.mark.parametrize(
    ("document", "good", "error", "rest"),
    [
        ('[{"a": 1}, {"a": 2', 1, "Expecting ',' delimiter at character 19 of line 1", '{"a": 2'),
        ('[{"a": 1},\n {"a": }, {"a": 3}]', 1, "Expecting value at character 8 of line 2", '{"a": }, {"a": 3}]'),
        ('[{"a": 1}] x', 1, "Extra data at character 12 of line 1", "] x"),
        ('[{"a": 1} {"a": 2}]', 1, "Expecting ',' at character 11 of line 1", '{"a": 2}]'),
        ('{"train": [{"a": 1}, {"a"', 1, "Expecting ':' delimiter at character 26 of line 1", '{"a"'),
        ('{"a": 1', 0, "Expecting ',' delimiter at character 8 of line 1", '{"a": 1'),
        ("text", 0, "Expecting value at character 1 of line 1", "text"),
    ],
)
def test_a_document_that_breaks_off_gives_what_came_before(
    put: Put, document: str, good: int, error: str, rest: str
) -> None:
    *before, last = read(put("a.json", document))
    assert [record.value for record in before] == [{"a": 1}] * good
    assert (last.value, last.error, last.raw) == (None, f"the rest cannot be read: not JSON: {error}", rest)
    assert last.row == good + 1


def test_a_truncated_gzip_file_says_so(put: Put) -> None:
    document = standard.dumps([{"a": "text" * 50, "n": n} for n in range(500)]).encode()
    path = put("a.json.gz", gzip.compress(document)[:-20])
    *before, last = read(path, Coding(compression="gzip"))
    assert len(before) > 10
    assert last.error == "the rest cannot be read: the file breaks off here: the gzip stream ends early"


@pytest.mark.parametrize(
    ("element", "error"),
    [
        (b"3", "a number, not an object"),
        (b'{"a": "\xff"}', "the byte 0xff at character 8 is not utf-8"),
        (rb'{"a": "\ud800"}', "half of a UTF-16 pair (\\ud800) is no character"),
    ],
)
def test_a_bad_record_costs_itself_only(put: Put, element: bytes, error: str) -> None:
    found = read(put("a.json", b'[{"a": 1},' + element + b',{"a": 2}]'))
    assert [record.error for record in found] == [None, error, None]


def test_the_records_of_a_small_document_are_counted(put: Put) -> None:
    source = Source(put("a.json", '[{"a": 1}, {"a": 2}, 3'), "a.json", "json")
    assert [block.rows for block in cut(source)] == [4]
    source = Source(put("b.json", standard.dumps({"x": "x" * SMALLEST})), "b.json", "json")
    assert [block.rows for block in cut(source)] == [None]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=6,
)


@given(st.lists(JSON, max_size=6), st.sampled_from([None, 0, 3]))
def test_finds_the_elements_that_json_finds(values: list[Any], indent: int | None) -> None:
    text = standard.dumps(values, indent=indent)
    found = list(_elements(text, arrays=True))
    assert [element.value for element in found] == values
    assert [standard.loads(text[element.start : element.end]) for element in found] == values


def test_reads_clinc150(real_data: Callable[[str], Path]) -> None:
    path = real_data("clf_clinc150/data_full.json.gz")
    found = read(path, Coding(compression="gzip"))
    parts = [record.part for record in found]
    assert {part: parts.count(part) for part in set(parts)} == {
        "train": 15000,
        "val": 3000,
        "test": 4500,
        "oos_train": 100,
        "oos_val": 100,
        "oos_test": 1000,
    }
    assert len({(record.value or {})["1"] for record in found}) == 151


def test_writes_an_array() -> None:
    file = BytesIO()
    write([Batch([{"a": 1}], {}), Batch([{"a": "ü"}], {})], file)
    assert file.getvalue().decode() == '[\n{"a":1},\n{"a":"ü"}\n]\n'
    empty = BytesIO()
    write([], empty)
    assert standard.loads(empty.getvalue()) == []


SQUAD = {"version": "1", "data": [{"title": "t", "paragraphs": [{"context": "c", "qas": [{"id": 1}, {"id": 2, "title": "u"}]}]}, {"title": "x"}]}  # fmt: skip


def test_records_inside_of_records_have_what_is_around_them(put: Put) -> None:
    path = put("a.json", standard.dumps(SQUAD))
    source = Source(path, "a.json", "json", options={"records": "data.paragraphs.qas"})
    found = [record for block in cut(source) for record in json(block, **source.options)]
    assert [record.value for record in found] == [
        {"version": "1", "title": "t", "context": "c", "id": 1},
        {"version": "1", "title": "u", "context": "c", "id": 2},
        None,
    ]
    assert [record.row for record in found] == [1, 2, 3]
    assert found[2].error == "'paragraphs' is null, not a list of records"
    assert next(cut(source)).rows == 3


MARKS = ["[", "]", ",", "{}", '{"text": "ä]"}', '"', "1", " ", "\n", "[[", "nul", '{"text": "\\\\"}']


@pytest.mark.parametrize("smallest", [0, 5, 20])
@given(entries=st.lists(st.dictionaries(st.text(max_size=2), JSON, max_size=3)), indent=st.sampled_from([None, 1]), tail=st.lists(st.sampled_from(MARKS), max_size=6))  # fmt: skip
def test_an_array_that_is_cut_has_the_entries_of_one_that_is_read_whole(
    tmp_path_factory: pytest.TempPathFactory, smallest: int, entries: list[Any], indent: int | None, tail: list[str]
) -> None:
    path = tmp_path_factory.mktemp("json") / "a.json"
    text = standard.dumps(entries, indent=indent, ensure_ascii=False)
    path.write_bytes((text[: len(text) - bool(tail)] + "".join(tail)).encode("utf-8", "surrogatepass"))
    source = Source(path, "a.json", "json")
    whole = [record for block in cut(source) for record in json(block)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("adaptline.data.formats.json.SMALLEST", smallest)
        patch.setattr("adaptline.data.cutting.FIRST", 3)
        patch.setattr("adaptline.data.cutting.SMALLEST", 7)
        blocks = list(cut(source))
    found = [record for block in blocks if not block.broken for record in json(block)]
    assert [block.rows for block in blocks if block.context] == [len(list(json(block))) if not block.broken else 1 for block in blocks if block.context]  # fmt: skip
    rest = [record for record in whole if (record.error or "").startswith("the rest cannot be read")]
    if blocks and blocks[-1].broken:
        assert [record.row for record in rest] == [blocks[-1].first_row]
        assert (rest[0].line or 0) <= blocks[-1].first_line, "a closing bracket is a part of the rest, or is not"
        assert whole[: -len(rest)] == found
    else:
        assert whole == found


@pytest.mark.parametrize("rows", [3, 40_000])  # read whole, and cut
def test_an_integer_too_long_costs_its_record_only(put: Put, rows: int) -> None:
    entries = [f'{{"text": "a row of some length, number {row}"}}' for row in range(rows)]
    entries[1] = f'{{"text": "a", "n": [{"1" * 5000}]}}'
    path = put("a.json", f"[{','.join(entries)}]")
    assert len(list(cut(Source(path, path.name, "json")))) > (rows > 3)
    errors = [record.error for record in read(path)]
    assert len(errors) == rows
    assert "5000 digits" in str(errors.pop(1))
    assert set(errors) == {None}


def test_an_integer_too_long_in_an_object_of_arrays(put: Put) -> None:
    records = read(put("a.json", f'{{"x": [{{"n": {"1" * 5000}}}, {{"n": 1}}], "y": [{{"n": 2}}]}}'))
    assert [(record.value, record.part) for record in records] == [(None, "x"), ({"n": 1}, "x"), ({"n": 2}, "y")]
    (record,) = read(put("b.json", f'{{"x": [1], "n": {"1" * 5000}}}'))
    assert record.value is None
