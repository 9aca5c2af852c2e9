"""Workers: results and mistakes come back, deaths are told, and none outlives the process that started it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import work

from adaptline.core import recipe
from adaptline.core.engines import local
from adaptline.core.engines.local import WORTH_A_WORKER, LocalEngine
from adaptline.errors import RunError, UserError


@pytest.fixture(scope="module")
def engine() -> Iterator[LocalEngine]:
    with LocalEngine(2) as engine:
        yield engine


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until_dead(pids: list[int], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while any(is_alive(pid) for pid in pids):
        assert time.monotonic() < end, "a worker outlived its parent"
        time.sleep(0.02)


def text_when_there(path: Path) -> str:
    end = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < end, f"{path} was never written"
        time.sleep(0.02)
    return path.read_text()


class TestResults:
    def test_they_come_with_their_place_among_the_calls(self, engine: LocalEngine) -> None:
        found = {result.index: result.value for result in engine.map(work.double, [(i,) for i in range(20)])}
        assert found == {i: 2 * i for i in range(20)}

    def test_they_come_as_they_are_ready(self, engine: LocalEngine) -> None:
        list(engine.map(work.process, [()] * 8))  # both workers are there
        assert [result.index for result in engine.map(work.slow_first, [(0,), (1,), (2,)])][-1] == 0

    def test_work_is_done_by_other_processes(self, engine: LocalEngine) -> None:
        pids = {result.value for result in engine.map(work.process, [()] * 12)}
        assert len(pids) == 2
        assert os.getpid() not in pids

    def test_the_cpu_time_of_a_call_comes_with_it(self, engine: LocalEngine) -> None:
        for result in engine.map(work.burns, [(0.2,), (0.2,)]):
            assert 0.2 <= result.cpu_seconds < 0.4
        for result in engine.map(time.sleep, [(0.2,), (0.2,)]):
            assert result.cpu_seconds < 0.1

    @pytest.mark.parametrize(
        ("workers", "calls", "weight"),
        [(1, 4, WORTH_A_WORKER), (2, 1, WORTH_A_WORKER), (2, 4, WORTH_A_WORKER - 1), (2, 0, WORTH_A_WORKER)],
        ids=["one worker", "one call", "small", "nothing"],
    )
    def test_what_is_not_worth_a_worker_stays_here(self, workers: int, calls: int, weight: float) -> None:
        with LocalEngine(workers) as engine:
            results = list(engine.map(work.process, [()] * calls, weight))
            assert [result.value for result in results] == [os.getpid()] * calls
            assert [result.index for result in results] == list(range(calls))
            assert engine._pool is None or calls == 0

    def test_there_are_as_many_workers_as_cores_by_default(self) -> None:
        assert LocalEngine().workers == os.cpu_count()

    def test_it_can_be_closed_twice_and_used_again(self) -> None:
        engine = LocalEngine(2)
        engine.close()
        for _ in range(2):
            assert sorted(result.value for result in engine.map(work.double, [(1,), (2,)])) == [2, 4]
            engine.close()
            engine.close()

    def test_a_caller_may_stop_before_the_end(self) -> None:
        with LocalEngine(2) as engine:
            results = engine.map(work.slow_first, [(1,), (1,), (0,), (0,), (0,)])
            next(results)
            del results  # ends the generator
            assert [result.value for result in engine.map(work.double, [(2,)])] == [4]


class TestErrors:
    def test_a_users_mistake_keeps_what_it_carries(self, engine: LocalEngine) -> None:
        with pytest.raises(UserError) as caught:
            list(engine.map(work.mistake, [("a.toml",)] * 2))
        error = caught.value
        assert (error.what, error.where, error.line, error.do) == ("too long", Path("a.toml"), 3, "Cut it.")

    def test_a_mistake_of_our_own_code_keeps_its_place(self, engine: LocalEngine, tmp_path: Path) -> None:
        with pytest.raises(UserError, match="no such recipe") as caught:
            list(engine.map(recipe.read, [(tmp_path / "gone.toml",)] * 2))
        assert caught.value.where == tmp_path / "gone.toml"

    def test_another_error_comes_as_it_is(self, engine: LocalEngine) -> None:
        with pytest.raises(KeyError, match="x") as caught:
            list(engine.map(work.fails, [("x",)] * 2))
        assert "work.py" in str(caught.value.__cause__)

    def test_one_that_cannot_cross_is_told_in_words(self, engine: LocalEngine) -> None:
        with pytest.raises(RunError, match=r"^OddError: broken \(7\)$") as caught:
            list(engine.map(work.fails_oddly, [()] * 2))
        assert "work.py" in str(caught.value.__cause__)
        assert [result.value for result in engine.map(work.double, [(1,), (1,)])] == [2, 2]

    def test_an_error_of_small_work_is_the_error_itself(self) -> None:
        with LocalEngine(1) as engine, pytest.raises(work.OddError, match="broken"):
            list(engine.map(work.fails_oddly, [()]))

    def test_after_an_error_what_waits_is_not_begun(self, tmp_path: Path) -> None:
        with LocalEngine(2) as engine:
            calls = [(tmp_path / f"{i}",) for i in range(20)]
            with pytest.raises(FileExistsError):
                list(engine.map(os.mkdir, [(tmp_path,), *calls, (tmp_path,)]))
            assert [result.value for result in engine.map(work.double, [(1,), (1,)])] == [2, 2]

    def test_what_a_worker_does(self) -> None:
        """The same in this process, where it can be measured."""
        assert local._in_worker(3, work.double, (4,)).value == 8
        with pytest.raises(UserError, match="too long"):
            local._in_worker(0, work.mistake, ("a",))
        with pytest.raises(RunError, match="OddError") as caught:
            local._in_worker(0, work.fails_oddly, ())
        assert isinstance(caught.value.__cause__, work.OddError)


class TestDeaths:
    def test_a_killed_worker_is_told_and_the_engine_goes_on(self) -> None:
        others = set(multiprocessing.active_children())
        with LocalEngine(2) as engine:
            with pytest.raises(RunError, match="a worker process died") as caught:
                list(engine.map(work.dies, [(), ()]))
            assert "fewer --workers" in str(caught.value)
            assert set(multiprocessing.active_children()) == others
            assert sorted(result.value for result in engine.map(work.double, [(1,), (2,)])) == [2, 4]

    def test_closing_ends_what_runs(self, tmp_path: Path) -> None:
        paths = [tmp_path / "1", tmp_path / "2"]
        with LocalEngine(2) as engine:
            results = engine.map(work.stays, [(tmp_path / "0", 0), *((path, 60) for path in paths)])
            next(results)
            pids = [int(text_when_there(path)) for path in paths]
            assert all(is_alive(pid) for pid in pids)
        wait_until_dead(pids)

    def test_workers_end_when_their_parent_is_killed(self, tmp_path: Path) -> None:
        code = (
            "import sys; from pathlib import Path; import work; from adaptline.core.engines.local import LocalEngine\n"
            "with LocalEngine(2) as engine: list(engine.map(work.stays, [(Path(path),) for path in sys.argv[1:]]))"
        )
        paths = [tmp_path / "1", tmp_path / "2"]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        with subprocess.Popen(
            [sys.executable, "-c", code, *paths], env=environment, stderr=subprocess.DEVNULL
        ) as parent:
            pids = [int(text_when_there(path)) for path in paths]
            assert all(is_alive(pid) for pid in pids)
            parent.send_signal(signal.SIGKILL)
        wait_until_dead(pids)


class TestSurroundings:
    def test_workers_use_one_thread_each(self, engine: LocalEngine) -> None:
        for result in engine.map(work.variables, [local._THREAD_VARIABLES] * 2):
            assert result.value == ["1"] * len(local._THREAD_VARIABLES)

    def test_the_setting_of_a_worker(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The same in this process, where it can be measured; it has no parent that could end it."""
        for name in local._THREAD_VARIABLES:
            monkeypatch.setenv(name, "7")
        local._start_worker()
        assert work.variables(*local._THREAD_VARIABLES) == ["1"] * len(local._THREAD_VARIABLES)

    def test_a_script_needs_no_guard_and_runs_once(self, tmp_path: Path) -> None:
        script = tmp_path / "script.py"
        script.write_text(
            "import work\nfrom adaptline.core.engines.local import LocalEngine\n"
            "print('begin')\n"
            "with LocalEngine(2) as engine:\n"
            "    print([result.value for result in engine.map(work.script, [(), ()])])\n"
            "print(__file__, __spec__)\n"
        )
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run(
            [sys.executable, script], capture_output=True, text=True, env=environment, timeout=60, check=False
        )
        assert done.stderr == ""
        assert done.stdout == f"begin\n[[None, None], [None, None]]\n{script} None\n"


def test_what_is_abandoned_in_the_middle_ends_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cancelled calls and dying workers must not meet in the pool's own thread: pytest fails where a thread does.

    Each worker's end is given time to be noticed, as a busy machine gives it.
    """
    terminate = multiprocessing.process.BaseProcess.terminate

    def slowly(process: multiprocessing.process.BaseProcess) -> None:
        terminate(process)
        time.sleep(0.3)

    monkeypatch.setattr(multiprocessing.process.BaseProcess, "terminate", slowly)
    with LocalEngine(2) as engine:
        results: Any = engine.map(work.process, [()] * 200)
        next(results)
        results.close()
