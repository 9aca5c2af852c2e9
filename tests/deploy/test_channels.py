"""Channels: every move, every refusal, many movers at once, kills in the middle of moves."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import crashing_disk
import forks
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptline.core import keys
from adaptline.core.store import Store
from adaptline.deploy import channels
from adaptline.deploy.channels import Channel, deployed, promoted, rolled_back
from adaptline.deploy.releases import Release
from adaptline.errors import UserError

BASE = keys.digest(b"base")
NEW = Channel("support", base=BASE)


def release(what: str, kind: Any = "writer") -> Release:
    digest = keys.digest(what.encode())
    return Release(digest, f"base-x:lora@{digest[:12]}", kind, BASE, Path(), {})


A, B, C = release("a"), release("b"), release("c")
STABLE = promoted(deployed(NEW, A, 100))  # A is stable


def move(store: Store, before: Channel | None, after: Channel, **given: Any) -> Channel:
    return channels.move(store, before, after, **{"verb": "deploy", "who": "anna", "why": "", "evidence": {}, **given})


class TestMoves:
    def test_a_release_becomes_the_canary_of_some_users(self) -> None:
        after = deployed(NEW, A, 5)
        assert (after.version, after.base, after.stable, after.canary, after.percent) == (1, BASE, None, A.digest, 5.0)
        assert len(after.salt) == 32

    def test_another_percentage_keeps_the_salt_and_another_canary_has_another(self) -> None:
        five = deployed(NEW, A, 5)
        twenty = deployed(five, A, 20)
        assert twenty == replace(five, version=2, percent=20.0)
        other = deployed(rolled_back(twenty), B, 20)
        again = deployed(rolled_back(other), A, 20, again=True)
        assert len({five.salt, other.salt, again.salt, deployed(replace(NEW, name="other"), A, 5).salt}) == 4

    def test_zero_stops_a_canary_without_taking_it_away(self) -> None:
        stopped = deployed(deployed(NEW, A, 5), A, 0)
        assert (stopped.canary, stopped.percent) == (A.digest, 0.0)

    def test_promote_makes_the_canary_stable_and_remembers_what_was(self) -> None:
        assert (STABLE.stable, STABLE.canary, STABLE.percent, STABLE.salt) == (A.digest, None, 0.0, "")
        assert STABLE.earlier == (None,)
        assert promoted(deployed(STABLE, B, 50)).earlier == (None, A.digest)

    def test_rollback_takes_the_canary_away(self) -> None:
        after = rolled_back(deployed(STABLE, B, 50))
        assert after == replace(STABLE, version=4, rolled_back=(B.digest,))

    def test_rollback_without_a_canary_goes_back_to_the_stable_release_before(self) -> None:
        after = rolled_back(promoted(deployed(STABLE, B, 50)))
        assert (after.stable, after.earlier, after.rolled_back) == (A.digest, (None,), (B.digest,))
        bare = rolled_back(after)
        assert (bare.stable, bare.earlier, bare.rolled_back) == (None, (), (B.digest, A.digest))

    def test_rollback_never_goes_back_to_what_was_rolled_back_since(self) -> None:
        two = promoted(deployed(STABLE, B, 50))
        without = rolled_back(deployed(two, A, 5))  # A was stable once, and failed when it came back
        assert rolled_back(without).stable is None

    def test_again_lets_a_release_come_back_and_be_rolled_back_again(self) -> None:
        failed = rolled_back(deployed(STABLE, B, 5))
        back = deployed(failed, B, 5, again=True)
        assert back.rolled_back == ()
        assert deployed(back, B, 10).percent == 10.0
        assert rolled_back(back).rolled_back == (B.digest,)

    def test_a_first_classifier_goes_to_everybody_or_nobody(self) -> None:
        first = release("first", "classifier")
        everybody = deployed(NEW, first, 100)
        assert deployed(everybody, first, 0).percent == 0.0
        stable = promoted(everybody)
        assert deployed(stable, release("second", "classifier"), 5).percent == 5.0

    @given(
        st.lists(
            st.tuples(st.sampled_from("dpr"), st.sampled_from([A, B, C]), st.sampled_from([0, 5, 100]), st.booleans()),
            max_size=30,
        )
    )
    def test_whatever_moves_are_made_a_channel_stays_sound(
        self, wanted: list[tuple[str, Release, float, bool]]
    ) -> None:
        """Versions count moves; what was rolled back is never in production, unless told so; the file says all of it."""
        channel, made = NEW, 0
        for what, of, percent, again in wanted:
            with contextlib.suppress(UserError):
                if what == "d":
                    channel = deployed(channel, of, percent, again=again)
                else:
                    channel = {"p": promoted, "r": rolled_back}[what](channel)
                made += 1
            assert channel.version == made
            assert channel.stable is None or channel.stable not in channel.rolled_back
            assert channel.canary not in (*channel.rolled_back, *([channel.stable] if channel.canary else []))
            assert (channel.canary is None) == (channel.salt == "")
            assert channel.canary is not None or channel.percent == 0
            assert channels.parse(json.dumps(asdict(channel)).encode(), Path("support.json")) == channel


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        (lambda: deployed(NEW, A, -1), "-1 is no percentage"),
        (lambda: deployed(NEW, A, 100.1), "100.1 is no percentage"),
        (lambda: deployed(NEW, A, float("nan")), "nan is no percentage"),
        (lambda: deployed(STABLE, A, 5), "is the stable release of channel 'support' already"),
        (lambda: deployed(deployed(STABLE, B, 5), C, 5), r"has another canary, \w{12}, at 5 %\n  Promote it or roll it back"),
        (lambda: deployed(deployed(STABLE, B, 0), C, 5), "has another canary"),
        (lambda: deployed(rolled_back(deployed(STABLE, B, 5)), B, 5), "--again deploys it all the same"),
        (lambda: deployed(NEW, release("c", "classifier"), 5), "--percent 100, then promote it"),
        (lambda: deployed(NEW, release("c", "classifier"), 0), "--percent 100, then promote it"),
        (lambda: deployed(deployed(NEW, release("c", "classifier"), 100), release("c", "classifier"), 50), "--percent 100"),
        (lambda: promoted(STABLE), "has no canary\n  Deploy a release first"),
        (lambda: promoted(deployed(STABLE, B, 0)), "is stopped: nobody gets it"),
        (lambda: rolled_back(NEW), "nothing to go back to"),
        (lambda: rolled_back(rolled_back(STABLE)), "nothing to go back to"),
    ],
)  # fmt: skip
def test_a_move_that_makes_no_sense_is_refused(wrong: Any, what: str) -> None:
    with pytest.raises(UserError, match=what):
        wrong()


class TestFiles:
    def test_a_channel_is_read_as_it_was_moved(self, store: Store) -> None:
        assert channels.read(store, "support") is None
        assert channels.names(store) == []
        now = move(store, None, deployed(NEW, A, 5))
        assert channels.read(store, "support") == now
        path = channels.path_of(store, "support")
        assert channels.parse(path.read_bytes(), path) == now
        move(store, None, deployed(replace(NEW, name="sales"), A, 5))
        (path.parent / "Not A Channel.json").write_text("{}")
        assert channels.names(store) == ["sales", "support"]

    def test_a_move_from_what_the_channel_no_longer_is_is_refused(self, store: Store) -> None:
        first = move(store, None, deployed(NEW, A, 5))
        second = move(store, first, deployed(first, A, 20))
        for before in (first, None, NEW):
            with pytest.raises(UserError, match="moved meanwhile: it is at version 2, not"):
                move(store, before, deployed(before or NEW, A, 50))
        assert channels.read(store, "support") == second
        assert len(channels.moves(store, "support")) == 2
        with pytest.raises(UserError, match="moved meanwhile: it is at version 0, not 1"):
            move(store, replace(first, name="other"), replace(second, name="other"))

    def test_every_move_is_an_event_with_who_when_why_and_evidence(self, store: Store) -> None:
        store.append_event("run", recipe="recipe", made=[])
        first = move(store, None, deployed(NEW, A, 5), why="it leads", evidence={"metrics": {"x": 0.5}})
        move(store, first, promoted(first), verb="promote", who="bert")
        one, two = channels.moves(store, "support")
        assert one == {
            "time": one["time"],
            "verb": "deploy",
            "channel": "support",
            "who": "anna",
            "why": "it leads",
            "evidence": {"metrics": {"x": 0.5}},
            "before": None,
            "after": json.loads(json.dumps(asdict(first))),
        }
        assert (two["verb"], two["who"], two["before"]) == ("promote", "bert", one["after"])
        assert two["after"]["stable"] == A.digest
        assert [event for event in store.events() if event["verb"] != "run"] == [one, two]
        assert one["time"] <= two["time"]

    def test_an_event_that_a_kill_kept_out_of_the_log_is_told_once(self, store: Store) -> None:
        log = store.root / "events.jsonl"
        first = move(store, None, deployed(NEW, A, 5), why="lost")
        log.unlink()  # as if the process had died between the move and its event
        assert [event["why"] for event in channels.moves(store, "support")] == ["lost"]
        assert not log.exists()
        second = move(store, first, deployed(first, A, 20), why="next")
        move(store, second, deployed(second, A, 30), why="last")
        assert [event["why"] for event in store.events()] == ["lost", "next", "last"]

    @pytest.mark.parametrize("name", ["", "Support", "a b", "../x", "-a", "a" * 64, "a.b"])
    def test_a_name_is_one_that_a_file_can_have(self, store: Store, name: str) -> None:
        with pytest.raises(UserError, match="no name of a channel"):
            channels.read(store, name)

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda text: text[:-20],
            lambda _: "[]",
            lambda _: "\x00",
            lambda text: text.replace('"version"', '"versoin"'),
            lambda text: text.replace('"percent": 5.0', '"percent": 500'),
            lambda text: text.replace('"percent": 5.0', '"percent": NaN'),
            lambda text: text.replace('"name": "support"', '"name": "other"'),
            lambda text: text.replace('"earlier": []', '"earlier": [1]'),
            lambda text: text.replace('"stable": null', '"stable": 1'),
        ],
    )
    def test_a_damaged_file_is_refused_and_says_where_its_content_is(self, store: Store, spoil: Any) -> None:
        move(store, None, deployed(NEW, A, 5))
        path = channels.path_of(store, "support")
        path.write_text(spoil(path.read_text()))
        with pytest.raises(UserError, match=r"(is damaged|no move wrote)\n  The last event of this channel"):
            channels.read(store, "support")


MOVER = """
import sys
from pathlib import Path
from adaptline.core import keys
from adaptline.core.store import Store
from adaptline.deploy import channels
from adaptline.deploy.releases import Release
from adaptline.errors import UserError

store, who, wanted = Store(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3])
release = Release(keys.digest(b"a"), "a", "writer", keys.digest(b"base"), Path(), {})
made = 0
while made < wanted:
    before = channels.read(store, "support")
    after = channels.deployed(before or channels.Channel("support", base=release.base), release, made % 100)
    try:
        channels.move(store, before, after, verb="deploy", who=who, why=str(made), evidence={})
        made += 1
    except UserError as error:
        assert "moved meanwhile" in error.what, error
"""


def test_eight_processes_that_move_one_channel_lose_no_move(store: Store) -> None:
    command = [sys.executable, "-c", MOVER, str(store.root)]
    movers = [subprocess.Popen([*command, f"mover {n}", "25"], stderr=subprocess.PIPE, text=True) for n in range(8)]
    assert [mover.communicate(timeout=120)[1] for mover in movers] == [""] * 8
    now = channels.read(store, "support")
    assert now is not None
    assert now.version == 200
    events = channels.moves(store, "support")
    assert [event["after"]["version"] for event in events] == list(range(1, 201))
    for earlier, later in itertools.pairwise(events):
        assert later["before"] == earlier["after"]
    made = sorted((event["who"], int(event["why"])) for event in events)
    assert made == [(f"mover {n}", number) for n in range(8) for number in range(25)]


def _moving(store: Store, said: int) -> None:
    """Moves for ever; says each version once the move is made."""
    for percent in (number % 101 for number in range(10**9)):
        before = channels.read(store, "support")
        after = deployed(before or NEW, A, percent)
        now = move(store, before, after)
        os.write(said, now.version.to_bytes(4, "big"))


def _killed_once(store: Store, seconds: float) -> int:
    """Lets a process move until it is killed; returns the last version that it said."""
    read, write = os.pipe()
    child = forks.start(lambda: _moving(store, write))
    os.close(write)
    time.sleep(seconds)
    child.kill()
    assert child.end()[0] == -signal.SIGKILL
    with open(read, "rb") as file:  # noqa: PTH123 - a descriptor
        said = file.read()
    return int.from_bytes(said[-4:], "big")


def test_thirty_kills_in_the_middle_of_moves_lose_nothing(store: Store) -> None:
    chance = random.Random(0)  # noqa: S311 - not for secrets
    last = 0
    for _ in range(30):
        said = _killed_once(store, chance.uniform(0.01, 0.06))
        now = channels.read(store, "support")
        version = now.version if now else 0
        assert version >= max(said, last), "a move that was made is lost"
        assert version <= max(said, last) + 1, "a move that was not made is there"
        events = channels.moves(store, "support")
        assert [event["after"]["version"] for event in events] == list(range(1, version + 1))
        last = version
    assert last > 60
    with store.in_use():
        assert not list((store.root / "temporary").iterdir()), "half-written files were left behind"


def test_a_power_cut_at_any_operation_of_a_move_leaves_it_made_or_not_made(store: Store) -> None:
    before = now = move(store, None, deployed(NEW, A, 5))
    for at in itertools.count(1):

        def crashing(at: int = at, before: Channel = before) -> None:
            crashing_disk.CrashingDisk(store.root, at).install()
            move(store, before, deployed(before, A, at))

        code = forks.in_child(crashing)
        now = channels.read(store, "support") or NEW
        assert now in (before, replace(before, version=before.version + 1, percent=float(at)))
        versions = [event["after"]["version"] for event in channels.moves(store, "support")]
        assert versions == list(range(1, now.version + 1))
        before = now
        if code == 0:
            break
        assert code == crashing_disk.EXIT
    assert at > 5
    assert now.version > 2


def test_a_reader_sees_a_channel_before_a_move_or_after_it(store: Store) -> None:
    """Reads while another process moves, as a gateway does."""
    move(store, None, deployed(NEW, A, 5))
    mover = subprocess.Popen([sys.executable, "-c", MOVER, str(store.root), "mover", "60"])
    seen = set()
    while mover.poll() is None:
        now = channels.read(store, "support")
        assert now is not None
        seen.add(now.version)
    assert mover.returncode == 0
    assert len(seen) > 20
