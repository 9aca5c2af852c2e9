"""A row's life as a graph: every verdict is a node, lines lead where they should, and what a row says stays inert."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lines
import pytest
from browsers import OVERFLOW, POOR_CONTRAST, REACHING_OUT, watched

import adaptline as al
from adaptline import library
from adaptline.errors import UserError
from adaptline.web import life

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HOSTILE = "<script>document.title = 'taken'</script><img src=x onerror=\"document.title = 'taken'\"> \u202etxet"
TEXTS = [HOSTILE, "a text that comes twice", "a text that comes twice", "w" * 500_000, "no"]


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("line")
    return lines.curated(folder, TEXTS, '"unicode", { use = "length", min = 8 }, "exact"', "broken\n")


def told(made: dict[str, Any]) -> list[tuple[str, str, str, int]]:
    return [(node["kind"], node["title"], node["detail"], node["column"]) for node in made["nodes"]]


def test_a_dropped_row_ends_at_its_rule_with_value_and_bound(line: Path) -> None:
    made = library.trace(line, "rows.jsonl:5")["graph"]
    assert told(made) == [
        ("source", "rows.jsonl:5", "no", 0),
        ("step", "clean", "dropped by length", 0),
        ("kept", "unicode", "", 0),
        ("dropped", "length", "2 < min 8", 0),
    ]
    assert [(edge["from"], edge["to"]) for edge in made["edges"]] == [(0, 1), (1, 2), (2, 3)]


def test_a_copy_names_the_row_that_stays(line: Path) -> None:
    made = library.trace(line, "rows.jsonl:3")["graph"]
    assert told(made)[-2:] == [
        ("dropped", "exact", "like a row that stays: 1", 0),
        ("other", "rows.jsonl:2", TEXTS[1], 1),
    ]
    assert made["edges"][-1] == {"from": 4, "to": 5, "kind": "because"}


def test_a_row_that_could_not_be_read_says_why(line: Path) -> None:
    assert told(library.trace(line, "rows.jsonl:6")["graph"])[0][2].startswith("unreadable: ")


def test_a_child_says_who_made_it_of_what() -> None:
    step = {"cell": {}, "key": "k", "digest": "d" * 64, "step": "more", "shard": "c" * 64, "from": []}
    born = {**step, "did": "made by noise", "parent": {"shard": "b" * 64, "position": 0}, "text": "siad"}
    origin = {"file": "a", "row": 1, "text": "said", "unreadable": None, "shard": "a" * 64}
    made = life.graph({"origin": origin, "steps": [born], "children": []})
    assert told(made)[1] == ("step", "more", "made by noise: siad", 0)


def test_children_and_adapters_branch_off() -> None:
    step: dict[str, Any] = {"cell": {}, "key": "k", "digest": "d" * 64, "from": ["d" * 64]}
    trained = {**step, "step": "adapters", "did": "trained on it"}
    child = {
        **step,
        "step": "more",
        "shard": "c" * 64,
        "parent": "b" * 64,
        "position": 3,
        "text": "said anew",
        "by": "noise",
    }
    found = {
        "origin": {"file": "a", "row": 1, "text": "said", "unreadable": None, "shard": "a" * 64},
        "steps": [{**step, "step": "clean", "shard": "b" * 64, "kept": True}, trained],
        "children": [{**child, "steps": [trained], "children": []}] * (life.MOST_CHILDREN + 1),
    }
    made = life.graph(found)
    assert told(made)[2:5] == [
        ("adapter", "adapters", "trained on it, dddddddddddd", 1),
        ("child", "noise in more, cccccccccccc:3", "said anew", 1),
        ("adapter", "adapters", "trained on it, dddddddddddd", 2),
    ]
    assert made["edges"][2] == {"from": 1, "to": 3, "kind": "child"}
    assert told(made)[-1][1] == "and 1 more"
    lines = life.drawn(made)
    assert len(lines) == len(made["nodes"])
    assert (
        lines[2].drawing.count("<line") == 3 + life.MOST_CHILDREN - 1 + 1
    )  # its own, down and across; and all that pass


GRID = """
[raw]
step  = "ingest"
files = "rows.jsonl"
[clean]
step = "curate"
from = "raw"
do   = [{ use = "length", min = 1 }]
each = { "length.min" = [1, 8, 30] }
[more]
step = "augment"
from = "clean"
do   = [{ use = "noise", share = 1.0, swap = 0.5 }]
"""


def test_each_cell_of_a_grid_has_a_line_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text(json.dumps({"text": "a text of some words"}) + "\n")
    (tmp_path / "recipe.toml").write_text(GRID)
    al.run(tmp_path / "recipe.toml")
    made = library.trace(tmp_path / "recipe.toml", "rows.jsonl:1")["graph"]
    nodes = [(kind, title.partition(",")[0], column) for kind, title, _, column in told(made)]
    assert [node for node in nodes if node[0] != "child"] == [
        ("source", "rows.jsonl:1", 0),
        ("step", "clean length.min=1", 1),
        ("kept", "length", 1),
        ("step", "more length.min=1", 1),
        ("step", "clean length.min=8", 1),
        ("kept", "length", 1),
        ("step", "more length.min=8", 1),
        ("step", "clean length.min=30", 1),
        ("dropped", "length", 1),
        ("step", "more length.min=30", 1),
    ]
    titles = {node["id"]: node["title"].partition(" ")[0] for node in made["nodes"]}
    ways = [(titles[edge["from"]], titles[edge["to"]]) for edge in made["edges"]]
    assert ways.count(("rows.jsonl:1", "clean")) == 3
    assert ways.count(("length", "more")) == 3
    assert [node["column"] for node in made["nodes"] if node["kind"] == "child"] == [2]


def test_the_page_is_bounded_and_allows_only_its_style(line: Path) -> None:
    for row in range(1, len(TEXTS) + 2):
        page = life.page(library.trace(line, f"rows.jsonl:{row}"))
        assert len(page) < 60_000
        assert "<script" not in page
        assert "<img" not in page
        assert re.search(r"default-src 'none'; style-src 'sha256-[^']+'", page.replace("&#39;", "'"))


@pytest.mark.parametrize("width", [320, 1200, 1800])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_and_can_be_read(browser: Browser, line: Path, tmp_path: Path, width: int, scheme: Any) -> None:
    with watched(browser, tmp_path.as_uri()) as new_page:
        for row in (1, 3, 4):
            path = library.write_life(library.trace(line, f"rows.jsonl:{row}"), tmp_path / f"{row}.html")
            page = new_page(width, color_scheme=scheme)
            page.goto(path.as_uri())
            assert page.evaluate(OVERFLOW) == 0
            assert page.evaluate(REACHING_OUT) == []
            assert page.evaluate(POOR_CONTRAST) == []
            left = "name => document.querySelector(name).getBoundingClientRect().left"
            assert page.evaluate(left, "ol.life") == page.evaluate(left, "h1")
            assert page.title().startswith("rows.jsonl")


def test_only_a_rows_life_is_drawn(line: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="only a row's life"):
        library.write_life(library.trace(line, "clean"), tmp_path / "row.html", force=True)
