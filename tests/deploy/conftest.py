"""A store, and a gateway before an upstream: what the tests of production stand on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from openai import OpenAI
from production import Running, running
from production import store as empty_store
from upstreams import Upstream

from adaptline.core.store import Store
from adaptline.deploy.backends import openai as backend


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as found:
        yield found


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "store")


@pytest.fixture
def opened(tmp_path: Path) -> Store:
    return empty_store(tmp_path)


@pytest.fixture
def gateway(opened: Store, upstream: Upstream) -> Iterator[Running]:
    hosts = frozenset({"localhost", "127.0.0.1"})
    with running(opened, backend.open(opened, upstream=upstream.url), hosts=hosts) as found:
        yield found


@pytest.fixture
def client(gateway: Running) -> Iterator[OpenAI]:
    with OpenAI(base_url=gateway.url + "/v1", api_key="none", max_retries=0, timeout=20) as found:
        yield found
