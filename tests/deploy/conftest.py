"""A gateway before an upstream, for the tests of what stands between them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from openai import OpenAI
from production import Running, running, store
from upstreams import Upstream

from adaptline.core.store import Store
from adaptline.deploy.backends import openai as backend


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as found:
        yield found


@pytest.fixture
def opened(tmp_path: Path) -> Store:
    return store(tmp_path)


@pytest.fixture
def gateway(opened: Store, upstream: Upstream) -> Iterator[Running]:
    hosts = frozenset({"localhost", "127.0.0.1"})
    with running(opened, backend.open(opened, upstream=upstream.url), hosts=hosts) as found:
        yield found


@pytest.fixture
def client(gateway: Running) -> Iterator[OpenAI]:
    with OpenAI(base_url=gateway.url + "/v1", api_key="none", max_retries=0, timeout=20) as found:
        yield found
