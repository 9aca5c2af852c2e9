"""What rules are called: told apart by name or number, found by it, and without a trace in any key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import adaptline as al
from adaptline.core import naming, recipe, versions
from adaptline.core.store import Store
from adaptline.errors import UserError

SHORT = {"use": "length", "on": "prompt", "min": 5}
LONG = {"use": "length", "on": "response", "max": 20}
ASKED = ["ab", "a question", "another question", "a question"]
ANSWERS = ["fine", "an answer that is far too long", "fine, too", "well"]


def made(folder: Path, do: list[Any], **more: Any) -> recipe.Recipe:
    """A recipe with two curate steps of like rules: a short prompt, a long answer and a copy are in its rows."""
    rows = [{"prompt": prompt, "completion": answer} for prompt, answer in zip(ASKED, ANSWERS, strict=True)]
    (folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    tables = {
        "raw": {"step": "ingest", "files": "a.jsonl"},
        "clean": {"step": "curate", "from": "raw", "do": do, **more},
    }
    return recipe.from_tables(tables, "r", folder)


def called(*names: str) -> list[Any]:
    """The two rules of a kind, and one of another; with names, in their order, for the first of them."""
    given = [{**rule, "name": name} for rule, name in zip((SHORT, LONG), names, strict=False)]
    return [*given, *(SHORT, LONG)[len(given) :], {"use": "exact", "on": "prompt"}]


def test_rules_are_called_by_names_or_numbered_among_those_without() -> None:
    assert naming.numbered(["length", "exact", "length", "length"]) == ["length", "exact", "length#2", "length#3"]
    assert naming.called(["short", None, None], ["length"] * 3) == ["short", "length", "length#2"]
    assert naming.called([], []) == []


def test_a_name_enters_no_key_and_everything_tells_it(tmp_path: Path) -> None:
    store = tmp_path / "store"
    plain, named = made(tmp_path, called()), made(tmp_path, called("short", "long"))
    (_, first) = al.run(plain, store=store)
    assert [rule["name"] for rule in al.show(plain, "clean", store=store)[0]["methods"]] == [
        "length",
        "length#2",
        "exact",
    ]
    (_, again) = al.run(named, store=store)
    assert (again.key, again.cached) == (first.key, True)
    (shown,) = al.show(named, "clean", store=store)
    assert [(rule["name"], rule["dropped"]) for rule in shown["methods"]] == [("short", 1), ("long", 1), ("exact", 0)]
    assert [[rule["rule"] for rule in entry["rules"]] for entry in al.log(named, "clean", store=store)] == [
        ["length", "length#2", "exact"],
        ["short", "long", "exact"],
    ]
    (step,) = [step for step in al.trace(named, "clean:1", store=store)["steps"] if step["step"] == "clean"]
    assert (step["dropped_by"], [rule["name"] for rule in step["methods"]]) == ("long", ["short", "long"])
    page = al.report(named, store=store).read_text("utf-8")
    assert [text in page for text in (">short<", ">long<", "length#2")] == [True, True, False]


def test_what_moved_is_told_by_the_names_of_either_version(tmp_path: Path) -> None:
    store = tmp_path / "store"
    al.run(made(tmp_path, called("short", "long")), store=store)
    moved = made(tmp_path, [{**SHORT, "name": "short", "min": 12}, {**LONG, "name": "long"}, "exact"])
    al.run(moved, store=store)
    found = al.diff(moved, "clean", store=store)
    assert found["moved"] == {"kept -> dropped by short": 1, "dropped by long -> dropped by short": 1}
    assert set(found["parameters"]) == {"do.exact", "do.short"}
    assert found["parameters"]["do.short"][1]["min"] == 12


def test_a_summary_names_the_rule_that_dropped_most(tmp_path: Path) -> None:
    do = [{**SHORT, "name": "short", "min": 12}, {**LONG, "name": "long"}]
    source = made(tmp_path, do)
    al.run(source, store=tmp_path / "store")
    (entry,) = al.log(source, "clean", store=tmp_path / "store")
    assert entry["summary"] == "1 of 4 rows kept; short dropped 3"
    store = Store.open(tmp_path / "store")
    assert versions.summary(store.manifest(entry["key"])) == "1 of 4 rows kept; length dropped 3"


def test_a_grid_reaches_a_rule_by_its_name_or_number(tmp_path: Path) -> None:
    def bounds(do: list[Any], reach: str) -> list[Any]:
        source = made(tmp_path, do, each={reach: [7]})
        (use, other, _) = source.values(source.table("clean"), {reach: 7})["do"]
        return [use.settings.get("max"), other.settings.get("max")]

    assert bounds(called("short", "long"), "short.max") == [7, 20]
    assert bounds(called("short", "long"), "long.max") == [None, 7]
    assert bounds(called("short"), "length.max") == [None, 7]
    assert bounds(called(), "length#2.max") == [None, 7]


@pytest.mark.parametrize(
    ("do", "each", "what", "hint"),
    [
        (called(), {"length.min": [1]}, "'length.min' reaches 2 methods of do", 'name = "..."'),
        (called("short", "long"), {"length.min": [1]}, "no method or table 'length'", "A dotted key"),
        (called("x", "x"), None, "do has two methods called 'x'", 'name = "x_2"'),
        (called("exact"), None, "do has two methods called 'exact'", 'name = "exact_2"'),
        ([{"use": "length", "name": "two words"}], None, "name of length must be a string of letters", ""),
        ([{"use": "length", "as": "short"}], None, "as is not a parameter of length", 'name = "..."'),
        ([*called("short"), {"use": "length", "naem": "x"}], None, "naem is not a parameter of length", "'name'"),
    ],
)
def test_names_that_cannot_tell_are_refused(
    tmp_path: Path, do: list[Any], each: dict[str, Any] | None, what: str, hint: str
) -> None:
    with pytest.raises(UserError) as caught:
        al.plan(made(tmp_path, do, **({"each": each} if each else {})))
    assert what in caught.value.what
    assert hint in caught.value.do


def test_a_line_is_shown_for_the_second_of_a_name(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "one"}\n')
    rules = ['{ use = "length", name = "x" },', '{ use = "exact", name = "x" },']
    text = '[raw]\nstep = "ingest"\nfiles = "a.jsonl"\n[clean]\nstep = "curate"\nfrom = "raw"\ndo = [\n'
    (tmp_path / "r.toml").write_text(text + "\n".join(rules) + "\n]\n")
    with pytest.raises(UserError, match="two methods called 'x'") as caught:
        al.plan(tmp_path / "r.toml")
    assert caught.value.line in (8, 9)


def best(folder: Path, do: list[Any], by: str) -> str:
    """What the matcher after some rules is told to keep the best by, as it enters the key."""
    source = made(folder, [*do, {"use": "minhash", "best": by}])
    al.plan(source, store=folder / "store")
    return str(source.values(source.table("clean"), {})["do"][-1].parameters["best"])


def test_the_best_is_by_the_rule_that_is_named_and_a_key_holds_its_place(tmp_path: Path) -> None:
    assert best(tmp_path, called("short", "long"), "long") == "length#2"
    assert best(tmp_path, called("long", "short"), "long") == "length#1"
    assert best(tmp_path, called("short"), "-length") == "-length#2"
    assert best(tmp_path, called(), "length#2") == "length#2"
    assert best(tmp_path, ["exact"], "length") == "length"


@pytest.mark.parametrize(
    ("do", "by", "what", "hint"),
    [
        (called(), "-length", "best = '-length', which may mean 'length' or 'length#2'", 'best = "-length#2"'),
        (called("a", "b"), "length", "which may mean 'a' or 'b'", 'best = "b"'),
        (called("short", "long"), "shrot", "must name a filter before minhash", "'short'"),
        (called("short", "long"), "exact", "'length', not 'exact'", "Known: length, long, short"),
        ([{"use": "exact", "name": "short"}], "-short", "or be 'length', not 'short'", "Known: length"),
        (called("short"), "length#1", "which is not what a method before it is called", "It is called 'short'"),
    ],
)
def test_a_best_that_may_mean_two_or_none_is_refused(
    tmp_path: Path, do: list[Any], by: str, what: str, hint: str
) -> None:
    with pytest.raises(UserError) as caught:
        best(tmp_path, do, by)
    assert what in caught.value.what
    assert hint in caught.value.do


def test_no_key_holds_where_a_users_file_lies(tmp_path: Path) -> None:
    """What the file is called enters it no more than where the recipe lies; which function it is does."""
    code = "import adaptline as al\n\n@al.filter(version=1)\ndef {}(texts: list[str]) -> list[float]:\n    return [1.0 for _ in texts]\n"
    found = []
    for name in ("mine.py", "rules/of_mine.py"):
        folder = tmp_path / name.partition(".")[0]
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text(code.format("length"))
        mine = f"./{name}:length"
        source = made(folder, [mine, "length", {"use": "minhash", "best": f"-{mine}"}])
        found.append(al.run(source, store=tmp_path / "store")[-1])
        assert best(folder, [mine, "length"], mine) == "length#1"
        assert best(folder, [mine, "length"], "length") == "length#2"
        assert best(folder, [mine], "length") == "length"
    assert found[0].key == found[1].key
    assert found[1].cached


def test_swapped_names_are_another_meaning_for_what_names_them(tmp_path: Path) -> None:
    store = tmp_path / "store"
    best_by_long = {"use": "minhash", "best": "long", "on": "prompt"}
    one, other = ([*called(*names), best_by_long] for names in (("short", "long"), ("long", "short")))
    (_, first) = al.run(made(tmp_path, one), store=store)
    (_, second) = al.run(made(tmp_path, other), store=store)
    assert first.key != second.key
