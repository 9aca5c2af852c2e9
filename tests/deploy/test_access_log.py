from __future__ import annotations

import asyncio
from pathlib import Path

from adaptline.deploy.access_log import AccessLog


def test_lines_are_gathered_and_appended(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("before\n")

    async def main() -> None:
        log = AccessLog(path)
        log.add("a")
        log.add("ü\ud800")
        assert path.read_text() == "before\n"
        await asyncio.sleep(0.3)
        assert path.read_text() == "before\na\nü\\ud800\n"
        log.add("x" * 300_000)
        assert path.stat().st_size > 300_000  # no need to wait
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
        assert log.failed == 1
        log.close()

    asyncio.run(main())


def test_times_are_iso_8601_in_utc() -> None:
    log = AccessLog()
    assert log.time(0.0) == "1970-01-01T00:00:00.000Z"
    assert [log.time(when) for when in (1e9, 1e9 + 0.0625, 1e9 + 1)] == [
        "2001-09-09T01:46:40.000Z",
        "2001-09-09T01:46:40.062Z",
        "2001-09-09T01:46:41.000Z",
    ]
