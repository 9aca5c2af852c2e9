"""Channels: names in production that point at releases, and the moves that a person or a judge makes with them.

Knows what a channel's file says, which moves make sense, and how one is made so that it survives a kill. Knows nothing of
who answers for a channel. The file `channels/NAME.json` of the store is the only state: whoever reads it sees the channel
before a move or after it, nothing between.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from adaptline.core import disk, keys
from adaptline.core.store import Store
from adaptline.deploy.releases import Release
from adaptline.errors import UserError

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_BARE = re.compile(r"base-[0-9a-f]{12}")  # what a bare base is served as
_DIGEST = re.compile(r"[0-9a-f]{64}")
_SALT = re.compile(r"[\x20-\x7e]{0,64}")
_SALT_LENGTH = 32
_MEND = "The last event of this channel in events.jsonl of the store says, as `after`, what the file must hold."
_MOVE = "move"  # what the file also holds: the event of the move that led here, until the log is seen to have it


@dataclass(frozen=True)
class Channel:
    """Where a channel points. Digests are those of releases."""

    name: str
    version: int = 0  # raised by every move
    base: str = ""  # the digest of the base that stands in where stable is None
    stable: str | None = None  # None: the bare base
    canary: str | None = None
    percent: float = 0.0  # of users who get the canary, 0 to 100
    salt: str = ""  # of this rollout: another canary, another salt; another percentage keeps it
    rolled_back: tuple[str, ...] = ()
    earlier: tuple[str | None, ...] = ()  # former stables, latest last
    kind: str = "writer"  # or "classifier": of its releases

    @property
    def nobody(self) -> bool:
        """Whether who does not get the canary gets no answer: a bare encoder has no labels."""
        return self.stable is None and self.kind == "classifier"


def path_of(store: Store, name: str) -> Path:
    """The file of a channel. Raises UserError for what cannot be a channel's name."""
    if not _is_name(name):
        do = "A name has lower-case letters, digits, - and _, at most 63, begins with a letter or a digit, and is no base's."
        raise UserError(f"no name of a channel: {name!r}", do=do)
    return store.root / "channels" / f"{name}.json"


def _is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None and _BARE.fullmatch(name) is None


def names(store: Store) -> list[str]:
    """Every channel of a store."""
    found = (path.stem for path in (store.root / "channels").glob("*.json"))
    return sorted(name for name in found if _is_name(name))


def read(store: Store, name: str) -> Channel | None:
    """A channel, or None where there is none of this name. Raises UserError where its file is damaged."""
    path = path_of(store, name)
    try:
        return parse(path.read_bytes(), path)
    except FileNotFoundError:
        return None


def parse(data: bytes, where: Path) -> Channel:
    """A channel from what its file holds. Raises UserError for what no move wrote."""
    try:
        found = json.loads(data)
        given = {field.name: found[field.name] for field in fields(Channel)}
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise UserError("a channel's file is damaged", where=where, do=_MEND) from error
    if not _is_sound(given, where.stem):
        raise UserError("a channel's file says what no move wrote", where=where, do=_MEND)
    lists = {name: tuple(given[name]) for name in ("rolled_back", "earlier")}
    return Channel(**{**given, **lists, "percent": float(given["percent"])})


def _is_sound(given: dict[str, Any], name: str) -> bool:
    def all_digests(value: Any, *, none: bool) -> bool:
        return isinstance(value, list) and all(
            (isinstance(e, str) and _DIGEST.fullmatch(e)) or (none and e is None) for e in value
        )

    return (
        given["name"] == name
        and isinstance(given["version"], int)
        and isinstance(given["percent"], int | float)
        and 0 <= given["percent"] <= 100  # noqa: PLR2004 - a percentage
        and isinstance(given["salt"], str)
        and _SALT.fullmatch(given["salt"]) is not None
        and (given["base"] == "" or all_digests([given["base"]], none=False))
        and all_digests([given["stable"], given["canary"]], none=True)
        and all_digests(given["rolled_back"], none=False)
        and all_digests(given["earlier"], none=True)
        and given["kind"] in ("writer", "classifier")
    )


def deployed(channel: Channel, release: Release, percent: float, *, again: bool = False) -> Channel:
    """The channel with the release as its canary for `percent` of its users; of the canary that it has, the percentage.

    Args:
        channel: as it is.
        release: what is to be the canary.
        percent: 0 to 100. 0 stops a canary without taking it from the channel.
        again: whether a release that this channel rolled back may come back.

    Raises:
        UserError: it is stable already, another canary is under way, the channel rolled it back, or the rest of the
            users would be left with what cannot answer.
    """
    if not (math.isfinite(percent) and 0 <= percent <= 100):  # noqa: PLR2004 - a percentage
        raise UserError(f"{percent} is no percentage", do="--percent takes a number from 0 to 100.")
    if release.digest == channel.stable:
        raise UserError(
            f"{release.name} is the stable release of channel {channel.name!r} already",
            do="Without a release, --percent is that of the canary.",
        )
    live = release.digest == channel.canary
    if channel.canary is not None and not live:
        raise UserError(
            f"channel {channel.name!r} has another canary, {keys.short(channel.canary)}, at {channel.percent:g} %",
            do="Promote it or roll it back first.",
        )
    if release.digest in channel.rolled_back and not again:
        raise UserError(f"channel {channel.name!r} rolled {release.name} back", do="--again deploys it all the same.")
    # A running one may be stopped in any case.
    if release.kind == "classifier" and channel.stable is None and percent < 100 and not (live and percent == 0):  # noqa: PLR2004
        raise UserError(
            "a bare encoder has no labels, so it could not answer the other users",
            do="Deploy the first classifier of a channel with --percent 100, then promote it.",
        )
    after = replace(channel, version=channel.version + 1, canary=release.digest, percent=abs(float(percent)))
    rolled_back = tuple(digest for digest in channel.rolled_back if digest != release.digest)
    return after if live else replace(after, salt=_salt(after), rolled_back=rolled_back)


def stopped(channel: Channel) -> Channel:
    """The channel whose canary nobody gets; whatever became of its files. Raises UserError where it has none."""
    if channel.canary is None:
        raise UserError(f"channel {channel.name!r} has no canary", do="Name the release to deploy.")
    return replace(channel, version=channel.version + 1, percent=0.0)


def promoted(channel: Channel) -> Channel:
    """The channel with its canary as the stable release. Raises UserError where it has none, or one that nobody gets."""
    if channel.canary is None:
        raise UserError(f"channel {channel.name!r} has no canary", do="Deploy a release first.")
    if channel.percent == 0:
        raise UserError(
            f"the canary of channel {channel.name!r} is stopped: nobody gets it",
            do="Deploy it with a --percent above 0, or roll it back.",
        )
    ended = _without_canary(channel)
    return replace(ended, stable=channel.canary, earlier=(*channel.earlier, channel.stable))


def rolled_back(channel: Channel) -> Channel:
    """The channel without its canary; where it has none, with the stable release before this one, or the bare base.

    A former stable release that this channel has rolled back since is passed over.

    Raises:
        UserError: there is nothing to go back to.
    """
    ended = _without_canary(channel)
    if channel.canary is not None:
        return replace(ended, rolled_back=_with(channel.rolled_back, channel.canary))
    earlier = list(channel.earlier)
    while earlier and earlier[-1] in channel.rolled_back:
        earlier.pop()
    if channel.stable is None or not earlier:
        raise UserError(
            f"channel {channel.name!r} has nothing to go back to", do="It had no other stable release that it kept."
        )
    gone = _with(channel.rolled_back, channel.stable)
    return replace(ended, stable=earlier[-1], earlier=tuple(earlier[:-1]), rolled_back=gone)


def move(
    store: Store,
    before: Channel | None,
    after: Channel,
    *,
    verb: str,
    who: str,
    why: str,
    evidence: Mapping[str, Any],
) -> Channel:
    """Makes a move, if the channel is still what `before` says, and writes its event. Returns the channel as it is now.

    A kill leaves the channel before the move or after it. The file itself holds the event of its last move, so one that
    a kill kept out of the log is written there with the next move, and `moves` tells it until then.

    Args:
        store: where the channel is.
        before: the channel that the move was made up from; None for a new one.
        after: what it becomes; its version is that of `before` and one more.
        verb: deploy, promote, rollback, or what else moved it.
        who: a person's name, or the name of what decides.
        why: in words; no text of a prompt or of an answer.
        evidence: numbers and verdicts that speak for it; the same holds.

    Raises:
        UserError: the channel moved meanwhile.
    """
    path = path_of(store, after.name)
    disk.make_folder(path.parent)
    expected = 0 if before is None else before.version
    after = replace(after, version=expected + 1)
    with disk.lock(path.parent / ".lock"):
        now = read(store, after.name)
        if (0 if now is None else now.version) != expected or (now is None) != (before is None):
            raise UserError(
                f"channel {after.name!r} moved meanwhile: it is at version {now.version if now else 0}, not {expected}",
                do=f"Look at it with show --channel {after.name}, then decide again.",
            )
        logged = [event for event in store.events() if event.get("channel") == after.name]
        if untold := _untold(store, after.name, logged):
            store.append_event(**untold)
        event: dict[str, Any] = {
            "time": dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds"),
            "verb": verb,
            "channel": after.name,
            "who": who,
            "why": why,
            "evidence": dict(evidence),
            "before": None if before is None else asdict(before),
            "after": asdict(after),
        }
        content = json.dumps({**asdict(after), _MOVE: event}, indent=1, sort_keys=True, allow_nan=False)
        with store.temporary() as temporary:
            disk.replace_file(temporary, path, f"{content}\n".encode())
        # The move is made. Where the log cannot be written, the file's own event is told until the next move writes it:
        # whoever were told to run again would move a second time.
        with contextlib.suppress(UserError, OSError):
            store.append_event(**event)
    return after


def moves(store: Store, name: str) -> list[dict[str, Any]]:
    """The events of a channel's moves, oldest first."""
    told = [event for event in store.events() if event.get("channel") == name and "after" in event]
    untold = _untold(store, name, told)
    return [*told, untold] if untold else told


def _untold(store: Store, name: str, told: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The event of a channel's last move where a kill kept it out of the log."""
    try:
        event: dict[str, Any] | None = json.loads(path_of(store, name).read_bytes()).get(_MOVE)
    except FileNotFoundError:
        return None
    return None if event in told else event


def _without_canary(channel: Channel) -> Channel:
    return replace(channel, version=channel.version + 1, canary=None, percent=0.0, salt="")


def _with(digests: tuple[str, ...], digest: str) -> tuple[str, ...]:
    return (*(other for other in digests if other != digest), digest)


def _salt(channel: Channel) -> str:
    """Of a rollout, so that it is another group of users who get each canary first."""
    return keys.key("rollout", channel.name, channel.version, channel.canary)[:_SALT_LENGTH]
