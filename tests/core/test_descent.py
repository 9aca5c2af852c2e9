"""Children of rows: traced back to their parents, and forward by themselves."""

from __future__ import annotations

from typing import Any

import lines
import pytest

from adaptline.core import recipe as recipes
from adaptline.core import trace
from adaptline.core.history import History
from adaptline.core.run import run
from adaptline.core.store import Store
from adaptline.errors import UserError

RECIPE = """
[raw]
step  = "ingest"
files = ["data/*.jsonl"]
label = "label"

[parts]
step  = "split"
from  = "raw"
share = { train = 1.0 }

[clean]
step = "curate"
from = "parts"
do   = ["./mine.py:louder", { use = "length", min = 5 }]

[other]
step = "curate"
from = "clean"
do   = [{ use = "length", min = 8 }]

[more]
step = "augment"
from = "clean"
do   = [{ use = "./mine.py:again", share = 1.0 }]
each = { "./mine.py:again.share" = [0, 1.0] }

[most]
step = "augment"
from = "more"
do   = [{ use = "./mine.py:twice", share = 1.0 }]
where = { "./mine.py:again.share" = 1.0 }
seed = 1

[last]
step = "curate"
from = "most"
do   = [{ use = "length", max = 27 }]

[beside]
step = "curate"
from = "clean"
do   = [{ use = "length", max = 12 }]
"""
MINE = '''
from adaptline import Passage, augmenter, transform


@transform(version=1)
def louder(texts: list[str]) -> list[str]:
    """Upper case."""
    return [text.upper() for text in texts]


@augmenter(version=1)
def again(passages: list[Passage]) -> list[str]:
    """One word more."""
    return [passage.text + " again" for passage in passages]


@augmenter(version=1)
def twice(passages: list[Passage]) -> list[str]:
    """Two words more."""
    return [passage.text + " and twice" for passage in passages]
'''


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    folder = tmp_path_factory.mktemp("family")
    path = lines.make(folder, files=0, recipe=RECIPE)
    (folder / "mine.py").write_text(MINE)
    lines.write(folder / "data" / "a.jsonl", [{"text": text, "label": "x"} for text in ("one row", "two rows", "no")])
    run(path)
    found = recipes.read(path)
    return History.open(Store.open(folder / ".adaptline"), found.name, [table.name for table in found.tables])


def lives(found: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    told: dict[str, list[dict[str, Any]]] = {}
    for entry in found["steps"]:
        told.setdefault(entry["step"], []).append(entry)
    return told


def test_a_parent_lists_its_children(history: History) -> None:
    told = lives(trace.trace_row(history, "a.jsonl:1"))
    assert ["children" in entry for entry in told["more"]] == [False, True]
    (child,) = told["more"][1]["children"]
    assert (child["by"], child["text"]) == ("again", "ONE ROW again")
    assert [one["text"] for one in told["most"][0]["children"]] == ["ONE ROW and twice"]
    assert list(told) == ["parts", "clean", "other", "more", "most", "last", "beside"]


def test_a_child_leads_back_to_its_parent_and_its_source(history: History) -> None:
    parent = lives(trace.trace_row(history, "a.jsonl:2"))
    (child,) = parent["more"][1]["children"]
    found = trace.trace_row(history, f"{child['shard']}:{child['position']}")
    assert (found["origin"]["file"], found["origin"]["row"], found["origin"]["text"]) == ("data/a.jsonl", 2, "two rows")
    told = lives(found)
    # Of its parent's life before only what it comes from; not what else became of its parent, then or later.
    assert list(told) == ["parts", "clean", "more", "most", "last"]
    (birth,) = told["more"]
    assert (birth["did"], birth["text"]) == ("made by again", "TWO ROWS again")
    assert birth["parent"] == {"shard": parent["clean"][0]["shard"], "position": 1}
    assert (birth["shard"], birth["position"]) == (child["shard"], child["position"])
    assert [one["text"] for one in told["most"][0]["children"]] == ["TWO ROWS again and twice"]
    assert told["last"][0]["kept"]


def test_a_child_of_a_child_has_two_births_and_a_fate_of_its_own(history: History) -> None:
    first = lives(trace.trace_row(history, "a.jsonl:2"))["more"][1]["children"][0]
    child = lives(trace.trace_row(history, f"{first['shard']}:{first['position']}"))
    (second,) = child["most"][0]["children"]
    told = lives(trace.trace_row(history, f"{second['shard']}:{second['position']}"))
    assert list(told) == ["parts", "clean", "more", "most", "last"]
    assert [told[step][0]["did"] for step in ("more", "most")] == ["made by again", "made by twice"]
    assert told["most"][0]["parent"] == {"shard": first["shard"], "position": first["position"]}
    # 24 characters: "TWO ROWS again and twice" stays, and none of the length is its parent's.
    assert told["last"][0]["methods"][0]["score"] == len("TWO ROWS again and twice")


def test_a_row_that_was_dropped_has_no_children(history: History) -> None:
    told = lives(trace.trace_row(history, "a.jsonl:3"))
    assert told["clean"][0]["dropped_by"] == "length"
    assert not any("children" in entry for entry in told["more"])


def test_a_position_of_the_step_leads_to_a_child(history: History) -> None:
    found = trace.trace_row(history, "most:3")
    assert lives(found)["more"][0]["did"] == "made by again"


def test_children_have_lives_of_their_own(history: History) -> None:
    found = trace.trace_row(history, "a.jsonl:2")
    first, second = found["children"]
    assert [(one["step"], one["by"], one["text"]) for one in (first, second)] == [
        ("more", "again", "TWO ROWS again"),
        ("most", "twice", "TWO ROWS and twice"),
    ]
    assert first["parent"] == lives(found)["clean"][0]["shard"]
    assert [entry["step"] for entry in first["steps"]] == ["most", "last"]
    (grandchild,) = first["children"]
    assert (grandchild["text"], grandchild["parent"]) == ("TWO ROWS again and twice", first["shard"])
    assert [entry["step"] for entry in grandchild["steps"]] == ["last"]
    assert second["children"] == grandchild["children"] == trace.trace_row(history, "a.jsonl:3")["children"] == []


def test_of_many_children_some_have_their_lives_told(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "MOST_CHILDREN", 1)
    (child,) = trace.trace_row(history, "a.jsonl:2")["children"]
    assert child["text"] == "TWO ROWS again"


def test_a_row_whose_parent_is_in_no_step_any_more_is_told(history: History) -> None:
    alone = History(history.store, history.recipe, {"more": history.manifests["more"]})
    with pytest.raises(UserError, match="is not in this recipe any more"):
        trace.trace_row(alone, "more:0")
