"""Which release answers a request: channels as their files say now, and the arms that are ready.

Knows channel files, releases and a backend's `ready` and `release`. Knows nothing of HTTP. The files are the only state:
they are looked at on every request (one stat) and every 20 ms. A move to what is ready already counts at once; a release
that is not ready is made so first, and until then, or for good if it fails, the arm goes on with what it had.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adaptline.core.store import Store
from adaptline.deploy import channels, guarding, releases
from adaptline.deploy.calls import Backend, BackendError, Served
from adaptline.deploy.canary import takes_canary
from adaptline.deploy.channels import Channel
from adaptline.deploy.errors import RefusedError
from adaptline.deploy.metrics import Metrics, Tally
from adaptline.errors import UserError

LOOK_SECONDS = 0.02
_LOOKS_PER_SWEEP = 25
_LARGEST_FILE = 1 << 20  # bytes of a channel's file
LINGER_SECONDS = 5.0  # a release that no arm points at stays loaded so long: moves are often taken back
FIRST_RETRY, LONGEST_RETRY = 1.0, 30.0  # seconds until a release that failed to load is tried again

_log = logging.getLogger("adaptline.deploy")
Signature = tuple[int, int, int]


@dataclass(eq=False)
class Model:
    """A release or a bare base, and whether it can answer."""

    digest: str | None
    base: str
    served: Served | None = None
    judge: guarding.Judge | None = None  # where it has guards
    ready: bool = False
    error: str = ""
    failures: int = 0
    retry_at: float = 0.0
    unused_since: float = 0.0
    going_on: int = 0  # requests
    work: asyncio.Task[None] | None = None


@dataclass(eq=False)
class Arm:
    """One way to answer on a channel: `stable`, `canary`, or `direct` for a request that named its release."""

    channel: str
    name: str
    model: Model
    served: Served
    tally: Tally
    headers: list[tuple[bytes, bytes]]


@dataclass(eq=False)
class Live:
    """A channel: what its file says, and the arms that answer until that is so."""

    path: Path
    signature: Signature | None = None
    channel: Channel | None = None
    error: str = ""
    stable: Arm | None = None
    canary: Arm | None = None
    percent: float = 0.0
    salt: str = ""
    settled: bool = False  # the arms are what the file says
    by_name: dict[str, Arm] = field(default_factory=dict)

    @property
    def answers(self) -> bool:
        """Whether there is an answer for everybody who is to have one."""
        if self.channel is not None and self.channel.nobody:
            return self.channel.canary is None or self.channel.percent <= 0 or self.canary is not None
        return self.stable is not None


class Routes:
    """The channels of a store and their arms."""

    def __init__(
        self, store: Store, backend: Backend, metrics: Metrics, beside: Path = Path(), guard_seconds: float = 0.25
    ) -> None:
        """Channels of a store; `beside` is the recipe's folder, in which a user's own guards lie."""
        self.store, self.backend, self.metrics = store, backend, metrics
        self.beside, self.guard_seconds = beside, guard_seconds
        self.live: dict[str, Live] = {}
        self.models: dict[tuple[str, str | None], Model] = {}
        self.moves = 0
        self._watch: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Looks once, waits for what can be made ready, then watches."""
        self.look()
        await asyncio.gather(*[model.work for model in self.models.values() if model.work], return_exceptions=True)
        self.look()
        self._watch = asyncio.create_task(self._watching())

    async def close(self) -> None:
        """Stops watching."""
        tasks = [task for task in (self._watch, *(model.work for model in self.models.values())) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(model.judge.close() for model in self.models.values() if model.judge is not None))

    # On every request

    def arm(self, model: str, unit: str) -> Arm:
        """The arm for the `model` and the unit (a user, a key) of a request. Raises RefusedError."""
        live = self.live.get(model)
        if live is None:
            return self._named(model)
        if _signature(live.path) != live.signature:
            self._reread(live)
        if not live.settled:
            self._settle(live)
        arm = live.stable
        if live.canary is not None and takes_canary(unit, live.salt, live.percent):
            arm = live.canary
        if arm is None:
            if live.channel is not None and live.channel.nobody:
                raise RefusedError(503, f"no release answers on {model!r} now", code="no_release")
            raise RefusedError(503, f"nothing on {model!r} can answer yet", retry_after=1, code="model_not_ready")
        return arm

    def _named(self, name: str) -> Arm:
        """The arm of what is live somewhere, a release or a bare base, by its served name."""
        for live in self.live.values():
            for arm in (live.stable, live.canary):
                if arm is not None and arm.served.name == name:
                    return self._direct(live, arm.model, arm.served)
        message = f"The model {name[:200]!r} does not exist: it is no channel, and nothing live has this name."
        raise RefusedError(404, message, code="model_not_found", param="model")

    def _direct(self, live: Live, model: Model, served: Served) -> Arm:
        arm = live.by_name.get(served.name)
        if arm is None or arm.model is not model:
            arm = live.by_name[served.name] = self._arm(live.path.stem, "direct", model, served)
        return arm

    # Moves

    def look(self) -> None:
        """Follows what the files say now."""
        if not (self.store.root / "channels").is_dir() and self.live:
            raise FileNotFoundError("the folder of channels is gone")  # its arms go on as they are
        names = set(channels.names(self.store))
        for name in names - self.live.keys():
            self.live[name] = Live(channels.path_of(self.store, name))
        for name in self.live.keys() - names:
            del self.live[name]
        for live in self.live.values():
            if _signature(live.path) != live.signature:
                self._reread(live)
            if not live.settled:
                self._settle(live)

    def _reread(self, live: Live) -> None:
        """Reads a channel's file; a damaged one changes nothing but what /readyz says."""
        live.signature = _signature(live.path)
        try:
            live.channel = channels.parse(_content(live.path), live.path)
        except FileNotFoundError:
            return  # `look` sees that it is gone
        except (UserError, OSError) as error:
            if isinstance(error, OSError):
                live.signature = None  # no more files can be open, say: the next look tries again
            live.error = "the channel's file cannot be read"
            self.metrics.failed_moves += 1
            _log.error("channel %s: %s", live.path.stem, str(error).replace("\n", " "))
            return
        live.error, live.settled = "", False
        self.moves += 1
        self._settle(live)

    def _settle(self, live: Live) -> None:
        """Points the arms at what the file says as far as that is ready, and makes ready what is not."""
        wanted = live.channel
        if wanted is None:
            return
        stable = None if wanted.nobody else self._wanted(live, "stable", live.stable, wanted, wanted.stable)
        canary = None
        if wanted.canary is not None and wanted.percent > 0:
            kept = live.canary if live.canary and live.canary.served.digest == wanted.canary else None
            canary = self._wanted(live, "canary", kept, wanted, wanted.canary)
        live.stable, live.canary = stable, canary
        live.percent, live.salt = wanted.percent, wanted.salt
        answering = [arm.model for arm in (stable, canary) if arm is not None]
        live.by_name = {
            name: arm for name, arm in live.by_name.items() if arm.model in answering or arm.model.digest is None
        }
        live.settled = (wanted.nobody or (stable is not None and stable.served.digest == wanted.stable)) and (
            wanted.canary is None or wanted.percent <= 0 or canary is not None
        )

    def _wanted(self, live: Live, name: str, now: Arm | None, channel: Channel, digest: str | None) -> Arm | None:
        if now is not None and now.served.digest == digest and now.model.base == channel.base and now.model.ready:
            return now
        model = self._model(channel.base, digest)
        if model.ready and model.served is not None:
            return self._arm(live.path.stem, name, model, model.served)
        if now is not None and model.failures and now.served.digest in channel.rolled_back:
            return None  # taken away by a person or a judge: no answer is better than its answers
        return now

    def _model(self, base: str, digest: str | None) -> Model:
        """The model of a digest, which begins to be made ready if it is not."""
        model = self.models.get((base, digest))
        if model is None:
            model = self.models[base, digest] = Model(digest, base)
        idle = model.work is None or model.work.done()
        if not model.ready and idle and asyncio.get_running_loop().time() >= model.retry_at:
            model.work = asyncio.create_task(self._make_ready(model))
        return model

    async def _make_ready(self, model: Model) -> None:
        try:
            served, guards = await asyncio.to_thread(_prepared, self.store, model.base, model.digest)
            model.served = served
            if guards and model.judge is None:
                model.judge = guarding.Judge(guards, self.beside, self.guard_seconds)
            if model.judge is not None:
                await model.judge.start()
            await self.backend.ready(served)
        except Exception as error:  # noqa: BLE001 - whatever it is, this release gets no traffic and others go on
            told = isinstance(error, BackendError | UserError)
            model.error = str(error).replace("\n", " ") if told else f"{type(error).__name__}: {error}"
            model.failures += 1
            pause = min(LONGEST_RETRY, FIRST_RETRY * 2 ** (model.failures - 1))
            model.retry_at = asyncio.get_running_loop().time() + pause
            self.metrics.failed_loads += 1
            _log.error("%s is not ready: %s", model.served.name if model.served else model.digest, model.error)
        else:
            model.ready, model.error, model.failures = True, "", 0
            for live in self.live.values():
                if not live.settled:
                    self._settle(live)

    def _sweep(self) -> None:
        """Lets go of models that no arm points at, once their last answer has ended."""
        now = asyncio.get_running_loop().time()
        used = {(live.channel.base, digest) for live in self.live.values() for digest in _digests(live) if live.channel}
        used |= {(arm.model.base, arm.model.digest) for arm in self.arms()}
        for key, model in list(self.models.items()):
            busy = model.going_on > 0 or (model.work is not None and not model.work.done())
            if key in used or busy:
                model.unused_since = 0.0
            elif not model.unused_since:
                model.unused_since = now
            elif now - model.unused_since > LINGER_SECONDS:
                if model.ready or model.judge is not None:
                    model.ready = False
                    model.unused_since = 0.0
                    model.work = asyncio.create_task(self._let_go(model))
                else:
                    del self.models[key]
        self.metrics.sweep({arm.tally for arm in self.arms()}, now)

    async def _let_go(self, model: Model) -> None:
        try:
            if model.served is not None:
                with contextlib.suppress(BackendError):
                    await self.backend.release(model.served)
        finally:
            judge, model.judge = model.judge, None
            if judge is not None:
                await judge.close()
        for live in self.live.values():
            for name, arm in list(live.by_name.items()):
                if arm.model is model:
                    del live.by_name[name]

    async def _watching(self) -> None:
        looks = 0
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                self.look()
                looks += 1
                if looks % _LOOKS_PER_SWEEP == 0:
                    self._sweep()
            except Exception:  # noqa: BLE001 - a full disk, a folder without permission: the arms go on as they are
                _log.exception("the channels cannot be looked at")
                await asyncio.sleep(1)

    # What others ask

    def arms(self) -> Iterator[Arm]:
        """Every arm that answers now."""
        for live in self.live.values():
            yield from (arm for arm in (live.stable, live.canary, *live.by_name.values()) if arm is not None)

    def problems(self) -> list[str]:
        """What keeps a channel from being what its file says; empty when all is well."""
        found = []
        for name, live in self.live.items():
            if live.error:
                found.append(f"{name}: {live.error}")
            if live.channel is None:
                continue
            if live.channel.nobody and not (live.canary and live.percent >= 100):  # noqa: PLR2004 - a percentage
                found.append(f"{name}: without a stable release nobody answers, as a bare encoder has no labels")
            if live.settled:
                continue
            for digest in _digests(live):
                model = self.models.get((live.channel.base, digest))
                if model is not None and not model.ready and not (digest is None and live.channel.nobody):
                    what = digest[:12] if digest else releases.bare_name(live.channel.base)
                    found.append(f"{name}: {what} {'failed to load' if model.error else 'is loading'}")
        return found

    def answers(self) -> bool:
        """Whether every channel has something that answers, or is one on which nobody is to answer."""
        return bool(self.live) and all(live.answers for live in self.live.values())

    def _arm(self, channel: str, name: str, model: Model, served: Served) -> Arm:
        headers = [
            (b"x-adaptline-channel", channel.encode()),
            (b"x-adaptline-arm", name.encode()),
            (b"x-adaptline-release", served.name.encode()),
        ]
        return Arm(channel, name, model, served, self.metrics.tally(channel, name, served.name), headers)


def _digests(live: Live) -> list[str | None]:
    """What a channel's file points at."""
    wanted = live.channel
    if wanted is None:
        return []
    return [wanted.stable] if wanted.canary is None else [wanted.stable, wanted.canary]


def _content(path: Path) -> bytes:
    """What a channel's file holds; of a pipe, or of what is far too large, nothing. Raises OSError."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode) or found.st_size > _LARGEST_FILE:
        return b""
    return path.read_bytes()


def _signature(path: Path) -> Signature | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - on every request
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _prepared(store: Store, base: str, digest: str | None) -> tuple[Served, list[dict[str, Any]]]:
    """A release with its guards as it binds them, or a bare base. Raises UserError."""
    if digest is None:
        return Served(releases.bare_name(base), None, "writer", base, None), []
    release = releases.load(store, digest)
    served = Served(release.name, release.digest, release.kind, release.base, release.folder)
    return served, release.facts["guards"]
