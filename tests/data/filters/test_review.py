"""Verdicts of people, by position in the source."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from adaptline.core import registry, rows
from adaptline.core.sources import find_files
from adaptline.data.filters.review import review
from adaptline.errors import UserError


@pytest.fixture
def judged(tmp_path: Path) -> Callable[..., list[dict[str, Any]]]:
    """Review files as lists of objects or raw lines -> what the filter says of rows (file, row)."""

    def run(places: list[tuple[str, int]], **files: list[Any]) -> list[dict[str, Any]]:
        for name, entries in files.items():
            lines = [entry if isinstance(entry, str) else json.dumps(entry) for entry in entries]
            path = tmp_path / f"{name.replace('__', '/')}.jsonl"
            path.parent.mkdir(exist_ok=True)
            path.write_text("\n".join(lines), "utf-8")
        found = find_files([f"{name.replace('__', '/')}.jsonl" for name in files], tmp_path)
        names, positions = zip(*places, strict=True)
        shard = rows.table({"file": list(names), "row": list(positions)}, len(places))
        answer: list[dict[str, Any]] = review(shard, file=found).to_pylist()
        return [{key: entry[key] for key in ("score", "because")} for entry in answer]

    return run


def entry(row: int, verdict: str = "drop", file: str = "a.jsonl", **more: str) -> dict[str, Any]:
    return {"file": file, "row": row, "verdict": verdict, **more}


Judged = Callable[..., list[dict[str, Any]]]


def test_each_row_has_its_verdict_with_who_and_why(judged: Judged) -> None:
    places = [("a.jsonl", 1), ("a.jsonl", 2), ("b.csv", 2), ("a.jsonl", 3)]
    found = judged(
        places, review=[entry(2, why="off topic", by="anna"), "", entry(2, "keep", "b.csv"), entry(3, by="ben")]
    )
    assert found == [
        {"score": None, "because": None},
        {"score": "drop", "because": "review.jsonl:1 by anna: off topic"},
        {"score": "keep", "because": "review.jsonl:3"},
        {"score": "drop", "because": "review.jsonl:4 by ben"},
    ]


def test_sources_are_relative_to_the_review_file(judged: Judged) -> None:
    found = judged([("data/a.jsonl", 1), ("a.jsonl", 1)], data__review=[entry(1), entry(1, "keep", "../a.jsonl")])
    assert [verdict["score"] for verdict in found] == ["drop", "keep"]


def test_a_person_may_change_their_mind(judged: Judged) -> None:
    found = judged([("a.jsonl", 1)], review=[entry(1, by="anna"), entry(1, "keep", by="anna", why="misread")])
    assert found == [{"score": "keep", "because": "review.jsonl:2 by anna: misread"}]


def test_two_people_who_agree_are_one_verdict(judged: Judged) -> None:
    found = judged([("a.jsonl", 1)], review=[entry(1, by="anna")], second=[entry(1, by="ben")])
    assert found == [{"score": "drop", "because": "second.jsonl:1 by ben"}]


def test_a_change_of_mind_settles_a_disagreement(judged: Judged) -> None:
    lines = [entry(1, by="anna"), entry(1, "keep", by="ben"), entry(1, "keep", by="anna")]
    assert judged([("a.jsonl", 1)], review=lines)[0]["score"] == "keep"


def test_two_people_who_disagree_are_told_where(judged: Judged, tmp_path: Path) -> None:
    with pytest.raises(UserError) as told:
        judged([("a.jsonl", 1)], review=[entry(1, by="anna")], second=["", entry(1, "keep")])
    assert (told.value.where, told.value.line) == (tmp_path / "second.jsonl", 2)
    assert "nobody named says 'keep' of a.jsonl:1, anna says 'drop' at review.jsonl:1" in str(told.value)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "not JSON"),
        ("[1]", "not an object"),
        ('{"row": 1, "verdict": "drop"}', "a review has no file"),
        ('{"file": "a", "verdict": null}', "a review has no row, verdict"),
        ('{"file": "a", "row": "1", "verdict": "drop"}', "row = '1' is no whole number"),
        ('{"file": "a", "row": true, "verdict": "drop"}', "row = True is no whole number"),
        ('{"file": "a", "row": 1.0, "verdict": "drop"}', "row = 1.0 is no whole number"),
        ('{"file": "a", "row": 0, "verdict": "drop"}', "rows count from 1"),
        ('{"file": "a", "row": 1, "verdict": "dropp"}', "unknown verdict 'dropp'"),
        ('{"file": "a", "row": 1, "verdict": "drop", "why": 3}', "why = 3 is no string"),
        ('{"file": "a", "row": 1, "verdict": "mend", "text": "b"}', "'mend' is not read by this version"),
    ],
)
def test_a_line_that_is_no_review_is_told_with_its_place(
    judged: Judged, tmp_path: Path, line: str, message: str
) -> None:
    with pytest.raises(UserError) as told:
        judged([("a.jsonl", 1)], review=[entry(1), line])
    assert (told.value.where, told.value.line) == (tmp_path / "review.jsonl", 2)
    assert message in str(told.value)


def test_a_near_word_is_suggested(judged: Judged) -> None:
    with pytest.raises(UserError, match="Did you mean 'keep'"):
        judged([("a.jsonl", 1)], review=[entry(1, "keeep")])


def test_a_file_that_is_not_utf_8_is_told(tmp_path: Path) -> None:
    (tmp_path / "review.jsonl").write_bytes(b'{"file": "\xff"}')
    with pytest.raises(UserError, match="not UTF-8"):
        review(rows.table({}, 1), file=find_files("review.jsonl", tmp_path))


def test_a_byte_order_mark_and_other_line_ends_are_read(tmp_path: Path) -> None:
    text = "\ufeff" + json.dumps(entry(1)) + "\r\n" + json.dumps(entry(2, why="a\u2028b"), ensure_ascii=False) + "\r\n"
    (tmp_path / "review.jsonl").write_text(text, "utf-8", newline="")
    shard = rows.table({"file": ["a.jsonl"] * 2, "row": [1, 2]}, 2)
    found = review(shard, file=find_files("review.jsonl", tmp_path)).to_pylist()
    assert (found[1]["score"], found[1]["because"]) == ("drop", "review.jsonl:2: a\u2028b")


def test_what_nobody_bounds_drops_the_dropped() -> None:
    assert registry.load("filter", "review").options["defaults"] == {"drop": ["drop"]}


def test_a_shard_without_rows_has_no_scores(judged: Judged, tmp_path: Path) -> None:
    judged([("a.jsonl", 1)], review=[entry(1)])
    none = review(rows.table({}, 0), file=find_files("review.jsonl", tmp_path))
    assert [none.type.field(i).name for i in range(none.type.num_fields)] == ["score", "because", "said"]
    assert none.type.field("score").type == pa.string()
    assert len(none) == 0


def test_people_who_differ_may_leave_a_row_unjudged(tmp_path: Path) -> None:
    lines = [entry(1, by="anna"), entry(1, "keep", by="ben"), entry(2, by="anna"), entry(2, by="ben")]
    (tmp_path / "review.jsonl").write_text("\n".join(map(json.dumps, lines)))
    shard = rows.table({"file": ["a.jsonl"] * 3, "row": [1, 2, 3]}, 3)
    found = review(shard, file=find_files("review.jsonl", tmp_path), disagreement="unjudged").to_pylist()
    assert [verdict["score"] for verdict in found] == [None, "drop", None]
    assert found[0]["because"] == "drop in review.jsonl:1 by anna; keep in review.jsonl:2 by ben"
    assert found[0]["said"] == [{"by": "anna", "verdict": "drop"}, {"by": "ben", "verdict": "keep"}]
    assert found[2] == {"score": None, "because": None, "said": None}
