"""Guards see all that is asked, or refuse; and whatever one of them does, the gateway goes on."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from guards import bind, bound

from adaptline.deploy import guarding
from adaptline.deploy.calls import BackendError, Endpoint
from adaptline.deploy.errors import RefusedError
from adaptline.deploy.guarding import Judge


def refused(endpoint: Endpoint, body: dict[str, Any]) -> bool:
    text = guarding.prompt(endpoint, body)
    return text is None or "credit card" in text


def chat(*contents: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": content} for content in contents]}


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        ("chat/completions", chat("my credit card")),
        ("chat/completions", chat("hello", "my credit card")),
        ("chat/completions", chat([{"type": "text", "text": "credit"}, {"type": "text", "text": " card"}])),
        ("completions", {"prompt": "my credit card"}),
        ("completions", {"prompt": ["a", "my credit card"]}),
        ("classify", {"input": ["my credit card"]}),
        # what stands beside what is asked, or is no text: it cannot be judged
        ("completions", {"prompt": "credit card", "messages": "hi"}),
        ("classify", {"input": "credit card", "prompt": "hi"}),
        ("completions", {"prompt": "hi", "suffix": "credit card"}),
        ("completions", {"prompt": [1, 2, 3]}),
        ("chat/completions", chat([{"type": "text", "role": "x", "text": "credit card"}])),
        ("chat/completions", chat([{"type": "image_url", "text": "hi"}])),
        ("chat/completions", {"messages": [{"role": "assistant", "content": "hi", "tool_calls": [{}]}]}),
        ("chat/completions", chat("hi") | {"tools": [{"description": "credit card"}]}),
        ("chat/completions", {"messages": "credit card"}),
    ],
)
def test_what_is_refused(endpoint: Endpoint, body: dict[str, Any]) -> None:
    assert refused(endpoint, body)


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        ("chat/completions", chat("hello", [{"type": "text", "text": "there"}])),
        ("completions", {"prompt": "hello", "tools": []}),
        ("classify", {"input": ["hello", "there"]}),
    ],
)
def test_what_is_not(endpoint: Endpoint, body: dict[str, Any]) -> None:
    assert not refused(endpoint, body)
    assert "hello" in (guarding.prompt(endpoint, body) or "")


@asynccontextmanager
async def judging(guards: list[dict[str, Any]], beside: Path, seconds: float = 5.0) -> AsyncIterator[Judge]:
    judge = Judge(guards, beside, seconds)
    await judge.start()
    try:
        yield judge
    finally:
        await judge.close()


async def said(judge: Judge, text: str) -> str:
    """Why a prompt is refused; nothing if it is not."""
    try:
        await judge.check("completions", {"prompt": text})
    except BackendError as error:
        return f"{error.status} {error.message}"
    return ""


SOURCE = """
import os, sys, time

@guard(version=1)
def polite(text: str) -> str | None:
    print("a guard may print")
    return "has 'damn'" if "damn" in text else None

@guard(version=1)
def broken(text: str) -> str | None:
    if "break" in text:
        raise ValueError(text)
    return None

@guard(version=1)
def careless(text: str) -> str | None:
    while "swallow" in text:
        try:
            time.sleep(0.01)
        except Exception:
            pass
    while "stubborn" in text:
        try:
            time.sleep(0.01)
        except BaseException:
            pass
    if "die" in text:
        os._exit(3)
    return None

@guard(version=1)
def content(text: str) -> str | None:
    try:
        while "bad" in text:
            time.sleep(0.01)
    except:
        pass
    return None

ready = []

@guard(version=1)
def cold(text: str) -> str | None:
    if not ready:
        time.sleep(1)
        ready.append(True)
    return None

@guard(version=1)
def parent(text: str) -> str | None:
    if "fork" in text:
        if os.fork() == 0:
            time.sleep(60)
        os._exit(3)
    return None
"""


def test_the_first_reason_counts(tmp_path: Path) -> None:
    async def main() -> None:
        async with judging(bind(tmp_path, SOURCE, "polite", "broken"), tmp_path) as judge:
            assert await said(judge, "hello") == ""
            assert await said(judge, "damn, break") == "400 refused by polite: has 'damn'"
            asked = await asyncio.gather(*(said(judge, "damn" if number % 3 else "ä\n\ud800") for number in range(60)))
            assert [bool(one) for one in asked] == [bool(number % 3) for number in range(60)]

    asyncio.run(main())


def test_a_guard_that_fails_refuses_and_tells_no_text(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with judging(bind(tmp_path, SOURCE, "broken"), tmp_path) as judge:
            with pytest.raises(RefusedError, match="refused by broken: it could not judge"):
                await judge.check("completions", {"prompt": "break my secret"})

    with caplog.at_level(logging.ERROR):
        asyncio.run(main())
    assert "broken failed with ValueError" in caplog.text
    assert "my secret" not in caplog.text


def test_a_slow_pattern_refuses_its_own_prompt_and_stops_nothing_else(tmp_path: Path) -> None:
    async def main() -> None:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.005)
                ticks += 1

        ticking = asyncio.create_task(tick())
        async with judging([bound("deny", tmp_path, patterns=["(a+)+$"])], tmp_path, 0.5) as judge:
            ticks = 0
            began = time.monotonic()
            assert await said(judge, "a" * 60 + "!") == "400 refused by deny: it could not judge"
            assert time.monotonic() - began >= 0.4
            assert ticks > 10
            assert await said(judge, "b") == ""
        ticking.cancel()

    asyncio.run(main())


def test_what_catches_all_is_ended_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarding, "_PATIENCE", 0.5)

    async def main() -> None:
        async with judging(bind(tmp_path, SOURCE, "careless"), tmp_path, 0.2) as judge:
            assert await said(judge, "swallow") == "400 refused by careless: it could not judge"
            asked = [said(judge, text) for text in ("stubborn", "hello", "hello")]
            assert await asyncio.gather(*asked) == ["503 the guards' process ended", "", ""]
            assert await said(judge, "hello") == ""
            assert await said(judge, "die") == "503 the guards' process ended"
            assert await said(judge, "hello") == ""

    asyncio.run(main())


def test_guards_that_are_not_the_releases_do_not_start(tmp_path: Path) -> None:
    guards = bind(tmp_path, SOURCE, "polite")

    async def main(judge: Judge, why: str) -> None:
        with pytest.raises(BackendError, match=why):
            await judge.start()
        assert (
            await said(judge, "hello") == "503 the guards of this release are not ready"
        )  # nothing passes without them
        await judge.close()

    bind(tmp_path, SOURCE.replace("damn", "darn"), "polite")
    asyncio.run(main(Judge(guards, tmp_path, 1.0), "changed"))
    (tmp_path / "mine.py").write_text("raise KeyError('oh')")
    asyncio.run(main(Judge(guards, tmp_path, 1.0), "oh"))
    (tmp_path / "mine.py").write_text("import os; os._exit(4)")
    asyncio.run(main(Judge(guards, tmp_path, 1.0), "their process ended"))


def test_a_guard_that_catches_its_end_and_is_content_refuses_all_the_same(tmp_path: Path) -> None:
    async def main() -> None:
        async with judging(bind(tmp_path, SOURCE, "content"), tmp_path, 0.2) as judge:
            assert await said(judge, "bad") == "400 refused by content: it could not judge"
            assert await said(judge, "good") == ""

    asyncio.run(main())


def test_what_a_guard_does_once_is_no_prompts_time(tmp_path: Path) -> None:
    async def main() -> None:
        async with judging(bind(tmp_path, SOURCE, "cold"), tmp_path, 0.2) as judge:
            assert await said(judge, "hello") == ""

    asyncio.run(main())


def test_those_who_leave_hold_nobody_up(tmp_path: Path) -> None:
    async def main() -> None:
        async with judging(bind(tmp_path, SOURCE, "content"), tmp_path, 0.3) as judge:
            await said(judge, "hello")
            for _ in range(5):
                leaving = [asyncio.create_task(said(judge, "bad" + "x" * 500_000)) for _ in range(20)]
                await asyncio.sleep(0.02)
                for task in leaving:
                    task.cancel()
                await asyncio.gather(*leaving, return_exceptions=True)
            began = time.monotonic()
            assert await said(judge, "hello") == ""
            assert time.monotonic() - began < 3  # one of them at most was told, not a hundred: that would be 30 s
            crowd = await asyncio.gather(*(said(judge, "hello") for _ in range(70)))
            assert sorted({*crowd}) == ["", "429 too many prompts wait for the guards"]
            assert crowd.count("") == 64

    asyncio.run(main())


def test_a_process_whose_child_lives_on_has_ended(tmp_path: Path) -> None:
    async def main() -> None:
        async with judging(bind(tmp_path, SOURCE, "parent"), tmp_path) as judge:
            began = time.monotonic()
            assert await said(judge, "fork") == "503 the guards' process ended"
            assert await said(judge, "hello") == ""
            assert time.monotonic() - began < 10  # and not the child's minute

    asyncio.run(main())


def test_guards_that_cannot_start_are_not_started_for_each_prompt(tmp_path: Path) -> None:
    guards = bind(tmp_path, SOURCE, "careless")
    broken = f"open({str(tmp_path / 'starts')!r}, 'a').write('x')\nraise KeyError"

    async def main() -> None:
        async with judging(guards, tmp_path) as judge:
            assert await said(judge, "die") == "503 the guards' process ended"
            (tmp_path / "mine.py").write_text(broken)
            leaving = asyncio.create_task(said(judge, "hello"))
            await asyncio.sleep(0)
            leaving.cancel()
            asked = await asyncio.gather(*(said(judge, "hello") for _ in range(20)))
            assert set(asked) == {"503 the guards of this release are not ready"}
            assert len((tmp_path / "starts").read_text()) == 1

    asyncio.run(main())


def test_what_is_closed_starts_no_more(tmp_path: Path) -> None:
    guards = bind(tmp_path, SOURCE, "polite")

    async def main() -> None:
        judge = Judge(guards, tmp_path, 1.0)
        starting = asyncio.create_task(judge.start())
        await asyncio.sleep(0.01)
        await judge.close()
        await asyncio.gather(starting, return_exceptions=True)
        assert judge._process is None
        assert await said(judge, "hello") == "503 the guards of this release are not ready"

    asyncio.run(main())


def test_without_its_gateway_it_ends_whatever_a_guard_is_at(tmp_path: Path) -> None:
    guards = bind(tmp_path, SOURCE, "careless")
    process = subprocess.Popen(
        [sys.executable, "-m", "adaptline.deploy.guard_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps({"guards": guards, "beside": str(tmp_path), "seconds": 0.1}) + "\n")
    process.stdin.flush()
    assert json.loads(process.stdout.readline()) == {"ready": ["careless"]}
    process.stdin.write(json.dumps({"text": "stubborn"}) + "\n")
    process.stdin.flush()
    time.sleep(0.3)
    process.stdin.close()
    process.wait(10)
    process.stdout.close()
