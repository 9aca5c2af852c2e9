"""What comes out of a store: rows in files of any format, weights in folders."""

from __future__ import annotations

import datetime as dt
import decimal
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lines
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import adaptline as al
from adaptline import output
from adaptline.cli import app
from adaptline.core import recipe
from adaptline.core.store import Store
from adaptline.data.writing import refuse_unwritable
from adaptline.errors import UserError


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
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(al.UserError, match="exists already"):
        al.export(path, "best", tmp_path / "mine", force=True)
    assert (tmp_path / "mine").read_text() == "mine"
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


def exported(folder: Path, step: str, out: str, **tables: dict[str, Any]) -> str:
    """What `step` of a recipe made, as a file of a name."""
    source = recipe.from_tables(tables, "r", folder)
    al.run(source, store=folder / "store")
    return al.export(source, step, folder / out, store=folder / "store").read_text("utf-8")


def test_fields_without_names_are_called_by_what_they_hold(tmp_path: Path) -> None:
    """A headerless file with a field that no column holds, and a split that a step gave."""
    (tmp_path / "a.csv").write_text("".join(f"ham,where is order {i}?,{i}\n" for i in range(8)))
    raw = {"step": "ingest", "files": "a.csv", "text": "1", "label": "0"}
    parts = {"step": "split", "from": "raw", "share": {"train": 0.5, "test": 0.5}}
    assert exported(tmp_path, "raw", "raw.csv", raw=raw).startswith("text,label,column_2\nwhere is order 0?,ham,0\n")
    again = {"step": "ingest", "files": "again.csv"}  # names tell: nothing is named
    written = exported(tmp_path, "parts", "again.csv", raw=raw, parts=parts)
    assert written.startswith("text,label,split,column_2\n")
    assert exported(tmp_path, "raw", "third.csv", raw=again) == written
    assert json.loads(exported(tmp_path, "raw", "b.jsonl", raw=raw).splitlines()[0]) == {
        "text": "where is order 0?",
        "label": "ham",
        "column_2": "0",
    }


def test_a_prompt_with_a_context_gets_names_that_are_read_again(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Add,1 and 2,3,b\nSubtract,2 from 3,1,a\n")
    roles = {"prompt": "0", "context": "1", "completion": "2", "subject": ["3"]}
    raw = {"step": "ingest", "files": "a.csv", **roles}
    written = exported(tmp_path, "raw", "again.csv", raw=raw)
    assert written.startswith("instruction,input,output,subject\nAdd,1 and 2,3,")
    again = {"step": "ingest", "files": "again.csv", "subject": ["subject"]}
    assert exported(tmp_path, "raw", "third.csv", raw=again).startswith(
        "instruction,input,output,subject\nAdd,1 and 2,3"
    )


def test_names_of_digits_that_a_source_of_names_has_stay(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"0": "a text", "7": 1}\n')
    assert exported(tmp_path, "raw", "b.jsonl", raw={"step": "ingest", "files": "a.jsonl", "text": "0"}) == (
        '{"0":"a text","7":1}\n'
    )


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
def test_a_child_says_who_made_it_of_which_row(tmp_path: Path, suffix: str) -> None:
    lines.write(tmp_path / "a.jsonl", [{"text": f"please send parcel number {i} to me", "id": i} for i in range(20)])
    out = al.augment(tmp_path / "a.jsonl", tmp_path / f"out.{suffix}", do=[{"use": "noise", "share": 0.3}], of="train")
    al.curate(out, tmp_path / "back.jsonl", do=[{"use": "length", "min": 1}])
    rows = [json.loads(row) for row in (tmp_path / "back.jsonl").read_text().splitlines()]
    children = [row for row in rows if row.get("augmented_by")]
    assert len(rows) == 20 + len(children) > 20
    for child in children:
        assert child["augmented_by"] == "noise"
        file, _, number = child["augmented_from"].rpartition(":")
        assert Path(file).name == "a.jsonl"
        assert int(child["id"]) == int(number) - 1
    if suffix == "jsonl":
        assert all("augmented_by" not in row for row in rows if row not in children)


def test_children_keep_their_origin_through_a_transform_and_a_split(tmp_path: Path) -> None:
    rows = [{"text": f"cafÃ© number {i} is open today", "split": "train"} for i in range(20)]
    lines.write(tmp_path / "a.jsonl", rows)
    written = exported(
        tmp_path,
        "clean",
        "out.jsonl",
        raw={"step": "ingest", "files": "a.jsonl"},
        more={"step": "augment", "from": "raw", "do": [{"use": "noise", "name": "typos", "share": 0.5}]},
        clean={"step": "curate", "from": "more", "do": ["unicode"]},
    )
    children = [row for row in map(json.loads, written.splitlines()) if "augmented_by" in row]
    assert children
    assert all("Ã" not in row["text"] and row["augmented_by"] == "typos" for row in children)
    assert all(row["augmented_from"].startswith("a.jsonl:") for row in children)


def test_a_file_is_written_over_when_told(line: Path, tmp_path: Path) -> None:
    (tmp_path / "out.jsonl").write_text("mine")
    al.export(line, "clean", tmp_path / "out.jsonl", force=True)
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) > 1
    life = al.trace(line, "clean:0")
    page = al.library.write_life(life, tmp_path / "life.html")
    with pytest.raises(al.UserError, match=r"life\.html: exists already") as caught:
        al.library.write_life(life, page)
    assert "--force" in caught.value.do
    assert al.library.write_life(life, page, force=True) == page


@pytest.mark.parametrize("out", ["recipe.toml", "data/part-0.jsonl", "mine.py"])
def test_what_a_recipe_stands_on_is_never_written_over(line: Path, out: str) -> None:
    path = line.parent / out
    before = path.read_bytes()
    with pytest.raises(al.UserError, match="is read here, and never written over"):
        al.export(line, "clean", path, force=True)
    done = CliRunner().invoke(app, ["trace", str(line), "clean:0", "-o", str(path), "--force"])
    assert "is read here, and never written over" in str(done.exception)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("out", "what", "do"),
    [
        ("/dev/null", "is no file, and no place for one", "Name another with -o."),
        (".", "exists already", "Name another with -o, or move it away."),
        ("/proc/x.jsonl", "cannot be written", "Name another place with -o."),
        ("/proc/x", "cannot be written", "Name another place with -o."),
    ],
)
def test_a_place_in_which_nothing_can_be_written_is_told(line: Path, out: str, what: str, do: str) -> None:
    writes: list[Callable[[], object]] = [
        lambda: al.export(line, "clean", out, force=True),
        lambda: al.library.write_life(al.trace(line, "clean:0"), out, force=True),
        lambda: al.new(line.parent / "data" / "part-0.jsonl", out, force=True),
    ]
    for write in writes:
        with pytest.raises(al.UserError) as refused:
            write()
        assert (refused.value.what, refused.value.do) == (what, do)


def test_a_folder_takes_no_files_place(line: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(al.UserError, match="exists already") as refused:
        al.export(line, "clean", tmp_path / "out", force=True)
    assert refused.value.do.endswith("or move it away.")
    assert (tmp_path / "out").read_text() == "mine"


def test_a_mixed_set_is_written_with_the_fields_of_all_its_sources(tmp_path: Path) -> None:
    """A field of the second file only, a number that is an integer in one and a float in another, a type of its own."""
    count = 40
    (tmp_path / "a.csv").write_text("text,label\n" + "".join(f"from the table {i},x\n" for i in range(count)))
    said = [{"text": f"from the lines {i}", "label": "y", "lang": "en", "n": i} for i in range(count)]
    (tmp_path / "b.jsonl").write_text("".join(json.dumps(row) + "\n" for row in said))
    typed = {"text": [f"from the columns {i}" for i in range(count)], "n": pa.array([0.5] * count, pa.float32())}
    pq.write_table(pa.table({**typed, "when": pa.array([0] * count, pa.date32())}), tmp_path / "c.parquet")
    path = tmp_path / "recipe.toml"
    path.write_text(
        '[raw]\nstep = "ingest"\nfiles = ["a.csv", "b.jsonl", "c.parquet"]\n'
        '[clean]\nstep = "curate"\nfrom = "raw"\ndo = ["exact"]\n'
    )
    al.run(path, workers=1)
    (tmp_path / "out").mkdir()
    for out in ("clean.csv", "clean.tsv", "clean.parquet", "clean.arrow", "clean", "clean.jsonl"):
        al.export(path, "clean", tmp_path / "out" / out)
    head, *rows = (tmp_path / "out" / "clean.csv").read_text().splitlines()
    assert (head, len(rows)) == ("text,label,lang,n,when", 3 * count)
    assert (rows[0], rows[count + 1]) == ("from the table 0,x,,,", "from the lines 1,y,en,1,")
    assert (tmp_path / "out" / "clean.tsv").read_text().replace("\t", ",").splitlines() == [head, *rows]
    table = pq.read_table(tmp_path / "out" / "clean.parquet")
    assert table.num_rows == 3 * count
    assert dict(zip(table.schema.names, map(str, table.schema.types), strict=True)) == {
        "text": "string",
        "label": "string",
        "lang": "string",
        "n": "double",
        "when": "date32[day]",
    }
    assert table["n"].to_pylist()[count - 1 : count + 2] == [None, 0.0, 1.0]
    assert table["when"].to_pylist()[-1] == dt.date(1970, 1, 1)
    assert pa.ipc.open_file(tmp_path / "out" / "clean.arrow").read_all().equals(table)
    assert pa.ipc.open_stream(tmp_path / "out" / "clean" / "data-00000-of-00001.arrow").read_all().equals(table)
    lines_out = (tmp_path / "out" / "clean.jsonl").read_text().splitlines()
    assert json.loads(lines_out[0]) == {"text": "from the table 0", "label": "x"}


def test_what_cannot_be_written_is_refused_with_what_can(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="names no file"):
        output.refuse_place(Path("-"), inputs=[])
    with pytest.raises(UserError) as caught:
        refuse_unwritable(tmp_path / "x.foo")
    assert caught.value.what == "no format is known for '.foo'"
    assert ".jsonl, " in caught.value.do
    assert ".xml" not in caught.value.do
    assert ".yaml" not in caught.value.do
