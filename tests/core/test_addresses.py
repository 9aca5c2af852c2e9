"""Addresses of rows: each names one place, or is told what would be right."""

from __future__ import annotations

from pathlib import Path

import histories
import lines
import pytest

from adaptline.core import trace
from adaptline.core.history import History
from adaptline.core.run import run
from adaptline.errors import UserError


def test_a_name_that_two_files_have_is_not_guessed(tmp_path: Path) -> None:
    path = lines.make(tmp_path, files=0, recipe=lines.RECIPE.replace("data/*.jsonl", "*/rows.jsonl"))
    for i, folder in enumerate("ab"):
        lines.write(tmp_path / folder / "rows.jsonl", lines.records(i, 5))
    run(path)
    with pytest.raises(UserError, match="names 2 files"):
        trace.trace_row(histories.opened(path), "rows.jsonl:1")
    assert trace.trace_row(histories.opened(path), "b/rows.jsonl:1")["origin"]["text"] == lines.records(1, 5)[0]["text"]


def test_two_shards_are_told_apart_by_position(tmp_path: Path) -> None:
    path = lines.make(tmp_path, files=1, rows=3000)
    run(path)
    found = histories.opened(path)
    assert len(found.manifests["raw"][0]["shards"]) > 2
    last = trace.trace_row(found, "clean:2999")["origin"]
    assert last["row"] == 3000
    assert trace.trace_row(found, "data/part-0.jsonl:3000")["origin"] == last
    assert trace.trace_row(found, f"{last['shard'][:12]}:{last['position']}")["origin"] == last


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("nonsense", "names no row"),
        ("rows.jsonl:99", "rows 1 to 8"),
        ("data/rows.jsonl:99", "rows 1 to 8"),
        ("data/rows.jsonk:1", "Did you mean 'data/rows.jsonl'"),
        ("clean:99", "rows 0 to 7"),
        ("ffffffffffff:0", "no row"),
        ("ffff:0", "no row"),
    ],
)
def test_a_wrong_address_is_told_what_would_be_right(history: History, address: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        trace.trace_row(history, address)


def test_a_digest_may_be_a_steps_or_a_shards(history: History) -> None:
    clean = history.manifests["clean"][0]
    by_step = trace.trace_row(history, f"{clean['digest'][:12]}:2")["origin"]
    by_shard = trace.trace_row(history, f"{clean['shards'][0]['text'][1][:12]}:2")["origin"]
    assert by_step == by_shard == trace.trace_row(history, "clean:2")["origin"]
