"""The verbs that move channels, as functions and as commands."""

from __future__ import annotations

import getpass
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import released

import adaptline as al
from adaptline import production
from adaptline.core import sweep
from adaptline.core.store import Store
from adaptline.deploy import channels, releases
from adaptline.errors import UserError

COMMAND = [sys.executable, "-c", "from adaptline.cli import main; main()"]


@pytest.fixture(autouse=True)
def anna(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADAPTLINE_USER", "anna")


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.toml"
    path.write_text('[raw]\nstep = "ingest"\nfiles = "data.jsonl"\n')
    (tmp_path / "data.jsonl").write_text('{"text": "a"}\n')
    return path


@pytest.fixture
def store(recipe: Path) -> Store:
    return Store.open(recipe.parent / ".adaptline")


@pytest.fixture
def two(store: Store) -> tuple[str, str]:
    """Two releases; the step "support" has the second now."""
    return released.commit(store, "one"), released.commit(store, "two")


def events(store: Store) -> list[tuple[str, str, str]]:
    return [(event["verb"], event["who"], event["why"]) for event in channels.moves(store, "support")]


def test_a_release_goes_from_some_users_to_all_and_back(recipe: Path, store: Store, two: tuple[str, str]) -> None:
    one, second = two
    five = production.deploy(recipe, one[:8], channel="support", percent=5, why="it leads")
    assert (five["stable"]["name"], five["stable"]["percent"]) == (releases.bare_name(released.BASE), 95)
    assert (five["canary"]["digest"], five["canary"]["percent"], five["version"]) == (one, 5, 1)
    assert five["canary"]["evidence"]["verdict"] == "one leads"
    twenty = production.deploy(recipe, channel="support", percent=20)
    assert (twenty["canary"]["percent"], twenty["salt"]) == (20, five["salt"])
    stable = production.promote(recipe, channel="support", by="bert")
    assert (stable["stable"]["digest"], stable["stable"]["percent"], stable["canary"]) == (one, 100, None)
    production.deploy(recipe, "support", channel="support", percent=50)
    back = production.rollback(recipe, channel="support", why="slower")
    assert (back["stable"]["digest"], back["canary"]) == (one, None)
    assert back["rolled_back"] == [releases.load(store, second).name]
    bare = production.rollback(recipe, channel="support")
    assert bare["stable"]["digest"] is None
    assert events(store) == [
        ("deploy", "anna", "it leads"),
        ("deploy", "anna", ""),
        ("promote", "bert", ""),
        ("deploy", "anna", ""),
        ("rollback", "anna", "slower"),
        ("rollback", "anna", ""),
    ]
    assert [move["version"] for move in bare["moves"]] == [1, 2, 3, 4, 5, 6]
    assert [move["evidence"]["digest"] for move in bare["moves"]] == [one, one, one, second, second, one]
    assert production.channel(recipe, "support") == bare
    json.dumps(bare)


def test_what_was_rolled_back_comes_back_only_when_told_so(recipe: Path, two: tuple[str, str]) -> None:
    production.deploy(recipe, "support", channel="support", percent=5)
    production.rollback(recipe, channel="support")
    with pytest.raises(UserError, match="--again"):
        production.deploy(recipe, "support", channel="support", percent=5)
    back = production.deploy(recipe, "support", channel="support", percent=5, again=True)
    assert (back["canary"]["digest"], back["rolled_back"]) == (two[1], [])


def test_a_canary_is_stopped_whatever_became_of_its_step_and_its_files(
    recipe: Path, store: Store, two: tuple[str, str]
) -> None:
    production.deploy(recipe, two[1], channel="support", percent=5)
    released.commit(store, "three")  # the step has another release now
    (releases.load(store, two[1]).folder / "adapter" / "weights").write_text("damaged")
    with pytest.raises(UserError, match="is not what it was"):
        production.deploy(recipe, channel="support", percent=10)
    assert production.deploy(recipe, channel="support", percent=0)["canary"]["percent"] == 0
    assert production.rollback(recipe, channel="support")["canary"] is None


def test_a_release_that_is_gone_can_be_rolled_back_and_not_promoted(
    recipe: Path, store: Store, two: tuple[str, str]
) -> None:
    production.deploy(recipe, two[1], channel="support", percent=5)
    (releases.load(store, two[1]).folder / "release.json").unlink()
    with pytest.raises(UserError, match="is not what it was"):
        production.promote(recipe, channel="support")
    assert production.channel(recipe, "support")["canary"]["name"] == f"{two[1][:12]} (gone)"
    assert production.channel(recipe, "support")["canary"]["evidence"] is None
    after = production.rollback(recipe, channel="support")
    assert after["moves"][-1]["evidence"] == {"digest": two[1]}


def test_a_move_can_ask_for_the_version_that_it_was_decided_on(recipe: Path, two: tuple[str, str]) -> None:
    with pytest.raises(UserError, match="is at version 0, not 3"):
        production.deploy(recipe, two[0], channel="support", percent=5, expect=3)
    production.deploy(recipe, two[0], channel="support", percent=5, expect=0)
    with pytest.raises(UserError, match="is at version 1, not 0"):
        production.promote(recipe, channel="support", expect=0)
    assert production.promote(recipe, channel="support", expect=1)["version"] == 2
    with pytest.raises(UserError, match="is at version 2, not 1"):
        production.rollback(recipe, channel="support", expect=1)


def test_a_mistake_in_the_recipe_keeps_nothing_in_production(recipe: Path, two: tuple[str, str]) -> None:
    production.deploy(recipe, two[0], channel="support", percent=5)
    recipe.write_text("[raw\n")
    with pytest.raises(UserError, match="not TOML"):
        al.plan(recipe)
    assert production.deploy(recipe, channel="support", percent=0)["canary"]["percent"] == 0
    assert production.rollback(recipe, channel="support")["canary"] is None
    assert production.channel(recipe, "support")["version"] == 3
    with pytest.raises(UserError, match="no such recipe"):
        production.rollback(recipe.with_name("other.toml"), channel="support")


def test_an_arm_of_another_kind_is_refused(recipe: Path, store: Store, two: tuple[str, str]) -> None:
    production.deploy(recipe, two[0], channel="support", percent=100)
    production.promote(recipe, channel="support")
    classifier = released.commit(store, "three", kind="classifier")
    with pytest.raises(UserError, match=r"is a classifier, and the releases of channel 'support' are writers"):
        production.deploy(recipe, classifier, channel="support", percent=5)


def test_what_production_points_at_and_pointed_at_is_never_swept(
    recipe: Path, store: Store, two: tuple[str, str]
) -> None:
    production.deploy(recipe, two[0], channel="support", percent=5)
    unused = released.commit(store, "three")
    released.commit(store, "four")
    sweep.unreached(store)
    assert two[0] in releases.known(store)
    assert unused not in releases.known(store)
    production.promote(recipe, channel="support")
    production.rollback(recipe, channel="support")
    sweep.unreached(store)
    assert production.deploy(recipe, two[0], channel="support", percent=5, again=True)["canary"]["digest"] == two[0]


def test_a_run_moves_no_channel(recipe: Path, store: Store, two: tuple[str, str]) -> None:
    production.deploy(recipe, two[0], channel="support", percent=5)
    before = channels.path_of(store, "support").read_bytes()
    al.run(recipe, workers=1)
    assert channels.path_of(store, "support").read_bytes() == before


def test_mistakes(recipe: Path, store: Store) -> None:
    with pytest.raises(UserError, match="no channel 'support' in this store\n  adaptline deploy makes one"):
        production.channel(recipe, "support")
    with pytest.raises(UserError, match="has no canary\n  Name the release"):
        production.deploy(recipe, channel="support", percent=5)
    digest = released.commit(store, "one")
    production.deploy(recipe, digest, channel="support", percent=5)
    with pytest.raises(UserError, match="Did you mean 'support'"):
        production.promote(recipe, channel="suport")
    with pytest.raises(UserError, match="no name of a channel"):
        production.deploy(recipe, digest, channel="Support", percent=5)
    production.promote(recipe, channel="support")
    with pytest.raises(UserError, match="has no canary\n  Name the release"):
        production.deploy(recipe, channel="support", percent=5)


def test_without_a_store_nothing_is_made(recipe: Path) -> None:
    with pytest.raises(UserError, match="no store here"):
        production.deploy(recipe, "support", channel="support", percent=5)
    with pytest.raises(UserError, match="no channel 'support'"):
        production.channel(recipe, "support")
    assert not (recipe.parent / ".adaptline").exists()


def test_who_is_the_login_name_where_nothing_else_says(
    recipe: Path, store: Store, two: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ADAPTLINE_USER")
    monkeypatch.setenv("LOGNAME", "carla")
    production.deploy(recipe, two[0], channel="support", percent=5)
    assert events(store)[-1][1] == "carla"

    def nobody() -> str:
        raise OSError("no name")

    monkeypatch.setattr(getpass, "getuser", nobody)
    with pytest.raises(UserError, match="Say it with --by, or with ADAPTLINE_USER"):
        production.promote(recipe, channel="support")


def _command(*words: str | Path, code: int = 0) -> str:
    environment = {**os.environ, "ADAPTLINE_USER": "anna"}
    done = subprocess.run([*COMMAND, *map(str, words)], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_commands_of_the_document_run_as_they_stand(recipe: Path, two: tuple[str, str]) -> None:
    text = (Path(__file__).parent.parent / "docs" / "production.md").read_text("utf-8")
    found = [line.partition("  #")[0] for line in text.splitlines() if line.startswith("adaptline ")]
    for command in found:
        _command(*(recipe if word == recipe.name else word for word in shlex.split(command)[1:]))
    moves = production.channel(recipe, "support")["moves"]
    assert [move["verb"] for move in moves] == ["deploy", "deploy", "promote", "rollback"]
    assert {move["evidence"]["digest"] for move in moves} == {two[1]}
    assert len(found) == 5


def test_the_commands(recipe: Path, two: tuple[str, str]) -> None:
    said = _command("deploy", recipe, two[0][:12], "--channel", "support", "--percent", "5", "--why", "it leads")
    assert "canary       5 %" in said
    assert "one leads" in said
    assert "by anna: it leads" in said
    found: dict[str, Any] = json.loads(_command("show", recipe, "--channel", "support", "--json"))
    assert found == production.channel(recipe, "support")
    _command("deploy", recipe, "--channel", "support", "--percent", "20", "--by", "bert")
    assert json.loads(_command("promote", recipe, "--channel", "support", "--json"))["stable"]["digest"] == two[0]
    _command("deploy", recipe, "support", "--channel", "support", "--percent", "0.5", "--expect", "3")
    assert "rolled back: base-" in _command("rollback", recipe, "--channel", "support", "--why", "slow")
    said = _command("show", recipe, "--channel", "support")
    assert said.count("  anna") + said.count("by anna") == 4
    assert "by bert" in said
    assert "--again" in _command("deploy", recipe, "support", "--channel", "support", "--percent", "5", code=1)
    _command("deploy", recipe, "support", "--channel", "support", "--percent", "5", "--again")
    assert "not a step" in _command("show", recipe, "raw", "--channel", "support", code=1)
    assert "--percent" in _command("deploy", recipe, "support", "--channel", "support", code=2)
