from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from adaptline.core.sources import find_files
from adaptline.data.blocks import Batch
from adaptline.data.saving import save
from adaptline.errors import UserError


def batches(*records: dict[str, Any]) -> list[Batch]:
    return [Batch([record], {}) for record in records]


def rows_of(folder: Path) -> list[dict[str, Any]]:
    state = json.loads((folder / "state.json").read_text())
    names = [entry["filename"] for entry in state["_data_files"]]
    return [row for name in names for row in pa.ipc.open_stream(folder / name).read_all().to_pylist()]


def test_rows_without_splits_are_one_data_set(tmp_path: Path) -> None:
    save(batches({"text": "a", "n": [1]}, {"text": "b", "n": None}), tmp_path / "out", split="split")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "data-00000-of-00001.arrow",
        "dataset_info.json",
        "state.json",
    ]
    assert rows_of(tmp_path / "out") == [{"text": "a", "n": [1]}, {"text": "b", "n": None}]
    assert json.loads((tmp_path / "out" / "dataset_info.json").read_text())["features"] is None


def test_splits_are_folders_and_are_read_as_splits(tmp_path: Path) -> None:
    save(
        batches({"text": "a", "part": "train"}, {"text": "b", "part": "test"}, {"text": "c"}),
        tmp_path / "out",
        split="part",
    )
    assert json.loads((tmp_path / "out" / "dataset_dict.json").read_text()) == {"splits": ["train", "test", "unsplit"]}
    assert rows_of(tmp_path / "out" / "unsplit") == [{"text": "c", "part": None}]
    assert find_files("out", tmp_path).parts == ("train", "test", "unsplit")


def test_a_split_that_has_the_name_of_no_split(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"text": "a", "split": "unsplit"},
        {"text": "b", "split": None},
        {"text": "c", "split": "train"},
    ]
    save(batches(*rows), tmp_path / "out", split="split")
    assert find_files("out", tmp_path).parts == ("unsplit", "unsplit_2", "train")
    assert [rows_of(tmp_path / "out" / name) for name in ("unsplit", "unsplit_2", "train")] == [[row] for row in rows]
    save(batches(rows[0]), tmp_path / "one", split="split")
    assert find_files("one", tmp_path).parts == ("unsplit",)


def test_no_rows_are_a_data_set_without_any(tmp_path: Path) -> None:
    save([Batch([], {})], tmp_path / "out", split="split")
    assert rows_of(tmp_path / "out") == []


@pytest.mark.parametrize("name", ["../out", "a/b", "..", ".hidden", "x" * 61, "a\0"])
def test_a_split_that_is_no_folders_name_is_told_and_leaves_nothing(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="cannot be a folder's name"):
        save(batches({"text": "a", "split": name}), tmp_path / "out", split="split")
    assert list(tmp_path.iterdir()) == []


def test_a_column_of_many_values_is_no_split(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there are more than 100 splits"):
        save(batches(*({"text": "a", "split": f"s{n}"} for n in range(101))), tmp_path / "out", split="split")


def test_the_same_rows_give_the_same_folder(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save(batches({"text": "a", "split": "x"}), tmp_path / name, split="split")
    files = [sorted((path.relative_to(tmp_path / name), path.read_bytes()) for path in (tmp_path / name).rglob("*.*")) for name in ("a", "b")]  # fmt: skip
    assert files[0] == files[1]
