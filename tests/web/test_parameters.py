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
from adaptline.web.parameters import told


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
