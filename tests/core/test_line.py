"""A recipe on a store: keys as far as inputs are known, and what the last run left."""

from __future__ import annotations

from pathlib import Path

import lines
import pytest

from adaptline.core.line import Line
from adaptline.core.run import run
from adaptline.errors import UserError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return lines.make(tmp_path / "project")


def test_a_key_is_known_once_its_inputs_are(path: Path) -> None:
    made = {artifact.step: artifact for artifact in run(path)}
    line = Line.open(path)
    raw, parts = line.nodes["raw"][0], line.nodes["parts"][0]
    assert line.key(parts) is None
    assert line.look_up(raw)[0] == line.key(raw) == made["raw"].key
    assert line.key(parts) == made["parts"].key


def test_a_key_holds_no_path_and_no_name(path: Path) -> None:
    line = Line.open(path)
    meaning = line.meaning(line.nodes["raw"][0])
    assert meaning is not None
    assert set(meaning) == {"step", "parameters", "inputs", "methods"}
    assert str(path.parent) not in str(meaning)


def test_what_the_last_run_left_is_kept_if_asked_for(path: Path) -> None:
    (made, *_) = run(path)
    path.write_text(path.read_text().replace('label = "label"\n', ""))
    assert Line.open(path).look_up(Line.open(path).nodes["raw"][0])[1] is None
    line = Line.open(path, keep=["raw"])
    assert line.look_up(line.nodes["raw"][0])[0] == made.key
    with pytest.raises(UserError, match=r"no step \[rwa\]"):
        Line.open(path, keep=["rwa"])


def test_looking_makes_no_store(path: Path) -> None:
    Line.open(path, make=False)
    assert not (path.parent / ".adaptline").exists()
    Line.open(path, path.parent / "elsewhere")
    assert (path.parent / "elsewhere" / "store.json").exists()
