from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from adaptline.deploy import access_log
from adaptline.deploy.access_log import AccessLog
from adaptline.errors import UserError


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(200):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError


def test_lines_are_gathered_and_appended(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("before\n")

    async def main() -> None:
        log = AccessLog(path)
        log.add("a")
        log.add("ü\ud800")
        assert path.read_text() == "before\n"
        await until(lambda: path.read_text() == "before\na\nü\\ud800\n")
        log.add("x" * 300_000)
        await until(lambda: path.stat().st_size > 300_000)  # before the next flush would be due
        log.add("last")
        log.close()

    asyncio.run(main())
    assert path.read_text().endswith("\nlast\n")


def test_a_full_disk_stops_no_answer() -> None:
    if not Path("/dev/full").exists():
        return

    async def main() -> None:
        log = AccessLog(Path("/dev/full"))
        log.add("a")
        log.flush()
        await until(lambda: log.failed == 1)
        log.close()

    asyncio.run(main())


def test_a_pipe_that_nobody_reads_stops_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    monkeypatch.setattr(access_log, "CLOSE_SECONDS", 0.2)

    async def main() -> None:
        log = AccessLog()
        log._descriptor = writing
        began = time.monotonic()
        for _ in range(200):
            log.add("x" * 10_000)
            log.flush()
        log.close()
        assert time.monotonic() - began < 2
        assert log.failed > 100

    asyncio.run(main())
    os.close(reading)  # the thread that waits ends with an error that it counts
    time.sleep(0.05)
    os.close(writing)


def test_times_are_iso_8601_in_utc() -> None:
    log = AccessLog()
    assert log.time(0.0) == "1970-01-01T00:00:00.000Z"
    assert [log.time(when) for when in (1e9, 1e9 + 0.0625, 1e9 + 1)] == [
        "2001-09-09T01:46:40.000Z",
        "2001-09-09T01:46:40.062Z",
        "2001-09-09T01:46:41.000Z",
    ]


def test_a_pipe_without_a_reader_is_not_waited_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "log"
    log = AccessLog(path)
    path.unlink()
    os.mkfifo(path)
    began = time.monotonic()
    log.reopen()
    assert time.monotonic() - began < 2
    assert "cannot be opened anew" in caplog.text
    log.close()
    with pytest.raises(UserError, match="no log can be written"):
        AccessLog(path)
