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
from adaptline.data.reviews import row_digest
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
        {"score": "drop", "because": "review.jsonl, line 1 by anna: off topic"},
        {"score": "keep", "because": "review.jsonl, line 3"},
        {"score": "drop", "because": "review.jsonl, line 4 by ben"},
    ]


def test_sources_are_relative_to_the_review_file(judged: Judged) -> None:
    found = judged([("data/a.jsonl", 1), ("a.jsonl", 1)], data__review=[entry(1), entry(1, "keep", "../a.jsonl")])
    assert [verdict["score"] for verdict in found] == ["drop", "keep"]


def test_a_person_may_change_their_mind(judged: Judged) -> None:
    found = judged([("a.jsonl", 1)], review=[entry(1, by="anna"), entry(1, "keep", by="anna", why="misread")])
    assert found == [{"score": "keep", "because": "review.jsonl, line 2 by anna: misread"}]


def test_two_people_who_agree_are_one_verdict(judged: Judged) -> None:
    found = judged([("a.jsonl", 1)], review=[entry(1, by="anna")], second=[entry(1, by="ben")])
    assert found == [{"score": "drop", "because": "second.jsonl, line 1 by ben"}]


def test_a_change_of_mind_settles_a_disagreement(judged: Judged) -> None:
    lines = [entry(1, by="anna"), entry(1, "keep", by="ben"), entry(1, "keep", by="anna")]
    assert judged([("a.jsonl", 1)], review=lines)[0]["score"] == "keep"


def test_two_people_who_disagree_are_told_where(judged: Judged, tmp_path: Path) -> None:
    with pytest.raises(UserError) as told:
        judged([("a.jsonl", 1)], review=[entry(1, by="anna")], second=["", entry(1, "keep")])
    assert (told.value.where, told.value.line) == (tmp_path / "second.jsonl", 2)
    assert "nobody named says 'keep' of a.jsonl:1, anna says 'drop' at review.jsonl, line 1" in str(told.value)


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
        ('{"file": "a", "row": 1, "verdict": "mend", "contents": ["b"]}', "needs was, the digest of what it said"),
        ('{"file": "a", "row": 1, "verdict": "mend", "was": "0"}', "neither contents nor label says how"),
        ('{"file": "a", "row": 1, "verdict": "mend", "was": "0", "contents": [null]}', "neither contents nor label"),
        ('{"file": "a", "row": 1, "verdict": "mend", "was": "0", "contents": "b"}', "contents is no list of texts"),
        ('{"file": "a", "row": 1, "verdict": "mend", "was": "0", "contents": [3]}', "contents is no list of texts"),
        ('{"file": "a", "row": 1, "verdict": "mend", "was": "0", "label": 3}', "label = 3 is no string"),
        ('{"file": "a", "row": 1, "verdict": "mend", "was": "0", "contents": [""]}', "nothing is left of the row"),
        (
            '{"file": "a", "row": 1, "verdict": "mend", "was": "0", "contents": [" ", "\\n"]}',
            "nothing is left of the row",
        ),
        ('{"file": "a", "row": 1, "verdict": "mend", "was": "0", "label": ""}', "an empty label"),
        (
            '{"file": "a", "row": 1, "verdict": "mend", "was": "0", "contents": ["\\ud800"]}',
            r"pair (\ud800) is no character",
        ),
        (
            '{"file": "a", "row": 1, "verdict": "mend", "was": "0", "label": "\\udc00"}',
            r"pair (\udc00) is no character",
        ),
        ('{"file": "a", "row": 1, "verdict": "drop", "why": "\\ud800"}', r"pair (\ud800) is no character"),
        ('{"file": "\\ud800", "row": 1, "verdict": "drop"}', r"pair (\ud800) is no character"),
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
    assert (found[1]["score"], found[1]["because"]) == ("drop", "review.jsonl, line 2: a\u2028b")


def test_what_nobody_bounds_drops_the_dropped() -> None:
    assert registry.load("filter", "review").options["defaults"] == {"drop": ["drop"]}


def test_a_shard_without_rows_has_no_scores(judged: Judged, tmp_path: Path) -> None:
    judged([("a.jsonl", 1)], review=[entry(1)])
    none = review(rows.table({}, 0), file=find_files("review.jsonl", tmp_path))
    assert [none.type.field(i).name for i in range(none.type.num_fields)] == ["score", "because", "said", "written"]
    assert none.type.field("score").type == pa.string()
    assert len(none) == 0


def test_people_who_differ_may_leave_a_row_unjudged(tmp_path: Path) -> None:
    lines = [entry(1, by="anna"), entry(1, "keep", by="ben"), entry(2, by="anna"), entry(2, by="ben")]
    (tmp_path / "review.jsonl").write_text("\n".join(map(json.dumps, lines)))
    shard = rows.table({"file": ["a.jsonl"] * 3, "row": [1, 2, 3]}, 3)
    found = review(shard, file=find_files("review.jsonl", tmp_path), disagreement="unjudged").to_pylist()
    assert [verdict["score"] for verdict in found] == [None, "drop", None]
    assert found[0]["because"] == "drop in review.jsonl, line 1 by anna; keep in review.jsonl, line 2 by ben"
    assert found[0]["said"] == [{"by": "anna", "verdict": "drop"}, {"by": "ben", "verdict": "keep"}]
    assert found[2] == {"score": None, "because": None, "said": None, "written": None}


CHAT: list[dict[str, Any]] = [
    {"role": "user", "content": "a tabel?"},
    {"role": "assistant", "content": None},
    {"role": "tool", "content": "1"},
]


def mended(folder: Path, lines: list[dict[str, Any]], messages: list[Any] = CHAT, **more: Any) -> dict[str, Any]:
    """What the filter says of one row that is a chat with the label "x"."""
    (folder / "review.jsonl").write_text("\n".join(map(json.dumps, lines)))
    shard = rows.table({"file": ["a.jsonl"], "row": [1], "messages": [messages], "label": ["x"]}, 1)
    found: dict[str, Any] = review(shard, file=find_files("review.jsonl", folder), **more).to_pylist()[0]
    return found


def mend(contents: list[str | None] | None = None, label: str | None = None, **more: Any) -> dict[str, Any]:
    was = row_digest(CHAT, "x")
    return {"file": "a.jsonl", "row": 1, "verdict": "mend", "was": was, "contents": contents, "label": label} | more


def test_a_mended_row_says_what_changes_in_it(tmp_path: Path) -> None:
    found = mended(tmp_path, [mend(["a table?", None, "1"], "y", by="anna", why="a slip")])
    assert (found["score"], found["because"]) == ("mend", "review.jsonl, line 1 by anna: a slip")
    assert found["written"] == [{"message": 0, "content": "a table?"}, {"message": None, "content": "y"}]
    assert mended(tmp_path, [mend(label="y")])["written"] == [{"message": None, "content": "y"}]
    assert mended(tmp_path, [mend([None, "so", None], "x")])["written"] == [{"message": 1, "content": "so"}]


def test_a_row_that_has_changed_since_is_not_mended(tmp_path: Path) -> None:
    other = [{**CHAT[0], "content": "another"}, *CHAT[1:]]
    found = mended(tmp_path, [mend(["a table?", None, None])], other)
    assert (found["score"], found["written"]) == (None, None)
    assert found["because"].endswith(f"not mended: the row has changed since, {row_digest(other, 'x')}")
    assert row_digest(CHAT, "y") != row_digest(CHAT, "x") != row_digest(CHAT, None)


def test_people_agree_on_a_mended_row_if_they_wrote_the_same(tmp_path: Path) -> None:
    same = [mend(label="y", by="anna"), mend(label="y", by="ben")]
    assert mended(tmp_path, same)["score"] == "mend"
    with pytest.raises(
        UserError, match=r"ben says 'mend' of a\.jsonl:1, anna says 'mend', with other words, at review"
    ):
        mended(tmp_path, [mend(label="z", by="anna"), same[1]])
    found = mended(tmp_path, [mend(label="z", by="anna"), same[1]], disagreement="unjudged")
    assert (found["score"], found["written"]) == (None, None)


def test_people_who_saw_different_versions_of_a_row_are_told_so(tmp_path: Path) -> None:
    early = mend(label="y", by="anna", was="000000000000")
    with pytest.raises(UserError, match="anna says 'mend', of another version of the row") as caught:
        mended(tmp_path, [early, mend(label="y", by="ben")])
    assert f"(was = '000000000000', not {row_digest(CHAT, 'x')!r}), at review.jsonl, line 1" in caught.value.what


def test_a_row_that_says_what_was_written_is_mended(tmp_path: Path) -> None:
    """As after a filter before that read the same file; what stays need not be known."""
    there = [{**CHAT[0], "content": "a table?"}, *CHAT[1:]]
    found = mended(tmp_path, [mend(["a table?", None, None], "x")], there)
    assert (found["score"], found["written"]) == ("mend", [])
    assert mended(tmp_path, [mend(["a table?", "so", None])], there)["score"] is None
    assert mended(tmp_path, [mend(["a table?", None, None], "y")], there)["score"] is None
    assert mended(tmp_path, [mend(["a table?", None])], there)["score"] is None


def test_another_number_of_texts_than_of_messages_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"review\.jsonl, line 1: contents has 1 texts, and a\.jsonl:1 3 messages"):
        mended(tmp_path, [mend(["a table?"])])


def test_a_row_of_which_nothing_is_left_is_told(tmp_path: Path) -> None:
    """Which the line alone does not say: a message that stays has no words."""
    with pytest.raises(UserError, match=r"review\.jsonl, line 1: nothing is left of the row"):
        mended(tmp_path, [mend(["", None, ""])])
    assert mended(tmp_path, [mend(["", None, None])])["score"] == "mend"


def test_the_latest_verdict_stands_last(tmp_path: Path) -> None:
    """Of people who differ the error is told at the line that was written last, also by one who changed their mind."""
    lines = [entry(1, by="anna"), entry(1, by="ben"), entry(1, "keep", by="anna")]
    (tmp_path / "review.jsonl").write_text("\n".join(map(json.dumps, lines)))
    shard = rows.table({"file": ["a.jsonl"], "row": [1]}, 1)
    with pytest.raises(UserError, match=r"anna says 'keep' of a\.jsonl:1, ben says 'drop'") as told:
        review(shard, file=find_files("review.jsonl", tmp_path))
    assert told.value.line == 3
    found = review(shard, file=find_files("review.jsonl", tmp_path), disagreement="unjudged").to_pylist()
    assert [one["by"] for one in found[0]["said"]] == ["ben", "anna"]
