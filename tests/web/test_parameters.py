"""What a method was told, as a person reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lines
import pytest

import adaptline as al
from adaptline.core import recipe, signatures
from adaptline.core.keys import short
from adaptline.core.sources import find_files, find_folder, find_tasks
from adaptline.web.parameters import difference, told


def test_files_tasks_and_folders_have_their_names(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n')
    (tmp_path / "b.jsonl").write_text('{"text": "b"}\n')
    for name in ("one", "two"):
        (tmp_path / f"{name}.toml").write_text('files = "a.jsonl"\nmetrics = ["accuracy"]\n')
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "config.json").write_text("{}")
    files, tasks = find_files("*.jsonl", tmp_path), find_tasks("*.toml", tmp_path)
    folder = find_folder("base", tmp_path)
    record = {"folders": signatures.folders_in({"do": [folder, 3]})}
    assert record == {"folders": {short(folder.digest): "base"}}
    assert told(signatures.meaning(files), record) == "a.jsonl, b.jsonl"
    assert told(signatures.meaning(tasks), record) == "one, two"
    assert told(signatures.meaning(folder), record) == "base"
    assert told(signatures.meaning(folder), {}) == f"content {short(folder.digest)}"  # of an older store


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("word", "word"),
        (5, "5"),
        (0.5, "0.5"),
        (12.0, "12"),
        (0.123456789, "0.123456789"),
        (True, "true"),
        (["email", "phone"], "email, phone"),
        ([], "[]"),
        ([1, 2], "[1, 2]"),
        ({"a": "é"}, '{"a": "é"}'),
        ("x" * 100, "x" * 79 + "…"),
    ],
)
def test_plain_values_stay_what_they_are(value: Any, words: str) -> None:
    assert told(value, {}) == words


def test_a_report_shows_names_and_what_a_label_is_not(tmp_path: Path) -> None:
    rows = [{"text": f"This is an English sentence about the number {i}."} for i in range(6)]
    rows += [{"text": "Das ist ein Satz, der sicher auf Deutsch geschrieben wurde."}]
    lines.write(tmp_path / "a.jsonl", rows)
    lines.write(tmp_path / "items.jsonl", rows[:1])
    (tmp_path / "bank.toml").write_text('files = "items.jsonl"\n')
    do = [{"use": "language", "keep": ["en", "fr"]}, {"use": "decontaminate", "against": "bank.toml"}]
    tables = {
        "raw": {"step": "ingest", "files": "a.jsonl"},
        "clean": {"step": "curate", "from": "raw", "do": do},
    }
    source = recipe.from_tables(tables, "r", tmp_path)
    al.run(source)
    page = (
        al.report_path(source).read_text("utf-8")
        if hasattr(al, "report_path")
        else al.report(source).read_text("utf-8")
    )
    assert 'label <strong>de</strong></span> <span class="reason"><strong>not one of en, fr</strong>' in page
    assert "bank" in page
    assert "in keep" not in page


def test_a_difference_says_which_file_changed(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / f"{name}.jsonl").write_text('{"text": "a"}\n')
    (tmp_path / "bank.toml").write_text('files = "c.jsonl"\nmetrics = ["accuracy"]\n')
    old, against = signatures.meaning(find_files("[ab].jsonl", tmp_path)), find_tasks("bank.toml", tmp_path)
    (tmp_path / "b.jsonl").write_text('{"text": "b"}\n')
    (tmp_path / "c.jsonl").write_text('{"text": "c"}\n')
    new, again = signatures.meaning(find_files("[bc].jsonl", tmp_path)), find_tasks("bank.toml", tmp_path)
    assert list(difference("files", old, new)) == ["files: a.jsonl gone, b.jsonl changed, c.jsonl added"]
    assert list(difference("files", old, old[::-1])) == ["files: in another order"]
    rules = [{"version": 1, "against": signatures.meaning(found), "max": 0.5} for found in (against, again)]
    assert list(difference("do.decontaminate", rules[0], rules[1] | {"max": 0.8})) == [
        "do.decontaminate.against: bank changed",
        "do.decontaminate.max: 0.5 -> 0.8",
    ]
    said = '{"version": 1, "against": "bank", "max": 0.5}'
    assert list(difference("do.decontaminate", None, rules[0])) == [f"do.decontaminate: null -> {said}"]
    words = [f"word {i}" for i in range(40)]
    (told_,) = difference("do.keep", words, [*words[:-1], "other"])
    assert "word 39 -> " in told_
    assert told_.endswith("other")
