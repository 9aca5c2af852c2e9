"""Rows: one schema, and views that do not depend on what else is in a shard."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptline.core import rows
from adaptline.core.rows import COLUMNS, On

Messages = list[dict[str, str | None]] | None


def said(*contents: str | None, roles: str = "uaua") -> Messages:
    """Messages of user and assistant by turns; "t" is a text, "s" a system."""
    names = {"u": "user", "a": "assistant", "t": "text", "s": "system"}
    return [{"role": names[role], "content": content} for role, content in zip(roles, contents, strict=False)]


def shard(messages: list[Messages], **columns: Any) -> pa.Table:
    return rows.table({"messages": pa.array(messages, COLUMNS["messages"]), **columns}, len(messages))


def text(*contents: str | None) -> pa.Table:
    return shard([None if content is None else said(content, roles="t") for content in contents])


CONTENT = st.none() | st.text(max_size=5)
ROLE = st.sampled_from(["user", "assistant", "text", "system"])
MESSAGES = st.none() | st.lists(st.fixed_dictionaries({"role": ROLE, "content": CONTENT}), max_size=4)
ONS: list[On] = ["all", "prompt", "response"]


class TestTable:
    def test_missing_columns_are_null(self) -> None:
        found = rows.table({"label": ["a", None], "row": [1, 2]}, 2)
        assert found.schema.names == list(COLUMNS)
        assert [found.schema.field(name).type for name in COLUMNS] == list(COLUMNS.values())
        assert found["label"].to_pylist() == ["a", None]
        assert found["row"].to_pylist() == [1, 2]
        assert all(found[name].null_count == 2 for name in COLUMNS if name not in ("label", "row"))

    def test_a_typed_source_keeps_its_types(self) -> None:
        extra = pa.array([{"stars": 3, "at": [1.5]}, None])
        found = rows.table({"extra": extra}, 2)
        assert found.schema.field("extra").type == extra.type
        assert rows.table({"extra": ['{"stars": 3}', None]}, 2).schema.field("extra").type == pa.string()

    def test_columns_in_chunks(self) -> None:
        found = rows.table(
            {"label": pa.chunked_array([["a"], ["b"]]), "extra": pa.chunked_array([[{"x": 1}], [None]])}, 2
        )
        assert found["label"].to_pylist() == ["a", "b"]
        assert found.schema.field("extra").type == pa.struct([("x", pa.int64())])

    def test_no_rows(self) -> None:
        found = rows.table({}, 0)
        assert (found.num_rows, rows.texts(found).to_pylist(), rows.contents(found)) == (0, [], ([], []))
        assert rows.texts(found, "prompt").to_pylist() == []

    def test_a_column_of_the_wrong_type_is_refused(self) -> None:
        with pytest.raises((pa.ArrowInvalid, pa.ArrowTypeError)):
            rows.table({"row": ["one"]}, 1)

    def test_readable(self) -> None:
        assert rows.readable(shard([None, None], unreadable=["not JSON", None])).to_pylist() == [False, True]


class TestTexts:
    def test_plain_texts(self) -> None:
        assert rows.texts(text("a", "", "ü")).to_pylist() == ["a", "", "ü"]
        assert rows.texts(text("a", None, "c", None)).to_pylist() == ["a", None, "c", None]

    @pytest.mark.parametrize(
        ("messages", "all_of_it", "prompt", "response"),
        [
            (None, None, None, None),
            ([], None, None, None),
            (said("a", roles="t"), "a", "a", None),
            (said("q"), "q", "q", None),
            (said("a", roles="a"), "a", None, "a"),
            (said("q", "a"), "q\na", "q", "a"),
            (said("s", "q", "a", roles="sua"), "s\nq\na", "s\nq", "a"),
            (said("q", "a", "r"), "q\na\nr", "q\na\nr", None),
            (said("q", "a", "r", "b"), "q\na\nr\nb", "q\na\nr", "b"),
            (said(None, roles="a"), None, None, None),
            (said("q", None), "q", "q", None),
            (said(None, "a"), "a", None, "a"),
            (said("q", None, "r", "b"), "q\nr\nb", "q\nr", "b"),
            (said("", "a"), "\na", "", "a"),
        ],
    )
    def test_views(self, messages: Messages, all_of_it: str | None, prompt: str | None, response: str | None) -> None:
        for found in (shard([messages]), shard([messages, said("x", "y")]).slice(0, 1)):
            assert [rows.texts(found, on).to_pylist() for on in ONS] == [[all_of_it], [prompt], [response]]

    @given(st.lists(MESSAGES, max_size=6), st.sampled_from(ONS))
    def test_a_rows_text_does_not_depend_on_the_others(self, messages: list[Messages], on: On) -> None:
        alone = [rows.texts(shard([entry]), on).to_pylist()[0] for entry in messages]
        assert rows.texts(shard(messages), on).to_pylist() == alone

    @given(st.lists(MESSAGES, max_size=6), st.data())
    def test_slices_chunks_and_filters_give_the_same(self, messages: list[Messages], data: st.DataObject) -> None:
        whole = shard(messages)
        start = data.draw(st.integers(0, len(messages)))
        chunked = pa.concat_tables([whole.slice(0, start), whole.slice(start)])
        keep = data.draw(st.lists(st.booleans(), min_size=len(messages), max_size=len(messages)))
        for on in ONS:
            expected = rows.texts(whole, on).to_pylist()
            assert rows.texts(chunked, on).to_pylist() == expected
            assert rows.texts(whole.slice(start), on).to_pylist() == expected[start:]
            kept = [entry for entry, stays in zip(expected, keep, strict=True) if stays]
            assert rows.texts(whole.filter(pa.array(keep, pa.bool_())), on).to_pylist() == kept

    @given(st.lists(MESSAGES, max_size=6))
    def test_prompt_and_response_make_the_whole(self, messages: list[Messages]) -> None:
        found = shard(messages)
        parts = zip(rows.texts(found, "prompt").to_pylist(), rows.texts(found, "response").to_pylist(), strict=True)
        joined = [
            "\n".join(there) if (there := [part for part in pair if part is not None]) else None for pair in parts
        ]
        assert rows.texts(found).to_pylist() == joined


class TestContents:
    def test_every_message_by_itself(self) -> None:
        found = shard([said("q", "a"), None, [], said("t", roles="t"), said("q", None, "r", "b")])
        places, contents = rows.contents(found)
        assert places == [(0, 0), (0, 1), (3, 0), (4, 0), (4, 1), (4, 2), (4, 3)]
        assert contents == ["q", "a", "t", "q", "", "r", "b"]
        assert rows.contents(found, "prompt") == ([(0, 0), (3, 0), (4, 0), (4, 1), (4, 2)], ["q", "t", "q", "", "r"])
        assert rows.contents(found, "response") == ([(0, 1), (4, 3)], ["a", "b"])

    def test_changes_are_written_and_the_parent_is_named(self) -> None:
        before = shard(
            [said("q", "a"), None, said("q", None, "r", "b"), said("same", roles="t")],
            label=["x", None, "y", "z"],
            extra=["{}", None, None, '{"a": 1}'],
            parent_shard=["older"] * 4,
        )
        changes = pa.table({"row": [0, 2, 2], "message": [1, 0, 1], "content": ["A", "Q", "new"]})
        after = rows.with_contents(before, changes, "digest")
        assert after["messages"].to_pylist() == [
            said("q", "A"),
            None,
            said("Q", "new", "r", "b"),
            said("same", roles="t"),
        ]
        assert after["parent_shard"].to_pylist() == ["digest"] * 4
        assert after["parent_row"].to_pylist() == [0, 1, 2, 3]
        for name in set(COLUMNS) - {"messages", "parent_shard", "parent_row"}:
            assert after[name].equals(before[name])
        assert after.schema == before.schema

    def test_a_null_message_stands_for_the_label(self) -> None:
        before = shard([said("a", roles="t"), said("b", roles="t")], label=["x", "x"])
        changes = pa.table({"row": [1, 1], "message": pa.array([None, 0], pa.int32()), "content": ["y", "c"]})
        after = rows.with_contents(before, changes, "digest")
        assert after["label"].to_pylist() == ["x", "y"]
        assert after["messages"].to_pylist() == [said("a", roles="t"), said("c", roles="t")]

    def test_a_typed_extra_keeps_its_types(self) -> None:
        before = shard([said("a", roles="t")], extra=pa.array([{"stars": 3}]))
        after = rows.with_contents(before, pa.table({"row": [0], "message": [0], "content": ["b"]}), "digest")
        assert after.schema == before.schema
        assert after["extra"].to_pylist() == [{"stars": 3}]

    @given(st.lists(MESSAGES, max_size=5), st.sampled_from(ONS))
    def test_what_is_written_is_read_back(self, messages: list[Messages], on: On) -> None:
        before = shard(messages)
        places, contents = rows.contents(before, on)
        changes = pa.table(
            {
                "row": pa.array([row for row, _ in places], pa.int64()),
                "message": pa.array([message for _, message in places], pa.int32()),
                "content": pa.array([content.upper() + "!" for content in contents], pa.string()),
            }
        )
        after = rows.with_contents(before, changes, "digest")
        assert rows.contents(after, on) == (places, [content.upper() + "!" for content in contents])
        others = [place for place in zip(*rows.contents(before), strict=True) if place[0] not in places]
        assert [place for place in zip(*rows.contents(after), strict=True) if place[0] not in places] == others


class TestExtraValues:
    def test_fields_in_json(self) -> None:
        extra = [json.dumps({"user": "a", "n": 1}), json.dumps({"n": None}), None, ""]
        found = shard([None] * 4, extra=extra)
        assert rows.extra_values(found, "user") == ["a", None, None, None]
        assert rows.extra_values(found, "n") == [1, None, None, None]

    def test_fields_in_a_struct(self) -> None:
        found = shard([None] * 3, extra=pa.array([{"user": "a", "n": [1]}, None, {"user": None, "n": None}]))
        assert rows.extra_values(found, "user") == ["a", None, None]
        assert rows.extra_values(found, "n") == [[1], None, None]

    @pytest.mark.parametrize("extra", [['{"a": 1}', None], pa.array([{"a": 1}, None]), [None, None]])
    def test_a_field_that_no_row_has(self, extra: Any) -> None:
        assert rows.extra_values(shard([None, None], extra=extra, label=["x", "y"]), "user") == [None, None]
        assert rows.extra_values(shard([None, None], extra=extra, label=["x", "y"]), "label") == [None, None]

    def test_fields_by_their_path(self) -> None:
        extra = [json.dumps(row) for row in ({"a": {"b": {"c": 1}}}, {"a": 2}, {"a.b.c": 3, "a": {"b": {"c": 4}}}, [1])]
        found = shard([None] * 4, extra=extra)
        assert rows.extra_values(found, "a.b.c") == [1, None, 3, None]

    def test_no_rows(self) -> None:
        assert rows.extra_values(rows.table({}, 0), "user") == []
