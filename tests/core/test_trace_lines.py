"""A line of a source, as messages name it, leads to the row in which it lies."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import adaptline as al
from adaptline import library
from adaptline.errors import UserError

CSV = 'text,label\n"one\nof three\nlines",a\ntwo,b\nbroken\nfour,d\n'
RECIPE = '[raw]\nstep = "ingest"\nfiles = ["data/a.csv", "b.parquet"]\ntext = "text"\n[clean]\nstep = "curate"\nfrom = "raw"\ndo = ["exact"]\n'


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text(CSV)
    pq.write_table(pa.table({"text": ["x"], "label": ["y"]}), tmp_path / "b.parquet")
    (tmp_path / "recipe.toml").write_text(RECIPE)
    al.run(tmp_path / "recipe.toml")
    return tmp_path / "recipe.toml"


@pytest.mark.parametrize(("line", "row"), [(2, 1), (3, 1), (4, 1), (5, 2), (6, 3), (7, 4)])
def test_a_line_leads_to_its_row(recipe: Path, line: int, row: int) -> None:
    found = library.trace(recipe, f"a.csv:{line}", line=True)
    assert found["origin"]["row"] == row
    assert found["origin"]["line"] <= line
    assert library.trace(recipe, f"a.csv:{row}")["origin"] == found["origin"]


def test_a_file_is_named_as_a_shell_completes_it(recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(recipe.parent / "data")
    assert library.trace(recipe, "a.csv:6", line=True)["origin"]["unreadable"].startswith("1 field")


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("a.csv:1", "line 1 of a.csv is in no row"),
        ("b.parquet:1", "'b.parquet:1' names no line of a file that was read"),
        ("c.csv:1", "'c.csv:1' names no line of a file that was read"),
        ("a.csv:x", "'a.csv:x' names no line of a file that was read"),
        ("clean", "'clean' names no line of a file that was read"),
    ],
)
def test_what_is_no_line_of_a_row_is_told(recipe: Path, address: str, message: str) -> None:
    with pytest.raises(UserError) as told:
        library.trace(recipe, address, line=True)
    assert message in str(told.value)
