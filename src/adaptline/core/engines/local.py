"""The local engine: work in other processes of this machine, or in this one where that is quicker.

Knows processes and their end. Knows nothing of what runs in them. Workers are started fresh ("spawn"), so they inherit
no locks and no threads, they use one thread each, and they end with the process that started them, however it ends.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from multiprocessing.connection import wait
from typing import Any, Self

from adaptline.errors import RunError

# Starting a worker costs about as much as reading this many bytes of rows; below it, work stays in this process.
WORTH_A_WORKER = 16 << 20
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")


@dataclass
class Result:
    """What a call returned, its place among the calls, the CPU-seconds that it took, and whether in another process."""

    index: int
    value: Any
    cpu_seconds: float
    elsewhere: bool = False


@dataclass
class LocalEngine:
    """Runs functions in up to `workers` processes. Close it, or use it in a with statement."""

    workers: int = field(default_factory=lambda: os.cpu_count() or 1)
    _pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the workers; what they are doing is abandoned."""
        if self._pool is not None:
            processes = list((getattr(self._pool, "_processes", None) or {}).values())
            manager = getattr(self._pool, "_executor_manager_thread", None)
            # First what waits is taken back, then the workers go: the pool's thread would else meet cancelled futures
            # among those that it tells of the workers' end, and die of it with a traceback (Python 3.11).
            self._pool.shutdown(wait=False, cancel_futures=True)
            for process in processes:
                process.terminate()
            if manager is not None:
                manager.join()
            self._pool = None

    def map(
        self, function: Callable[..., Any], calls: Sequence[tuple[Any, ...]], weight: float = WORTH_A_WORKER
    ) -> Iterator[Result]:
        """Calls `function(*call)` for each call and yields results as they come, not in order.

        Args:
            function: importable by name.
            calls: picklable arguments.
            weight: bytes of rows that all calls together work on; small work is not worth a process.

        Raises:
            RunError: a worker died (killed, or out of memory).
        """
        if self.workers == 1 or len(calls) == 1 or weight < WORTH_A_WORKER:
            for index, call in enumerate(calls):
                yield _timed(index, function, call)
            return
        pool = self._started()
        with _main_hidden():  # a pool starts its workers as calls are submitted
            futures = [pool.submit(_in_worker, index, function, call) for index, call in enumerate(calls)]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool as error:
            self.close()
            raise RunError(
                "a worker process died; most often the machine was out of memory. Run again to go on from what is done, with fewer --workers.",
                brief=True,
            ) from error
        finally:
            for future in futures:
                future.cancel()

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                self.workers, mp_context=multiprocessing.get_context("spawn"), initializer=_start_worker
            )
        return self._pool


def _timed(index: int, function: Callable[..., Any], call: tuple[Any, ...]) -> Result:
    start = time.process_time()
    value = function(*call)
    return Result(index, value, time.process_time() - start)


def _in_worker(index: int, function: Callable[..., Any], call: tuple[Any, ...]) -> Result:
    try:
        return replace(_timed(index, function, call), elsewhere=True)
    except Exception as error:
        if _crosses(error):
            raise
        raise RunError(f"{type(error).__name__}: {error}", brief=type(error).__name__) from error


def _crosses(error: Exception) -> bool:
    """Whether an error survives the way to our process; one whose class wants more than a message would break the pool."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own message
    except Exception:  # noqa: BLE001 - anything that the error's own class does
        return False
    return True


@contextlib.contextmanager
def _main_hidden() -> Iterator[None]:
    """While the block runs, new workers do not run the user's script again: nothing that they call lies in it."""
    main = sys.modules["__main__"].__dict__
    hidden: dict[str, Any] = {name: main[name] for name in ("__file__", "__spec__") if name in main}
    main.pop("__file__", None)
    main["__spec__"] = None
    try:
        yield
    finally:
        main.update(hidden)


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; who started us says when to end
    for variable in _THREAD_VARIABLES:
        os.environ[variable] = "1"
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:  # pragma: no cover - holds in a worker only; a test kills its parent
        wait([parent.sentinel])
        os._exit(1)
