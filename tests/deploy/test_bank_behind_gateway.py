"""The whole way out: channels that move, the gateway, and the bank that computes, with real models and the openai client."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from pathlib import Path

import httpx
import production
import pytest
import tiny
import tiny_writer
import torch
from openai import AsyncOpenAI, OpenAI

from adaptline.core import keys
from adaptline.core.store import Store
from adaptline.deploy import channels
from adaptline.deploy.backends import bank
from adaptline.deploy.channels import Channel
from adaptline.models import export
from adaptline.models.generating import write
from adaptline.models.setup import trainable_writer

ASKED = "the red door"
MOVES, STREAMS = 50, 24


class World:
    """Two releases on one base, what each says, and a channel."""

    def __init__(self, root: Path) -> None:
        self.base = tiny_writer.write_base(root / "base")
        self.digest = keys.folder_digest(self.base)
        self.store = Store.open(root / "store")
        (self.store.root / "channels").mkdir()
        self.said: dict[str, str] = {}
        self.releases = [self._release(number) for number in range(2)]
        self.version = 0

    def _release(self, number: int) -> str:
        writer = trainable_writer(self.base, tiny.use("lora", rank=4), number, 64)
        chance = torch.Generator().manual_seed(number)
        with torch.no_grad():
            for name, parameter in writer.model.named_parameters():
                if "lora_B" in name:
                    parameter.normal_(0, 0.5, generator=chance)
        key = keys.key("release", number)
        folder = self.store.folder(key)
        (folder / "adapter").mkdir(parents=True)
        export.save_writer(writer, folder / "adapter", "base")
        facts = {
            "kind": "writer",
            "base": {"digest": self.digest, "name": "base"},
            "adapter": {"method": "lora", "parameters": {}},
            "guards": [],
            "evidence": {},
        }
        (folder / "release.json").write_text(json.dumps(facts))
        digest = keys.folder_digest(folder)
        manifest = {"key": key, "kind": "report", "step": "release", "name": "release", "inputs": {}, "digest": digest}
        self.store.commit_manifest(manifest)
        (found,) = write(writer, [writer.prompt([{"role": "user", "content": ASKED}])], max_new_tokens=20)
        self.said[f"base-{keys.short(self.digest)}:lora@{keys.short(digest)}"] = writer.said(found.tokens)
        return digest

    def move(self, stable: str | None, canary: str | None = None, percent: float = 0.0) -> None:
        before = channels.read(self.store, "support")
        after = Channel("support", 0, self.digest, stable, canary, percent, "salt")
        channels.move(self.store, before, after, verb="deploy", who="a test", why="", evidence={})


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("world"))


def test_streams_under_moves_are_each_of_one_release(world: World) -> None:
    """Promoted and rolled back fifty times while streams run: none fails, none is mixed, headers tell who answered."""
    one, other = world.releases
    world.move(one, other, 50)
    assert len(set(world.said.values())) == 2
    backend = bank.open(world.store, bases={world.digest: world.base}, concurrency=64)
    with production.running(world.store, backend) as gateway:
        done = threading.Event()

        def moves() -> None:
            for number in range(MOVES):
                stable, canary = (one, other) if number % 2 else (other, one)
                world.move(stable, canary, 50)
                time.sleep(0.05)
            done.set()

        async def ask(client: AsyncOpenAI, user: int, told: list[tuple[str, str]]) -> None:
            while not done.is_set():
                stream = await client.chat.completions.with_raw_response.create(
                    model="support",
                    messages=[{"role": "user", "content": ASKED}],
                    user=f"user {user}",
                    max_tokens=20,
                    stream=True,
                )
                parts = [part async for part in stream.parse()]
                text = "".join(part.choices[0].delta.content or "" for part in parts)
                told.append((str(stream.headers["x-adaptline-release"]), text))

        async def all_of_them() -> list[tuple[str, str]]:
            told: list[tuple[str, str]] = []
            async with AsyncOpenAI(base_url=gateway.url + "/v1", api_key="none", max_retries=0, timeout=60) as client:
                await client.chat.completions.create(model="support", messages=[{"role": "user", "content": ASKED}])
                mover = threading.Thread(target=moves)
                mover.start()
                await asyncio.gather(*(ask(client, user, told) for user in range(STREAMS)))
                mover.join()
            return told

        told = asyncio.run(all_of_them())
    assert len(told) >= STREAMS
    assert {name for name, _ in told} == set(world.said)
    for name, text in told:
        assert text == world.said[name]


def test_the_bare_base_and_a_release_by_its_name(world: World) -> None:
    world.move(None, world.releases[0], 100)
    backend = bank.open(world.store, bases={world.digest: world.base})
    with (
        production.running(world.store, backend) as gateway,
        OpenAI(base_url=gateway.url + "/v1", api_key="none", max_retries=0, timeout=60) as client,
    ):
        (name,) = [name for name in world.said if name.endswith(keys.short(world.releases[0]))]
        listed = {model.id for model in client.models.list()}
        assert {"support", name, f"base-{keys.short(world.digest)}"} <= listed
        for model in ("support", name):
            found = client.chat.completions.create(
                model=model, messages=[{"role": "user", "content": ASKED}], max_tokens=20
            )
            assert found.choices[0].message.content == world.said[name]
        bare = client.completions.create(
            model=f"base-{keys.short(world.digest)}", prompt="the red", max_tokens=4, temperature=0
        )
        assert bare.usage is not None
        assert bare.usage.completion_tokens <= 4
        metrics = httpx.get(gateway.url + "/metrics").text
        assert f'release="{name}"' in metrics
        assert "gen_ai_server_time_to_first_token" in metrics
