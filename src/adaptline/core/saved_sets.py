"""Folders that Hugging Face datasets' `save_to_disk` writes: which files they are made of, and which split each is.

Knows the folder's own JSON files: dataset_dict.json with the splits, and state.json with the files of one. Knows nothing
of what the files hold. Source: datasets.arrow_dataset.Dataset.save_to_disk and datasets.dataset_dict.DatasetDict.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from adaptline.errors import UserError

SPLITS, STATE, INFO = "dataset_dict.json", "state.json", "dataset_info.json"


def files_of(folder: Path) -> list[tuple[Path, str | None]]:
    """The files of a saved data set in its order, each with its split; none where the folder is no saved data set.

    Raises:
        UserError: its own description is damaged, or names a file outside of it or one that is missing.
    """
    if (folder / SPLITS).is_file():
        splits = _strings(_table(folder / SPLITS).get("splits"), folder / SPLITS)
        return [(path, split) for split in splits for path in _files(_inside(folder, split))]
    return [(path, None) for path in _files(folder)] if (folder / STATE).is_file() else []


def _files(folder: Path) -> list[Path]:
    state = _table(folder / STATE)
    if state.get("_indices_data_files"):  # of versions before 2.0
        raise UserError("has indices beside its rows", where=folder, do="Save it with datasets 2 or newer.")
    entries = state.get("_data_files")
    if not isinstance(entries, list):
        raise _damaged(folder / STATE)
    names = [entry.get("filename") if isinstance(entry, dict) else None for entry in entries]
    paths = [_inside(folder, name) for name in _strings(names, folder / STATE)]
    for path in paths:
        if not path.is_file():
            raise UserError(f"{path.name} is missing", where=folder, do="Copy the folder whole.")
    return paths


def _inside(folder: Path, name: str) -> Path:
    """A direct child of a folder: a name is no path."""
    if name in ("", ".", "..") or Path(name).name != name or "\0" in name:
        raise UserError(f"names {name!r}, which is not inside of it", where=folder, do="Do not trust this folder.")
    return folder / name


def _strings(value: Any, where: Path) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise _damaged(where)
    return value


def _table(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(path) from error
    if not isinstance(value, dict):
        raise _damaged(path)
    return value


def _damaged(path: Path) -> UserError:
    return UserError(f"{path.name} is not what Hugging Face datasets writes", where=path, do="Save the data set again.")
