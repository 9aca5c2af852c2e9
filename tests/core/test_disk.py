"""The one way to write: whole or not at all, first commit wins, and refusals in words."""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from file_sizes import limited
from hypothesis import given, settings
from hypothesis import strategies as st
from unprivileged import unprivileged

from adaptline.core import disk
from adaptline.errors import UserError


@pytest.fixture(scope="module")
def workers() -> Iterator[ProcessPoolExecutor]:
    """Two warm processes, so that what they are given starts at the same time."""
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert list(pool.map(abs, [1, 2, 3, 4])) == [1, 2, 3, 4]
        yield pool


class TestWriting:
    def test_a_file_holds_what_was_written(self, tmp_path: Path) -> None:
        disk.write_file(tmp_path / "file", b"long and then")
        disk.write_file(tmp_path / "file", b"short")
        assert (tmp_path / "file").read_bytes() == b"short"

    @pytest.mark.parametrize("mode", [0o600, 0o644])
    def test_a_file_has_its_mode_less_the_umask(self, tmp_path: Path, mode: int) -> None:
        before = os.umask(0o077)
        try:
            disk.write_file(tmp_path / "private", b"", mode)
        finally:
            os.umask(before)
        disk.write_file(tmp_path / "usual", b"", mode)
        assert stat.S_IMODE((tmp_path / "private").stat().st_mode) == 0o600
        assert stat.S_IMODE((tmp_path / "usual").stat().st_mode) == mode & ~before

    def test_replacing_puts_the_whole_new_content_in_place(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"old")
        disk.replace_file(tmp_path / "temporary", tmp_path / "file", b"new")
        assert (tmp_path / "file").read_bytes() == b"new"
        assert not (tmp_path / "temporary").exists()

    def test_a_folder_is_made_with_its_parents(self, tmp_path: Path) -> None:
        disk.make_folder(tmp_path / "a" / "b" / "c")
        disk.make_folder(tmp_path / "a" / "b" / "c")
        assert (tmp_path / "a" / "b" / "c").is_dir()

    def test_two_processes_make_the_same_folders(self, tmp_path: Path, workers: ProcessPoolExecutor) -> None:
        paths = [tmp_path / f"{i // 2}" / "b" / "c" for i in range(100)]
        list(workers.map(disk.make_folder, paths))
        assert all(path.is_dir() for path in paths)


class TestCommit:
    def test_the_first_commit_wins(self, tmp_path: Path) -> None:
        for name, expected in (("one", True), ("two", False)):
            (tmp_path / name).write_text(name)
            assert disk.commit_new(tmp_path / name, tmp_path / "file") is expected
            assert not (tmp_path / name).exists()
        assert (tmp_path / "file").read_text() == "one"

    def test_of_two_racing_processes_exactly_one_wins(self, tmp_path: Path, workers: ProcessPoolExecutor) -> None:
        rounds = 60
        for i in range(rounds):
            (tmp_path / f"a{i}").write_text("a")
            (tmp_path / f"b{i}").write_text("b")
        temporaries = [tmp_path / f"{who}{i}" for i in range(rounds) for who in "ab"]
        paths = [tmp_path / f"file{i}" for i in range(rounds) for _ in "ab"]
        won = list(workers.map(disk.commit_new, temporaries, paths))
        for i in range(rounds):
            mine = won[2 * i : 2 * i + 2]
            assert sorted(mine) == [False, True]
            assert (tmp_path / f"file{i}").read_text() == ("a" if mine[0] else "b")
        assert len(list(tmp_path.iterdir())) == rounds

    def test_the_first_folder_wins(self, tmp_path: Path) -> None:
        for name, expected in (("one", True), ("two", False)):
            (tmp_path / name / "sub").mkdir(parents=True)
            (tmp_path / name / "sub" / "file").write_text(name)
            assert disk.commit_folder(tmp_path / name, tmp_path / "folder") is expected
            assert not (tmp_path / name).exists()
        assert (tmp_path / "folder" / "sub" / "file").read_text() == "one"

    def test_of_two_racing_processes_one_folder_wins(self, tmp_path: Path, workers: ProcessPoolExecutor) -> None:
        rounds = 30
        temporaries = [tmp_path / f"{who}{i}" for i in range(rounds) for who in "ab"]
        for path in temporaries:
            path.mkdir()
            (path / "who").write_text(path.name[0])
        won = list(workers.map(disk.commit_folder, temporaries, [tmp_path / f"f{i // 2}" for i in range(2 * rounds)]))
        for i in range(rounds):
            assert sorted(won[2 * i : 2 * i + 2]) == [False, True]
            assert (tmp_path / f"f{i}" / "who").read_text() == ("a" if won[2 * i] else "b")

    def test_a_file_in_the_place_of_a_folder_is_a_mistake(self, tmp_path: Path) -> None:
        (tmp_path / "made").mkdir()
        (tmp_path / "place").touch()
        with pytest.raises(UserError, match="a file lies where a folder is needed"):
            disk.commit_folder(tmp_path / "made", tmp_path / "place")


class TestAppend:
    @settings(deadline=None, max_examples=30)
    @given(st.lists(st.binary(max_size=40).map(lambda line: line.replace(b"\n", b"-")), max_size=8))
    def test_lines_come_back(self, lines: list[bytes]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "log")
            for line in lines:
                disk.append_line(path, line)
            found = path.read_bytes() if lines else b""
        assert found == b"".join(line + b"\n" for line in lines)

    def test_lines_of_many_processes_do_not_mix(self, tmp_path: Path, workers: ProcessPoolExecutor) -> None:
        lines = [bytes([97 + i % 26]) * (1 + 997 * i % 20_000) for i in range(200)]
        list(workers.map(disk.append_line, [tmp_path / "log"] * len(lines), lines))
        assert sorted((tmp_path / "log").read_bytes().splitlines()) == sorted(lines)

    @pytest.mark.parametrize("torn", [b"x", b"whole\nhal"])
    def test_a_line_cut_by_a_crash_ends_before_the_next(self, tmp_path: Path, torn: bytes) -> None:
        (tmp_path / "log").write_bytes(torn)
        disk.append_line(tmp_path / "log", b"next")
        disk.append_line(tmp_path / "log", b"last")
        assert (tmp_path / "log").read_bytes() == torn + b"\nnext\nlast\n"

    def test_a_full_file_tears_a_line_and_the_next_is_whole(self, tmp_path: Path) -> None:
        with limited(10), pytest.raises(UserError, match="larger than this process may write"):
            disk.append_line(tmp_path / "log", b"0123456789abcdef")
        disk.append_line(tmp_path / "log", b"next")
        assert (tmp_path / "log").read_bytes() == b"0123456789\nnext\n"


class TestLock:
    def test_one_holds_it_and_who_does_not_wait_is_told(self, tmp_path: Path) -> None:
        with disk.lock(tmp_path / "lock") as got:
            assert got
            with disk.lock(tmp_path / "lock", wait=False) as second:
                assert not second
            with disk.lock(tmp_path / "lock", shared=True, wait=False) as third:
                assert not third
        with disk.lock(tmp_path / "lock", wait=False) as again:
            assert again

    def test_shared_holders_hold_it_together(self, tmp_path: Path) -> None:
        with disk.lock(tmp_path / "lock", shared=True), disk.lock(tmp_path / "lock", shared=True, wait=False) as second:
            assert second
            with disk.lock(tmp_path / "lock", wait=False) as alone:
                assert not alone

    def test_who_waits_gets_it_when_it_is_free(self, tmp_path: Path) -> None:
        order = []

        def second() -> None:
            with disk.lock(tmp_path / "lock"):
                order.append("second")

        with disk.lock(tmp_path / "lock"):
            waiting = threading.Thread(target=second)
            waiting.start()
            waiting.join(0.1)
            order.append("first")
        waiting.join()
        assert order == ["first", "second"]

    def test_a_killed_holder_lets_go(self, tmp_path: Path) -> None:
        code = (
            "import sys, time; from pathlib import Path; from adaptline.core import disk\n"
            "with disk.lock(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
        )
        holder = subprocess.Popen([sys.executable, "-c", code, tmp_path / "lock"], stdout=subprocess.PIPE)
        with holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"held\n"
            with disk.lock(tmp_path / "lock", wait=False) as got:
                assert not got
            holder.send_signal(signal.SIGKILL)
        with disk.lock(tmp_path / "lock", wait=False) as got:
            assert got


class TestRefusals:
    """Every refusal of the disk that a user can do something about, met for real where that needs no special rights."""

    def test_no_space(self) -> None:
        if not Path("/dev/full").exists():
            pytest.skip("only Linux has a device that is always full")
        with pytest.raises(UserError) as caught:
            disk.write_file(Path("/dev/full"), b"x")
        assert (caught.value.what, caught.value.where) == ("no space left on the disk", Path("/dev/full"))
        assert "what is done stays done" in caught.value.do

    def test_a_limit_on_the_size_of_files(self, tmp_path: Path) -> None:
        with limited(1000):
            with pytest.raises(UserError, match="larger than this process may write") as caught:
                disk.write_file(tmp_path / "file", bytes(1001))
            disk.write_file(tmp_path / "file", bytes(1000))
        assert "ulimit -f" in caught.value.do

    @pytest.mark.parametrize(
        "attempt",
        [
            lambda folder: disk.write_file(folder / "closed" / "file", b""),
            lambda folder: disk.make_folder(folder / "closed" / "new"),
            lambda folder: disk.append_line(folder / "closed" / "log", b""),
            lambda folder: disk.replace_file(folder / "made", folder / "closed" / "file", b""),
            lambda folder: disk.commit_new(folder / "file", folder / "closed" / "file"),
            lambda folder: disk.commit_folder(folder / "sub", folder / "closed" / "sub"),
            lambda folder: disk.lock(folder / "closed" / "lock").__enter__(),
        ],
        ids=["write", "folder", "append", "replace", "commit", "commit folder", "lock"],
    )
    @pytest.mark.parametrize("mode", [0o500, 0o000], ids=["read-only", "closed"])
    def test_no_permission(self, attempt: Callable[[Path], object], mode: int) -> None:
        with unprivileged() as folder:
            for name in ("closed", "sub"):
                (folder / name).mkdir()
            (folder / "file").touch()
            (folder / "closed").chmod(mode)
            with pytest.raises(UserError, match="no permission to write") as caught:
                attempt(folder)
            assert str(caught.value.where).startswith(str(folder / "closed"))
            assert "--store" in caught.value.do

    def test_a_file_where_a_folder_is_needed(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(UserError, match="a file lies where a folder is needed"):
            disk.make_folder(tmp_path / "file" / "sub")

    def test_what_a_user_cannot_mend_stays_as_it_is(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            disk.write_file(tmp_path / "missing" / "file", b"")
        (tmp_path / "made").mkdir()
        with pytest.raises(FileNotFoundError):
            disk.commit_folder(tmp_path / "made", tmp_path / "missing" / "made")

    @pytest.mark.parametrize("number", sorted(disk._HINTS))
    def test_every_hint_says_what_and_what_to_do(self, number: int) -> None:
        with pytest.raises(UserError) as caught, disk.explained(Path("place")):
            raise OSError(number, os.strerror(number))
        assert caught.value.where == Path("place")
        assert caught.value.do.endswith(".")
        assert isinstance(caught.value.__cause__, OSError)

    def test_the_hints_cover_quota_and_read_only_systems(self) -> None:
        assert {errno.EDQUOT, errno.EROFS, errno.ENOSPC} <= set(disk._HINTS)
