"""A quality filter that learns from examples: files of kept and dropped texts, and reviews."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import lines
import numpy as np
import pyarrow as pa
import pytest

import adaptline as al
from adaptline.core.sources import find_files
from adaptline.data.filters.quality import _tell, _trained, quality
from adaptline.errors import UserError
from adaptline.web.terminal import artifacts

Find = Callable[[str], Path]
GOOD = ["the soup was warm and the bread fresh", "a quiet room with a view of the river", "we read the whole report"]
BAD = ["click here to win big money now", "subscribe to our newsletter and save", "buy cheap watches, click now"]


def texts(kind: Sequence[str], count: int, seed: int = 0) -> list[dict[str, Any]]:
    chance = random.Random(seed)  # noqa: S311 - examples, no secrets
    return [{"text": f"{' '.join(chance.sample(kind[i % len(kind)].split(), 5))} {i}x"} for i in range(count)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lines.write(tmp_path / "good.jsonl", texts(GOOD, 60))
    lines.write(tmp_path / "bad.jsonl", texts(BAD, 40))
    return tmp_path


def given(folder: Path, **names: str) -> dict[str, Any]:
    return {key: find_files(name, folder) for key, name in names.items()}


def scores(*found: str | None, **parameters: Any) -> list[float | None]:
    answer: list[float | None] = quality(pa.array(found, pa.string()), **parameters).to_pylist()
    return answer


def test_it_learns_from_files_of_kept_and_dropped_texts(folder: Path) -> None:
    asked = given(folder, kept="good.jsonl", dropped="bad.jsonl")
    high, low, none = scores("the bread and the warm soup", "click to win money", None, **asked)
    assert high is not None
    assert low is not None
    assert high > 0.8
    assert low < 0.2
    assert none is None
    trained = _trained.cache_info().misses
    (first, *_, kept, dropped) = _tell([], **asked)
    assert _trained.cache_info().misses == trained  # once, whoever asks
    assert first == "learnt from 60 kept and 40 dropped texts; area under the curve 1.000 over 5 folds"
    assert "the" in kept.removeprefix("most telling for kept: ").split(", ")
    assert {"click", "now"} <= set(dropped.removeprefix("most telling for dropped: ").split(", "))


def test_it_learns_from_a_review(folder: Path) -> None:
    rows = texts(GOOD, 30) + texts(BAD, 30)
    lines.write(folder / "all.jsonl", rows)
    verdicts = [{"file": "all.jsonl", "row": i + 1, "verdict": "keep" if i < 30 else "drop"} for i in range(60)]
    lines.write(folder / "review.jsonl", verdicts)
    asked = given(folder, reviewed="review.jsonl", rows="all.jsonl")
    high, low = scores("the bread and the warm soup", "click to win money", **asked)
    assert high is not None
    assert low is not None
    assert high > 0.7
    assert low < 0.3
    lines.write(folder / "review.jsonl", [*verdicts, {"file": "other.jsonl", "row": 1, "verdict": "drop"}])
    asked = given(folder, reviewed="review.jsonl", rows="all.jsonl")
    told = "1 verdict is left out, of files that rows does not name: other.jsonl"
    assert _tell([], **asked)[1] == told
    lines.write(folder / "review.jsonl", [*verdicts, {"file": "all.jsonl", "row": 61, "verdict": "drop"}])
    with pytest.raises(UserError, match=r"review\.jsonl, line 61: all\.jsonl:61 is no row of rows"):
        scores("a text", **given(folder, reviewed="review.jsonl", rows="all.jsonl"))


def test_rows_that_nobody_judged_need_not_be_readable(folder: Path) -> None:
    made = [json.dumps(row) for row in texts(GOOD, 30) + texts(BAD, 30)]
    made[10:10] = ["{oops", '{"text": null}']
    (folder / "all.jsonl").write_text("\n".join(made) + "\n")
    verdicts = [
        {"file": "all.jsonl", "row": i + 1, "verdict": "keep" if i < 32 else "drop"}
        for i in range(62)
        if i not in (10, 11)
    ]
    lines.write(folder / "review.jsonl", verdicts)
    told = _tell([], **given(folder, reviewed="review.jsonl", rows="all.jsonl"))
    assert told[0].startswith("learnt from 30 kept and 30 dropped texts")
    lines.write(folder / "review.jsonl", [*verdicts, {"file": "all.jsonl", "row": 11, "verdict": "drop"}])
    with pytest.raises(UserError, match=r"all\.jsonl, line 11: row 11 cannot be read: not JSON"):
        _tell([], **given(folder, reviewed="review.jsonl", rows="all.jsonl"))


def test_a_row_that_is_to_be_mended_teaches_nothing(folder: Path) -> None:
    lines.write(folder / "all.jsonl", texts(GOOD, 30) + texts(BAD, 30))
    verdicts = [{"file": "all.jsonl", "row": i + 1, "verdict": "keep" if i < 30 else "drop"} for i in range(60)]
    mended = [{**verdict, "verdict": "mend", "was": "0a", "label": "x"} for verdict in verdicts[28:32]]
    lines.write(folder / "review.jsonl", verdicts[:28] + mended + verdicts[32:])
    told = _tell([], **given(folder, reviewed="review.jsonl", rows="all.jsonl"))
    assert told[0].startswith("learnt from 28 kept and 28 dropped texts")


@pytest.mark.parametrize(
    ("name", "reading", "written"),
    [
        ("all.csv", {"header": False, "text": "0"}, "{}\n"),
        ("all.csv", {"delimiter": "|", "header": False, "text": "1"}, "a, b|{}\n"),
        ("all.txt", {"row_per": "paragraph"}, "{}\nfor all of them\n\n"),
        ("all.data", {"format": "txt", "encoding": "utf-16"}, "{}\n"),
    ],
)
def test_rows_that_were_reviewed_are_read_as_they_were(
    folder: Path, name: str, reading: dict[str, Any], written: str
) -> None:
    rows = [
        one for pair in zip(texts(GOOD, 30), texts(BAD, 30), strict=True) for one in pair
    ]  # off by one is all wrong
    text = "".join(written.format(row["text"].replace(",", "")) for row in rows)
    (folder / name).write_text(text, encoding=reading.get("encoding", "utf-8"))
    verdicts = [{"file": name, "row": i + 1, "verdict": "drop" if i % 2 else "keep"} for i in range(60)]
    lines.write(folder / "review.jsonl", verdicts)
    asked = given(folder, reviewed="review.jsonl", rows=name) | reading
    high, low = scores("the bread and the warm soup", "click to win money", **asked)
    assert high is not None
    assert low is not None
    assert high > 0.7
    assert low < 0.3


def test_records_inside_of_others_are_counted_as_ingest_counts_them(folder: Path) -> None:
    said = [{"said": [good, bad]} for good, bad in zip(texts(GOOD, 30), texts(BAD, 30), strict=True)]
    (folder / "all.json").write_text(json.dumps({"talks": said}))
    verdicts = [{"file": "all.json", "row": i + 1, "verdict": "drop" if i % 2 else "keep"} for i in range(60)]
    lines.write(folder / "review.jsonl", verdicts)
    asked = given(folder, reviewed="review.jsonl", rows="all.json")
    high, low = scores("the bread and the warm soup", "click to win money", **asked, records="talks.said")
    assert high is not None
    assert low is not None
    assert high > 0.7
    assert low < 0.3


def test_the_order_of_files_and_rows_makes_no_difference(folder: Path) -> None:
    lines.write(folder / "good_a.jsonl", texts(GOOD, 60)[30:])
    lines.write(folder / "good_b.jsonl", texts(GOOD, 60)[:30])
    asked = ["any text of the soup", "click"]
    one = scores(*asked, **given(folder, kept="good.jsonl", dropped="bad.jsonl"))
    assert one == scores(*asked, **given(folder, kept="good_*.jsonl", dropped="bad.jsonl"))


def test_too_few_examples_are_refused(folder: Path) -> None:
    lines.write(folder / "few.jsonl", texts(BAD, 4) * 10)
    with pytest.raises(UserError, match="only 4 different dropped texts to learn from: it takes 20") as caught:
        scores("a text", **given(folder, kept="good.jsonl", dropped="few.jsonl"))
    assert caught.value.do == "Add examples of what is to be dropped."


def test_more_examples_than_fit_in_memory_are_refused(folder: Path) -> None:
    lines.write(folder / "much.jsonl", [{"text": f"{i} " + "win money " * 150_000} for i in range(24)])
    with pytest.raises(UserError, match="36 MB of texts to learn from: it takes 34 at most") as caught:
        scores("a text", **given(folder, kept="good.jsonl", dropped="much.jsonl"))
    assert caught.value.do.startswith("Name fewer files")


def test_a_text_of_both_kinds_counts_for_neither(folder: Path) -> None:
    lines.write(folder / "bad.jsonl", texts(BAD, 40) + texts(GOOD, 3))
    told = _tell([], **given(folder, kept="good.jsonl", dropped="bad.jsonl"))
    assert told[1] == "3 texts are both kept and dropped, and count for neither"
    with pytest.raises(UserError, match="only 0 different kept texts"):
        _tell([], **given(folder, kept="bad.jsonl", dropped="bad.jsonl"))


def test_what_cannot_be_told_apart_is_said_to_be_hardly_better_than_guessing(folder: Path) -> None:
    lines.write(folder / "bad.jsonl", texts(GOOD, 60, seed=1))
    told = _tell([], **given(folder, kept="good.jsonl", dropped="bad.jsonl"))
    assert told[0].endswith("over 5 folds: hardly better than guessing (0.5)")


def test_an_example_that_cannot_be_read_is_told_with_its_line(folder: Path) -> None:
    (folder / "good.jsonl").write_text((folder / "good.jsonl").read_text() + "{oops\n")
    with pytest.raises(UserError, match=r"good\.jsonl, line 61: row 61 cannot be read: not JSON"):
        scores("a text", **given(folder, kept="good.jsonl", dropped="bad.jsonl"))


def test_a_recipe_tells_what_was_learnt(folder: Path) -> None:
    lines.write(folder / "in.jsonl", texts(GOOD, 5, seed=2) + texts(BAD, 5, seed=2))
    recipe = folder / "recipe.toml"
    use = '{ use = "quality", kept = ["good.jsonl"], dropped = ["bad.jsonl"], min = 0.5 }'
    recipe.write_text(
        f'[raw]\nstep = "ingest"\nfiles = "in.jsonl"\n[clean]\nstep = "curate"\nfrom = "raw"\ndo = [{use}]\n'
    )
    al.run(recipe)
    shown = al.show(recipe, "clean")
    (method,) = shown[0]["methods"]
    assert (method["dropped"], method["unjudged"]) == (5, 0)
    assert method["told"][0].startswith("learnt from 60 kept and 40 dropped texts")
    assert method["told"][0] in artifacts(shown, whole=True)
    lines.write(folder / "bad.jsonl", texts(BAD, 41))
    assert [artifact.cached for artifact in al.run(recipe)] == [True, False]


def test_spam_is_learnt_from_a_part_of_real_messages(real_data: Find, tmp_path: Path) -> None:
    with real_data("clf_sms_spam/sms.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    unique = sorted({text: label for label, text in rows}.items(), key=lambda row: hash_of(row[0]))
    for name, label in (("kept", "ham"), ("dropped", "spam")):
        chosen = [{"text": text} for text, found in unique if found == label][:300]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in chosen))
    learnt = {text for label in ("ham", "spam") for text in [text for text, found in unique if found == label][:300]}
    rest = [(text, label) for text, label in unique if text not in learnt]
    found = np.array(scores(*(text for text, _ in rest), **given(tmp_path, kept="kept.jsonl", dropped="dropped.jsonl")))
    spam = np.array([label == "spam" for _, label in rest])
    assert (found[spam] < 0.5).mean() > 0.92
    assert (found[~spam] < 0.5).mean() < 0.04
    telling = (
        _tell([], **given(tmp_path, kept="kept.jsonl", dropped="dropped.jsonl"))[-1].partition(": ")[2].split(", ")
    )
    assert [word for word in telling if word.isdecimal()] == ["0"]  # all numbers are one


def hash_of(text: str) -> str:
    from adaptline.core import keys  # noqa: PLC0415 - a stable order

    return keys.digest(text.encode())
