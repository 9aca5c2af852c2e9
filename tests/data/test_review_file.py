"""A person's verdicts on disk: what the filter reads is what was said, whatever happened while it was written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import adaptline as al
from adaptline.core import rows
from adaptline.core.sources import find_files
from adaptline.data.filters.review import review
from adaptline.data.review_file import ReviewFile
from adaptline.data.reviews import Mend
from adaptline.errors import UserError

A, B = ("data/a.jsonl", 1), ("data/b.csv", 7)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "reviews" / "mine.jsonl"


@pytest.fixture
def file(path: Path) -> ReviewFile:
    path.parent.mkdir()
    return ReviewFile(path, beside=path.parent.parent, by="anna")


def test_the_filter_reads_what_was_said(file: ReviewFile, path: Path, tmp_path: Path) -> None:
    file.say(A, "drop")
    file.say(B, "keep")
    shard = rows.table({"file": [A[0], B[0], "x"], "row": [A[1], B[1], 1]}, 3)
    found = review(shard, file=find_files("reviews/mine.jsonl", tmp_path)).to_pylist()
    assert [entry["score"] for entry in found] == ["drop", "keep", None]
    assert json.loads(path.read_text().splitlines()[0]) == {
        "file": "../data/a.jsonl",
        "row": 1,
        "verdict": "drop",
        "by": "anna",
    }


def test_what_was_said_before_counts(file: ReviewFile, path: Path) -> None:
    file.say(A, "drop")
    ReviewFile(path, beside=path.parent.parent, by="ben").say(A, "keep")
    again = ReviewFile(path, beside=path.parent.parent, by="anna")
    assert again.said == {A: "drop"}


def test_the_last_verdict_can_be_taken_back_and_what_it_replaced_counts_again(file: ReviewFile, path: Path) -> None:
    file.say(A, "drop")
    file.say(A, "keep")
    assert file.undo({A}) == A
    assert file.said == {A: "drop"}
    assert file.undo({A}) == A
    assert (file.undo({A}), file.said, path.read_text()) == (None, {}, "")


def test_a_recipe_takes_a_file_whose_only_verdict_was_taken_back(file: ReviewFile, path: Path, tmp_path: Path) -> None:
    file.say(("a.jsonl", 1), "drop")
    assert file.undo([("a.jsonl", 1)]) == ("a.jsonl", 1)
    assert path.read_bytes() == b""
    (tmp_path / "a.jsonl").write_text('{"text": "one"}\n{"text": "two"}\n')
    recipe = tmp_path / "recipe.toml"
    use = f'{{ use = "review", file = "{path.relative_to(tmp_path)}" }}'
    recipe.write_text(
        f'[raw]\nstep = "ingest"\nfiles = "a.jsonl"\n[clean]\nstep = "curate"\nfrom = "raw"\ndo = [{use}]\n'
    )
    al.run(recipe, workers=1)
    (method,) = al.show(recipe, "clean")[0]["methods"]
    assert (method["dropped"], method["unjudged"]) == (0, 2)


def test_taking_back_touches_nobody_elses_lines(file: ReviewFile, path: Path) -> None:
    file.say(A, "drop")
    other = ReviewFile(path, beside=path.parent.parent, by="ben")
    other.say(A, "keep")
    theirs = path.read_text().splitlines()[1]
    assert file.undo({A, B}) == A
    assert path.read_text().strip() == theirs
    file.say(B, "drop")
    assert other.undo({B}) is None
    assert ReviewFile(path, beside=path.parent.parent, by="ben").said == {A: "keep"}


def test_a_mended_row_is_read_back_and_can_be_taken_back(file: ReviewFile, path: Path) -> None:
    mend = Mend("0a1b", ('new \u2028 \x00 "words"', None), "label")
    file.say(A, "drop")
    file.say(A, "mend", mend)
    again = ReviewFile(path, beside=path.parent.parent, by="anna")
    assert (again.said, again.mends) == ({A: "mend"}, {A: mend})
    assert file.undo({A}) == A
    assert (file.said, file.mends) == ({A: "drop"}, {})
    file.say(A, "mend", mend)
    file.say(A, "keep")
    assert (file.said, file.mends) == ({A: "keep"}, {})


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r\r\n"])  # the last is what two conversions of line ends make
def test_taking_back_finds_its_line_however_lines_end(path: Path, mark: str, end: str) -> None:
    path.parent.mkdir()
    said = [{"file": "../data/a.jsonl", "row": row, "verdict": "drop", "by": by} for row, by in enumerate("xyz", 1)]
    path.write_bytes((mark + end.join([*map(json.dumps, said), ""])).encode())
    file = ReviewFile(path, beside=path.parent.parent, by="y")
    assert file.undo({("data/a.jsonl", 2)}) == ("data/a.jsonl", 2)
    for by, row in (("x", 1), ("y", None), ("z", 3)):
        left = ReviewFile(path, beside=path.parent.parent, by=by).said
        assert left == ({("data/a.jsonl", row): "drop"} if row else {})


def test_nothing_is_taken_back_of_other_rows_or_before_anything_was_said(file: ReviewFile) -> None:
    assert file.undo({A}) is None
    file.say(A, "drop")
    assert file.undo({B}) is None
    assert file.said == {A: "drop"}


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_line_that_was_cut_off_goes(file: ReviewFile, path: Path, cut: int) -> None:
    file.say(A, "drop")
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"file": "../data/b.csv", "row": 7, "verdict": "keep", "by"'[: max(9, cut)])
    again = ReviewFile(path, beside=path.parent.parent, by="anna")
    again.say(B, "drop")
    assert ReviewFile(path, beside=path.parent.parent, by="anna").said == {A: "drop", B: "drop"}
    assert path.read_bytes().startswith(whole)


def test_a_last_line_without_an_end_is_not_grown_into(file: ReviewFile, path: Path) -> None:
    file.say(A, "drop")
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    file.say(B, "keep")
    assert ReviewFile(path, beside=path.parent.parent, by="anna").said == {A: "drop", B: "keep"}


def test_a_line_of_a_person_that_is_no_verdict_is_told_and_stays(path: Path) -> None:
    path.parent.mkdir()
    path.write_text('{"row": 3')
    with pytest.raises(UserError) as told:
        ReviewFile(path, beside=path.parent.parent)
    assert (told.value.where, told.value.line) == (path, 1)
    assert path.read_text() == '{"row": 3'


def test_many_at_once_lose_nothing(path: Path) -> None:
    path.parent.mkdir()
    code = (
        "import sys; from pathlib import Path; from adaptline.data.review_file import ReviewFile\n"
        "f = ReviewFile(Path(sys.argv[1]), beside=Path(sys.argv[2]), by=sys.argv[3])\n"
        "for i in range(1, 41):\n    f.say(('a', i), 'keep')\n    if i % 4 == 0: f.undo({('a', i)})\n"
    )
    names = ["ann", "bob", "cat"]
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(path), str(path.parent.parent), name], env=dict(os.environ))
        for name in names
    ]
    assert [process.wait() for process in running] == [0, 0, 0]
    for name in names:
        assert len(ReviewFile(path, beside=path.parent.parent, by=name).said) == 30
