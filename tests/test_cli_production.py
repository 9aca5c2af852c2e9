"""The verbs of production on the command line: what each hands on, what it prints, and what it refuses."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import released
from typer.testing import CliRunner

from adaptline import production
from adaptline.cli import app
from adaptline.core.store import Store
from adaptline.deploy import api_keys


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ADAPTLINE_USER", "anna")
    (tmp_path / "recipe.toml").write_text('[raw]\nstep = "ingest"\nfiles = "data.jsonl"\n')
    return tmp_path / "recipe.toml"


@pytest.fixture
def release(recipe: Path) -> str:
    return released.commit(Store.open(recipe.parent / ".adaptline"), "one")


def said(*words: object, code: int = 0) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == code, done.output
    return done.output


def told(*words: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(said(*words, "--json"))
    return found


def test_each_move_is_the_librarys_and_printed_either_way(recipe: Path, release: str) -> None:
    canary = told("deploy", recipe, release[:10], "--channel", "support", "--percent", 5, "--why", "it leads")
    assert canary == production.channel(recipe, "support")
    assert (canary["canary"]["digest"], canary["canary"]["percent"]) == (release, 5)
    assert (canary["moves"][-1]["who"], canary["moves"][-1]["why"]) == ("anna", "it leads")
    promoted = told("promote", recipe, "--channel", "support", "--by", "bert", "--expect", canary["version"])
    assert (promoted["stable"]["digest"], promoted["canary"]) == (release, None)
    assert promoted["moves"][-1]["who"] == "bert"
    shown = said("rollback", recipe, "--channel", "support", "--why", "slow")
    assert shown.splitlines()[0] == f"support  version {promoted['version'] + 1}"
    assert "by anna: slow" in shown


@pytest.mark.parametrize("verb", [("promote",), ("rollback",), ("deploy", "--percent", "5")])
def test_a_version_that_moved_on_is_not_moved(recipe: Path, release: str, verb: tuple[str, ...]) -> None:
    before = told("deploy", recipe, release, "--channel", "support", "--percent", 5)
    name, *more = verb
    done = CliRunner().invoke(app, [name, str(recipe), "--channel", "support", "--expect", "7", *more])
    assert done.exit_code != 0
    assert production.channel(recipe, "support") == before


@pytest.mark.parametrize(
    "words",
    [
        ("deploy", "RECIPE", "--channel", "support"),
        ("promote", "RECIPE"),
        ("rollback", "RECIPE", "--channel", "support", "--expect", "soon"),
        ("serve", "RECIPE", "--port", "65536"),
        ("serve", "RECIPE", "--concurrency", "0"),
        ("serve", "RECIPE", "--timeout", "0"),
        ("key",),
    ],
)
def test_a_wrong_command_line_is_told_before_any_work(recipe: Path, words: tuple[str, ...]) -> None:
    said(*(recipe if word == "RECIPE" else word for word in words), code=2)
    assert [path.name for path in recipe.parent.iterdir()] == ["recipe.toml"]


def test_a_key_is_printed_once_and_its_file_knows_it(recipe: Path) -> None:
    path = recipe.parent / "keys.txt"
    made = [said("key", name, "--keys", path).strip() for name in ("app", "desk")]
    known = api_keys.read(path)
    assert [known.name_of(key) for key in made] == ["app", "desk"]
    assert not [key for key in made if key in path.read_text()]


def test_served_options_reach_the_gateway_and_a_signal_ends_it(recipe: Path, release: str) -> None:
    production.deploy(recipe, release, channel="support", percent=5)
    command = [sys.executable, "-c", "from adaptline.cli import main; main()", "serve", str(recipe), "--port", "0"]
    command += ["--backend", "openai", "--upstream", "http://127.0.0.1:9/v1", "--log", str(recipe.with_name("log"))]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            line = next(line for line in process.stderr if "serving on" in line)
            assert "http://127.0.0.1:" in line
            assert "/v1, console on http://127.0.0.1:" in line
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert recipe.with_name("log").exists()


def test_an_option_that_a_backend_does_not_take_is_refused(recipe: Path, release: str) -> None:
    production.deploy(recipe, release, channel="support", percent=5)
    done = CliRunner().invoke(app, ["serve", str(recipe), "--port", "0", "--alias", "support=x"])
    assert done.exit_code != 0
    assert "the backend bank takes no --alias" in str(done.exception)
