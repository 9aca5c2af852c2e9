"""What comes out of a store: rows in files of any format, weights in folders."""

from __future__ import annotations

import datetime as dt
import decimal
import json
from pathlib import Path

import lines
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import adaptline as al
from adaptline.core.store import Store


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = lines.make(tmp_path_factory.mktemp("output"))
    al.run(path, workers=1)
    return path


def test_the_kept_rows_of_a_step_with_their_splits(line: Path, tmp_path: Path) -> None:
    al.export(line, "clean", tmp_path / "clean.jsonl")
    rows = [json.loads(row) for row in (tmp_path / "clean.jsonl").read_text().splitlines()]
    shown = al.show(line, "clean")[0]
    assert len(rows) == sum(shown["splits"].values()) < shown["rows"]
    assert set(rows[0]) == {"text", "label", "split", "conversation"}
    al.export(line, "raw", tmp_path / "raw.csv")
    assert (tmp_path / "raw.csv").read_text().startswith("text,label,conversation\n")


def test_a_name_without_a_suffix_is_a_data_set_of_its_splits(line: Path, tmp_path: Path) -> None:
    al.export(line, "clean", tmp_path / "clean")
    splits = al.show(line, "clean")[0]["splits"]
    for split, rows in splits.items():
        found = pa.ipc.open_stream(tmp_path / "clean" / split / "data-00000-of-00001.arrow").read_all()
        assert found.num_rows == rows
        assert set(found["split"].to_pylist()) == {split}
    assert json.loads((tmp_path / "clean" / "dataset_dict.json").read_text())["splits"] == list(splits)
    al.export(line, "clean", tmp_path / "clean.arrow")
    assert pa.ipc.open_file(tmp_path / "clean.arrow").read_all().num_rows == sum(splits.values())


def test_what_is_there_already_is_not_overwritten(line: Path, tmp_path: Path) -> None:
    (tmp_path / "out.jsonl").write_text("mine")
    with pytest.raises(al.UserError, match=r"out\.jsonl: exists already"):
        al.export(line, "clean", tmp_path / "out.jsonl")
    assert (tmp_path / "out.jsonl").read_text() == "mine"


def test_an_unknown_step_and_an_unknown_format(line: Path, tmp_path: Path) -> None:
    with pytest.raises(al.UserError, match="Did you mean 'clean'"):
        al.export(line, "claen", tmp_path / "out.jsonl")
    with pytest.raises(al.UserError, match=r"no format is known for '\.xyz'"):
        al.export(line, "clean", tmp_path / "out.xyz")


def test_of_a_grid_a_cell_must_be_named(tmp_path: Path) -> None:
    path = lines.make(tmp_path / "project")
    path.write_text(
        path.read_text() + '[cut]\nstep = "curate"\nfrom = "raw"\ndo = ["length"]\neach = { length.min = [1, 30] }\n'
    )
    al.run(path, workers=1)
    with pytest.raises(al.UserError, match="step 'cut' has 2 artifacts") as caught:
        al.export(path, "cut", tmp_path / "out.jsonl")
    assert caught.value.do == "Name one with --cell: length.min=1; length.min=30"
    al.export(path, "cut", tmp_path / "out.jsonl", cell={"length.min": "3e1"})
    assert all(len(json.loads(row)["text"]) >= 30 for row in (tmp_path / "out.jsonl").read_text().splitlines())


def test_the_weights_that_were_chosen(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    import tiny  # noqa: PLC0415 - needs torch

    lines.write(tmp_path / "in.jsonl", tiny.records(160))
    tiny.write_base(tmp_path / "base")
    path = tmp_path / "recipe.toml"
    path.write_text(
        '[raw]\nstep = "ingest"\nfiles = "in.jsonl"\n'
        '[tuned]\nstep = "train"\nfrom = "raw"\nbase = "base"\nmethod = "lora"\nepochs = 1\nmax_tokens = 32\n'
        "each = { rank = [2], seed = [0, 1] }\n"
        '[scores]\nstep = "evaluate"\nfrom = ["tuned", "raw"]\n'
        '[best]\nstep = "select"\nfrom = "scores"\nbest = "test.accuracy"\n'
    )
    al.run(path, workers=1)
    al.export(path, "best", tmp_path / "adapter")
    al.export(path, "tuned", tmp_path / "other", cell={"seed": "1"})
    assert (tmp_path / "adapter" / "adapter_model.safetensors").exists()
    chosen = json.loads((Path(al.show(path, "best")[0]["path"]) / "report.json").read_text())["winner"]["cell"]
    store = Store.open(tmp_path / ".adaptline")
    of_cell = {ref["cell"]["seed"]: store.folder(ref["key"]) for ref in store.refs("recipe")["tuned"]}
    for folder, seed in ((tmp_path / "adapter", chosen["seed"]), (tmp_path / "other", 1)):
        assert tiny.payload(folder) == tiny.payload(of_cell[seed])
    (of_cell[0] / "labels.json").chmod(0o644)
    (of_cell[0] / "labels.json").write_text("{}")
    with pytest.raises(al.UserError, match="its files are not what was made"):
        al.export(path, "tuned", tmp_path / "spoiled", cell={"seed": "0"})
    assert not list(tmp_path.glob("*spoiled*"))


def test_typed_values_come_out_as_a_person_would_write_them(tmp_path: Path) -> None:
    values = {
        "text": ["a message"],
        "when": [dt.date(2024, 1, 2)],
        "price": [decimal.Decimal("1.50")],
        "raw": [b"ab"],
        "share": [float("nan")],
    }
    pq.write_table(pa.table(values), tmp_path / "in.parquet")
    al.curate(tmp_path / "in.parquet", tmp_path / "out.csv", do=[])
    assert (tmp_path / "out.csv").read_text() == "text,when,price,raw,share\na message,2024-01-02,1.50,ab,NaN\n"
    al.curate(tmp_path / "in.parquet", tmp_path / "out.jsonl", do=[])
    row = json.loads(
        (tmp_path / "out.jsonl").read_text(), parse_constant=lambda name: pytest.fail(f"{name} is no JSON")
    )
    assert row == {"text": "a message", "when": "2024-01-02", "price": "1.50", "raw": "ab", "share": None}


def test_fields_inside_objects_go_the_whole_way(tmp_path: Path) -> None:
    rows = [
        {"id": i, "message": {"body": f"a message with number {i}", "meta": {"who": f"u{i % 3}"}}} for i in range(9)
    ]
    lines.write(tmp_path / "in.jsonl", rows)
    reading = {"text": "message.body", "subject": ["message.meta.who"], "group": "message.meta.who"}
    al.curate(tmp_path / "in.jsonl", tmp_path / "out.jsonl", do=[{"use": "length", "min": 5}], reading=reading)
    found = [json.loads(row) for row in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [row["message"]["body"] for row in found] == [row["message"]["body"] for row in rows]  # type: ignore[index]
    people = {row["message"]["meta"]["who"] for row in found}
    assert len(people) == 3
    assert all(len(person) == 64 for person in people), "an HMAC, in its old place"
    with pytest.raises(al.UserError, match=r"no column 'message\.text'"):
        al.curate(tmp_path / "in.jsonl", tmp_path / "no.jsonl", do=[], reading={"text": "message.text"})


def test_times_that_python_cannot_hold_are_no_reason_to_stop(tmp_path: Path) -> None:
    when = pa.array([1, 2], pa.timestamp("ns", "Mars/Base"))
    pq.write_table(pa.table({"text": ["a message", None], "when": when}), tmp_path / "in.parquet")
    al.curate(tmp_path / "in.parquet", tmp_path / "out.parquet", do=[])
    assert pq.read_table(tmp_path / "out.parquet")["when"].combine_chunks().equals(when[:1])
    (bad,) = map(json.loads, (tmp_path / "out.parquet.unreadable.jsonl").read_text().splitlines())
    assert (bad["row"], bad["raw"]) == (2, None)
    path = tmp_path / "recipe.toml"
    path.write_text('[raw]\nstep = "ingest"\nfiles = "in.parquet"\n')
    al.run(path, workers=1)
    assert "in.parquet" in al.report(path).read_text()
