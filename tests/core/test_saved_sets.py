"""Folders of Hugging Face datasets: what they say of themselves is checked before it is believed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from adaptline.core.saved_sets import files_of
from adaptline.errors import UserError


def put(folder: Path, state: Any) -> Path:
    (folder / "state.json").write_text(json.dumps(state))
    (folder / "a.arrow").write_text("a")
    return folder


def test_files_come_in_the_folders_order(tmp_path: Path) -> None:
    (tmp_path / "b.arrow").write_text("b")
    found = files_of(put(tmp_path, {"_data_files": [{"filename": "b.arrow"}, {"filename": "a.arrow"}]}))
    assert [(path.name, split) for path, split in found] == [("b.arrow", None), ("a.arrow", None)]


def test_another_folder_is_none(tmp_path: Path) -> None:
    assert files_of(tmp_path) == []


@pytest.mark.parametrize(
    ("state", "what"),
    [
        ([], "state.json is not what Hugging Face datasets writes"),
        ({}, "state.json is not what Hugging Face datasets writes"),
        ({"_data_files": ["a.arrow"]}, "state.json is not what Hugging Face datasets writes"),
        ({"_data_files": [{"filename": "../a.arrow"}]}, "names '../a.arrow', which is not inside of it"),
        ({"_data_files": [{"filename": "/etc/passwd"}]}, "names '/etc/passwd', which is not inside of it"),
        ({"_data_files": [{"filename": ""}]}, "names '', which is not inside of it"),
        ({"_data_files": [{"filename": "c.arrow"}]}, "c.arrow is missing"),
        ({"_data_files": [], "_indices_data_files": [{"filename": "i"}]}, "has indices beside its rows"),
    ],
)
def test_a_damaged_description_is_told(tmp_path: Path, state: Any, what: str) -> None:
    with pytest.raises(UserError) as caught:
        files_of(put(tmp_path, state))
    assert caught.value.what == what


def test_a_description_that_is_no_json_is_told(tmp_path: Path) -> None:
    (tmp_path / "dataset_dict.json").write_text("{")
    with pytest.raises(UserError, match="is not what Hugging Face datasets writes"):
        files_of(tmp_path)
