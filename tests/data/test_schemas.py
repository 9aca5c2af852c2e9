from __future__ import annotations

from typing import Any

import pytest

from adaptline.data.schemas import UNNAMED, Columns, by_position, detect, nested, require, shortened
from adaptline.errors import UserError

CHAT = [{"role": "user", "content": "hi"}]


@pytest.mark.parametrize(
    ("record", "columns"),
    [
        ({"text": "a"}, Columns(text="text")),
        ({"text": "a", "label": "b", "n": 1}, Columns(text="text", label="label")),
        ({"text": "a", "label": 3}, Columns(text="text", label="label")),
        ({"text": "a", "label": ["b"]}, Columns(text="text")),
        ({"content": "a", "title": "b"}, Columns(text="content")),
        ({"messages": CHAT}, Columns(messages="messages")),
        ({"conversations": [{"from": "human", "value": "a"}], "chosen": {}}, Columns(messages="conversations")),
        ({"messages": "no list", "text": "a"}, Columns(text="text")),
        ({"prompt": "a", "completion": "b"}, Columns(prompt="prompt", completion="completion")),
        ({"prompt": "a", "response": "b"}, Columns(prompt="prompt", completion="response")),
        ({"question": "a", "answer": "b", "text": "c"}, Columns(prompt="question", completion="answer")),
        ({"question": "a", "answer": 42}, Columns(prompt="question", completion="answer")),
        ({"instruction": "a", "output": "b"}, Columns(prompt="instruction", completion="output")),
        (
            {"instruction": "a", "input": "c", "response": "b"},
            Columns(prompt="instruction", context="input", completion="response"),
        ),
        ({"system": "s", "conversations": CHAT}, Columns(messages="conversations", system="system")),
        ({"System": None, "messages": CHAT}, Columns(messages="messages")),
        (
            {"instruction": "a", "input": "c", "output": "b", "system": "s", "history": [["x", "y"]]},
            Columns(prompt="instruction", context="input", completion="output", system="system", history="history"),
        ),
        ({"question": "a", "answer": "b", "system": "s"}, Columns(prompt="question", completion="answer")),
        ({"text": "a", "system": "s", "history": []}, Columns(text="text")),
        ({"text": "a", "split": "train", "group": "g"}, Columns(text="text", split="split")),
        (
            {"prompt": "a", "completion": "b", "references": ["c"]},
            Columns(prompt="prompt", completion="completion", references="references"),
        ),
        ({"text": "a", "references": "c"}, Columns(text="text")),
        ({"sentence": "a"}, Columns(text="sentence")),
        ({"0": "a"}, Columns(text="0")),
        ({"sentence": "a", "class": "b"}, None),
        ({"prompt": {"text": "a"}, "id": 1}, None),
        ({"source": ["a"], "target": ["b"]}, None),
    ],
)
def test_names_tell_what_fields_are(record: dict[str, Any], columns: Columns | None) -> None:
    assert detect([record], Columns()) == columns


def test_fields_that_only_some_records_have_count() -> None:
    records: list[dict[str, Any]] = [{"text": "a"}, {"text": None, "label": None}, {"text": "b", "label": "c"}]
    assert detect(records, Columns()) == Columns(text="text", label="label")


def test_one_misfit_does_not_change_what_a_field_is() -> None:
    records: list[dict[str, Any]] = [{"text": "a", "label": "b"}, {"text": "c", "label": "d"}]
    misfit: dict[str, Any] = {"text": "e", "label": ["x"]}
    assert detect([*records, misfit], Columns()) == Columns(text="text", label="label")
    assert detect([*records, misfit, misfit], Columns()) == Columns(text="text")
    assert detect([*records, {"text": {"no": "text"}}], Columns()) == Columns(text="text", label="label")


def test_what_the_user_named_is_left_as_it_is() -> None:
    record = {"text": "a", "label": "b", "category": "c", "split": "d", "messages": CHAT}
    assert detect([record], Columns(text="text", label="category")) == Columns("text", "category", split="split")
    assert detect([record], Columns(text="label")) == Columns(text="label", split="split")
    assert detect([record], Columns(text="text", group="label", split="category")) == Columns(
        text="text", group="label", split="category"
    )


def test_a_subject_is_not_taken_for_anything_else() -> None:
    assert detect([{"text": "a", "label": "b"}], Columns(subject=("label",))) == Columns("text", subject=("label",))


def test_knows_every_name_once_and_in_order() -> None:
    columns = Columns(text="t", label="l", group="u", subject=("u", "v"))
    assert columns.named == ("t", "l", "u", "v")
    assert Columns(prompt="p", context="c", completion="a").content == ("p", "c", "a")


@pytest.mark.parametrize(
    ("columns", "what"),
    [
        (Columns(text="a", prompt="b"), "text and prompt cannot both be given"),
        (Columns(prompt="a", messages="b"), "prompt and messages cannot both be given"),
        (Columns(completion="a"), "'a' needs a prompt"),
        (Columns(text="a", context="b"), "'b' needs a prompt"),
        (Columns(text="a", history="b"), "'b' needs a prompt"),
        (Columns(messages="a", history="b"), "'b' needs a prompt"),
        (Columns(text="a", system="b"), "'b' needs a chat or a prompt"),
        (Columns(system="b"), "'b' needs a chat or a prompt"),
        (Columns(text="a", label="a"), "field 'a' is named twice"),
        (Columns(text="a", subject=("a",)), "field 'a' is named twice"),
        (Columns(text="t", label="a", split="a"), "field 'a' is named twice"),
    ],
)
def test_contradictions_are_mistakes(columns: Columns, what: str) -> None:
    with pytest.raises(UserError, match=what):
        columns.check()


def test_a_group_may_be_a_person() -> None:
    Columns(text="t", group="user", subject=("user", "author")).check()


def test_positions_become_the_names_that_stand_there() -> None:
    columns = Columns(text="1", label="0", group="7", subject=("2",))
    assert by_position(columns, ("l", "t", "u")) == Columns(text="t", label="l", group="7", subject=("u",))
    assert by_position(columns, ("0", "1", "2")) == columns
    assert by_position(columns, ()) == columns


def test_is_told_again_from_an_artifacts_detail() -> None:
    assert Columns.told({"text": "t", "subject": ["u"]}) == Columns(text="t", subject=("u",))


def test_a_missing_column_is_told_with_those_that_are_there() -> None:
    with pytest.raises(UserError, match=r"no column 'txt' \(named as text\)") as caught:
        require(Columns(text="txt"), "txt", ["label", "text"], by_header=False)
    assert caught.value.do == "It has 'label', 'text'. Did you mean 'text'?"


def test_a_missing_column_of_a_table_may_have_no_header() -> None:
    with pytest.raises(UserError, match=r"no column 'user' \(named as subject\)") as caught:
        require(Columns(subject=("user",)), "user", ["ham", "Go on"], by_header=True)
    assert caught.value.do == (
        "It has 'ham', 'Go on'. If its first line names no columns, name them by position: \"0\"."
    )


def test_a_missing_column_of_nameless_fields_is_told_by_position() -> None:
    with pytest.raises(UserError) as caught:
        require(Columns(text="text"), "text", ["0", "1"], by_header=True)
    assert caught.value.do.startswith("Its fields have no names: say '0' to '1'")


def test_long_names_are_cut() -> None:
    assert shortened(["a", "x" * 40]) == f"'a', '{'x' * 30}...'"


def test_case_does_not_matter_and_the_sources_spelling_is_kept() -> None:
    asked = [{"Question": "why?", "Answer": "so", "LABEL": "x"}]
    found = detect(asked, UNNAMED)
    assert found is not None
    assert (found.prompt, found.completion, found.label) == ("Question", "Answer", "LABEL")
    both = detect([{"Text": "a", "text": "b"}], UNNAMED)
    assert both is not None
    assert both.text == "text"
    chat = detect([{"Messages": [{"role": "user", "content": "a"}]}], UNNAMED)
    assert chat is not None
    assert chat.messages == "Messages"


@pytest.mark.parametrize(
    ("record", "path"),
    [
        ({"id": 1, "prompt": {"id": "x", "text": "how are you?", "replies": []}}, "prompt.text"),
        ({"instruction": "a", "instances": [{"input": "", "output": "b"}]}, "instances.0.output"),
        ({"turns": ["a", "b"], "n": {}, "m": [], "o": [[{"a": "b"}]]}, None),
    ],
)
def test_a_text_inside_others_is_an_example_of_a_path(record: dict[str, Any], path: str | None) -> None:
    assert nested([record]) == path
