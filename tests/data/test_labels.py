"""What is told of labels, and which rows alike are labelled differently."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lines
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import adaptline as al
from adaptline import library
from adaptline.core.rows import Ref
from adaptline.data import labels, matching
from adaptline.web import report, terminal
from adaptline.web.gather import gather

RECIPE = """
[raw]
step  = "ingest"
files = "rows.jsonl"
[clean]
step = "curate"
from = "raw"
do   = ["exact"]
"""


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ({None: 5}, []),
        ({}, []),
        ({"a": 2, "b": 1}, []),
        ({"a": 1}, []),
        ({"a": 2}, ["all labels are the same"]),
        ({"a": 2, "b": 1, None: 3}, ["3 without a label, where others have one"]),
        ({"a": 2, "b": 1, " ": 3}, ["3 with an empty label"]),
        (
            {"Spam": 2, "ham": 1, "spam ": 3},
            [
                "1 label is spelt in 2 ways, which differ in case, white space or a decimal .0 only: the filter `label` finds them"
            ],
        ),
        (
            {"1": 2, "1.0": 1, "2.0": 3, "1.5": 1},
            [
                "1 label is spelt in 2 ways, which differ in case, white space or a decimal .0 only: the filter `label` finds them"
            ],
        ),
        ({str(i): 1 for i in range(labels.MOST + 1)} | {None: 1}, []),
    ],
)
def test_what_may_be_wrong_with_labels_is_told(counts: dict[str | None, int], told: list[str]) -> None:
    assert labels.notes(counts) == told


def test_no_label_stands_in_what_is_told() -> None:
    """It is kept in manifests and logs, and a label may be anything: a person's name."""
    found = labels.notes({spelt: 1 for name in "xyz" for spelt in (name, name.upper(), f" {name}")})
    assert found == [
        "3 labels are spelt in 9 ways, which differ in case, white space or a decimal .0 only: the filter `label` finds them"
    ]


def test_long_labels_of_many_rows_take_no_memory_of_their_own() -> None:
    """A label of a megabyte, of which thousands of rows are dropped for the same row with another one."""
    long = pa.table({"label": ["x" * (1 << 20), *["y"] * 5000, None]})
    rows = np.arange(1, 5002)
    columns = [np.zeros(5001, np.int32), rows, np.zeros(5001, np.int32), np.zeros(5001, np.int64), np.ones(5001)]
    before = pa.total_allocated_bytes()
    number, samples = labels.conflicts(
        lambda *_: long, [Ref("k", "d", 5002)], pa.table(columns, schema=matching.SCHEMA)
    )
    assert (number, samples[0], len(samples)) == (5000, [0, 1, 0, 0], labels.SAMPLES)
    assert pa.total_allocated_bytes() - before < 1 << 20


def test_counting_ends_where_they_are_hardly_labels() -> None:
    shards = [readable([str(i) for i in range(labels.MOST + 2)]), readable(["a", None])]
    assert None not in labels.counted(shards)
    assert labels.counted([shards[1], shards[1]]) == {"a": 2, None: 2}


def readable(found: list[str | None]) -> pa.Table:
    return pa.table({"label": found, "unreadable": pa.nulls(len(found), pa.string())})


def test_a_row_that_could_not_be_read_is_not_one_without_a_label(tmp_path: Path) -> None:
    rows = [*ROWS[:1], {"text": None, "label": None}, *ROWS[3:5]]
    path = run(tmp_path, rows)
    told = "4 rows, 1 of them unreadable; 1 without a label, where others have one"
    assert library.show(path, "raw")[0]["summary"] == told


def run(folder: Path, rows: list[dict[str, Any]], do: str = '["exact"]') -> Path:
    lines.write(folder / "rows.jsonl", rows)
    (folder / "recipe.toml").write_text(RECIPE.replace('["exact"]', do))
    al.run(folder / "recipe.toml")
    return folder / "recipe.toml"


ROWS: list[dict[str, Any]] = [
    {"text": "where is my card", "label": "arrival"},
    {"text": "Where is my card", "label": "<b>lost</b>"},
    {"text": "where is my  card", "label": "Arrival"},
    {"text": "something else", "label": "other"},
    {"text": "something else", "label": None},
    {"text": "something else", "label": "arrival"},
]


@pytest.mark.parametrize("do", ['["exact"]', '[{ use = "minhash", threshold = 0.9 }]'])
def test_rows_alike_with_other_labels_are_counted_and_shown_side_by_side(tmp_path: Path, do: str) -> None:
    path = run(tmp_path, ROWS, do)
    (found,) = library.show(path, "clean")
    assert found["methods"][0]["dropped"] == 4
    assert found["methods"][0]["told"][0].startswith("2 rows that it drops have another label than the row that stays")
    assert "2 rows that it drops have another label" in terminal.artifacts([found], whole=True)
    view = gather(library._history(library._recipe(path), None))
    assert view.curations is not None
    drops = view.curations[0].stages[0].drops
    assert len({drop.origin for drop in drops}) == len(drops) > 2, "each once"
    told = [(drop.label, drop.kept.label, drop.kept.origin.row) for drop in drops if drop.kept]
    assert [pair for pair in told if pair[0] is not None] == [("<b>lost</b>", "arrival", 1), ("arrival", "other", 4)]
    assert {pair[1] for pair in told if pair[0] is None} == {None}
    page = report.render(view)
    assert ", label <bdi>arrival</bdi>" in page
    assert "<b>lost" not in page
    assert "&lt;b&gt;lost" in page


def test_pairs_of_two_labels_are_shown_also_where_other_drops_fill_the_list(tmp_path: Path) -> None:
    rows = [{"text": f"text {number % 60}", "label": "one"} for number in range(120)]
    rows[113]["label"] = "two"
    view = gather(library._history(library._recipe(run(tmp_path, rows)), None))
    assert view.curations is not None
    drops = view.curations[0].stages[0].drops
    assert [drop.origin.row for drop in drops if drop.label == "two"] == [114]
    assert len(drops) < 60


def test_nothing_is_told_where_labels_agree(tmp_path: Path) -> None:
    path = run(tmp_path, [{**row, "label": "one"} for row in ROWS])
    assert library.show(path, "clean")[0]["methods"][0]["told"] == []
    assert library.show(path, "raw")[0]["summary"] == "6 rows; all labels are the same"
    (tmp_path / "plain").mkdir()
    plain = run(tmp_path / "plain", [{"text": row["text"]} for row in ROWS])
    assert library.show(plain, "clean")[0]["methods"][0]["told"] == []
    assert library.show(plain, "raw")[0]["summary"] == "6 rows"


def test_a_missing_label_of_a_column_of_numbers_is_missing(tmp_path: Path) -> None:
    """As pandas writes it: whole numbers become floats where one is missing."""
    labels_ = pa.array([1.0, float("nan"), 2.0], pa.float64(), from_pandas=False)
    pq.write_table(pa.table({"text": ["one", "two", "three"], "label": labels_}), tmp_path / "rows.parquet")
    lines.write(tmp_path / "more.jsonl", [{"text": "four", "label": 1}])
    (tmp_path / "recipe.toml").write_text(RECIPE.replace('"rows.jsonl"', '["rows.parquet", "more.jsonl"]'))
    al.run(tmp_path / "recipe.toml")
    told = library.show(tmp_path / "recipe.toml", "raw")[0]["summary"]
    assert told.startswith("4 rows; 1 without a label, where others have one; 1 label is spelt in 2 ways")
    al.curate(tmp_path / "rows.parquet", tmp_path / "out.jsonl", do=["exact"])
    written = [json.loads(line)["label"] for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert written == [1.0, None, 2.0]


@pytest.mark.parametrize(
    ("rows", "field"),
    [
        ([{"text": "a", "Category": "x"}], "Category"),
        ([{"text": "a", "category": None}, {"text": "b", "category": 3, "intent": None}], "category"),
        ([{"text": "a", "category": ["x"], "kind": "y"}], None),
        ([{"text": "a"}], None),
        ([{"text": "a", "sentiment": "x", "intent": "y"}], "intent"),
    ],
)
@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_a_field_that_may_be_the_label_is_told_where_no_row_has_one(
    tmp_path: Path, rows: list[dict[str, Any]], field: str | None, suffix: str
) -> None:
    lines.write(tmp_path / "rows.jsonl", rows)
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "rows.parquet")
    text = RECIPE.replace("rows.jsonl", f"rows.{suffix}").replace('"exact"', '"label"')
    (tmp_path / "recipe.toml").write_text(text)
    al.run(tmp_path / "recipe.toml")
    hint = f'is it the field {field!r}? Then say label = "{field}"'
    (raw,), (clean,) = (library.show(tmp_path / "recipe.toml", step) for step in ("raw", "clean"))
    assert raw["summary"].partition(" row")[2].removeprefix("s") == (f"; no label: {hint}" if field else "")
    told = clean["methods"][0]["told"]
    assert told == [f"no row has a label: {hint if field else 'ingest takes it from the field that label names'}"]
    if field:
        (tmp_path / "recipe.toml").write_text(text.replace("[clean]", f'label = "{field}"\n[clean]'))
        al.run(tmp_path / "recipe.toml")
        assert library.show(tmp_path / "recipe.toml", "clean")[0]["methods"][0]["told"] == []
        assert "no label" not in library.show(tmp_path / "recipe.toml", "raw")[0]["summary"]


def test_a_field_that_is_the_label_and_empty_is_not_told(tmp_path: Path) -> None:
    path = run(tmp_path, [{"text": "a", "label": None}, {"text": "b", "label": float("nan")}], '["label"]')
    assert library.show(path, "raw")[0]["summary"] == "2 rows"


def test_pairs_in_several_shards_are_found(tmp_path: Path) -> None:
    for number in range(3):
        lines.write(tmp_path / f"part-{number}.jsonl", [*ROWS[:2], {"text": f"row {number}", "label": "other"}])
    (tmp_path / "recipe.toml").write_text(RECIPE.replace("rows.jsonl", "part-*.jsonl"))
    al.run(tmp_path / "recipe.toml")
    history = library._history(library._recipe(tmp_path / "recipe.toml"), None)
    method = history.manifests["clean"][0]["detail"]["methods"][0]
    assert (method["dropped"], method["conflicts"]["rows"]) == (5, 3)


def test_what_ingest_says_of_labels_is_in_its_summary_and_in_the_report(tmp_path: Path) -> None:
    path = run(tmp_path, ROWS)
    spelt = "1 label is spelt in 2 ways, which differ in case, white space or a decimal .0 only: the filter `label` finds them"
    told = f"1 without a label, where others have one; {spelt}"
    assert library.show(path, "raw")[0]["summary"] == f"6 rows; {told}"
    view = gather(library._history(library._recipe(path), None))
    assert "; ".join(view.intakes[0].notes) == told
    assert "Its labels: 1 without a label" in report.render(view)


def test_banking77_has_pairs_that_contradict_each_other(tmp_path: Path, real_data: Callable[[str], Path]) -> None:
    train = real_data("clf_banking77") / "train.csv"
    (tmp_path / "train.csv").write_bytes(train.read_bytes())
    (tmp_path / "recipe.toml").write_text(
        RECIPE.replace("rows.jsonl", "train.csv")
        .replace("[clean]", 'label = "category"\n[clean]')
        .replace('["exact"]', '[{ use = "minhash", threshold = 0.8 }]')
    )
    al.run(tmp_path / "recipe.toml")
    history = library._history(library._recipe(tmp_path / "recipe.toml"), None)
    method = history.manifests["clean"][0]["detail"]["methods"][0]
    assert 0 < method["conflicts"]["rows"] < method["dropped"]
