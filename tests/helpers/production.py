"""A store with releases and channels, and gateways before an upstream: in a thread here, or as the verb in a process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import uvloop

from adaptline.core import keys
from adaptline.core.store import Store
from adaptline.deploy import channels, listening
from adaptline.deploy.calls import Backend
from adaptline.deploy.channels import Channel
from adaptline.deploy.gateway import Gateway

BASE = "b" * 64
KEYS = {letter: keys.key("release", letter) for letter in "1234"}


def _write(folder: Path, letter: str) -> str:
    """The files of a release; returns the digest, the same wherever they lie."""
    folder.mkdir(parents=True)
    base, adapter = {"digest": BASE, "name": "b"}, {"method": "lora", "parameters": {}, "number": letter}
    evaluation = {"digest": keys.key("evaluation", letter), "metrics": {"answers.chrf": 41.5}}
    evidence: dict[str, Any] = {"evaluation": evaluation, "further": [], "selection": None, "proof": {"rows": 1}}
    facts = {"kind": "writer", "base": base, "adapter": adapter, "guards": [], "evidence": evidence}
    (folder / "release.json").write_text(json.dumps(facts))
    return keys.folder_digest(folder)


with tempfile.TemporaryDirectory() as _folder:
    DIGESTS = {letter: _write(Path(_folder, letter), letter) for letter in KEYS}


def name(letter: str) -> str:
    """The served name of a release."""
    return f"base-{keys.short(BASE)}:lora@{keys.short(DIGESTS[letter])}"


def store(folder: Path) -> Store:
    """A store with four releases and the channel `support`, whose stable is release 1; a recipe lies beside it."""
    opened = Store.open(folder / ".adaptline")
    (folder / "recipe.toml").write_text('[raw]\nstep = "ingest"\nfiles = ["*.txt"]\n')
    for letter, key in KEYS.items():
        _write(opened.folder(key), letter)
        manifest = {"key": key, "kind": "report", "step": "release", "name": "release", "inputs": {}}
        opened.commit_manifest({**manifest, "digest": DIGESTS[letter]})
    (opened.root / "channels").mkdir(exist_ok=True)
    move(opened, "1")
    return opened


def guarded(opened: Store, letter: str, guards: list[dict[str, Any]]) -> str:
    """A further release, with guards; returns its digest."""
    key = keys.key("release", letter, guards)
    with opened.temporary() as folder:
        _write(folder / "release", letter)
        path = folder / "release" / "release.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "guards": guards}))
        digest = opened.commit_folder(key, folder / "release")
    opened.commit_manifest(
        {"key": key, "kind": "report", "step": "release", "name": "release", "inputs": {}, "digest": digest}
    )
    return digest


def move(
    opened: Store,
    stable: str | None,
    canary: str | None = None,
    percent: float = 0.0,
    at: str = "support",
    *,
    kind: str = "writer",
    rolled_back: tuple[str, ...] = (),
) -> None:
    """Points a channel, as the verbs do: a whole file under a new name, renamed."""
    path = channels.path_of(opened, at)
    gone = tuple(DIGESTS[letter] for letter in rolled_back)
    arms = DIGESTS.get(stable or "", stable), DIGESTS.get(canary or "", canary)
    channel = Channel(at, 1, BASE, *arms, percent, "salt", gone, (), kind)
    temporary = path.with_name(f".{at}.{time.monotonic_ns()}")
    temporary.write_text(json.dumps(asdict(channel)))
    temporary.replace(path)


class Running:
    """A gateway in a thread."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.listener = listening.listen("127.0.0.1", 0)
        self.port: int = self.listener.getsockname()[1]
        self.server = listening.Server(gateway)
        self.started = threading.Event()
        self.server.when_started = self.started.set
        self.loop: asyncio.AbstractEventLoop
        self.failure: BaseException | None = None
        self.thread = threading.Thread(target=self._main, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _main(self) -> None:
        async def run() -> None:
            self.loop = asyncio.get_running_loop()
            await self.server.serve_on(self.listener)

        try:
            with self.listener, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(run())
        except BaseException as error:  # noqa: BLE001 - told to the test
            self.failure = error
        finally:
            self.started.set()

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(20)
        assert not self.thread.is_alive()
        if self.failure is not None:
            raise self.failure


@contextlib.contextmanager
def running(opened: Store, backend: Backend, **given: Any) -> Iterator[Running]:
    """A gateway that answers while the block runs."""
    found = Running(Gateway(opened, backend, **given))
    found.thread.start()
    assert found.started.wait(20)
    if found.failure is not None:
        raise found.failure
    try:
        yield found
    finally:
        found.stop()


@contextlib.contextmanager
def serving(folder: Path, *words: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """`adaptline serve` as a process and its port; killed at the end if it still runs."""
    command = [sys.executable, "-c", "from adaptline.cli import main; main()", "serve", str(folder / "recipe.toml")]
    process = subprocess.Popen(
        [*command, "--backend", "openai", "--port", "0", *words],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    assert process.stderr is not None
    try:
        line = process.stderr.readline()
        assert line.startswith("serving on "), line + process.stderr.read()
        yield process, int(line.rpartition(":")[2].partition("/")[0])
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(10)
        process.stderr.close()
