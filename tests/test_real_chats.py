"""Real chats and instructions: every form is read, and of every chat the answers are learnt and nothing else."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import tiny_writer
from chat_templates import TEMPLATES, Template

from adaptline.core import rows
from adaptline.data.reading import read_table
from adaptline.data.schemas import UNNAMED
from adaptline.errors import UserError
from adaptline.models.answers import answers_of
from adaptline.models.examples import CHAT
from adaptline.models.writer import TemplateMisfitError, Writer, load_writer

RealData = Callable[[str], Path]
Chat = list[dict[str, str]]
TREE = {"prompt": "prompt.text", "completion": "prompt.replies.0.text"}
NESTED = {"prompt": "instruction", "context": "instances.0.input", "completion": "instances.0.output"}
# File -> the fields to be named where their names do not tell, rows, and answers in them.
CHATS: dict[str, tuple[dict[str, str], int, int]] = {
    "chat_fastchat/dummy_conversation.json": ({}, 500, 1000),
    "chat_toolcall/glaive_toolcall_en_demo.json.gz": ({}, 300, 957),
    "chat_oasst/en_100_tree.jsonl.gz": (TREE, 100, 100),
    "instruct_self_instruct/seed_tasks.jsonl": (NESTED, 175, 175),
    "instruct_self_instruct/user_oriented_instructions.jsonl": (NESTED, 252, 252),
    "instruct_gpteacher/codegen-instruct.json.gz": ({}, 4535, 4535),
    "instruct_gpteacher/roleplay-simple-deduped-roleplay-instruct.json.gz": ({}, 1923, 1923),
    "instruct_gsm8k/test.jsonl.gz": ({}, 1319, 1319),
}
AMONG = {4535: 20, 1923: 10, 1319: 10}  # of the large sets one row in so many is written as tokens


def read(name: str, real_data: RealData, **columns: Any) -> list[Chat]:
    table = read_table(real_data(name), columns=replace(UNNAMED, **columns))
    assert table["unreadable"].null_count == table.num_rows
    found: list[Chat] = table["messages"].to_pylist()
    return found


@pytest.fixture(scope="module", params=TEMPLATES)
def writing(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Writer, Template]:
    """A base with a template, and what that is."""
    template = TEMPLATES[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    base = tiny_writer.write_base(folder, template=template.text, positions=16_384, turns=template.special)
    return load_writer(base), template


def learnt(writer: Writer, messages: Chat) -> list[str]:
    """The runs of tokens that are learnt, as texts."""
    encoded = writer.lesson(messages)
    runs = groupby(zip(encoded.tokens, encoded.learnt, strict=True), key=lambda pair: pair[1])
    return [str(writer.tokenizer.decode([token for token, _ in run])) for taken, run in runs if taken]


def takes(template: Template, messages: Chat) -> bool:
    """Whether a template takes a chat, by what its model's card says."""
    alternate = "alternate" in (template.text or "")
    return not alternate or all(said["role"] == ("user", "assistant")[i % 2] for i, said in enumerate(messages))


@pytest.mark.parametrize("name", CHATS)
def test_the_answers_of_every_chat_are_learnt_and_nothing_else(
    name: str, writing: tuple[Writer, Template], real_data: RealData
) -> None:
    (writer, template), (columns, count, answers) = writing, CHATS[name]
    chats = read(name, real_data, **columns)
    assert (len(chats), sum(said["role"] == "assistant" for chat in chats for said in chat)) == (count, answers)
    refused = 0
    for chat in chats[:: AMONG.get(count, 1)]:
        said = [message["content"] for message in chat if message["role"] == "assistant"]
        if takes(template, chat):
            expected = [f"{text.strip() if template.strips else text}{template.end}" for text in said]
            found = learnt(writer, chat)
            assert [text.lstrip() if template.strips else text for text in found] == expected
        else:
            refused += 1
            with pytest.raises(TemplateMisfitError, match="must alternate"):
                writer.lesson(chat)
    assert (refused > 0) == ("toolcall" in name and "alternate" in (template.text or ""))


def test_chats_that_a_template_does_not_take_are_counted_with_the_reason(
    writing: tuple[Writer, Template], real_data: RealData
) -> None:
    writer, template = writing
    chats = read("chat_toolcall/glaive_toolcall_en_demo.json.gz", real_data)
    without_tools = sum(all(said["role"] != "tool" for said in chat) for chat in chats)
    kept = without_tools if "alternate" in (template.text or "") else 300
    assert without_tools == 147
    columns = [chats * 2, ["train"] * 300 + ["validation"] * 300, ["0"] * 600, list(range(600))]
    found = answers_of(writer, pa.table([pa.array(c, f.type) for c, f in zip(columns, CHAT, strict=True)], schema=CHAT))
    assert (len(found.training), len(found.validation)) == (kept, kept)
    assert list(found.passed_over.values()) == [2 * (300 - kept)] * (kept < 300)
    assert all("the template takes: Conversation roles must alternate" in reason for reason in found.passed_over)


def test_what_tools_did_is_kept_as_it_came(real_data: RealData) -> None:
    """The roles are ours; the record, with the tools' definitions, is in extra."""
    path = real_data("chat_toolcall/glaive_toolcall_en_demo.json.gz")
    table = read_table(path)
    records = json.loads(gzip.decompress(path.read_bytes()))
    ours = {"human": "user", "gpt": "assistant", "function_call": "assistant", "observation": "tool"}
    for messages, extra, record in zip(table["messages"].to_pylist(), table["extra"].to_pylist(), records, strict=True):
        assert json.loads(extra) == record
        assert messages == [{"role": ours[said["from"]], "content": said["value"]} for said in record["conversations"]]


def test_the_same_questions_and_answers_come_out_of_every_form(real_data: RealData) -> None:
    names = ("rows.jsonl", "rows.json", "rows.csv", "rows.tsv", "rows.parquet", "rows.arrow", "rows.xml")
    forms = (*names, "rows.sharegpt.json", "rows.openai.jsonl", "rows.alpaca.json")
    options: dict[str, Any] = {"rows.tsv": {"quotes": True}}  # a csv with tabs; a tsv's quotes are text unless told
    found = [
        read_table(real_data(f"formats_gsm8k_200/{form}"), options=options.get(form))["messages"].to_pylist()
        for form in forms
    ]
    lines = real_data("formats_gsm8k_200/rows.jsonl").read_text("utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    expected = [
        [{"role": "user", "content": record["question"]}, {"role": "assistant", "content": record["answer"]}]
        for record in records
    ]
    assert len(expected) == 200
    for form, chats in zip(forms, found, strict=True):
        assert chats == expected, form


@pytest.mark.parametrize(
    ("name", "what", "do"),
    [
        ("instruct_self_instruct/seed_tasks.jsonl", "it cannot be told which", '"instances.0.output"'),
        ("chat_oasst/en_100_tree.jsonl.gz", "it cannot be told which", '"prompt.text"'),
        ("chat_fastchat/mt_bench_question.jsonl", "it cannot be told which", "Name one"),
    ],
)
def test_what_cannot_be_read_by_itself_says_so(name: str, what: str, do: str, real_data: RealData) -> None:
    with pytest.raises(UserError, match=what) as caught:
        read_table(real_data(name))
    assert do in caught.value.do


def test_single_messages_are_texts(real_data: RealData) -> None:
    """A tree's first message with what is said of it, one a line: its text is what is there to learn."""
    table = read_table(real_data("chat_oasst/en_100_message.jsonl.gz"))
    assert rows.texts(table).null_count == 0
    assert {message["role"] for chat in table["messages"].to_pylist() for message in chat} == {"text"}
