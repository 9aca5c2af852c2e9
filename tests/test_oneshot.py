"""Steps on one file: what comes out, and what is told."""

from __future__ import annotations

import json
from pathlib import Path

import lines
import pyarrow.parquet as pq
import pytest

from adaptline import oneshot
from adaptline.errors import UserError


def test_what_comes_out_has_the_fields_that_went_in(tmp_path: Path) -> None:
    rows = [{"body": "one sound message", "kind": "a", "id": 7}, {"body": "one sound message", "kind": "b", "id": 8}]
    lines.write(tmp_path / "in.jsonl", rows)
    out = oneshot.call(
        "curate",
        tmp_path / "in.jsonl",
        tmp_path / "out.jsonl",
        {"do": ["exact"]},
        reading={"text": "body", "label": "kind"},
    )
    assert [json.loads(line) for line in out.read_text().splitlines()] == rows[:1]


def test_the_suffix_chooses_the_format(tmp_path: Path) -> None:
    lines.write(tmp_path / "in.jsonl", [{"text": "a message", "label": "x", "n": 1}])
    oneshot.call("curate", tmp_path / "in.jsonl", tmp_path / "out.parquet", {"do": []})
    assert pq.read_table(tmp_path / "out.parquet").to_pylist()[0]["text"] == "a message"
    with pytest.raises(UserError, match="format"):
        oneshot.call("curate", tmp_path / "in.jsonl", tmp_path / "out.nothing", {"do": []})


def test_a_store_keeps_the_work(tmp_path: Path) -> None:
    lines.write(tmp_path / "in.jsonl", lines.records(0, 20))
    for name in ("one.jsonl", "two.jsonl"):
        oneshot.call("curate", tmp_path / "in.jsonl", tmp_path / name, {"do": ["exact"]}, store=tmp_path / "store")
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "two.jsonl").read_bytes()
    assert list((tmp_path / "store" / "units").glob("*/*"))


def test_training_alone_writes_an_adapter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    import tiny  # noqa: PLC0415 - needs torch

    monkeypatch.chdir(tmp_path)  # which names of files are relative to
    tiny.write_base(tmp_path / "base")
    lines.write(tmp_path / "in.jsonl", [{"text": row["text"], "label": row["label"]} for row in tiny.records(120)])
    parameters = {"base": "base", "method": "lora", "rank": 2, "epochs": 1, "max_tokens": 32}
    out = oneshot.call("train", tmp_path / "in.jsonl", tmp_path / "adapter", parameters)
    assert (out / "adapter_model.safetensors").exists()


def test_names_of_files_are_relative_to_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines.write(tmp_path / "data" / "in [1]*.jsonl", [{"text": "pi pi"}, {"text": "a polite message"}])
    lines.write(tmp_path / "data" / "in 1.jsonl", [{"text": "another file, which the name is no pattern for"}])
    (tmp_path / "mine.py").write_text(lines.MINE)
    monkeypatch.chdir(tmp_path)
    do = [{"use": "./mine.py:polite", "min": 0.5}]
    out = oneshot.call("curate", Path("data/in [1]*.jsonl"), Path("out.jsonl"), {"do": do})
    assert (tmp_path / out).read_text() == '{"text":"a polite message"}\n'
    monkeypatch.chdir(tmp_path / "data")
    with pytest.raises(UserError, match="no such file"):
        oneshot.call("curate", Path("in [1]*.jsonl"), Path("other.jsonl"), {"do": do})


def test_rows_that_cannot_be_read_are_told_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in.jsonl").write_text('{"text": "sound"}\n{broken\n\n[\n{"x"\nno\x1b[31m\n')
    oneshot.call("curate", Path("in.jsonl"), Path("out.jsonl"), {"do": ["exact"]})
    assert Path("out.jsonl").read_text() == '{"text":"sound"}\n'
    found = [json.loads(line) for line in Path("out.jsonl.unreadable.jsonl").read_text().split("\n") if line]
    assert [(row["file"], row["row"], row["line"], row["raw"]) for row in found] == [
        ("in.jsonl", 2, 2, "{broken"),
        ("in.jsonl", 3, 4, "["),
        ("in.jsonl", 4, 5, '{"x"'),
        ("in.jsonl", 5, 6, "no\x1b[31m"),
    ]
    assert all(row["reason"].startswith("not JSON") for row in found)
    said = capsys.readouterr().err
    assert "4 rows could not be read; see out.jsonl.unreadable.jsonl" in said
    assert "in.jsonl, row 3 (line 4): not JSON" in said
    assert "in.jsonl, row 5" not in said  # the first few are enough
    Path("out.jsonl").unlink()
    with pytest.raises(UserError, match=r"out\.jsonl\.unreadable\.jsonl: exists already"):
        oneshot.call("curate", Path("in.jsonl"), Path("out.jsonl"), {"do": ["exact"]})


def test_without_unreadable_rows_nothing_is_said_of_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines.write(tmp_path / "in.jsonl", [{"text": "sound"}])
    oneshot.call("curate", tmp_path / "in.jsonl", tmp_path / "out.jsonl", {"do": []})
    assert "could not be read" not in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]


def test_what_is_said_of_unreadable_rows_cannot_command_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in\x1b[31m.jsonl").write_text('{"text": "sound"}\n{broken\n')
    oneshot.call("curate", tmp_path / "in\x1b[31m.jsonl", tmp_path / "out\x1b[31m.jsonl", {"do": []})
    said = capsys.readouterr().err
    assert "could not be read" in said
    assert "\x1b" not in said


def test_a_mistake_speaks_of_no_recipe(tmp_path: Path) -> None:
    lines.write(tmp_path / "in.jsonl", [{"text": "a"}])
    with pytest.raises(UserError) as caught:
        oneshot.call("curate", tmp_path / "in.jsonl", tmp_path / "out.jsonl", {"do": ["lenght"]})
    assert (
        str(caught.value)
        == "do has unknown method 'lenght'\n  Did you mean 'length'? Your own: use = \"./file.py:function\"."
    )
