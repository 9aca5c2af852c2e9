"""Children of a shard's rows: which rows have some, what they say, and what becomes of what was refused."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptline.core import registry, rows
from adaptline.core.artifacts import Use
from adaptline.data import children
from adaptline.data.children import BOUNDS, COPY, REPEAT
from adaptline.data.passages import TOO_LONG
from adaptline.errors import RunError

MINE = '''
from adaptline import Passage, Refused, augmenter


@augmenter(version=1)
def louder(passages: list[Passage]) -> list[str | Refused]:
    """Louder; what whispers is refused, and what is loud stays."""
    return [Refused("quiet", passage.text) if "psst" in passage.text else passage.text.upper() for passage in passages]


@augmenter(version=1)
def fewer(passages: list[Passage]) -> list[str]:
    """One text too few."""
    return [passage.text for passage in passages][1:]


@augmenter(version=1)
def number(passages: list[Passage]) -> list[str]:
    """No texts."""
    return [3 for passage in passages]
'''
CHATS = [
    [("user", "hello"), ("assistant", "yes?"), ("user", "psst, a table")],
    [("user", "psst"), ("assistant", "yes?")],
    [("user", "LOUD"), ("assistant", "yes?")],
    [("text", "plain")],
    [("text", " ")],
]


def shard(chats: list[list[tuple[str, str]]]) -> pa.Table:
    messages = [[{"role": role, "content": content} for role, content in chat] for chat in chats]
    columns = {
        "messages": pa.array(messages, rows.COLUMNS["messages"]),
        "label": pa.array([f"label {number}" for number in range(len(chats))]),
        "split": pa.array(["train"] * len(chats)),
        "file": pa.array(["a.jsonl"] * len(chats)),
        "row": pa.array(range(1, len(chats) + 1), pa.int64()),
    }
    return rows.table(columns, len(chats))


def use(folder: Path, name: str) -> Use:
    (folder / "mine.py").write_text(MINE)
    path = f"./mine.py:{name}"
    return Use(path, "augmenter", {}, {}, registry.load("augmenter", path, folder).identity, folder)


def changes(folder: Path, of: pa.Table, name: str = "louder", *, copies: int = 1) -> pa.Table:
    every = np.arange(of.num_rows)
    return children.rewritten(of, every, use(folder, name), name, "prompt", 0, copies)


def test_draws_follow_from_a_rows_source_and_not_from_its_place() -> None:
    found = shard([[("text", str(number))] for number in range(2000)])
    draws = children.draws_of(found, 0, "noise")
    backwards = np.arange(2000)[::-1]
    assert (children.draws_of(found.take(pa.array(backwards)), 0, "noise") == draws[backwards]).all()
    for other in (children.draws_of(found, 1, "noise"), children.draws_of(found, 0, "synonyms")):
        assert abs(np.corrcoef(draws, other)[0, 1]) < 0.1
    assert 0 <= draws.min() < 0.01
    assert 0.99 < draws.max() < 1
    assert abs(draws.mean() - 0.5) < 0.03


@given(st.floats(0, 1), st.sampled_from(BOUNDS))
def test_bands_cover_a_share_once_and_a_larger_share_has_those_of_a_smaller(share: float, bound: float) -> None:
    found = list(children.bands(share))
    assert all(one[1] == other[0] for one, other in itertools.pairwise(found))
    assert (found[0][0], found[-1][1]) == (0, share) if share else not found
    if bound <= share:
        smaller = list(children.bands(bound))
        assert found[: len(smaller)] == smaller


def test_prompts_are_said_otherwise_and_all_else_stays(tmp_path: Path) -> None:
    found = shard(CHATS)
    made = children.children(found, changes(tmp_path, found), "digest")
    said = [[message["content"] for message in chat] for chat in made["messages"].to_pylist()]
    assert said == [["HELLO", "yes?", "psst, a table"], ["PLAIN"]]
    assert (made["parent_row"].to_pylist(), set(made["parent_shard"].to_pylist())) == ([0, 3], {"digest"})
    for name in ("label", "split", "file", "row"):
        assert made[name].to_pylist() == [found[name][0].as_py(), found[name][3].as_py()]


def test_every_child_is_made_or_refused_by_one_gate(tmp_path: Path) -> None:
    asked, made, refused = children.count(changes(tmp_path, shard(CHATS)))
    assert (asked, made, dict(refused)) == (4, 2, {"quiet": 1, COPY: 1})


def test_a_second_copy_that_says_the_same_is_refused(tmp_path: Path) -> None:
    found = changes(tmp_path, shard(CHATS[3:]), copies=3).to_pylist()
    assert [(entry["copy"], entry["refused"]) for entry in found] == [(0, None), (1, REPEAT), (2, REPEAT)]


def test_a_text_that_is_too_long_is_given_to_nobody(tmp_path: Path) -> None:
    long = "x" * (children.LONGEST + 1)
    found = changes(tmp_path, shard([[("text", long)], [("text", "short")]])).to_pylist()
    assert [(entry["content"], entry["refused"]) for entry in found] == [(long, TOO_LONG), ("SHORT", None)]


@pytest.mark.parametrize(("name", "what"), [("fewer", "1 texts for 2 passages"), ("number", "3 is no text")])
def test_an_augmenter_that_gives_something_else_is_named(tmp_path: Path, name: str, what: str) -> None:
    with pytest.raises(RunError, match=rf"mine.py:{name} failed(?s:.*){what}"):
        changes(tmp_path, shard([[("text", "one")], [("text", "other")]]), name)


def test_no_rows_have_no_children(tmp_path: Path) -> None:
    empty = shard(CHATS[4:])
    found = changes(tmp_path, empty)
    assert found.schema == children.CHANGES
    assert children.children(empty, found, "digest").num_rows == 0
    assert children.count(found) == (0, 0, {})
