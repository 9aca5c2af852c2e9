"""The verbs that move channels, as Python functions, and what a channel is for a person who looks at it.

Each is thin: it finds the release, asks `deploy/channels.py` for the move, makes it, and returns plain data. Nothing else
moves a channel: `run` never does.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable, Mapping
from typing import Any

from adaptline.core import keys
from adaptline.core.store import Store
from adaptline.deploy import channels, releases
from adaptline.deploy.channels import Channel
from adaptline.deploy.releases import Release
from adaptline.errors import UserError, did_you_mean
from adaptline.library import Source, Where, named_store

_USER_VARIABLE = "ADAPTLINE_USER"
_LAST_MOVES = 10


def deploy(
    source: Source,
    release: str | None = None,
    *,
    channel: str,
    percent: float,
    again: bool = False,
    by: str | None = None,
    why: str = "",
    expect: int | None = None,
    store: Where = None,
) -> dict[str, Any]:
    """Gives a release to a percentage of a channel's users, as its canary; makes the channel if there is none.

    Args:
        source: the recipe, which has run.
        release: a step of it, the first characters of a digest, or a served name; None is the canary that there is.
        channel: its name.
        percent: of users, 0 to 100; 0 stops the canary.
        again: whether a release that this channel rolled back may come back.
        by: who moves it; the environment variable ADAPTLINE_USER or the login name by default.
        why: in words, for the log.
        expect: the version that the channel must have for the move to be made.
        store: the store's folder.

    Returns:
        The channel as it is now; see `channel`.

    Raises:
        UserError: no such release, a move that makes no sense, or a channel that moved meanwhile.
    """
    recipe, found = _writable(source, store)
    # A gc that is under way ends first, and the next one sees what the channel points at.
    with found.in_use():
        before = _expected(found, channel, expect)
        if release is None and percent == 0:
            after = channels.stopped(_existing(found, channel, expect))
            told = _evidence(found, after.canary or "")
        else:
            wanted = releases.find(found, recipe, release) if release else _canary(found, before, channel)
            _refuse_other_kind(before, wanted)
            new = Channel(channel, base=wanted.base, kind=wanted.kind)
            after = channels.deployed(before or new, wanted, percent, again=again)
            told = releases.evidence(wanted)
        channels.move(found, before, after, verb="deploy", who=_who(by), why=why, evidence=told)
    return shown(found, channel)


def promote(
    source: Source,
    *,
    channel: str,
    by: str | None = None,
    why: str = "",
    expect: int | None = None,
    store: Where = None,
) -> dict[str, Any]:
    """Makes a channel's canary its stable release. Arguments, result and errors are those of `deploy`."""
    _, found = _writable(source, store)
    before = _existing(found, channel, expect)
    after = channels.promoted(before)
    told = releases.evidence(releases.load(found, after.stable or ""))
    channels.move(found, before, after, verb="promote", who=_who(by), why=why, evidence=told)
    return shown(found, channel)


def rollback(
    source: Source,
    *,
    channel: str,
    by: str | None = None,
    why: str = "",
    expect: int | None = None,
    store: Where = None,
) -> dict[str, Any]:
    """Takes a channel's canary away; without a canary, goes back to the stable release before this one.

    It needs no release to be whole: what is taken away may be damaged. Arguments, result and errors are those of `deploy`.
    """
    _, found = _writable(source, store)
    before = _existing(found, channel, expect)
    after = channels.rolled_back(before)
    told = _evidence(found, after.rolled_back[-1])
    channels.move(found, before, after, verb="rollback", who=_who(by), why=why, evidence=told)
    return shown(found, channel)


def channel(source: Source, name: str, *, store: Where = None) -> dict[str, Any]:
    """A channel as it is: its arms with what they are served as, their share and their evidence; and its last moves.

    Raises:
        UserError: there is no such channel, or its file is damaged.
    """
    _, found = named_store(source, store)
    _existing(found, name, None)
    return shown(found, name)


def _writable(source: Source, store: Where) -> tuple[str, Store]:
    """A recipe's name, and its store. The recipe is not read: a mistake in it must not keep a release in production."""
    recipe, found = named_store(source, store)
    if not (found.root / "store.json").exists():
        raise UserError("no store here", where=found.root, do="adaptline run the recipe first, or name its --store.")
    return recipe, Store.open(found.root)


def _expected(store: Store, name: str, expect: int | None) -> Channel | None:
    found = channels.read(store, name)
    version = found.version if found else 0
    if expect is not None and version != expect:
        raise UserError(
            f"channel {name!r} is at version {version}, not {expect}", do=f"Look at it with show --channel {name}."
        )
    return found


def _existing(store: Store, name: str, expect: int | None) -> Channel:
    found = _expected(store, name, expect)
    if found is None:
        do = did_you_mean(name, known) if (known := channels.names(store)) else "adaptline deploy makes one."
        raise UserError(f"no channel {name!r} in this store", where=store.root, do=do)
    return found


def _canary(store: Store, before: Channel | None, name: str) -> Release:
    if before is None or before.canary is None:
        raise UserError(f"channel {name!r} has no canary", do="Name the release to deploy.")
    return releases.load(store, before.canary)


def _evidence(store: Store, digest: str) -> dict[str, Any]:
    """What speaks for a release, as far as its files still say: it may be taken back because they do not."""
    release = releases.known(store).get(digest)
    return {"digest": digest} if release is None else releases.evidence(release)


def _refuse_other_kind(before: Channel | None, wanted: Release) -> None:
    """Whoever asks a channel expects one kind of answer, whichever arm gives it."""
    if before is not None and before.kind != wanted.kind:
        raise UserError(
            f"{wanted.name} is a {wanted.kind}, and the releases of channel {before.name!r} are {before.kind}s",
            do="Give it a channel of its own.",
        )


def _who(by: str | None) -> str:
    if by or os.environ.get(_USER_VARIABLE):
        return by or os.environ[_USER_VARIABLE]
    try:
        return getpass.getuser()
    except (OSError, KeyError) as error:
        raise UserError("nobody knows who you are", do=f"Say it with --by, or with {_USER_VARIABLE}.") from error


def shown(store: Store, name: str, known: Mapping[str, Release] | None = None) -> dict[str, Any]:
    """A channel of an opened store; see `channel`. `known` spares reading the releases again."""
    found = _existing(store, name, None)
    known = releases.known(store) if known is None else known

    def called(digest: str | None) -> str:
        if digest is None:
            return releases.bare_name(found.base)
        return known[digest].name if digest in known else f"{keys.short(digest)} (gone)"

    def arm(digest: str | None, percent: float) -> dict[str, Any]:
        release = known.get(digest or "")
        told = {"kind": release.kind, "evidence": releases.evidence(release)} if release else {}
        base = {"digest": digest, "name": called(digest), "percent": percent, "kind": None, "evidence": None}
        return {**base, "answers": digest is not None or not found.nobody, **told}

    return {
        "channel": name,
        "version": found.version,
        "base": {"digest": found.base, "name": releases.bare_name(found.base)},
        "stable": arm(found.stable, 100 - found.percent),
        "canary": arm(found.canary, found.percent) if found.canary else None,
        "percent": found.percent,
        "salt": found.salt,
        "rolled_back": [called(digest) for digest in found.rolled_back],
        "earlier": [called(digest) for digest in found.earlier],
        "moves": [_move(event, called) for event in channels.moves(store, name)[-_LAST_MOVES:]],
    }


def _move(event: dict[str, Any], called: Callable[[str | None], str]) -> dict[str, Any]:
    """A move for a person: when, who, why, what the channel was after it, and the evidence."""
    after = event["after"]
    names = {arm: called(after[arm]) for arm in ("stable", "canary") if arm == "stable" or after[arm]}
    told = {name: event[name] for name in ("time", "verb", "who", "why", "evidence")}
    return {**told, "version": after["version"], "canary": None, **names, "percent": after["percent"]}
