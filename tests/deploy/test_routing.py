"""Moves of channels under load: when they count, what they never do, and what a release that fails to load cannot do."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httptools
import httpx
import load
import pytest
from guards import bound
from production import BASE, DIGESTS, guarded, move, name, running, store
from upstreams import Upstream

from adaptline.core.store import Store
from adaptline.deploy import channels, routing
from adaptline.deploy.backends import openai as backend
from adaptline.deploy.calls import BackendError, Call, Reply, Served, Whole
from adaptline.deploy.errors import RefusedError
from adaptline.deploy.limits import Limits
from adaptline.deploy.metrics import Metrics
from adaptline.deploy.routing import Routes

HELLO: Any = [{"role": "user", "content": "hello"}]


class Loading:
    """A backend that takes time to load and cannot load everything; it answers with the release's name."""

    def __init__(self) -> None:
        self.open = asyncio.Event()  # loading waits for it
        self.open.set()
        self.broken: set[str | None] = set()
        self.loaded: list[str] = []
        self.released: list[str] = []

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def ready(self, served: Served) -> None:
        await self.open.wait()
        if served.digest in self.broken:
            raise BackendError(503, "a layer is missing")
        self.loaded.append(served.name)

    async def release(self, served: Served) -> None:
        self.released.append(served.name)

    async def answer(self, call: Call) -> Reply:
        return Reply(Whole(json.dumps({"model": call.served.name}).encode()))

    def load(self) -> Mapping[str, float]:
        return {}


@asynccontextmanager
async def routed(opened: Store, loading: Loading) -> AsyncIterator[Routes]:
    routes = Routes(opened, loading, Metrics())
    await routes.start()
    try:
        yield routes
    finally:
        await routes.close()


async def until(true: Callable[[], object]) -> None:
    end = time.monotonic() + 5
    while not true():
        assert time.monotonic() < end
        await asyncio.sleep(0.002)


def answering(routes: Routes, unit: str = "u") -> str:
    return routes.arm("support", unit).served.name


def test_a_move_to_what_is_ready_counts_at_the_next_request(tmp_path: Path) -> None:
    async def main() -> None:
        opened = store(tmp_path)
        move(opened, "1", "2", 100.0)
        async with routed(opened, Loading()) as routes:
            assert answering(routes) == name("2")
            move(opened, "1")  # rolled back
            assert answering(routes) == name("1")
            move(opened, "2")  # promoted
            assert answering(routes) == name("2")

    asyncio.run(main())


def test_an_arm_goes_on_with_what_it_had_until_the_new_one_is_ready(tmp_path: Path) -> None:
    async def main() -> None:
        opened, loading = store(tmp_path), Loading()
        async with routed(opened, loading) as routes:
            loading.open.clear()
            move(opened, "2", "3", 100.0)
            assert answering(routes) == name("1")
            assert len(routes.problems()) == 2
            await asyncio.sleep(0.1)
            assert answering(routes) == name("1")
            loading.open.set()
            await until(lambda: not routes.problems())  # either of the two may be ready first
            assert answering(routes) == name("3")
            assert routes.arm("support", "u").name == "canary"
            move(opened, "2")
            assert answering(routes) == name("2")
            assert not routes.problems()

    asyncio.run(main())


def test_a_release_that_fails_to_load_takes_no_traffic(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        opened, loading = store(tmp_path), Loading()
        async with routed(opened, loading) as routes:
            loading.broken = {DIGESTS["2"]}
            move(opened, "2")
            await until(lambda: routes.metrics.failed_loads == 1)
            assert answering(routes) == name("1")
            assert routes.problems() == [f"support: {DIGESTS['2'][:12]} failed to load"]
            assert "a layer is missing" in caplog.text
            assert routes.answers()
            move(opened, "1", "9" * 64, 100.0)  # a release that is not even there
            await until(lambda: routes.metrics.failed_loads == 2)
            assert answering(routes) == name("1")
            move(opened, "1")
            assert answering(routes) == name("1")
            assert not routes.problems()

    asyncio.run(main())


def test_it_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routing, "FIRST_RETRY", 0.05)

    async def main() -> None:
        opened, loading = store(tmp_path), Loading()
        loading.broken = {DIGESTS["1"]}
        async with routed(opened, loading) as routes:
            with pytest.raises(RefusedError, match="can answer yet"):  # fail closed: there is no other
                answering(routes)
            assert not routes.answers()
            loading.broken = set()
            await until(routes.answers)
            assert answering(routes) == name("1")

    asyncio.run(main())


def test_a_damaged_file_changes_nothing_but_what_is_said(tmp_path: Path) -> None:
    async def main() -> None:
        opened = store(tmp_path)
        async with routed(opened, Loading()) as routes:
            channels.path_of(opened, "support").write_text("{")
            assert answering(routes) == name("1")
            await until(lambda: routes.problems() == ["support: the channel's file cannot be read"])
            move(opened, "2")
            await until(lambda: answering(routes) == name("2"))
            assert not routes.problems()

    asyncio.run(main())


def test_channels_come_and_go(tmp_path: Path) -> None:
    async def main() -> None:
        opened = store(tmp_path)
        async with routed(opened, Loading()) as routes:
            move(opened, "2", at="second")
            await until(lambda: "second" in routes.live and routes.live["second"].stable)
            assert routes.arm("second", "u").served.name == name("2")
            channels.path_of(opened, "second").unlink()
            await until(lambda: "second" not in routes.live)
            with pytest.raises(RefusedError):
                routes.arm("second", "u")

    asyncio.run(main())


def test_what_no_arm_points_at_is_released_with_its_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routing, "LINGER_SECONDS", 0.05)
    monkeypatch.setattr("adaptline.deploy.metrics.LINGER_SECONDS", 0.05)

    async def main() -> None:
        opened, loading = store(tmp_path), Loading()
        async with routed(opened, loading) as routes:
            arm = routes.arm("support", "u")
            arm.model.going_on += 1  # an answer that goes on
            arm.tally.going_on += 1
            move(opened, "2")
            await until(lambda: answering(routes) == name("2"))
            await asyncio.sleep(1.2)
            assert not loading.released
            arm.model.going_on -= 1
            arm.tally.going_on -= 1
            await until(lambda: loading.released == [name("1")])
            await until(lambda: [key[2] for key in routes.metrics.tallies] == [name("2")])
            await until(lambda: list(routes.models) == [(BASE, DIGESTS["2"])])
            move(opened, "1")  # and back
            await until(lambda: answering(routes) == name("1"))

    asyncio.run(main())


class _Streams(asyncio.Protocol):
    """Asks for one stream after another, and keeps whose every one was."""

    def __init__(self, data: bytes, going: list[bool], seen: list[tuple[str, set[str]]], ended: asyncio.Event) -> None:
        self.data, self.going, self.seen, self.ended = data, going, seen, ended
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        self._ask()

    def _ask(self) -> None:
        if not self.going[0]:
            self.transport.close()
            return
        self.parser = httptools.HttpResponseParser(self)
        self.release, self.body = "", b""
        self.transport.write(self.data)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_header(self, header: bytes, value: bytes) -> None:
        if header == b"x-adaptline-release":
            self.release = value.decode()

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        assert self.parser.get_status_code() == 200
        assert self.body.endswith(b"data: [DONE]\n\n")
        events = [json.loads(line[6:]) for line in self.body.decode().split("\n\n")[:-2]]
        words = {word for event in events for choice in event["choices"] for word in choice["delta"]["content"].split()}
        self.seen.append((self.release, words))
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self.ended.set()


def test_fifty_moves_under_two_hundred_streams_fail_and_mix_nothing(tmp_path: Path) -> None:
    opened = store(tmp_path)
    seen: list[tuple[str, set[str]]] = []
    asked = {"model": "support", "messages": HELLO, "stream": True}

    async def main(port: int) -> None:
        going, ends = [True], [asyncio.Event() for _ in range(200)]
        for number, end in enumerate(ends):
            data = load.request("/v1/chat/completions", {**asked, "user": f"u{number}"})
            await asyncio.get_running_loop().create_connection(
                lambda end=end, data=data: _Streams(data, going, seen, end),  # type: ignore[misc]
                "127.0.0.1",
                port,
            )
        number, end_at = 0, time.monotonic() + 60
        while number < 50 or (len(seen) <= 1000 and time.monotonic() < end_at):  # a busy machine needs more moves
            stable = "123"[number % 3]
            canary = "234"[number % 3] if number % 2 else None
            move(opened, stable, canary, 50.0)
            number += 1
            await asyncio.sleep(0.04)
        going[0] = False
        await asyncio.gather(*[end.wait() for end in ends])

    with Upstream() as upstream:
        upstream.keep, upstream.tokens, upstream.token_delay = False, 4, 0.02
        limits = Limits(concurrency=300)
        with running(opened, backend.open(opened, upstream=upstream.url), limits=limits) as gateway:
            asyncio.run(main(gateway.port))
            statuses = {status for tally in gateway.gateway.metrics.tallies.values() for status in tally.statuses}
            assert statuses == {200}
            assert gateway.gateway.slots.busy == 0
    assert len(seen) > 1000
    assert all(words == {release} for release, words in seen)
    assert {release for release, _ in seen} == {name(letter) for letter in "1234"}


def test_moves_are_seen_within_50_ms(tmp_path: Path) -> None:
    opened = store(tmp_path)
    took = []
    with (
        Upstream() as upstream,
        running(opened, backend.open(opened, upstream=upstream.url)) as gateway,
        httpx.Client() as client,
    ):
        asked = {"model": "support", "messages": HELLO}
        for number in range(30):
            wanted = "1234"[(number + 1) % 4]
            begun = time.perf_counter()
            move(opened, wanted)
            while True:
                found = client.post(gateway.url + "/v1/chat/completions", json=asked)
                assert found.status_code == 200
                if found.headers["x-adaptline-release"] == name(wanted):
                    break
            took.append(time.perf_counter() - begun)
    print(f"moves seen after {1000 * sorted(took)[15]:.1f} ms (median), {1000 * max(took):.1f} ms (longest)")
    assert sorted(took)[15] < 0.05
    assert sorted(took)[26] < 0.25  # on a machine that others use too


def test_a_bare_encoder_is_no_arm(tmp_path: Path) -> None:
    async def main() -> None:
        opened, loading = store(tmp_path), Loading()
        move(opened, None, "2", 100.0, kind="classifier")
        async with routed(opened, loading) as routes:
            assert answering(routes) == name("2")
            assert routes.answers()
            assert not routes.problems()
            move(opened, None, "2", 0.0, kind="classifier")  # the kill switch
            with pytest.raises(RefusedError, match="no release answers") as caught:
                answering(routes)
            assert (caught.value.status, caught.value.code) == (503, "no_release")
            assert routes.answers()  # other channels go on
            assert "nobody answers" in routes.problems()[0]
            move(opened, "2", kind="classifier")  # promoted after all, then rolled back
            await until(lambda: routes.live["support"].settled)
            assert answering(routes) == name("2")
            move(opened, None, kind="classifier", rolled_back=("2",))
            with pytest.raises(RefusedError, match="no release answers"):
                answering(routes)
            assert [digest for _, digest in routes.models if digest is None] == []

    asyncio.run(main())


def test_what_was_rolled_back_does_not_stand_in_for_what_fails(tmp_path: Path) -> None:
    async def main() -> None:
        opened, loading = store(tmp_path), Loading()
        move(opened, "2")
        async with routed(opened, loading) as routes:
            loading.broken = {DIGESTS["1"]}
            loading.open.clear()
            move(opened, "1", rolled_back=("2",))
            assert answering(routes) == name("2")  # while the one before is on its way
            loading.open.set()
            await until(lambda: routes.metrics.failed_loads == 1)
            with pytest.raises(RefusedError, match="can answer yet"):
                answering(routes)
            assert not routes.answers()

    asyncio.run(main())


def test_guards_stand_before_their_release_and_go_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routing, "LINGER_SECONDS", 0.05)

    async def main() -> None:
        opened, loading = store(tmp_path), Loading()
        careful = guarded(opened, "5", [bound("deny", tmp_path, patterns=["secret"])])
        broken = guarded(opened, "6", [bound("deny", tmp_path, patterns=["other"])])
        loading.broken = {broken}
        move(opened, careful)
        async with routed(opened, loading) as routes:
            judge = routes.arm("support", "u").model.judge
            assert judge is not None
            with pytest.raises(RefusedError, match="refused by deny"):
                await judge.check("completions", {"prompt": "a secret"})
            await judge.check("completions", {"prompt": "hello"})
            assert judge._process is not None
            alive = [Path(f"/proc/{judge._process.pid}")]
            move(opened, careful, broken, 50.0)  # its guards start, its weights do not load
            await until(lambda: routes.metrics.failed_loads)
            model = routes.models[BASE, broken]
            assert model.judge is not None
            assert model.judge._process is not None
            alive.append(Path(f"/proc/{model.judge._process.pid}"))
            move(opened, "1")
            await until(lambda: len(routes.models) == 1)
            await until(lambda: not any(one.exists() for one in alive))

    asyncio.run(main())


def test_the_gateway_asks_the_guards_of_a_release(tmp_path: Path) -> None:
    opened = store(tmp_path)
    move(opened, guarded(opened, "5", [bound("deny", tmp_path, patterns=["secret"])]))
    with Upstream() as upstream, running(opened, backend.open(opened, upstream=upstream.url)) as gateway:
        for said, status in (("a secret", 400), ("hello", 200)):
            asked = {"model": "support", "messages": [{"role": "user", "content": said}]}
            assert httpx.post(gateway.url + "/v1/chat/completions", json=asked).status_code == status
        assert len(upstream.requests) == 1
