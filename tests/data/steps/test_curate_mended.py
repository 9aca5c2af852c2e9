"""Rows that a person mended: what they wrote passes the later rules like any row's text, with its parent and its trace."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import lines
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import adaptline as al
from adaptline import library
from adaptline.core.rows import Ref, texts
from adaptline.data.records import encode_plain
from adaptline.data.reviews import row_digest
from adaptline.errors import UserError
from adaptline.web import life, report, terminal
from adaptline.web.gather import gather

ROWS = [{"text": f"message number {i}", "label": "a"} for i in range(6)]
RECIPE = """
[raw]
step  = "ingest"
files = "rows.jsonl"
[clean]
step = "curate"
from = "raw"
do   = [{ use = "review", file = "review.jsonl" }, { use = "length", min = 8 }, "exact"]
"""


def mend(row: int, text: str | None, label: str | None = None, was: str = "", **more: Any) -> dict[str, Any]:
    """A line of a review, on a row of ROWS as it is there unless `was` says otherwise."""
    found = ROWS[row - 1]
    was = was or row_digest([{"role": "text", "content": found["text"]}], found["label"])
    return {"file": "rows.jsonl", "row": row, "verdict": "mend", "was": was, "contents": [text], "label": label} | more


def run(folder: Path, said: list[dict[str, Any]], recipe: str = RECIPE, rows: list[Any] = ROWS) -> Path:
    lines.write(folder / "rows.jsonl", rows)
    lines.write(folder / "review.jsonl", said)
    (folder / "recipe.toml").write_text(recipe)
    al.run(folder / "recipe.toml")
    return folder / "recipe.toml"


def kept(path: Path) -> list[tuple[str, str]]:
    out = path.with_name("out.jsonl")
    out.unlink(missing_ok=True)
    al.export(path, "clean", out)
    return [(row["text"], row["label"]) for row in lines.read(out)]


def drop(row: int) -> dict[str, Any]:
    return {"file": "rows.jsonl", "row": row, "verdict": "drop"}


def test_mended_rows_pass_the_later_rules_like_any_row(tmp_path: Path) -> None:
    copy = ROWS[0]["text"]
    path = run(tmp_path, [mend(2, "said anew", "b"), mend(3, "short"), mend(4, None, "c"), mend(5, copy), drop(6)])
    assert kept(path) == [(copy, "a"), ("said anew", "b"), (ROWS[3]["text"], "c")]
    (found,) = library.show(path, "clean")
    assert [(m["use"], m["dropped"], m["changed"]) for m in found["methods"]] == [
        ("review", 1, 4),
        ("length", 1, 0),
        ("exact", 1, 0),
    ]
    assert "dropped 1, changed 4" in terminal.artifacts([found], whole=True)


def test_a_mended_row_names_its_parent_and_the_trace_shows_what_was_written(tmp_path: Path) -> None:
    path = run(tmp_path, [mend(2, "said anew", "b", by="anna", why="unclear")])
    history = library._history(library._recipe(path), None)
    manifest = history.manifests["clean"][0]
    (before,) = manifest["detail"]["methods"][0]["texts"]
    table = history.store.read(Ref(*manifest["shards"][0]["text"]))
    assert texts(table)[1].as_py() == "said anew"
    assert table["parent_row"].to_pylist() == list(range(len(ROWS)))
    assert set(table["parent_shard"].to_pylist()) == {before[1]}
    found = library.trace(path, "rows.jsonl:2")
    assert found["origin"]["text"] == ROWS[1]["text"]
    method = found["steps"][-1]["methods"][0]
    assert (method["verdict"], method["score"], method["text"], method["label"]) == (
        "changed",
        "mend",
        "said anew",
        "b",
    )
    told = "said anew, label b, because of review.jsonl, line 1 by anna: unclear"
    assert [node["detail"] for node in life.graph(found)["nodes"] if node["kind"] == "changed"] == [told]
    assert "-> said anew, -> label b" in terminal.life(found)
    untouched = library.trace(path, "rows.jsonl:1")["steps"][-1]["methods"][0]
    assert (untouched["verdict"], "text" in untouched, "label" in untouched) == ("kept", False, False)


def test_the_report_counts_and_shows_mended_rows_with_nothing_of_them_alive(tmp_path: Path) -> None:
    path = run(tmp_path, [mend(2, "<script>said</script> anew", "<b>"), drop(6)])
    view = gather(library._history(library._recipe(path), None))
    assert view.curations is not None
    stage = view.curations[0].stages[0]
    assert (stage.dropped, stage.changed) == (1, 1)
    assert [(change.before, change.after, change.what) for change in stage.changes] == [
        (ROWS[1]["text"], "<script>said</script> anew", ""),
        ("a", "<b>", "label"),
    ]
    page = report.render(view)
    assert "<script>said" not in page
    assert "&lt;" in page


def test_rows_that_are_appended_lose_no_mended_one(tmp_path: Path) -> None:
    path = run(tmp_path, [mend(2, "said anew")])
    before = kept(path)
    lines.write(path.with_name("rows.jsonl"), [*ROWS, {"text": "one that came later", "label": "a"}])
    al.run(path)
    assert kept(path) == [*before, ("one that came later", "a")]


@pytest.mark.parametrize("recipe", [RECIPE, RECIPE.replace("[{ use", '["unicode", { use', 1)])
def test_a_row_that_has_changed_since_is_refused_or_stays_as_it_is(tmp_path: Path, recipe: str) -> None:
    rows = [*ROWS[:1], {"text": "something else now", "label": "a"}, *ROWS[2:]]
    with pytest.raises(UserError) as told:
        run(tmp_path, [mend(3, "all is fine"), mend(2, "said anew", by="anna")], recipe, rows)
    assert (told.value.where, told.value.line) == (tmp_path / "review.jsonl", 2)
    assert "rows.jsonl:2 is not what it was when it was mended" in str(told.value)
    digest = row_digest([{"role": "text", "content": "something else now"}], "a")
    assert f"now it is {digest!r}" in str(told.value)
    path = tmp_path / "recipe.toml"
    path.write_text(recipe.replace('"review.jsonl"', '"review.jsonl", changed = "unjudged"'))
    al.run(path)
    assert [text for text, _ in kept(path)] == [
        ROWS[0]["text"],
        "something else now",
        "all is fine",
        *(r["text"] for r in ROWS[3:]),
    ]
    methods = library.show(path, "clean")[0]["methods"]
    assert [(m["changed"], m["unjudged"]) for m in methods if m["use"] == "review"] == [(1, 5)]


def test_behind_a_rule_that_writes_the_row_is_what_that_rule_made_of_it(tmp_path: Path) -> None:
    rows = [{"text": "caf\u00c3\u00a9 on the corner"}]
    seen = row_digest([{"role": "text", "content": "caf\u00e9 on the corner"}], None)
    recipe = RECIPE.replace("[{ use", '["unicode", { use', 1)
    path = run(tmp_path, [mend(1, "caf\u00e9 at the corner", was=seen)], recipe, rows)
    al.export(path, "clean", tmp_path / "out.jsonl")
    assert [row["text"] for row in lines.read(tmp_path / "out.jsonl")] == ["caf\u00e9 at the corner"]


def test_children_of_a_mended_row_are_not_written_over(tmp_path: Path) -> None:
    more = '[more]\nstep = "augment"\nfrom = "raw"\ndo = [{ use = "noise", share = 1.0, swap = 0.5 }]\n'
    recipe = RECIPE.replace('[clean]\nstep = "curate"\nfrom = "raw"', f'{more}[clean]\nstep = "curate"\nfrom = "more"')
    path = run(tmp_path, [mend(2, "said anew")], recipe)
    found = [text for text, _ in kept(path)]
    assert found.count("said anew") == 1
    assert len(found) == 2 * len(ROWS)


def test_a_chat_is_mended_message_by_message(tmp_path: Path) -> None:
    chat = [{"role": "user", "content": "a tabel?"}, {"role": "assistant", "content": "for how many?"}]
    line = {**mend(1, None, was=row_digest(chat, None)), "contents": ["a table?", None]}
    path = run(tmp_path, [line], rows=[{"messages": chat}])
    al.export(path, "clean", tmp_path / "out.jsonl")
    (row,) = lines.read(tmp_path / "out.jsonl")
    assert [message["content"] for message in row["messages"]] == ["a table?", "for how many?"]


def test_a_second_run_runs_nothing_and_a_line_that_goes_brings_the_old_words_back(tmp_path: Path) -> None:
    path = run(tmp_path, [mend(2, "said anew")])
    assert all(made.cached for made in al.run(path))
    (tmp_path / "review.jsonl").write_text(json.dumps(drop(6)) + "\n")
    al.run(path)
    assert [text for text, _ in kept(path)] == [row["text"] for row in ROWS[:5]]


def test_a_second_filter_with_the_same_review_takes_its_rows_for_mended(tmp_path: Path) -> None:
    again = '[again]\nstep = "curate"\nfrom = "clean"\ndo = [{ use = "review", file = "review.jsonl" }]\n'
    path = run(tmp_path, [mend(2, "said anew"), mend(3, None, "b"), drop(4)], RECIPE + again)
    (shown,) = al.show(path, "again")
    assert (shown["methods"][0]["changed"], shown["methods"][0]["dropped"]) == (0, 0)
    assert len(kept(path)) == 5
    other = {**mend(2, "said anew"), "contents": ["said otherwise"]}
    lines.write(tmp_path / "other.jsonl", [other])
    path.write_text(RECIPE + again.replace("review.jsonl", "other.jsonl"))
    with pytest.raises(UserError, match=r"rows\.jsonl:2 is not what it was when it was mended"):
        al.run(path)


def numbered(folder: Path, suffix: str, labels: list[Any], said: list[tuple[int, str]], kind: Any = None) -> Path:
    """A run of a review of labels that are no strings; its rows' source has the suffix and, if typed, the type."""
    texts_ = [f"text {i} of rows" for i in range(len(labels))]
    source = f"rows{suffix}"
    if suffix == ".jsonl":
        lines.write(folder / source, [{"text": text, "label": y} for text, y in zip(texts_, labels, strict=True)])
    else:
        pq.write_table(pa.table({"text": texts_, "label": pa.array(labels, kind)}), folder / source)
    reviewed = []
    for row, label in said:
        was = labels[row - 1]
        digest = row_digest([{"role": "text", "content": texts_[row - 1]}], None if was is None else encode_plain(was))
        reviewed.append({"file": source, "row": row, "verdict": "mend", "was": digest, "label": label})
    lines.write(folder / "review.jsonl", reviewed)
    (folder / "recipe.toml").write_text(RECIPE.replace("rows.jsonl", source))
    al.run(folder / "recipe.toml")
    return folder / "recipe.toml"


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
@pytest.mark.parametrize(
    ("labels", "said", "wanted"),
    [
        ([0, 1, 0, None], [(1, "1"), (4, "0")], [1, 1, 0, 0]),
        ([0.5, 1.0, 0.0], [(1, "1.0"), (3, "0.25")], [1.0, 1.0, 0.25]),
        ([True, False], [(2, "true")], [True, True]),
        (["0", "1", None], [(1, "1"), (2, "spam"), (3, "2")], ["1", "spam", "2"]),
    ],
)
def test_a_mended_label_is_of_the_kind_that_it_was(
    tmp_path: Path, suffix: str, labels: list[Any], said: list[tuple[int, str]], wanted: list[Any]
) -> None:
    path = numbered(tmp_path, suffix, labels, said)
    al.export(path, "clean", tmp_path / "out.jsonl")
    found = [row["label"] for row in lines.read(tmp_path / "out.jsonl")]
    assert (found, list(map(type, found))) == (wanted, list(map(type, wanted)))
    al.export(path, "clean", tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet")["label"].to_pylist() == wanted


@pytest.mark.parametrize(
    ("suffix", "labels", "kind", "label", "holds"),
    [
        (".jsonl", [0, 1], None, "2x", "0"),
        (".jsonl", [0, 1], None, "1.0", "0"),
        (".jsonl", [True, False], None, "1", "true"),
        (".jsonl", [0.5, 1.0], None, "NaN", "0.5"),
        (".parquet", [1, 2], pa.int64(), "2x", "int64"),
        (".parquet", [None, 2], pa.int64(), "2x", "int64"),
        (".parquet", [1, 2], pa.int8(), "300", "int8"),
        (".parquet", [date(2020, 1, 2)], pa.date32(), "2020-01-03", "date32[day]"),
    ],
)
def test_a_label_that_the_source_cannot_hold_is_refused_with_its_line(
    tmp_path: Path, suffix: str, labels: list[Any], kind: Any, label: str, holds: str
) -> None:
    with pytest.raises(UserError) as caught:
        numbered(tmp_path, suffix, labels, [(1, label)], kind)
    assert caught.value.what == f"label = {label!r} cannot go back to 'label' of rows{suffix}:1, which holds {holds}"
    assert (Path(str(caught.value.where)).name, caught.value.line) == ("review.jsonl", 1)
