"""Progress: bars on a terminal, lines in a log, and a file from another process."""

from __future__ import annotations

import io
import json
import os
import pty
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest

from adaptline.core import progress
from adaptline.core.progress import Live, Plain, Silent


class Noted:
    """Remembers what it is told: a real receiver."""

    def __init__(self) -> None:
        self.told: list[tuple[str, float, float, str]] = []
        self.ended: list[str] = []

    def say(self, line: str) -> None:
        raise AssertionError(line)

    def at(self, task: str, done: float, total: float, note: str = "") -> None:
        self.told.append((task, done, total, note))

    def end(self, task: str) -> None:
        self.ended.append(task)


class Terminal:
    """A pseudo-terminal: `file` is what a program writes to, `shown()` what a person would see."""

    def __init__(self) -> None:
        self.reader, writer = pty.openpty()
        self.file: TextIO = os.fdopen(writer, "w", encoding="utf-8")

    def shown(self) -> str:
        self.file.flush()
        os.set_blocking(self.reader, False)
        found = b""
        while True:
            try:
                found += os.read(self.reader, 1 << 16)
            except (BlockingIOError, OSError):
                return found.decode()

    def close(self) -> None:
        self.file.close()
        os.close(self.reader)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    found = Terminal()
    yield found
    found.close()


def wait_until(told: list[tuple[str, float, float, str]], last: tuple[str, float, float, str]) -> None:
    end = time.monotonic() + 10
    while not told or told[-1] != last:
        assert time.monotonic() < end, told
        time.sleep(0.01)


def test_silence() -> None:
    silent = Silent()
    silent.say("x")
    silent.at("task", 1, 2)
    silent.end("task")


class TestPlain:
    def test_lines_stay(self) -> None:
        stream = io.StringIO()
        Plain(stream).say("[clean] done")
        assert stream.getvalue() == "[clean] done\n"

    def test_a_task_is_shown_after_a_while(self) -> None:
        stream = io.StringIO()
        plain = Plain(stream, every_seconds=0.05)
        plain.at("length", 1, 1000)
        plain.at("length", 2, 1000)
        assert stream.getvalue() == ""
        time.sleep(0.06)
        plain.at("length", 1234, 5678)
        plain.at("length", 1235, 5678)
        assert stream.getvalue() == "  length: 1,234 of 5,678\n"
        time.sleep(0.06)
        plain.at("length", 5678, 5678, "shard 3")
        assert stream.getvalue().endswith("\n  length: 5,678 of 5,678  shard 3\n")
        plain.end("length")
        plain.end("length")
        time.sleep(0.06)
        plain.at("length", 1, 1000)
        assert stream.getvalue().count("\n") == 2

    def test_it_writes_to_standard_error(self, capsys: pytest.CaptureFixture[str]) -> None:
        with progress.for_terminal() as show:
            assert isinstance(show, Plain)
            show.say("done")
        assert capsys.readouterr().err == "done\n"


class TestLive:
    def test_bars_on_a_terminal(self, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stderr", terminal.file)
        with progress.for_terminal() as show:
            assert isinstance(show, Live)
            show.say("[raw] stays [bold]as it is[/bold]")
            show.at("clean [length.min=2]: length", 1, 4, "[note]")
            show.at("clean [length.min=2]: length", 3, 4, "[note]")
            time.sleep(0.15)
            shown = terminal.shown()
            show.end("clean [length.min=2]: length")
            show.end("never begun")
            assert not show.bars.tasks
        assert "[raw] stays [bold]as it is[/bold]" in shown
        assert "clean [length.min=2]: length" in shown
        assert "3/4" in shown
        assert "[note]" in shown


class TestToFile:
    def test_it_leaves_at_most_two_reports_a_second(self, tmp_path: Path) -> None:
        report = progress.to_file(tmp_path)
        report(1, 10, "epoch 1")
        assert json.loads((tmp_path / "progress.json").read_text()) == [1, 10, "epoch 1"]
        report(2, 10, "epoch 1")
        assert json.loads((tmp_path / "progress.json").read_text()) == [1, 10, "epoch 1"]
        time.sleep(0.51)
        report(3, 10, "epoch 2")
        assert json.loads((tmp_path / "progress.json").read_text()) == [3, 10, "epoch 2"]

    def test_what_it_leaves_is_shown(self, tmp_path: Path) -> None:
        noted = Noted()
        with progress.watched(noted, {"tuned": tmp_path, "not begun": tmp_path / "gone"}):
            progress.to_file(tmp_path)(3, 10, "epoch 1")
            wait_until(noted.told, ("tuned", 3, 10, "epoch 1"))
            (tmp_path / "progress.json").write_text("[4, 1")  # half written
            time.sleep(0.6)
            assert not noted.ended
            (tmp_path / "progress.json").write_text('[5, 10, "epoch 2"]')
            wait_until(noted.told, ("tuned", 5, 10, "epoch 2"))
        assert noted.ended == ["tuned", "not begun"]
        assert {task for task, *_ in noted.told} == {"tuned"}

    def test_a_block_that_fails_ends_the_watch(self, tmp_path: Path) -> None:
        noted = Noted()
        with pytest.raises(ZeroDivisionError), progress.watched(noted, {"tuned": tmp_path}):
            raise ZeroDivisionError
        assert noted.ended == ["tuned"]
