"""Steps as commands of their own: how words become parameters, and which options there are."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Optional

import lines
import pytest
from typer.testing import CliRunner

from adaptline import cli_steps
from adaptline.cli import app
from adaptline.core import signatures
from adaptline.errors import UserError

DO = signatures.of_step("curate").parameters["do"].annotation


@pytest.mark.parametrize(
    ("words", "annotation", "value"),
    [
        ("3", int, 3),
        ("0.5", float, 0.5),
        ("1e-3", float | None, 0.001),
        ("true", bool, True),
        ("plain words", str, "plain words"),
        ("12", str, "12"),
        ("a,b", list[str], ["a", "b"]),
        ("query,value", list[str] | None, ["query", "value"]),
        ("query", list[str] | None, ["query"]),
        ("query,value", Optional[list[str]], ["query", "value"]),  # noqa: UP045 - an older spelling that a method may use
        ('["a, b", "c"]', list[str], ["a, b", "c"]),
        ("train=0.9,test=0.1", dict[str, float], {"train": 0.9, "test": 0.1}),
        ("{ train = 1.0 }", dict[str, float], {"train": 1.0}),
        ("exact,minhash", DO, ["exact", "minhash"]),
        ("length:min=20:max=400,exact", DO, [{"use": "length", "min": 20, "max": 400}, "exact"]),
        ("./mine.py:polite:min=0.5", DO, [{"use": "./mine.py:polite", "min": 0.5}]),
        ("./mine.py:polite", DO, ["./mine.py:polite"]),
        ('language:keep=["en","de"],exact', DO, [{"use": "language", "keep": ["en", "de"]}, "exact"]),
        ('[{ use = "length", min = 3 }, "exact"]', DO, [{"use": "length", "min": 3}, "exact"]),
    ],
)
def test_words_become_what_a_recipe_would_say(words: str, annotation: Any, value: Any) -> None:
    assert cli_steps.from_words(words, annotation) == value


def test_a_file_is_augmented_from_the_command_line(tmp_path: Path) -> None:
    texts = [f"a sentence of some words, number {i}" for i in range(300)]
    lines.write(tmp_path / "in.jsonl", [{"body": text, "id": i} for i, text in enumerate(texts)])
    (tmp_path / "pairs.tsv").write_text("sentence\tphrase\n")
    do = f"noise:share=0.2:drop=0.1,synonyms:share=1.0:rate=1.0:file={tmp_path / 'pairs.tsv'}"
    command = ["augment", str(tmp_path / "in.jsonl"), "--text", "body", "--do", do, "-o", str(tmp_path / "out.jsonl")]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    found = lines.read(tmp_path / "out.jsonl")
    assert [row["body"] for row in found[:300]] == texts
    phrases = [row for row in found[300:] if "phrase" in row["body"]]
    assert sorted(row["id"] for row in phrases) == list(range(300))
    assert all(row["body"] == texts[row["id"]].replace("sentence", "phrase") for row in phrases)
    noisy = len(found) - 600
    assert 30 < noisy < 90


def test_every_command_has_help() -> None:
    for name in cli_steps.names():
        assert cli_steps.command(name, whole=True).help
        assert cli_steps.command(name, whole=False).help
    assert cli_steps.command("walk", whole=True) is None


def test_the_optional_list_of_lora_is_shown_as_a_list() -> None:
    pytest.importorskip("torch")
    targets = next(option for option in cli_steps.command("train", whole=True).params if option.name == "targets")
    assert targets.metavar == "LIST"


def test_an_option_of_a_list_may_be_given_more_than_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines.write(tmp_path / "in.jsonl", [{"text": "long enough"}, {"text": "long enough"}, {"text": "no"}])
    arguments = ["in.jsonl", "--do", "length:min=5", "--do", "exact", "-o", "out.jsonl"]
    cli_steps.command("curate", whole=True)(arguments, standalone_mode=False)
    assert Path("out.jsonl").read_text() == '{"text":"long enough"}\n'


def test_how_a_file_is_read_can_be_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in.csv").write_text("Frage#Antwort\nwann?#morgen\n")
    arguments = ["in.csv", "--do", "exact", "--delimiter", "#", "--prompt", "Frage", "--completion", "Antwort"]
    cli_steps.command("curate", whole=True)([*arguments, "-o", "out.jsonl"], standalone_mode=False)
    assert json.loads(Path("out.jsonl").read_text()) == {"Frage": "wann?", "Antwort": "morgen"}


def options_of(name: str) -> set[str]:
    return {word for option in cli_steps.command(name, whole=True).params for word in option.opts}


def flags(names: Iterable[str]) -> set[str]:
    return {"--" + name.replace("_", "-") for name in names}


@pytest.mark.parametrize("step", [*cli_steps.COMMANDS, cli_steps.NEW])
def test_a_command_has_every_parameter_of_its_step_and_of_reading(step: str) -> None:
    reading = flags(set(signatures.of_step("ingest").parameters) - {"files"})
    own = flags(signatures.of_step(step).parameters) if step in cli_steps.COMMANDS else set()
    assert own | reading | {"--force", "--out"} <= options_of(step)
    if own:
        assert {"--store", "--workers", "--memory"} <= options_of(step)


def run(*words: str) -> str:
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output


def test_new_takes_what_ingest_takes(tmp_path: Path) -> None:
    records = [{"q": f"how is number {i}?", "a": "fine", "who": f"p{i % 3}"} for i in range(20)]
    (tmp_path / "in.json").write_text(json.dumps({"made": "today", "rows": records}), "utf-8")
    given = ["--records", "rows", "--prompt", "q", "--completion", "a", "--subject", "who", "--encoding", "utf-8"]
    assert "adaptline plan" in run("new", str(tmp_path / "in.json"), *given)
    raw = tomllib.loads((tmp_path / "recipe.toml").read_text())["raw"]
    assert raw == {
        "step": "ingest",
        "files": ["in.json"],
        "prompt": "q",
        "completion": "a",
        "subject": ["who"],
        "records": "rows",
        "encoding": "utf-8",
    }
    assert "20 rows" in run("run", str(tmp_path / "recipe.toml"), "raw") + run("show", str(tmp_path / "recipe.toml"))
    run("new", str(tmp_path / "in.json"), *given, "--force")


@pytest.mark.parametrize(
    ("given", "what"),
    [
        (["--records", "data.rows"], "--records does nothing: the file is jsonl"),
        (["--format", "jsnl"], "--format must be one of"),
        (["--header", "3"], "--header must be true or false, not 3"),
    ],
)
def test_new_refuses_what_does_not_fit(tmp_path: Path, given: list[str], what: str) -> None:
    lines.write(tmp_path / "in.jsonl", [{"text": "a text"}])
    done = CliRunner().invoke(app, ["new", str(tmp_path / "in.jsonl"), *given])
    assert isinstance(done.exception, UserError)
    assert done.exception.what.startswith(what)
    assert not (tmp_path / "recipe.toml").exists()


def test_one_file_may_be_written_over_when_told(tmp_path: Path) -> None:
    lines.write(tmp_path / "in.jsonl", [{"text": "one text"}, {"text": "one text"}])
    (tmp_path / "out.jsonl").write_text("mine")
    (tmp_path / "out.jsonl.unreadable.jsonl").write_text("of an earlier time")
    command = ["curate", str(tmp_path / "in.jsonl"), "--do", "exact", "-o", str(tmp_path / "out.jsonl")]
    refused = CliRunner().invoke(app, command).exception
    assert isinstance(refused, UserError)
    assert "--force" in refused.do
    assert (tmp_path / "out.jsonl").read_text() == "mine"
    run(*command, "--force", "--workers", "1", "--memory", "1GB")
    assert (tmp_path / "out.jsonl").read_text() == '{"text":"one text"}\n'
    assert not (tmp_path / "out.jsonl.unreadable.jsonl").exists()


@pytest.mark.parametrize(
    ("source", "out"),
    [
        ("in.jsonl", "in.jsonl"),
        ("in.jsonl", "link.jsonl"),
        ("out.jsonl.unreadable.jsonl", "out.jsonl"),  # the place of the rows that could not be read
        ("set", "set/data.arrow"),
        ("in.jsonl", "words.jsonl"),  # which a parameter names
    ],
)
def test_what_a_command_reads_is_never_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, out: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("in.jsonl", "out.jsonl.unreadable.jsonl", "words.jsonl"):
        lines.write(Path(name), [{"text": "one text"}, {"text": "one text"}, {"text": "another"}])
    Path("link.jsonl").symlink_to("in.jsonl")
    Path("set").mkdir()
    Path("set/state.json").write_text('{"_data_files": [{"filename": "data.arrow"}]}')
    Path("set/data.arrow").write_text("rows")
    before = {path: path.read_bytes() for path in Path().rglob("*.*")}
    command = ["curate", source, "--do", "exact,decontaminate:against=['words.jsonl']", "-o", out, "--force"]
    refused = CliRunner().invoke(app, command).exception
    assert isinstance(refused, UserError)
    assert refused.what == "is read here, and never written over"
    assert {path: path.read_bytes() for path in Path().rglob("*.*")} == before


def test_new_writes_over_no_data(tmp_path: Path) -> None:
    lines.write(tmp_path / "in.jsonl", [{"text": "one text"}])
    refused = CliRunner().invoke(app, ["new", str(tmp_path / "in.jsonl"), "-o", str(tmp_path / "in.jsonl"), "--force"])
    assert "never written over" in str(refused.exception)
    assert len(lines.read(tmp_path / "in.jsonl")) == 1


@pytest.mark.parametrize("out", [".", "/", ".."])
def test_a_name_that_is_none_is_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str) -> None:
    lines.write(tmp_path / "in.jsonl", [{"text": "one text"}])
    monkeypatch.chdir(tmp_path)
    refused = CliRunner().invoke(app, ["curate", "in.jsonl", "--do", "exact", "-o", out]).exception
    assert isinstance(refused, UserError)
    assert refused.what == "exists already"


def test_a_file_in_the_place_of_weights_is_told_before_the_work(tmp_path: Path) -> None:
    """With --force, too; and before a word of the base, which is not there."""
    lines.write(tmp_path / "in.jsonl", [{"text": "one text", "label": "a"}])
    (tmp_path / "adapter").write_text("mine")
    command = ["train", str(tmp_path / "in.jsonl"), "--base", "none", "--method", "lora", "--force"]
    refused = CliRunner().invoke(app, [*command, "-o", str(tmp_path / "adapter")]).exception
    assert isinstance(refused, UserError)
    assert (refused.what, refused.do) == ("exists already", "Name another with -o, or move it away.")


def test_a_folder_is_never_written_over(tmp_path: Path) -> None:
    lines.write(tmp_path / "in.jsonl", [{"text": "one text"}])
    (tmp_path / "out").mkdir()
    command = ["curate", str(tmp_path / "in.jsonl"), "--do", "exact", "-o", str(tmp_path / "out"), "--force"]
    refused = CliRunner().invoke(app, command).exception
    assert isinstance(refused, UserError)
    assert "move it away" in refused.do


def said(folder: Path, *words: str, code: int = 0) -> str:
    """What a step on one file says besides what it prints."""
    done = CliRunner().invoke(app, [*words, "-o", str(folder / "out.jsonl"), "--force"])
    assert done.exit_code == code or isinstance(done.exception, UserError), done.output
    return str(done.exception) if isinstance(done.exception, UserError) else done.stderr


def test_a_step_says_why_rows_went_and_what_was_guessed(tmp_path: Path) -> None:
    lines.write(tmp_path / "in.jsonl", [{"text": text, "category": "x"} for text in ("a b", "A  b", "c", "d e f")])
    source = str(tmp_path / "in.jsonl")
    told = said(tmp_path, "curate", source, "--do", "exact,length:min=2,label")
    assert "\n  exact dropped 1\n  length dropped 1 (below 2: 1)\n  label dropped 2 (missing 2)\n" in told
    assert "\n  label: no row has a label: is it the field 'category'? Then say --label category\n" in told
    told = said(tmp_path, "curate", source, "--do", "exact", "--label", "category")
    assert "  in: 4 rows; all labels are the same, " in told
    (tmp_path / "in.csv").write_bytes(
        "text\n\u0433\u0434\u0435 \u043c\u043e\u044f \u043a\u0430\u0440\u0442\u0430\n".encode("cp1251")
    )
    assert "  in: 1 row; read as cp1251, " in said(tmp_path, "curate", str(tmp_path / "in.csv"), "--do", "exact")
    asked = ["curate", str(tmp_path / "in.csv"), "--do", "exact", "--encoding", "cp1251"]
    assert "  in: 1 row, " in said(tmp_path, *asked)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--do", "exact", "--header", "maybe"], "--header must be true or false, not 'maybe'"),
        (
            ["--do", "language:keep=en"],
            "keep of language must be a list, each a string, not 'en'\n  Write keep=[\"en\"].",
        ),
        (
            ["--do", "exact", "--system", "b"],
            "'b' needs a chat or a prompt\n  Name it: --messages conversations, or --prompt question.",
        ),
        (["--do", "exact"], "--text NAME if the first line names the columns, --text 0 (by position) if it does not."),
        (["--do", ""], "--do names nothing"),
        (["--do", "exact", "--subject", " "], "--subject names nothing"),
        (["--do", "decontaminate"], "Write decontaminate:against=...: a file pattern or a list of them."),
    ],
)
def test_a_mistake_on_a_command_line_is_told_as_it_is_typed(tmp_path: Path, words: list[str], told: str) -> None:
    (tmp_path / "in.csv").write_text("a,b\nx,y\n")
    assert told in said(tmp_path, "curate", str(tmp_path / "in.csv"), *words)


def test_what_does_nothing_is_told_before_the_work(tmp_path: Path) -> None:
    lines.write(tmp_path / "in.jsonl", [{"text": "a"}])
    told = said(tmp_path, "curate", str(tmp_path / "in.jsonl"), "--do", "language,exact")
    assert told.startswith("  note: language judges and drops nothing: give keep or drop\n")


@pytest.mark.parametrize("word", ["curat", "pln", "lgo"])
def test_a_verb_that_there_is_none_of_is_told_with_one_that_is_near(word: str) -> None:
    done = CliRunner().invoke(app, [word, "x"])
    near = {"curat": "curate", "pln": "plan", "lgo": "log"}[word]
    assert done.exit_code == 2
    assert f"No such command {word!r}. Did you mean {near!r}?" in done.stderr
