"""Chats that are broken as such, and those that are not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptline.core import registry, rows
from adaptline.data.filters.chat import REFUSALS, RULES, chat
from adaptline.data.reading import read_table
from adaptline.errors import UserError

Turn = tuple[str, str | None]
NAMES = {"s": "system", "u": "user", "a": "assistant", "t": "tool", "x": "text", "o": "other"}
QUESTION = ("user", "What is the capital of France?")
LONG_WORDS = 10


def found(*chats: list[Turn] | None, **parameters: Any) -> Any:
    messages = [
        None if turns is None else [{"role": role, "content": content} for role, content in turns] for turns in chats
    ]
    return chat(rows.table({"messages": messages}, len(chats)), **parameters).to_pylist()


def label(*turns: Turn, **parameters: Any) -> Any:
    return found(list(turns), **parameters)[0]["score"]


def in_order(letters: str) -> list[Turn]:
    """Turns of roles by their letters, each with a content of its own."""
    return [(NAMES[letter], f"Content number {number}.") for number, letter in enumerate(letters)]


@pytest.mark.parametrize("letters", ["ua", "sua", "u", "su", "uaua", "uau", "uata", "suattaua", "uat"])
def test_roles_in_order(letters: str) -> None:
    assert label(*in_order(letters)) == "fine"


@pytest.mark.parametrize(
    ("letters", "because"),
    [
        ("a", "turn 1: assistant begins"),
        ("tua", "turn 1: tool begins"),
        ("sa", "turn 2: assistant after system"),
        ("ssua", "turn 2: system after system"),
        ("uua", "turn 2: user after user"),
        ("uaa", "turn 3: assistant after assistant"),
        ("uasua", "turn 3: system after assistant"),
        ("ut", "turn 2: tool after user"),
        ("uatu", "turn 4: user after tool"),
        ("uo", "turn 2: other after user"),
        ("oua", "turn 1: other begins"),
        ("uxa", "turn 2: text after user"),
    ],
)
def test_roles_out_of_order(letters: str, because: str) -> None:
    assert found(in_order(letters)) == [{"score": "roles", "because": because}]


def test_plain_texts_and_rows_without_messages_have_no_score() -> None:
    assert found([("text", "Hello")], [], None) == [{"score": None, "because": None}] * 3


@pytest.mark.parametrize("nothing", [None, "", " \n\u3000"])
def test_turns_that_say_nothing(nothing: str | None) -> None:
    assert found([QUESTION, ("assistant", nothing)]) == [
        {"score": "empty", "because": "turn 2: assistant says nothing"}
    ]
    assert label(("system", nothing), QUESTION) == "empty"
    assert label(("user", nothing), ("assistant", "Paris.")) == "empty"
    assert label(QUESTION, ("assistant", nothing), ("tool", "Paris"), ("assistant", "It is Paris.")) == "fine"
    assert label(QUESTION, ("assistant", nothing), ("tool", nothing), ("assistant", "It is Paris.")) == "empty"


def test_turns_that_were_there_before() -> None:
    again = ("assistant", "  what is  the CAPITAL of france? ")
    assert found([QUESTION, again]) == [{"score": "repeated", "because": "turn 2: says what turn 1 says"}]
    assert label(QUESTION, ("assistant", "It is Paris."), QUESTION) == "repeated"
    assert label(QUESTION, ("assistant", "What is the capital of Spain?")) == "fine"
    assert label(("system", QUESTION[1]), QUESTION) == "fine"


def test_short_turns_may_be_said_twice() -> None:
    for size, expected in ((19, "fine"), (20, "repeated")):
        turn = "y" * size
        assert label(("user", turn), ("assistant", "Good."), ("user", turn)) == expected
    assert label(("user", "yes"), ("assistant", "yes"), min_repeated=3) == "repeated"


@pytest.mark.parametrize(
    "answer",
    [
        "As an AI language model, I cannot do that.",
        "Well, as an artificial intelligence I don't have feelings.",
        "I'm sorry, but I can't help with that.",
        "I\u2019m sorry, but as an AI I can\u2019t browse.",
        "I am very sorry. I am unable to comply.",
        "Sorry, we cannot do this.",
        "Unfortunately, I cannot provide that.",
        "I can't assist with that.",
        "Hello! I'm just an AI assistant.",
    ],
)
def test_refusals(answer: str) -> None:
    assert label(QUESTION, ("assistant", answer)) == "refusal"
    assert label(("user", answer), ("assistant", "Fine.")) == "fine"
    assert label(QUESTION, ("assistant", answer), refusals=[]) == "fine"


@pytest.mark.parametrize(
    "answer",
    [
        "I'm sorry to hear that. Try to restart it.",
        "You can write: I cannot attend.",
        "An AI is a program.",
        "Paris. " * 50 + "As an AI I cannot say more.",
    ],
)
def test_answers_that_are_no_refusals(answer: str) -> None:
    assert label(QUESTION, ("assistant", answer)) == "fine"


def test_refusals_of_another_language() -> None:
    found_one = found(
        [("user", "Hilf mir."), ("assistant", "Das kann ich LEIDER nicht.")], refusals=["nein", "leider nicht"]
    )
    assert found_one == [{"score": "refusal", "because": "turn 2: fits pattern 2 of 2"}]


@pytest.mark.parametrize("end", ["wo", "42", "this,", "this (", "half-", "say \u201c", "\u0434\u0430"])
def test_answers_that_break_off(end: str) -> None:
    answer = " ".join([*["word"] * LONG_WORDS, end])
    assert label(QUESTION, ("assistant", answer)) == "broken_off"
    assert label(QUESTION, ("assistant", f"{answer} \n"), ("user", "Go on."), ("assistant", "No.")) == "broken_off"
    assert label(("user", answer), ("assistant", "Paris.")) == "fine"


@pytest.mark.parametrize(
    "end", ["now.", "now!", "now?", 'now."', "now)", "now:", "\u597d\u3002", "\U0001f600", "**now**"]
)
def test_answers_that_end_like_sentences(end: str) -> None:
    assert label(QUESTION, ("assistant", " ".join([*["word"] * LONG_WORDS, end]))) == "fine"


@pytest.mark.parametrize(
    "last", ["- milk", "* milk", "3. milk", "(a) milk", "# Milk", "| milk", "> milk", "    milk()"]
)
def test_items_headings_and_code_may_end_without_a_mark(last: str) -> None:
    assert label(QUESTION, ("assistant", f"Buy this:\n{last} {'word ' * LONG_WORDS}")) == "fine"


def test_short_lines_may_end_without_a_mark() -> None:
    for words, expected in ((9, "fine"), (10, "broken_off")):
        assert label(QUESTION, ("assistant", " ".join(["word"] * words))) == expected
        assert label(QUESTION, ("assistant", "Dear Anna,\n" + " ".join(["word"] * words))) == expected
    assert label(QUESTION, ("assistant", f"{'word ' * LONG_WORDS}.\nYours,\nAnna")) == "fine"
    assert label(QUESTION, ("assistant", "Paris"), min_words=1) == "broken_off"


@pytest.mark.parametrize("fence", ["```", "~~~"])
def test_a_code_fence_is_closed(fence: str) -> None:
    code = f"Like this:\n{fence}python\nprint()\n"
    assert found([QUESTION, ("assistant", code)])[0] == {
        "score": "broken_off",
        "because": "turn 2: a code fence is open at its end",
    }
    assert label(QUESTION, ("assistant", code + fence)) == "fine"
    assert label(QUESTION, ("assistant", f"Write {fence} before code.")) == "fine"
    assert label(QUESTION, ("assistant", "Like this:\n```print()```")) == "fine"


def test_the_first_broken_rule_counts_and_rules_can_be_left_out() -> None:
    turns: list[Turn] = [("user", None), ("user", None), ("assistant", "I'm sorry, I can't.\n```")]
    expected = ["roles", "empty", "refusal", "broken_off"]
    left = list(RULES)
    for rule in expected:
        assert label(*turns, rules=left) == rule
        left.remove(rule)
    assert label(*turns, rules=left) == "fine"


TURNS = st.lists(st.tuples(st.sampled_from(list(NAMES.values())), st.none() | st.text()), max_size=5)


@given(st.lists(TURNS, max_size=4))
def test_every_chat_gets_a_label_and_a_reason(chats: list[list[Turn]]) -> None:
    for turns, row in zip(chats, found(*chats), strict=True):
        is_chat = any(role != "text" for role, _ in turns)
        assert row["score"] in ("fine", *RULES) if is_chat else row["score"] is None
        assert (row["because"] is None) == (row["score"] in (None, "fine"))


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ({"rules": ["role"]}, "the rule 'role', which chat does not know"),
        ({"refusals": ["("]}, "no regular expression"),
        ({"refusals": ["x*"]}, "fits any answer"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(wrong: dict[str, Any], what: str) -> None:
    method = registry.load("filter", "chat")
    assert method.check is not None
    method.check()
    method.check(rules=["roles"], refusals=REFUSALS)
    with pytest.raises(UserError, match=what):
        method.check(**wrong)


def test_it_keeps_what_is_fine() -> None:
    options = registry.load("filter", "chat").options
    assert (options["defaults"], options["labels"]()) == ({"keep": ["fine"]}, ["fine", *RULES])


@pytest.mark.parametrize(
    ("name", "fine"),
    [
        ("instruct_gsm8k/test.jsonl.gz", 1.0),
        ("chat_fastchat/dummy_conversation.json", 1.0),
        ("instruct_gpteacher/codegen-instruct.json.gz", 0.99),
        ("instruct_gpteacher/roleplay-simple-deduped-roleplay-instruct.json.gz", 0.99),
        (
            "chat_toolcall/glaive_toolcall_en_demo.json.gz",
            0.92,
        ),  # in 18 of 300 an assistant says that it cannot do a thing
    ],
)
def test_most_chats_that_people_train_on_are_fine(name: str, fine: float, real_data: Callable[[str], Path]) -> None:
    scores = chat(read_table(real_data(name))).field("score").to_pylist()
    assert scores.count("fine") >= fine * len(scores)
