"""split: groups, shares, and that nothing moves a row."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import lines
import pytest

from adaptline.core import recipe as recipes
from adaptline.core.manifests import rows_of
from adaptline.core.rows import Ref
from adaptline.core.run import run
from adaptline.core.store import Store
from adaptline.errors import UserError


def splits(
    folder: Path,
    records: list[dict[str, Any]],
    files: int = 1,
    *,
    ingest: dict[str, Any] | None = None,
    do: list[Any] | None = None,
    **parameters: Any,
) -> list[tuple[str | None, str | None, str]]:
    """(split, group, text) of every row after a split with these parameters."""
    for i in range(files):
        lines.write(folder / f"data-{i}.jsonl", records[i * len(records) // files : (i + 1) * len(records) // files])
    tables = {
        "raw": {"step": "ingest", "files": "data-*.jsonl", **(ingest or {})},
        "clean": {"step": "curate", "from": "raw", "do": do or []},
        "parts": {"step": "split", "from": "clean" if do else "raw", **parameters},
    }
    made = run(recipes.from_tables(tables, "split", folder), store=folder / "store")
    store = Store.open(folder / "store")
    manifest = store.manifest(made[-1].key)
    assert manifest is not None
    found = []
    for shard in manifest["shards"]:
        said = store.read(Ref(*shard["split"])).to_pylist()
        rows = store.read(Ref(*shard["text"]))["messages"].to_pylist()
        found += [(s["split"], s["group"], row[0]["content"]) for s, row in zip(said, rows, strict=True)]
    return found


def some(count: int) -> list[dict[str, Any]]:
    return [{"text": f"message number {i}", "conversation": i // 4} for i in range(count)]


def test_shares_hold_and_groups_stay_together(tmp_path: Path) -> None:
    found = splits(tmp_path, some(8000), by="conversation", share={"train": 0.8, "validation": 0.1, "test": 0.1})
    counts = Counter(split for split, _, _ in found)
    assert abs(counts["train"] / 8000 - 0.8) < 0.03
    assert abs(counts["test"] / 8000 - 0.1) < 0.03
    by_group: dict[str | None, set[str | None]] = {}
    for split, group, _ in found:
        by_group.setdefault(group, set()).add(split)
    assert len(by_group) == 2000
    assert all(len(of) == 1 for of in by_group.values())


def test_a_row_keeps_its_split_whatever_is_around_it(tmp_path: Path) -> None:
    share = {"train": 0.5, "test": 0.5}
    alone = {text: split for split, _, text in splits(tmp_path / "a", some(50), share=share)}
    among = {text: split for split, _, text in splits(tmp_path / "b", some(300), files=3, share=share)}
    assert {text: among[text] for text in alone} == alone
    turned = {
        text: split for split, _, text in splits(tmp_path / "c", some(300)[::-1], share={"test": 0.5, "train": 0.5})
    }
    assert turned == among
    assert {text: split for split, _, text in splits(tmp_path / "d", some(300), share=share, seed=1)} != among


def test_copies_without_a_group_stay_together(tmp_path: Path) -> None:
    found = splits(tmp_path, [*some(100), *some(100)], share={"train": 0.5, "test": 0.5})
    assert found[:100] == found[100:]


def test_rows_that_have_a_split_keep_it_and_one_can_be_divided(tmp_path: Path) -> None:
    records = [{"text": f"{i}", "split": "train" if i % 2 else "test"} for i in range(200)]
    share = {"train": 0.5, "validation": 0.5}
    kept = splits(tmp_path / "a", records, share=share)
    assert Counter(split for split, _, _ in kept) == {"train": 100, "test": 100}
    divided = Counter(split for split, _, _ in splits(tmp_path / "b", records, share=share, of="train"))
    assert divided["test"] == 100
    assert divided["validation"] > 20
    assert divided["train"] + divided["validation"] == 100


def test_items_that_were_spared_are_divided_among_what_is_held_out_only(tmp_path: Path) -> None:
    records = [{"text": f"{i} of all the items of a task", "split": "test"} for i in range(40)]
    (tmp_path / "task.toml").write_text('files = "data-0.jsonl"\ntext = "text"\n')
    do = [{"use": "decontaminate", "against": "task.toml"}]
    with pytest.raises(UserError, match="makes 'train' out of 'test', whose rows decontaminate"):
        splits(tmp_path, records, do=do, of="test", share={"train": 0.9, "validation": 0.1})
    divided = splits(tmp_path, records, do=do, of="test", share={"test": 0.5, "held-out": 0.5, "train": 0})
    assert {split for split, _, _ in divided} == {"test", "held-out"}
    made = splits(tmp_path, records, do=["exact"], of="test", share={"train": 1.0})
    assert {split for split, _, _ in made} == {"train"}


def test_a_groups_value_is_not_kept_in_clear(tmp_path: Path) -> None:
    splits(tmp_path, [{"text": "a", "who": "mary@example.org"}], by="who", share={"train": 1.0})
    for path in (tmp_path / "store" / "artifacts").rglob("*.json"):
        assert "mary@example.org" not in path.read_text()
    found = splits(tmp_path, [{"text": "a", "who": "mary@example.org"}], by="who", share={"train": 1.0})
    assert found[0][1] is not None
    assert "mary" not in found[0][1]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"share": {"train": 0.5}}, "from 0 on, together 1, not {'train': 0.5}"),
        ({"share": {"train": 1.5, "test": -0.5}}, "from 0 on"),
        ({"share": {}}, "from 0 on"),
        ({"share": {"train": 1.0}, "by": "nobody"}, "no field 'nobody'"),
        ({"share": {"train": "most"}}, "must be a number"),
        ({}, "share is missing"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        splits(tmp_path, some(4), **parameters)


def test_a_row_without_the_field_is_grouped_by_its_text(tmp_path: Path) -> None:
    records = [{"text": "a", "who": 1}, {"text": "b"}, {"text": "b"}]
    (tmp_path / "x").mkdir()
    found = splits(
        tmp_path, [json.loads(json.dumps(record)) for record in records], by="who", share={"train": 0.5, "test": 0.5}
    )
    assert found[1][0] == found[2][0]
    assert found[1][1] is None


def test_a_field_that_only_some_shards_have_is_no_mistake(tmp_path: Path) -> None:
    records = [{"text": f"a message of some length, number {i} of very many"} for i in range(4000)] + [
        {"text": "z", "who": 1}
    ]
    found = splits(tmp_path, records, files=2, by="who", share={"train": 0.5, "test": 0.5})
    assert [group is not None for _, group, _ in found].count(True) == 1


def whole(found: list[tuple[str | None, str | None, str]], groups: int) -> bool:
    """Whether the rows make so many groups, each within one split."""
    splits_of: dict[str | None, set[str | None]] = {}
    for split, group, _ in found:
        splits_of.setdefault(group, set()).add(split)
    return None not in splits_of and len(splits_of) == groups and all(len(of) == 1 for of in splits_of.values())


def named_conversations(count: int) -> list[dict[str, Any]]:
    """Rows whose conversation is a string, which leaves `extra` where ingest takes it."""
    return [record | {"conversation": f"c{record['conversation']}"} for record in some(count)]


HALVES = {"train": 0.5, "test": 0.5}


@pytest.mark.parametrize("by", [None, "conversation", "group"])
def test_the_field_that_ingest_took_as_group_groups(tmp_path: Path, by: str | None) -> None:
    named: dict[str, Any] = {"by": by} if by else {}
    assert whole(
        splits(tmp_path, named_conversations(200), ingest={"group": "conversation"}, share=HALVES, **named), 50
    )


def test_rows_whose_group_is_empty_are_grouped_by_their_text(tmp_path: Path) -> None:
    records: list[dict[str, Any]] = [{"text": "a", "conversation": 1}, *[{"text": f"alone {i}"} for i in range(40)]]
    found = splits(tmp_path, records, ingest={"group": "conversation"}, share=HALVES)
    assert [group is None for _, group, _ in found] == [False, *[True] * 40]
    assert {split for split, _, _ in found[1:]} == {"train", "test"}


@pytest.mark.parametrize("role", ["label", "subject"])
def test_a_field_that_ingest_took_as_something_else_still_groups(tmp_path: Path, role: str) -> None:
    records = named_conversations(200)
    named = {role: ["conversation"] if role == "subject" else "conversation"}
    assert whole(splits(tmp_path, records, ingest=named, by="conversation", share=HALVES), 50)


def test_one_of_several_subjects_makes_no_group(tmp_path: Path) -> None:
    """Their HMACs are kept together, so a row's whole list would stand for one of them and a person span two splits."""
    records = [{"text": f"{i}", "user": f"u{i % 5}", "agent": f"a{i}"} for i in range(40)]
    with pytest.raises(UserError, match="'user' is one of several subjects") as caught:
        splits(tmp_path, records, ingest={"subject": ["user", "agent"]}, by="user", share=HALVES)
    assert 'group = "user"' in caught.value.do
    assert whole(
        splits(
            tmp_path / "grouped",
            records,
            ingest={"subject": ["user", "agent"], "group": "user"},
            by="user",
            share=HALVES,
        ),
        5,
    )


@pytest.mark.parametrize("name", ["file", "line", "row"])
def test_a_field_that_is_called_like_a_column_of_ours_is_the_sources(tmp_path: Path, name: str) -> None:
    records = [{"text": f"{i}", name: i % 20} for i in range(200)]
    assert whole(splits(tmp_path, records, by=name, share=HALVES), 20)


def test_a_sources_own_label_beside_the_one_that_was_taken(tmp_path: Path) -> None:
    records = [{"text": f"{i}", "intent": "same", "label": f"l{i % 20}"} for i in range(200)]
    assert whole(splits(tmp_path, records, ingest={"label": "intent"}, by="label", share=HALVES), 20)


def test_a_sources_own_group_that_was_not_taken(tmp_path: Path) -> None:
    assert whole(
        splits(tmp_path, [{"text": f"{i}", "group": i % 20} for i in range(200)], by="group", share=HALVES), 20
    )


def test_a_file_with_a_group_of_its_own_does_not_move_the_rows_of_another(tmp_path: Path) -> None:
    """Small files share a shard: what ingest took as group in one must not depend on the fields of the next."""
    mine = [{"text": f"{i}", "conv": f"c{i // 4}"} for i in range(40)]
    alone = splits(tmp_path / "alone", mine, ingest={"group": "conv"}, by="group", share=HALVES)
    lines.write(tmp_path / "both" / "data-1.jsonl", [{"text": "x", "conv": f"d{i}", "group": i} for i in range(4)])
    both = splits(tmp_path / "both", mine, ingest={"group": "conv"}, by="group", share=HALVES)
    assert [split for split, _, _ in both[:40]] == [split for split, _, _ in alone]


def test_a_split_to_divide_that_no_row_has(tmp_path: Path) -> None:
    records = [{"text": f"{i}", "split": "train"} for i in range(20)]
    with pytest.raises(UserError, match="no row has the split 'trian' to divide") as caught:
        splits(tmp_path, records, of="trian", share=HALVES)
    assert caught.value.do == "Did you mean 'train'?"


def test_people_make_a_group_in_any_order(tmp_path: Path) -> None:
    records = [{"text": f"{i}", "who": ["anna", "bo"] if i % 2 else ["bo", "anna"]} for i in range(40)]
    assert whole(splits(tmp_path, records, ingest={"subject": ["who"]}, by="who", share=HALVES), 1)


def test_a_field_is_known_by_its_name_after_a_transform(tmp_path: Path) -> None:
    records = [record | {"text": f"{record['text']}\u200b"} for record in named_conversations(40)]
    found = splits(tmp_path, records, ingest={"group": "conversation"}, do=["unicode"], by="conversation", share=HALVES)
    assert found[0][2] == "message number 0"
    assert whole(found, 10)


@pytest.mark.parametrize("field", ["mr", "ref"])
def test_prompts_and_answers_group_too(tmp_path: Path, field: str) -> None:
    """As the E2E challenge needs it: several descriptions of one meaning, which must not span two splits."""
    lines = [f"name[{number % 40}],text {number}\n" for number in range(400)]
    (tmp_path / "dev.csv").write_text("mr,ref\n" + "".join(lines))
    tables = {
        "raw": {"step": "ingest", "files": "dev.csv", "prompt": "mr", "completion": "ref"},
        "parts": {"step": "split", "from": "raw", "by": field, "share": {"train": 0.5, "test": 0.5}},
    }
    made = run(recipes.from_tables(tables, "e2e", tmp_path), workers=1)
    store = Store.open(tmp_path / ".adaptline")
    found: dict[str, set[str]] = {}
    for shard in rows_of(store.manifest(made[-1].key) or {}).shards:
        assert shard.split is not None
        held = zip(
            store.read(shard.text)["messages"].to_pylist(), store.read(shard.split)["split"].to_pylist(), strict=True
        )
        for messages, split in held:
            found.setdefault(messages[0 if field == "mr" else 1]["content"], set()).add(split)
    assert len(found) == (40 if field == "mr" else 400)
    assert all(len(of) == 1 for of in found.values())
    assert set().union(*found.values()) == {"train", "test"}
