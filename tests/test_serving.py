"""`adaptline serve` and `adaptline key` as processes: keys, signals, and what survives a kill."""

from __future__ import annotations

import asyncio
import json
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from openai import OpenAI
from production import move, name, serving, store
from upstreams import Upstream

from adaptline import serving as verbs
from adaptline.core import keys
from adaptline.core import recipe as recipes
from adaptline.deploy import channels
from adaptline.errors import UserError

HELLO: Any = [{"role": "user", "content": "hello"}]
ASKED = {"model": "support", "messages": HELLO}


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as found:
        yield found


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.005)


def _ask(port: int, **more: Any) -> httpx.Response:
    return httpx.post(f"http://127.0.0.1:{port}/v1/chat/completions", json={**ASKED, **more}, timeout=10)


def test_a_kill_loses_nothing_but_answers_that_go_on(tmp_path: Path, upstream: Upstream) -> None:
    opened = store(tmp_path)
    with serving(tmp_path, "--upstream", upstream.url) as (process, port):
        move(opened, "2", "3", 100.0)
        time.sleep(0.1)
        assert _ask(port).headers["x-adaptline-release"] == name("3")
        process.send_signal(signal.SIGKILL)
    with serving(tmp_path, "--upstream", upstream.url) as (_, port):
        assert _ask(port).headers["x-adaptline-release"] == name("3")
        assert _ask(port, model=name("2")).headers["x-adaptline-release"] == name("2")


def test_told_to_stop_it_finishes_what_goes_on(tmp_path: Path, upstream: Upstream) -> None:
    store(tmp_path)
    upstream.tokens, upstream.token_delay = 10, 0.1
    log = tmp_path / "access.jsonl"
    with serving(tmp_path, "--upstream", upstream.url, "--log", str(log)) as (process, port):
        url = f"http://127.0.0.1:{port}"
        with httpx.stream("POST", url + "/v1/chat/completions", json={**ASKED, "stream": True}) as answer:
            pieces = answer.iter_bytes()
            got = next(pieces)
            process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            with pytest.raises(httpx.ConnectError):
                httpx.get(url + "/healthz")
            got += b"".join(pieces)
        assert got.endswith(b"data: [DONE]\n\n")
        assert process.wait(5) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert json.loads(log.read_text())["completion_tokens"] == 10


def test_a_rotated_log_goes_on_in_a_new_file(tmp_path: Path, upstream: Upstream) -> None:
    store(tmp_path)
    log, old = tmp_path / "access.jsonl", tmp_path / "access.jsonl.1"
    with serving(tmp_path, "--upstream", upstream.url, "--log", str(log)) as (process, port):
        assert _ask(port).status_code == 200
        until(lambda: log.read_text().count("\n") == 1)
        log.rename(old)
        process.send_signal(signal.SIGHUP)
        until(log.exists)
        assert _ask(port).status_code == 200
        until(lambda: log.read_text().count("\n") == 1)
        log.unlink()
        log.mkdir()  # what cannot be opened stops nothing
        process.send_signal(signal.SIGHUP)
        assert _ask(port).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
        assert process.stderr is not None
        assert "cannot be opened anew" in process.stderr.read()
    assert old.read_text().count("\n") == 1


def test_after_its_grace_what_goes_on_is_cut_and_told(tmp_path: Path, upstream: Upstream) -> None:
    store(tmp_path)
    upstream.tokens, upstream.token_delay = 1000, 0.1
    with serving(tmp_path, "--upstream", upstream.url, "--grace", "1") as (process, port):
        with OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="x", max_retries=0) as client:
            answer = client.chat.completions.create(model="support", messages=HELLO, stream=True)
            next(answer)
            process.send_signal(signal.SIGTERM)
            with pytest.raises(openai.APIError, match="stopping"):
                list(answer)
        assert process.wait(5) == 0


def test_keys_decide_who_may_ask_and_which_arm(tmp_path: Path, upstream: Upstream) -> None:
    opened = store(tmp_path)
    move(opened, "1", "2", 50.0)
    file = tmp_path / "keys.txt"
    given = {user: verbs.new_key(file, user) for user in (f"team-{number}" for number in range(12))}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not any(key in file.read_text() for key in given.values())
    log = tmp_path / "log"
    words = ("--upstream", upstream.url, "--keys", str(file), "--log", str(log))
    with serving(tmp_path, *words) as (process, port):
        url = f"http://127.0.0.1:{port}"
        with OpenAI(base_url=url + "/v1", api_key="wrong", max_retries=0) as client:
            with pytest.raises(openai.AuthenticationError) as caught:
                client.chat.completions.create(model="support", messages=HELLO)
            assert caught.value.code == "invalid_api_key"
            with pytest.raises(openai.AuthenticationError):
                client.models.list()
        arms = {}
        for user, key in given.items():
            with OpenAI(base_url=url + "/v1", api_key=key, max_retries=0) as client:
                found = {
                    client.chat.completions.with_raw_response.create(model="support", messages=HELLO).headers[
                        "x-adaptline-arm"
                    ]
                    for _ in range(3)
                }
                assert len(found) == 1
                arms[user] = found.pop()
        assert set(arms.values()) == {"stable", "canary"}
        for path in ("/metrics", "/state.json", "/"):
            assert httpx.get(url + path).headers["www-authenticate"].startswith("Basic")
        metrics = httpx.get(url + "/metrics", auth=("anybody", given["team-1"])).text
        assert 'gen_ai_server_request_duration_seconds_count{arm="canary",channel="support"' in metrics
        assert "<h1>Channels</h1>" in httpx.get(url + "/", auth=("anybody", given["team-1"])).text
        assert httpx.get(url + "/healthz").status_code == 200
        move(opened, "1", "9" * 64, 50.0)  # a release that is not there: whose trouble it is, is not for everybody
        until(
            lambda: (
                "support" in str(httpx.get(url + "/state.json", auth=("anybody", given["team-1"])).json()["problems"])
            )
        )
        assert httpx.get(url + "/readyz").json() == {"ready": True, "problems": []}
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
    assert {json.loads(line)["key"] for line in log.read_text().splitlines()} == {"", *given}


def test_without_a_channel_it_says_how_to_make_one(tmp_path: Path, upstream: Upstream) -> None:
    channels.path_of(store(tmp_path), "support").unlink()
    command = [sys.executable, "-c", "from adaptline.cli import main; main()", "serve", str(tmp_path / "recipe.toml")]
    given = ["--backend", "openai", "--port", "0", "--upstream", upstream.url]
    process = subprocess.Popen([*command, *given], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        assert "no channel yet" in process.stderr.readline()
        assert process.stderr.readline().startswith("serving on ")
    finally:
        process.terminate()
        process.communicate(timeout=10)


def _fails(tmp_path: Path, *words: str) -> str:
    command = [sys.executable, "-c", "from adaptline.cli import main; main()", *words]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def test_mistakes_are_said_before_anything_is_served(tmp_path: Path, upstream: Upstream) -> None:
    store(tmp_path)
    given = ("serve", "recipe.toml", "--backend", "openai", "--upstream", upstream.url)
    assert "needs keys" in _fails(tmp_path, *given, "--host", "0.0.0.0")  # noqa: S104
    assert "cannot listen" in _fails(tmp_path, *given, "--port", str(upstream.port))
    (tmp_path / "keys.txt").write_text("a b\n")
    assert "keys.txt, line 1: not a line" in _fails(tmp_path, *given, "--keys", "keys.txt")
    assert "no log can be written" in _fails(tmp_path, *given, "--log", "nowhere/log")


def test_options_are_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = tmp_path / "recipe.toml"
    opened = store(tmp_path)
    monkeypatch.setenv("EMPTY", "")
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"backend": "opneai"}, "Did you mean 'openai'"),
        ({"backend": "openai"}, "needs an upstream"),
        ({"upstream_key": "sk-abc"}, "not given on the command line"),
        ({"upstream_key": "env:EMPTY"}, "has no EMPTY"),
        ({"aliases": ["support"]}, "not an alias"),
        ({"keys": tmp_path / "none"}, "no such file of keys"),
    ]
    for given, message in wrong:
        with pytest.raises(UserError, match=message):
            verbs.serve(recipe, **{"backend": "openai", **given})
    with pytest.raises(UserError, match="no store here"):
        verbs.serve(recipe, store=tmp_path / "elsewhere", backend="openai")
    with pytest.raises(UserError, match="takes no --sparkle"):
        verbs.open_backend("openai", opened, {"sparkle": 1}, {})
    assert [verbs.is_loopback(host) for host in ("localhost", "127.9.9.9", "::1", "0.0.0.0", "example.org")] == [  # noqa: S104
        *[True] * 3,
        *[False] * 2,
    ]


def test_bases_are_those_that_the_recipe_names(tmp_path: Path) -> None:
    for base in ("one", "two"):
        (tmp_path / base).mkdir()
        (tmp_path / base / "config.json").write_text(f'"{base}"')
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        '[raw]\nstep = "ingest"\nfiles = ["*.txt"]\n'
        '[a]\nstep = "train"\nfrom = "raw"\nmethod = "head"\neach = { base = ["one", "two"], seed = [0, 1] }\n'
    )
    found = verbs.bases(recipes.read(recipe))
    assert found == {keys.folder_digest(tmp_path / base): tmp_path / base for base in ("one", "two")}


def test_a_key_is_printed_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from adaptline.cli import main; main()", "key", "ann"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("al-")
    assert "ann " in (tmp_path / "keys.txt").read_text()
    assert "is there already" in _fails(tmp_path, "key", "ann")
    assert "not a name" in _fails(tmp_path, "key", "a b")


def test_an_asynchronous_client_of_many_requests_at_once(tmp_path: Path, upstream: Upstream) -> None:
    store(tmp_path)
    upstream.delay = 0.05

    async def main(port: int) -> None:
        async with openai.AsyncOpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="x", max_retries=0) as client:
            asked = [client.chat.completions.create(model="support", messages=HELLO) for _ in range(100)]
            answers = await asyncio.gather(*asked)
        assert {answer.model for answer in answers} == {name("1")}

    with serving(tmp_path, "--upstream", upstream.url) as (_, port):
        asyncio.run(main(port))
