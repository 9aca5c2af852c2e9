from __future__ import annotations

from typing import Any

import pytest
import tiny

from adaptline.core.rows import Rows
from adaptline.errors import UserError
from adaptline.models.examples import EXAMPLE, select_examples


def record(
    text: str | None = "a table", label: str | None = "book", split: str | None = "train", **more: Any
) -> dict[str, Any]:
    return {"text": text, "label": label, "split": split, **more}


def test_rows_of_the_splits_in_order_each_with_its_position(shards: tiny.Shards) -> None:
    rows = shards.rows(
        [record("one"), record("two", split="test"), record("three", split="validation"), record("four")], per_shard=2
    )
    found = select_examples(rows, shards.read, ["train", "validation"])
    assert found.schema == EXAMPLE
    assert found["text"].to_pylist() == ["one", "three", "four"]
    assert found["split"].to_pylist() == ["train", "validation", "train"]
    first, second = (shard.text.digest for shard in rows.shards)
    assert found["shard"].to_pylist() == [first, second, second]
    assert found["row"].to_pylist() == [0, 0, 1]


def test_positions_lead_back_to_the_rows(shards: tiny.Shards) -> None:
    rows = shards.rows(tiny.records(96), per_shard=7)
    found = select_examples(rows, shards.read, ["validation"]).to_pylist()
    tables = {shard.text.digest: shards.read(shard.text) for shard in rows.shards}
    assert found
    for example in found:
        row = tables[example["shard"]].slice(example["row"], 1).to_pylist()[0]
        assert row["messages"][0]["content"] == example["text"]
        assert (row["label"], row["split"]) == (example["label"], "validation")


def test_a_later_split_counts_and_not_that_of_the_source(shards: tiny.Shards) -> None:
    rows = shards.rows([record("one", new_split="test"), record("two", split=None, new_split="train")])
    assert select_examples(rows, shards.read, ["train"])["text"].to_pylist() == ["two"]


def test_dropped_and_unreadable_rows_are_out(shards: tiny.Shards) -> None:
    broken = record(None, None, unreadable="not JSON: column 7")
    rows = shards.rows([record("one", keep=False), record("two", keep=True), broken, record("four")])
    assert select_examples(rows, shards.read, ["train"])["text"].to_pylist() == ["two", "four"]


def test_a_dropped_row_may_lack_its_label(shards: tiny.Shards) -> None:
    rows = shards.rows([record("one", None, keep=False), record("two", None, split="other"), record("three")])
    assert select_examples(rows, shards.read, ["train"])["text"].to_pylist() == ["three"]


@pytest.mark.parametrize(("what", "missing"), [("label", {"label": None}), ("text", {"text": None})])
def test_a_row_without_label_or_text_is_named(shards: tiny.Shards, what: str, missing: dict[str, None]) -> None:
    rows = shards.rows([record(), record(line=12) | missing, record() | missing])
    with pytest.raises(UserError) as caught:
        select_examples(rows, shards.read, ["train"])
    assert str(caught.value).startswith(f"desk.jsonl, line 12: row 2 has no {what}; 2 such rows in this shard\n")
    assert caught.value.do


def test_without_any_split_the_error_says_what_step_to_add(shards: tiny.Shards) -> None:
    with pytest.raises(UserError, match='step = "split"'):
        select_examples(shards.rows([record(split=None)] * 3), shards.read, ["train"])


def test_a_split_without_rows_is_told_with_those_that_have_some(shards: tiny.Shards) -> None:
    with pytest.raises(UserError, match='no row is left in the split "test"; rows per split: train 1') as caught:
        select_examples(shards.rows([record()]), shards.read, ["test"])
    assert 'of = "train"' in caught.value.do


@pytest.mark.parametrize("name", ["val", "valid", "dev"])
def test_what_corpora_call_validation_is_validation(shards: tiny.Shards, name: str) -> None:
    found = select_examples(shards.rows([{**record(), "split": name}, record()]), shards.read, ["train", "validation"])
    assert sorted(found["split"].to_pylist()) == ["train", "validation"]


def test_a_split_steps_dev_is_no_validation(shards: tiny.Shards) -> None:
    found = [{**record(), "new_split": name} for name in ("train", "dev")]
    with pytest.raises(UserError, match='no row is left in the split "validation"; rows per split: dev 1, train 1'):
        select_examples(shards.rows(found), shards.read, ["train", "validation"])


def test_a_dev_split_beside_a_validation_split_stays_apart(shards: tiny.Shards) -> None:
    found = [{**record(), "split": name} for name in ("train", "validation", "dev")]
    assert select_examples(shards.rows(found), shards.read, ["train", "validation"]).num_rows == 2


def test_no_shards_have_no_split() -> None:
    with pytest.raises(UserError, match="no row belongs to a split"):
        select_examples(Rows(()), tiny.Shards().read, ["train"])


def test_several_messages_are_one_text(shards: tiny.Shards) -> None:
    rows = shards.rows([record("one")])
    table = shards.read(rows.shards[0].text)
    chat = [[{"role": "user", "content": "hello"}, {"role": "assistant", "content": "hi"}]]
    changed = table.set_column(0, table.schema.field("messages"), [chat])
    rows = Rows((type(rows.shards[0])(shards.add(changed)),))
    assert select_examples(rows, shards.read, ["train"])["text"].to_pylist() == ["hello\nhi"]
