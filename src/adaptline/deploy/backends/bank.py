"""bank: models on this machine, each base in a process of its own with all adapters that are live on it.

The processes do the work (models/bank/worker.py); this is the gateway's end of them. A process, because the gateway must
stay quick while a model computes, and must outlive it: one that dies is started again, with its adapters. Knows calls and
OpenAI's shapes. Imports no engine.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from adaptline.core.store import Store
from adaptline.deploy import openai_shapes
from adaptline.deploy.calls import BackendError, Call, Kind, Reply, Served, Usage, Whole
from adaptline.deploy.process import Line, Process

_START_SECONDS = 120.0  # for a large base to be read
_MOST_ROWS = 32  # of a batch: the keys and values of each are kept for the longest answer


def open(  # noqa: A001 - what every backend's file has
    store: Store, *, bases: Mapping[str, Path], concurrency: int = 32
) -> Bank:
    """The backend.

    Args:
        store: where the releases lie.
        bases: digest of a base -> its folder.
        concurrency: answers that are under way at once; of each base at most 32 of them are computed in one batch.
    """
    del store  # a release says where its files are
    return Bank(bases, min(concurrency, _MOST_ROWS))


class Bank:
    """A Backend: worker processes by what stands at their bottom."""

    def __init__(self, bases: Mapping[str, Path], rows: int) -> None:
        self._bases, self._rows = bases, rows
        self._workers: dict[str, _Worker] = {}
        self._number = 0

    async def start(self) -> None:
        """Workers start when something is to be loaded."""

    async def close(self) -> None:
        """Ends all workers."""
        await asyncio.gather(*(worker.close() for worker in self._workers.values()))
        self._workers.clear()

    async def ready(self, served: Served) -> None:
        """Loads a release, in the worker of its base."""
        key, base, folder = self._place(served)
        worker = self._workers.get(key)
        if worker is None:
            worker = self._workers[key] = _Worker(base, served.kind, self._rows)
        await worker.load(served.name, folder)

    async def release(self, served: Served) -> None:
        """Lets a release go, and a worker that holds nothing more."""
        key, _, _ = self._place(served)
        worker = self._workers.get(key)
        if worker is not None:
            worker.drop(served.name)
            if not worker.loaded and not worker.loading:
                del self._workers[key]
                await worker.close()

    async def answer(self, call: Call) -> Reply:
        """Begins an answer: its first words are there, or it is refused."""
        key, _, _ = self._place(call.served)
        worker = self._workers.get(key)
        if worker is None:
            raise BackendError(503, f"{call.served.name} is not loaded", retry_after=1)
        asked = openai_shapes.request(call)
        self._number += 1
        asked |= {"id": f"{self._number}", "name": call.served.name}
        heard = worker.ask(asked)
        try:
            first = await anext(heard)
        except BaseException:
            await heard.aclose()
            raise
        usage = Usage()
        words = _replayed(first, heard, usage)
        if call.stream and call.endpoint != "classify":
            return Reply(
                openai_shapes.events(call, words, usage), content_type="text/event-stream; charset=utf-8", usage=usage
            )
        try:
            whole = [line async for line in words]
        finally:
            await words.aclose()
        return Reply(Whole(openai_shapes.body(call, whole, usage)), usage=usage)

    def load(self) -> Mapping[str, float]:
        """Of all workers together."""
        loads = [worker.told for worker in self._workers.values()]
        return {
            "queue": sum(load.get("queue", 0) for load in loads),
            "busy": sum(load.get("busy", 0) for load in loads),
            "slots": self._rows * len(loads),
        }

    def _place(self, served: Served) -> tuple[str, Path, Path | None]:
        """Which worker computes a release, what stands at its bottom, and the folder to load on it."""
        folder = None if served.folder is None else served.folder / "adapter"
        if folder is not None and served.kind == "writer" and (folder / "config.json").exists():
            return served.name, folder, None  # a whole model stands alone
        base = self._bases.get(served.base)
        if base is None:
            raise BackendError(503, f"the base of {served.name} is none of the recipe's, or has changed")
        return f"{served.kind} {served.base}", base, folder


@dataclass
class _Worker:
    """One process, started when it is needed and again when it has died. Answers are told apart by their id."""

    base: Path
    kind: Kind
    rows: int
    loaded: dict[str, Path | None] = field(default_factory=dict)
    told: dict[str, float] = field(default_factory=dict)
    loading: int = 0  # releases that are on their way

    def __post_init__(self) -> None:
        self._process: Process | None = None
        self._heard: dict[str, asyncio.Queue[Line]] = {}
        self._loading: dict[str, asyncio.Future[Line]] = {}
        self._lock = asyncio.Lock()

    async def load(self, name: str, folder: Path | None) -> None:
        """Loads a release. Raises BackendError."""
        self.loading += 1
        try:
            async with self._lock:
                if name in self.loaded and self._alive:
                    return
                await self._live()
                await self._load(name, folder)
                self.loaded[name] = folder
        finally:
            self.loading -= 1

    async def start(self) -> None:
        """Starts the process if there is none. Raises BackendError."""
        async with self._lock:
            await self._live()

    def drop(self, name: str) -> None:
        """Lets a release go."""
        self.loaded.pop(name, None)
        self._say({"do": "drop", "name": name})

    async def ask(self, line: Line) -> AsyncGenerator[Line, None]:
        """What the worker says of a request. Raises BackendError. Closed early, the request is let go."""
        if not self._alive:
            # Shielded: whoever asked may leave, and what is half started would count as whole.
            await asyncio.shield(asyncio.ensure_future(self.start()))
        heard = self._heard[line["id"]] = asyncio.Queue()
        ended = False
        try:
            self._say(line)
            while not ended:
                said = await heard.get()
                ended = "end" in said or "refused" in said
                if "refused" in said:
                    _refuse(said)
                yield said
        finally:
            self._heard.pop(line["id"], None)
            if not ended:
                self._say({"do": "cancel", "id": line["id"]})

    async def close(self) -> None:
        """Ends the process: it goes when its input ends."""
        process, self._process = self._process, None
        if process is not None:
            await process.close()

    @property
    def _alive(self) -> bool:
        return self._process is not None and self._process.running and bool(self.told)

    async def _live(self) -> None:
        """Starts the process if there is none, with all that was loaded before. Holds the lock."""
        if self._alive:
            return
        await self.close()
        process = self._process = Process(
            "adaptline.models.bank.worker",
            *(str(self.base), self.kind, f"--rows={self.rows}"),
            heard=self._give,
            ended=self._ended,
            environment={"OMP_NUM_THREADS": os.environ.get("ADAPTLINE_THREADS", "1")},
        )
        ready = self._loading[""] = asyncio.get_running_loop().create_future()
        await process.start()
        await self._wait(ready, "the base")
        for name, folder in list(self.loaded.items()):
            try:
                await self._load(name, folder)
            except BackendError:
                del self.loaded[name]  # the others are not to wait for it; whoever asks for it is told
        self.told = {"busy": 0, "queue": 0}

    async def _load(self, name: str, folder: Path | None) -> None:
        done = self._loading[name] = asyncio.get_running_loop().create_future()
        self._say({"do": "load", "name": name, "folder": None if folder is None else str(folder)})
        await self._wait(done, name)

    async def _wait(self, done: asyncio.Future[Line], what: str) -> None:
        try:
            said = await asyncio.wait_for(done, _START_SECONDS)
        except TimeoutError:
            raise BackendError(503, f"{what} could not be loaded in {_START_SECONDS:g} s") from None
        if "failed" in said:
            raise BackendError(503, f"{what} could not be loaded: {said['why']}")

    def _say(self, line: Line) -> None:
        if self._process is not None:
            self._process.say(line)

    def _ended(self, code: int) -> None:
        """Tells everybody who waits for it that it has ended."""
        self.told = {}
        gone = {"refused": "the model's process ended", "status": 503}
        for heard in self._heard.values():
            heard.put_nowait(gone)
        for done in self._loading.values():
            if not done.done():
                done.set_result({"failed": "", "why": f"its process ended with {code}"})
        self._loading.clear()

    def _give(self, line: Line) -> None:
        if "load" in line:
            self.told = line["load"] if self.told else {}  # while it starts, it does not count as alive
        elif "id" in line:
            if (heard := self._heard.get(line["id"])) is not None:
                heard.put_nowait(line)
        else:
            name: str = "" if "ready" in line else line.get("loaded") or line["failed"]
            done = self._loading.pop(name, None)
            if done is not None and not done.done():
                done.set_result(line)


def _refuse(said: Line) -> None:
    status = said.get("status", 400)
    code = said.get("code")
    raise BackendError(status, said["refused"], code=code, retry_after=1 if status == 503 else None)  # noqa: PLR2004


async def _replayed(first: Line, heard: AsyncGenerator[Line, None], usage: Usage) -> AsyncGenerator[Line, None]:
    """The lines of an answer, from the first; keeps count."""
    try:
        line = first
        while True:
            usage.completion_tokens = line.get("tokens", usage.completion_tokens)
            usage.prompt_tokens = line.get("prompt_tokens", usage.prompt_tokens)
            yield line
            if "end" in line:
                return
            line = await anext(heard)
    finally:
        await heard.aclose()
