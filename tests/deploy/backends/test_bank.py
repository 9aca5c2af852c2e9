"""The bank behind its protocol, with real processes and a real tiny model."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import tiny
import tiny_writer
import torch

from adaptline.core import keys
from adaptline.core.store import Store
from adaptline.deploy.backends import bank
from adaptline.deploy.calls import BackendError, Call, Served
from adaptline.models import export
from adaptline.models.generating import write
from adaptline.models.setup import trainable, trainable_writer
from adaptline.models.writer import load_writer

ASKED = [{"role": "user", "content": "the red door"}]


class World:
    """Bases and releases on them, each with what it says when asked."""

    def __init__(self, root: Path) -> None:
        self.store = Store.open(root / "store")
        writing = tiny_writer.write_base(root / "writing")
        reading = tiny.write_base(root / "reading")
        self.bases = {keys.folder_digest(path): path for path in (writing, reading)}
        digest, labels = self.bases
        self.releases = {"bare": Served("base-1", None, "writer", digest, None)}
        self.expected: dict[str, str] = {}
        self.expected["bare"] = self._said(load_writer(writing))
        for number in range(3):
            folder = root / f"release{number}"
            (folder / "adapter").mkdir(parents=True)
            writer = trainable_writer(writing, tiny.use("lora", rank=2 + number), number, 64)
            chance = torch.Generator().manual_seed(number)
            with torch.no_grad():
                for name, parameter in writer.model.named_parameters():
                    if "lora_B" in name:
                        parameter.normal_(0, 0.5, generator=chance)
            export.save_writer(writer, folder / "adapter", "base")
            name = f"lora{number}"
            self.releases[name] = Served(f"base-1:lora@{number}", f"{number}", "writer", digest, folder)
            self.expected[name] = self._said(writer)
        folder = root / "whole"
        (folder / "adapter").mkdir(parents=True)
        writer = trainable_writer(tiny_writer.write_base(root / "other", seed=9), tiny.use("full"), 0, 64)
        export.save_writer(writer, folder / "adapter", "base")
        self.releases["whole"] = Served("base-1:full@1", "8", "writer", digest, folder)
        self.expected["whole"] = self._said(writer)
        folder = root / "labels"
        (folder / "adapter").mkdir(parents=True)
        export.save_trained(trainable(reading, tiny.use("head"), ["food", "book"], 0, 16), folder / "adapter", "base")
        self.releases["labels"] = Served("base-2:head@1", "9", "classifier", labels, folder)

    @staticmethod
    def _said(writer: Any) -> str:
        (found,) = write(writer, [writer.prompt(ASKED)], max_new_tokens=12)
        text: str = writer.said(found.tokens)
        return text


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("world"))


@asynccontextmanager
async def opened(world: World, *names: str, concurrency: int = 8) -> AsyncIterator[bank.Bank]:
    backend = bank.open(world.store, bases=world.bases, concurrency=concurrency)
    await backend.start()
    try:
        for name in names:
            await backend.ready(world.releases[name])
        yield backend
    finally:
        await backend.close()


def call(world: World, name: str, endpoint: Any = "chat/completions", **body: Any) -> Call:
    asked: dict[str, Any] = {"model": "support", "max_tokens": 12} | body
    if endpoint == "chat/completions":
        asked.setdefault("messages", ASKED)
    return Call(endpoint, asked, world.releases[name], bool(asked.get("stream")), "7")


async def answered(backend: bank.Bank, asked: Call) -> Any:
    reply = await backend.answer(asked)
    return json.loads(b"".join([part async for part in reply.chunks]))


def run(check: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(check(), 120))


def test_every_release_says_its_own_in_one_batch(world: World) -> None:
    async def check() -> None:
        names = ["bare", "lora0", "lora1", "lora2", "whole"]
        async with opened(world, *names) as backend:
            asked = [call(world, name) for name in names for _ in range(4)]
            found = await asyncio.gather(*(answered(backend, one) for one in asked))
            for one, answer in zip(asked, found, strict=True):
                name = next(name for name in names if world.releases[name] == one.served)
                assert answer["choices"][0]["message"]["content"] == world.expected[name], name
            assert len({world.expected[name] for name in names}) == len(names)
            assert backend.load()["slots"] == 16  # one worker for the base and its adapters, one for the whole model
            assert found[0]["usage"]["completion_tokens"] in range(13)
            assert found[0]["usage"]["prompt_tokens"] > 3
            assert (found[0]["object"], found[0]["model"]) == ("chat.completion", "support")

    run(check)


def test_a_stream_is_the_answer_in_pieces(world: World) -> None:
    async def check() -> None:
        async with opened(world, "lora0") as backend:
            for endpoint, extra in (("chat/completions", {}), ("completions", {"prompt": "the red door"})):
                whole = await answered(backend, call(world, "lora0", endpoint, **extra))
                asked = call(world, "lora0", endpoint, stream=True, stream_options={"include_usage": True}, **extra)
                reply = await backend.answer(asked)
                assert reply.content_type.startswith("text/event-stream")
                events = [part async for part in reply.chunks]
                assert all(part.startswith(b"data: ") and part.endswith(b"\n\n") for part in events)
                assert events[-1] == b"data: [DONE]\n\n"
                told = [json.loads(part[6:]) for part in events[:-1]]
                choices = [entry["choices"][0] for entry in told if entry["choices"]]
                text = "".join(c["delta"].get("content", "") if "delta" in c else c["text"] for c in choices)
                choice = whole["choices"][0]
                assert text == (choice["message"]["content"] if "message" in choice else choice["text"])
                assert choices[-1]["finish_reason"] == choice["finish_reason"]
                assert told[-1]["usage"] == whole["usage"]
                assert reply.usage.completion_tokens == whole["usage"]["completion_tokens"]

    run(check)


def test_a_classifier_answers_with_its_label(world: World) -> None:
    async def check() -> None:
        async with opened(world, "labels") as backend:
            many = await answered(backend, call(world, "labels", "classify", input=["soup", "a table"]))
            assert [entry["index"] for entry in many["data"]] == [0, 1]
            first = many["data"][0]
            assert sum(first["probabilities"].values()) == pytest.approx(1)
            assert first["label"] == max(first["probabilities"], key=first["probabilities"].__getitem__)
            assert [entry["truncated"] for entry in many["data"]] == [False, False]
            long = await answered(backend, call(world, "labels", "classify", input=["soup " * 500, "soup"]))
            assert [entry["truncated"] for entry in long["data"]] == [True, False]
            chat = await answered(backend, call(world, "labels", messages=[{"role": "user", "content": "soup"}]))
            assert chat["choices"][0]["message"]["content"] == first["label"]
            reply = await backend.answer(call(world, "labels", stream=True))
            assert (b'"content": "' + b"") in b"".join([part async for part in reply.chunks])
            with pytest.raises(BackendError, match="input must be a string or a list of strings"):
                await backend.answer(call(world, "labels", "classify", input=[]))

    run(check)


def test_an_answer_that_nobody_wants_any_more_frees_its_row(world: World) -> None:
    async def check() -> None:
        async with opened(world, "bare", concurrency=1) as backend:
            long = call(world, "bare", stream=True, max_tokens=80, temperature=1.0, seed=5)
            reply = await backend.answer(long)
            await anext(aiter(reply.chunks))
            await reply.chunks.aclose()
            task = asyncio.create_task(backend.answer(call(world, "bare", max_tokens=80)))
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            answer = await asyncio.wait_for(answered(backend, call(world, "bare")), 10)
            assert answer["choices"][0]["message"]["content"] == world.expected["bare"]
            await asyncio.sleep(0.2)
            assert (backend.load()["busy"], backend.load()["queue"]) == (0, 0)

    run(check)


def test_a_process_that_dies_is_started_again_with_its_adapters(world: World) -> None:
    async def check() -> None:
        async with opened(world, "bare", "lora1") as backend:
            reply = await backend.answer(call(world, "lora1", stream=True, max_tokens=60, temperature=1.0, seed=3))
            (worker,) = backend._workers.values()
            assert worker._process is not None
            os.kill(worker._process.pid, signal.SIGKILL)
            with pytest.raises(BackendError, match="the model's process ended") as caught:
                [part async for part in reply.chunks]
            assert caught.value.status == 503
            answer = await answered(backend, call(world, "lora1"))
            assert answer["choices"][0]["message"]["content"] == world.expected["lora1"]

    run(check)


def test_releases_come_and_go(world: World) -> None:
    async def check() -> None:
        async with opened(world, "lora0", "lora1") as backend:
            await backend.release(world.releases["lora0"])
            with pytest.raises(BackendError, match="is not loaded"):
                await backend.answer(call(world, "lora0"))
            await backend.ready(world.releases["lora0"])
            await backend.ready(world.releases["lora0"])
            answer = await answered(backend, call(world, "lora0"))
            assert answer["choices"][0]["message"]["content"] == world.expected["lora0"]
            for name in ("lora0", "lora1"):
                await backend.release(world.releases[name])
            assert backend.load()["slots"] == 0
            with pytest.raises(BackendError, match="is not loaded"):
                await backend.answer(call(world, "lora1"))

    run(check)


def test_what_cannot_be_loaded(world: World, tmp_path: Path) -> None:
    async def check() -> None:
        (tmp_path / "adapter").mkdir()
        digest = next(iter(world.bases))
        async with opened(world, "bare") as backend:
            with pytest.raises(BackendError, match="base-1:lora@x could not be loaded"):
                await backend.ready(Served("base-1:lora@x", "x", "writer", digest, tmp_path))
            with pytest.raises(BackendError, match="the base of base-3 is none of the recipe's, or has changed"):
                await backend.ready(Served("base-3", None, "writer", "nowhere", None))
            answer = await answered(backend, call(world, "bare"))
            assert answer["choices"][0]["message"]["content"] == world.expected["bare"]

    run(check)


@pytest.mark.parametrize(
    ("body", "message", "param"),
    [
        ({"messages": []}, "messages must be a list that is not empty", "messages"),
        ({"messages": [{"role": "user"}]}, "a message has a role and a text", "messages[0]"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "a message has a role", "messages[0]"),
        ({"temperature": 3}, "temperature must be a number from 0 to 2", "temperature"),
        ({"temperature": float("nan")}, "temperature must be a number from 0 to 2", "temperature"),
        ({"top_p": 0}, "top_p must be a number", "top_p"),
        ({"seed": 1.5}, "seed must be a whole number", "seed"),
        ({"max_tokens": 0}, "max_tokens must be a whole number", "max_tokens"),
        ({"max_tokens": True}, "max_tokens must be a whole number", "max_tokens"),
        ({"n": 2}, "n must be 1", "n"),
        ({"stop": 3}, "stop must be a string", "stop"),
        ({"stop": ["x"] * 17}, "stop takes at most 16 strings", "stop"),
        ({"tools": [{}]}, "tools is not supported", "tools"),
        ({"response_format": {"type": "json_object"}}, "response_format must be text", "response_format"),
    ],
)
def test_requests_that_make_no_sense(world: World, body: dict[str, Any], message: str, param: str) -> None:
    from adaptline.deploy.openai_shapes import request  # noqa: PLC0415 - one test's

    with pytest.raises(BackendError, match=message) as caught:
        request(call(world, "bare", **body))
    assert (caught.value.status, caught.value.param) == (400, param)


def test_prompts_that_the_model_does_not_take(world: World) -> None:
    async def check() -> None:
        async with opened(world, "bare") as backend:
            long = [{"role": "user", "content": "the red door " * 60}]
            with pytest.raises(BackendError, match="the model takes at most 96 with its answer") as caught:
                await backend.answer(call(world, "bare", messages=long))
            assert (caught.value.status, caught.value.code) == (400, "context_length_exceeded")
            with pytest.raises(BackendError, match="a token that the model does not know"):
                await backend.answer(call(world, "bare", "completions", prompt=[1, 99999]))
            with pytest.raises(BackendError, match="it has no labels"):
                await backend.answer(call(world, "bare", "classify", input="soup"))
            stopped = await answered(backend, call(world, "bare", stop=[world.expected["bare"][3:5]]))
            assert stopped["choices"][0]["message"]["content"] == world.expected["bare"][:3].rstrip()
            assert stopped["choices"][0]["finish_reason"] == "stop"

    run(check)


def test_one_hostile_request_harms_no_other(world: World) -> None:
    """Half a character, and a temperature that is next to nothing: the process goes on, and so do the others' answers."""

    async def check() -> None:
        async with opened(world, "bare", "labels") as backend:
            half = [{"role": "user", "content": "\ud800"}]
            hostile = [
                call(world, "bare", messages=half),
                call(world, "labels", "classify", input="\ud800"),
                call(world, "labels", "classify", input=["x"] * 257),
            ]
            found: list[Any] = await asyncio.gather(
                answered(backend, call(world, "bare")),
                answered(backend, call(world, "bare", temperature=1e-40)),
                *(answered(backend, one) for one in hostile),
                return_exceptions=True,
            )
            assert [type(one).__name__ for one in found] == ["dict", "dict", *["BackendError"] * 3]
            for answer in found[:2]:
                assert answer["choices"][0]["message"]["content"] == world.expected["bare"]
            again = await answered(backend, call(world, "labels", "classify", input="soup"))
            assert len(again["data"]) == 1

    run(check)
