from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest

from adaptline.core.rows import COLUMNS
from adaptline.data.blocks import RAW
from adaptline.data.builder import ShardBuilder
from adaptline.data.schemas import Columns

LABELLED = Columns(text="text", label="label", references="right", split="split", group="thread")


def deep(levels: int) -> Any:
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


def test_every_shard_has_every_column() -> None:
    for builder in (ShardBuilder("a.jsonl", LABELLED), ShardBuilder("a.jsonl", LABELLED)):
        assert builder.table().schema.names == list(COLUMNS)
        builder.add(1, 1, {"text": "a"}, "", None)
        assert {field.name: field.type for field in builder.table().schema} == COLUMNS


def test_a_row_holds_what_its_record_held() -> None:
    builder = ShardBuilder("a.jsonl", LABELLED)
    record = {"text": "a", "label": 3, "right": ["x", "y"], "split": "train", "thread": "t", "n": 1.5, "ü": "ö"}
    builder.add(7, 9, record, "raw", "part")
    assert builder.table().to_pylist() == [
        {
            "messages": [{"role": "text", "content": "a"}],
            "label": "3",
            "references": ["x", "y"],
            "split": "train",
            "group": "t",
            "subject": None,
            "extra": '{"label":3,"n":1.5,"ü":"ö"}',
            "file": "a.jsonl",
            "row": 7,
            "line": 9,
            "unreadable": None,
            "parent_shard": None,
            "parent_row": None,
        }
    ]


def test_a_part_is_the_split_where_no_field_says_otherwise() -> None:
    builder = ShardBuilder("a.jsonl", LABELLED)
    builder.add(1, 1, {"text": "a"}, "", "dev")
    builder.add(2, 2, {"text": "b", "split": "test"}, "", "dev")
    assert builder.table()["split"].to_pylist() == ["dev", "test"]


def test_a_row_that_does_not_fit_keeps_its_place_and_raw_text() -> None:
    builder = ShardBuilder("a.jsonl", LABELLED)
    builder.add(1, 1, {"text": "a"}, "", None)
    builder.add(2, 2, {"text": "b", "label": ["x"]}, '{"text":"b","label":["x"]}', None)
    builder.fail(3, 3, "not JSON", "b\udce4d" + "x" * RAW)
    builder.add(4, 4, {"text": "c"}, "", None)
    table = builder.table()
    assert table["unreadable"].to_pylist() == [None, "'label' is a list, not a string", "not JSON", None]
    assert [None if row is None else row[0]["content"] for row in table["messages"].to_pylist()] == [
        "a",
        None,
        None,
        "c",
    ]
    raws = [json.loads(extra)["raw"] for extra in table["extra"].to_pylist() if extra]
    assert raws[0] == '{"text":"b","label":["x"]}'
    assert raws[1].startswith("b\\xe4d")
    assert table["row"].to_pylist() == [1, 2, 3, 4]


def test_with_subjects_no_raw_text_is_kept() -> None:
    builder = ShardBuilder("a.jsonl", Columns(text="text", subject=("user",)), b"secret")
    builder.add(1, 1, {"text": "a", "user": "ann", "n": 1}, '{"user":"ann"}', None)
    builder.add(2, 2, {"text": None, "user": "ann"}, '{"user":"ann"}', None)
    builder.fail(3, 3, "not JSON", '{"user":"ann"')
    table = builder.table()
    assert "ann" not in str(table.to_pylist())
    assert table["extra"].to_pylist() == ['{"n":1}', None, None]
    assert [bool(people) for people in table["subject"].to_pylist()] == [True, False, False]


@pytest.mark.parametrize("levels", [900, 950, 985, 2000, 100_000])
def test_values_nested_too_deeply_cost_their_row_only(levels: int) -> None:
    builder = ShardBuilder("a.jsonl", Columns(text="text"))
    builder.add(1, 1, {"text": "a", "deep": deep(levels)}, "raw", None)
    builder.add(2, 2, {"text": "b"}, "", None)
    assert builder.table()["unreadable"].to_pylist()[0] in (None, "nested too deeply")
    assert builder.table()["unreadable"].to_pylist()[1] is None
    assert len(builder) == 2


def test_messages_of_different_lengths_stay_apart() -> None:
    builder = ShardBuilder("a.jsonl", Columns(messages="m"))
    chats = [[{"role": "user", "content": str(i)}] * length for i, length in enumerate([1, 3, 2])]
    for number, chat in enumerate(chats, 1):
        builder.add(number, None, {"m": chat}, "", None)
        builder.fail(number, None, "bad", "")
    assert builder.table()["messages"].to_pylist() == [chats[0], None, chats[1], None, chats[2], None]


def test_a_typed_extra_stands_for_what_the_records_left() -> None:
    builder = ShardBuilder("a.parquet", Columns(text="text"))
    builder.add(1, None, {"text": 5}, "", None)
    extra = pa.array([{"text": 5, "when": None}])
    assert builder.table(extra)["extra"].to_pylist() == [{"text": 5, "when": None}]
