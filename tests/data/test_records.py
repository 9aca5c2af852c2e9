from __future__ import annotations

import hashlib
import hmac
import json
import math
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from adaptline.data.records import (
    UnreadableError,
    encode,
    encode_fields,
    lift,
    subject_hash,
    take_messages,
    take_people,
    take_references,
    take_scalar,
    write_back,
)
from adaptline.data.schemas import Columns

TEXT, PAIR, CHAT = Columns(text="text"), Columns(prompt="q", completion="a"), Columns(messages="messages")
SYSTEM = Columns(messages="messages", system="system")
TURNS = Columns(prompt="q", completion="a", system="s", history="before")
ALPACA = Columns(prompt="instruction", context="input", completion="output")


@pytest.mark.parametrize(
    ("value", "columns", "messages", "left"),
    [
        ({"text": "a", "n": 1}, TEXT, [("text", "a")], {"n": 1}),
        ({"text": ""}, TEXT, [("text", "")], {}),
        ({"text": 5}, TEXT, [("text", "5")], {"text": 5}),
        ({"text": True}, TEXT, [("text", "true")], {"text": True}),
        ({"text": 0.5}, TEXT, [("text", "0.5")], {"text": 0.5}),
        ({"q": "a", "a": "b"}, PAIR, [("user", "a"), ("assistant", "b")], {}),
        ({"q": "a", "a": 42}, PAIR, [("user", "a"), ("assistant", "42")], {"a": 42}),
        ({"q": "a"}, Columns(prompt="q"), [("user", "a")], {}),
        (
            {"instruction": "a", "input": "b", "output": "c"},
            ALPACA,
            [("user", "a\n\nb"), ("assistant", "c")],
            {"instruction": "a", "input": "b"},
        ),
        (
            {"instruction": "a", "input": "", "output": "c"},
            ALPACA,
            [("user", "a"), ("assistant", "c")],
            {"input": ""},
        ),
        ({"instruction": "a", "output": "c"}, ALPACA, [("user", "a"), ("assistant", "c")], {}),
        (
            {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": None}]},
            CHAT,
            [("user", "a"), ("assistant", None)],
            {},
        ),
        (
            {
                "messages": [
                    {"from": "human", "value": "a"},
                    {"from": "gpt", "value": "b"},
                    {"from": "tool", "value": "c"},
                ]
            },
            CHAT,
            [("user", "a"), ("assistant", "b"), ("tool", "c")],
            ...,
        ),
        (
            {"messages": [{"from": "function_call", "value": "f()"}, {"from": "observation", "value": "1"}]},
            CHAT,
            [("assistant", "f()"), ("tool", "1")],
            ...,
        ),
        (
            {"messages": [{"role": "user", "content": "a"}], "system": "be kind"},
            SYSTEM,
            [("system", "be kind"), ("user", "a")],
            {"system": "be kind"},
        ),
        (
            {"messages": [{"role": "system", "content": "a"}], "system": ""},
            SYSTEM,
            [("system", "a")],
            {"system": ""},
        ),
        (
            {"q": "c", "a": "d", "before": [["a", "b"]], "s": "z"},
            TURNS,
            [("system", "z"), ("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d")],
            {"before": [["a", "b"]], "s": "z"},
        ),
        ({"q": "c", "a": "d", "before": None}, TURNS, [("user", "c"), ("assistant", "d")], {"before": None}),
        (
            {"messages": [{"role": "assistant", "content": None, "tool_calls": [{"id": "x"}]}]},
            CHAT,
            [("assistant", None)],
            ...,
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, "b"]}]},
            CHAT,
            [("user", "a\nb")],
            ...,
        ),
    ],
)
def test_a_record_becomes_messages_and_what_is_left(
    value: dict[str, Any], columns: Columns, messages: list[Any], left: Any
) -> None:
    whole = json.loads(json.dumps(value))
    assert take_messages(value, columns) == messages
    assert value == (whole if left is ... else left)


@pytest.mark.parametrize(
    ("value", "columns", "why"),
    [
        ({}, TEXT, "no field 'text' (text)"),
        ({"text": None}, TEXT, "'text' is null, not a string"),
        ({"text": ["a"]}, TEXT, "'text' is a list, not a string"),
        ({"text": {"a": 1}}, TEXT, "'text' is an object, not a string"),
        ({"text": b"a"}, TEXT, "'text' is a bytes, not a string"),
        ({"q": "a"}, PAIR, "no field 'a' (completion)"),
        ({"a": "b"}, PAIR, "no field 'q' (prompt)"),
        ({"input": "b", "output": "c"}, ALPACA, "no field 'instruction' (prompt)"),
        ({"instruction": "a", "input": ["b"], "output": "c"}, ALPACA, "'input' is a list, not a string"),
        ({"q": "c", "a": "d", "before": "x"}, TURNS, "'before' is a string, not a list of turns"),
        ({"q": "c", "a": "d", "before": [["x"]]}, TURNS, "turn 1 of 'before' is no question with its answer"),
        ({"q": "c", "a": "d", "before": [["x", "y"], 3]}, TURNS, "turn 2 of 'before' is no question with its answer"),
        ({"q": "c", "a": "d", "s": ["x"]}, TURNS, "'s' is a list, not a string"),
        (
            {"messages": [{"role": "system", "content": "a"}], "system": "b"},
            SYSTEM,
            "the system speaks in 'system' and in 'messages'",
        ),
        ({}, CHAT, "no field 'messages' (messages)"),
        ({"messages": "hi"}, CHAT, "'messages' is a string, not a list of messages"),
        ({"messages": []}, CHAT, "'messages' is empty"),
        ({"messages": ["hi"]}, CHAT, "message 1 of 'messages' is a string, not an object"),
        ({"messages": [{"content": "hi"}]}, CHAT, "message 1 of 'messages' has no role"),
        (
            {"messages": [{"role": "user", "content": 5}]},
            CHAT,
            "the content of message 1 of 'messages' is a number, not a string",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}]},
            CHAT,
            "message 1 of 'messages' has a part that is no text: image_url",
        ),
    ],
)
def test_what_does_not_fit_is_unreadable(value: dict[str, Any], columns: Columns, why: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        take_messages(value, columns)
    assert str(caught.value) == why


@pytest.mark.parametrize(
    ("value", "name", "scalar", "left"),
    [
        ({"l": "a"}, "l", "a", {}),
        ({"l": 3}, "l", "3", {"l": 3}),
        ({"l": False}, "l", "false", {"l": False}),
        ({"l": 1.5}, "l", "1.5", {"l": 1.5}),
        ({"l": None}, "l", None, {"l": None}),
        ({}, "l", None, {}),
        ({"l": "a"}, None, None, {"l": "a"}),
    ],
)
def test_labels_are_strings_and_may_be_absent(
    value: dict[str, Any], name: str | None, scalar: str | None, left: dict[str, Any]
) -> None:
    assert take_scalar(value, name) == scalar
    assert value == left


def test_a_label_is_no_list() -> None:
    with pytest.raises(UnreadableError, match="'l' is a list, not a string"):
        take_scalar({"l": ["a"]}, "l")


@pytest.mark.parametrize(
    ("value", "references", "left"),
    [
        ({"r": ["a", "b"]}, ["a", "b"], {}),
        ({"r": "a"}, ["a"], {"r": "a"}),
        ({"r": ["a", 5]}, ["a", "5"], {"r": ["a", 5]}),
        ({"r": []}, [], {}),
        ({"r": None}, None, {"r": None}),
        ({}, None, {}),
    ],
)
def test_references_are_lists_of_strings(value: dict[str, Any], references: Any, left: dict[str, Any]) -> None:
    assert take_references(value, "r") == references
    assert value == left


def test_people_are_hmacs_and_leave_no_trace() -> None:
    value = {"user": "ann@example.com", "others": ["bob", 7, None, "bob"], "text": "hi"}
    group, people = take_people(value, Columns(text="text", subject=("user", "others", "none")), b"secret")
    assert value == {"text": "hi"}
    assert group is None
    assert people == [subject_hash(b"secret", name) for name in ("ann@example.com", "bob", "7")]


def test_the_hash_of_a_person_is_a_plain_hmac() -> None:
    expected = hmac.new(b"secret", "zoë".encode(), hashlib.sha256).hexdigest()
    assert subject_hash(b"secret", "zoë") == expected
    assert subject_hash(b"other", "zoë") != expected


def test_a_group_that_is_a_person_is_hashed_too() -> None:
    value = {"user": "ann", "text": "hi"}
    group, people = take_people(value, Columns(text="text", group="user", subject=("user",)), b"s")
    assert (group, people) == (subject_hash(b"s", "ann"), [subject_hash(b"s", "ann")])
    assert "ann" not in json.dumps([value, group, people])


def test_a_group_that_is_no_person_is_kept() -> None:
    value = {"thread": 5, "text": "hi"}
    assert take_people(value, Columns(text="text", group="thread"), b"") == ("5", None)


def test_a_person_is_no_object() -> None:
    with pytest.raises(UnreadableError, match="'user' is an object"):
        take_people({"user": {"id": 1}}, Columns(text="text", subject=("user",)), b"s")


def test_nan_is_no_label_and_comes_back() -> None:
    """Pandas writes it for a missing one in a column of numbers."""
    columns = Columns(text="t", label="l", split="s", group="g", subject=("p",))
    record = {"t": "a", **dict.fromkeys("lsgp", math.nan)}
    row = row_of(dict(record), columns)
    assert [row[name] for name in ("label", "split", "group", "subject")] == [None] * 4
    assert [name for name, value in write_back(row, columns).items() if value != "a"] == ["l", "s", "g"]
    infinite = {"l": math.inf}
    assert take_scalar(infinite, "l") == "Infinity"


def row_of(record: dict[str, Any], columns: Columns) -> dict[str, Any]:
    """A row as a shard holds it, without the shard."""
    value = json.loads(json.dumps(record))
    group, subject = take_people(value, columns, b"secret")
    messages = [{"role": role, "content": content} for role, content in take_messages(value, columns)]
    label, split = take_scalar(value, columns.label), take_scalar(value, columns.split)
    references = take_references(value, columns.references)
    extra = json.loads(encode(value)) if value else None
    row = {"messages": messages, "label": label, "references": references, "split": split, "group": group}
    return {**row, "subject": subject, "extra": extra}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)
OPTIONAL = st.none() | st.text(max_size=3) | st.integers() | st.booleans()
EXTRA = st.dictionaries(st.text(max_size=3) | st.sampled_from(["label", "split", "text", "prompt"]), JSON, max_size=3)
MESSAGE = st.fixed_dictionaries({"role": st.text(max_size=3), "content": st.none() | st.text(max_size=3)}) | (
    st.fixed_dictionaries({"from": st.sampled_from(["human", "gpt", "system"]), "value": st.text(max_size=3)})
    | st.fixed_dictionaries({"role": st.just("assistant"), "content": st.none(), "tool_calls": JSON})
)
TURN = st.lists(st.text(max_size=3), min_size=2, max_size=2)
SCALARS = st.text(max_size=3) | st.integers() | st.booleans() | st.floats(allow_nan=False)


@given(EXTRA, SCALARS, OPTIONAL, OPTIONAL, OPTIONAL)
def test_labelled_texts_come_back_as_they_were(extra: Any, text: Any, label: Any, split: Any, group: Any) -> None:
    record = {**extra, "body": text, "class": label, "part": split, "thread": group}
    columns = Columns(text="body", label="class", split="part", group="thread")
    assert write_back(row_of(record, columns), columns) == record


@given(EXTRA, SCALARS, SCALARS, st.none() | st.text(max_size=3), st.none() | st.lists(SCALARS, max_size=2) | SCALARS)
def test_prompts_come_back_as_they_were(extra: Any, prompt: Any, answer: Any, context: Any, right: Any) -> None:
    record = {**extra, "q": prompt, "a": answer, "context": context, "right": right}
    columns = Columns(prompt="q", context="context", completion="a", references="right")
    assert write_back(row_of(record, columns), columns) == record


@given(EXTRA, st.lists(MESSAGE, min_size=1, max_size=3))
def test_chats_come_back_as_they_were(extra: Any, messages: Any) -> None:
    record = {**extra, "chat": messages}
    columns = Columns(messages="chat")
    assert write_back(row_of(record, columns), columns) == record


def changed(record: dict[str, Any], columns: Columns, content: str, which: int = -1) -> dict[str, Any]:
    """The record after a transform gave one of its messages another content."""
    row = row_of(record, columns)
    row["messages"][which]["content"] = content
    return write_back(row, columns)


@given(EXTRA, SCALARS, st.none() | st.text(max_size=3), st.none() | st.lists(TURN, max_size=2), st.text(max_size=3))
def test_what_was_said_before_comes_back_as_it_was(extra: Any, prompt: Any, system: Any, turns: Any, new: str) -> None:
    record = {**extra, "q": prompt, "a": "yes", "s": system, "before": turns}
    assert write_back(row_of(record, TURNS), TURNS) == record
    assert changed(record, TURNS, new) == {**record, "a": new}


@given(st.none() | st.text(max_size=3), st.lists(MESSAGE, min_size=1, max_size=3))
def test_chats_with_a_field_for_the_system_come_back_as_they_were(system: Any, messages: Any) -> None:
    record = {"messages": messages, "system": system}
    assume(not system or messages[0].get("role", messages[0].get("from")) != "system")
    assert write_back(row_of(record, SYSTEM), SYSTEM) == record


def test_what_was_said_before_may_change() -> None:
    record = {"q": "c", "a": "d", "before": [["a", "b"]], "s": "z"}
    assert changed(record, TURNS, "new", 0) == {**record, "s": "new"}
    assert changed(record, TURNS, "new", 2) == {**record, "before": [["a", "new"]]}
    chat = {"messages": [{"role": "user", "content": "a"}], "system": "z"}
    assert changed(chat, SYSTEM, "new", 0) == {**chat, "system": "new"}


@pytest.mark.parametrize(
    ("record", "columns", "written"),
    [
        ({"text": "a", "n": 1}, TEXT, {"text": "new", "n": 1}),
        ({"text": 5}, TEXT, {"text": "new"}),
        ({"q": "a", "a": 42}, PAIR, {"q": "a", "a": "new"}),
        (
            {"messages": [{"from": "human", "value": "a", "id": 1}]},
            CHAT,
            {"messages": [{"from": "human", "value": "new", "id": 1}]},
        ),
        (
            {"messages": [{"role": "tool", "content": "a", "name": "f"}]},
            CHAT,
            {"messages": [{"role": "tool", "content": "new", "name": "f"}]},
        ),
    ],
)
def test_a_changed_text_is_written_in_its_place(record: Any, columns: Columns, written: Any) -> None:
    assert changed(record, columns, "new") == written


def test_a_changed_prompt_takes_the_place_of_its_context_too() -> None:
    record = {"instruction": "a", "input": "b", "output": "c"}
    assert changed(record, ALPACA, "new", 0) == {"instruction": "new", "input": "", "output": "c"}


def test_rows_without_names_are_written_under_the_columns_names() -> None:
    row = row_of({"q": "a", "a": "b", "l": "c"}, Columns(prompt="q", completion="a", label="l"))
    assert write_back(row, Columns()) == {"prompt": "a", "completion": "b", "label": "c"}
    assert write_back(row_of({"t": "a"}, Columns(text="t")), Columns()) == {"text": "a"}
    chat = {"m": [{"role": "system", "content": "a"}, {"role": "user", "content": "b"}]}
    assert write_back(row_of(chat, Columns(messages="m")), Columns()) == {"messages": chat["m"]}


def test_a_label_that_was_null_is_written_as_those_of_other_rows_are() -> None:
    columns = Columns(text="text", label="y", split="part")
    row = {**row_of({"text": "a", "y": None, "part": None}, columns), "label": "1", "split": "1"}
    assert write_back(row, columns, like=0) == {"text": "a", "y": 1, "part": "1"}
    assert write_back({**row, "label": "x"}, columns, like=0)["y"] == "x"
    assert write_back(row, columns)["y"] == "1"


def test_a_split_that_no_field_gave_does_not_replace_a_field() -> None:
    row = {**row_of({"text": "a", "split": ["x"]}, TEXT), "split": "train"}
    assert write_back(row, TEXT) == {"text": "a", "split": ["x"]}
    assert write_back({**row_of({"text": "a"}, TEXT), "split": "train"}, TEXT) == {"text": "a", "split": "train"}


@pytest.mark.parametrize("people", ["ann", ["ann", "bob"]])
def test_hmacs_stand_where_people_stood(people: Any) -> None:
    columns = Columns(text="text", subject=("user",))
    written = write_back(row_of({"text": "a", "user": people}, columns), columns)
    hashes = [subject_hash(b"secret", name) for name in ([people] if isinstance(people, str) else people)]
    assert written == {"text": "a", "user": hashes[0] if len(hashes) == 1 else hashes}


def test_fields_inside_objects_are_named_by_their_path_and_come_back() -> None:
    columns = Columns(text="message.body", label="tags.kind.name")
    record = {"id": 1, "message": {"body": "hello", "from": "a"}, "tags": {"kind": {"name": "x"}}}
    value = json.loads(json.dumps(record))
    lift(value, columns)
    assert take_messages(value, columns) == [("text", "hello")]
    assert take_scalar(value, columns.label) == "x"
    assert value == {"id": 1, "message": {"from": "a"}, "tags": {"kind": {}}}
    row = {
        "messages": [{"role": "text", "content": "HELLO"}],
        "label": "x",
        "split": None,
        "group": None,
        "references": None,
        "subject": None,
        "extra": value,
    }
    assert write_back(row, columns) == {**record, "message": {"body": "HELLO", "from": "a"}}


def test_fields_of_objects_in_lists_are_named_by_their_place_and_come_back() -> None:
    columns = Columns(prompt="instruction", context="instances.0.input", completion="instances.0.output")
    record = {"instruction": "add", "instances": [{"input": "1 1", "output": "2"}, {"input": "2 2", "output": "4"}]}
    value = json.loads(json.dumps(record))
    lift(value, columns)
    row = row_of(value, columns)
    assert [message["content"] for message in row["messages"]] == ["add\n\n1 1", "2"]
    assert write_back(row, columns) == record


@pytest.mark.parametrize("inner", [{"body": "other", "n": 1}, {"body": None}, None, "x", ["a"]])
def test_a_field_that_is_called_like_a_path_stays_where_it_is(inner: Any) -> None:
    columns = Columns(text="m.body", label="l.0")
    record = {"m.body": "real", "m": inner, "l.0": "a", "l": ["b"]}
    row = row_of(record, columns)
    assert (row["messages"][0]["content"], row["label"]) == ("real", "a")
    assert write_back(row, columns) == record


def test_a_person_inside_an_object_leaves_no_trace() -> None:
    columns = Columns(text="text", subject=("user.id",))
    value = {"text": "a", "user": {"id": "anna", "plan": "free"}}
    lift(value, columns)
    assert take_people(value, columns, b"secret")[1] == [subject_hash(b"secret", "anna")]
    assert "anna" not in json.dumps(value)


@pytest.mark.parametrize("path", ["a.5.b", "a.x.b", "a.0.b"])
def test_a_place_that_is_not_in_a_list_lifts_nothing(path: str) -> None:
    value = {"a": ["text"]}
    lift(value, Columns(text=path))
    assert value == {"a": ["text"]}


@pytest.mark.parametrize("value", [{"a": "text"}, {"a": None}, {"a": {"c": 1}}, {"a.b": "own", "a": {"b": "inner"}}])
def test_a_path_that_leads_nowhere_lifts_nothing(value: dict[str, Any]) -> None:
    before = json.loads(json.dumps(value))
    lift(value, Columns(text="a.b"))
    assert value == before


_SIMPLE = st.none() | st.booleans() | st.integers() | st.text()


@given(st.dictionaries(st.text(), _SIMPLE | st.floats() | st.lists(_SIMPLE)))
def test_fields_are_encoded_as_json_encodes_them(record: dict[str, Any]) -> None:
    assert encode_fields(record) == encode(record)


def test_control_characters_are_encoded_as_json_encodes_them() -> None:
    record = {chr(code): chr(code) for code in [*range(0x100), 0x2028, 0x2029, 0xFFFE, 0x1F600]}
    assert encode_fields(record) == encode(record)
