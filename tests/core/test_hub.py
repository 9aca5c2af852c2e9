"""Names on a hub, against a hub of our own on loopback that speaks what huggingface_hub asks, and without any."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from adaptline.core import hub
from adaptline.errors import UserError

pytest.importorskip("huggingface_hub")

FILES = {
    "config.json": b'{"architectures": ["LlamaForCausalLM"]}',
    "model.safetensors": b"weights of one",
    "tokenizer.json": b"{}",
    "pytorch_model.bin": b"pickled",
    "modeling.py": b"raise SystemExit",
}
ASK = """
import json, sys
from pathlib import Path
from adaptline.core.sources import find_folder
from adaptline.errors import UserError
try:
    found = find_folder(sys.argv[1], Path("."))
except UserError as error:
    print(json.dumps({"error": str(error)}))
else:
    files = sorted(path.name for path in found.path.iterdir())
    print(json.dumps({"name": found.name, "digest": found.digest, "files": files, "changed": found.changed()}))
"""


class Hub:
    """Repositories as commits of files."""

    def __init__(self) -> None:
        self.commits = {"1" * 40: dict(FILES), "2" * 40: {**FILES, "model.safetensors": b"weights of another"}}
        self.branches = {"main": "1" * 40, "next": "2" * 40}
        self.asked: list[str] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.hub = self  # type: ignore[attr-defined]
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def commit(self, revision: str) -> str | None:
        found = self.branches.get(revision, revision)
        return found if found in self.commits else None

    def answer(self, path: str) -> tuple[int, bytes, dict[str, str]]:
        """Status, body and headers."""
        self.asked.append(path)
        parts = path.partition("?")[0].strip("/").split("/")
        if parts[:4] == ["api", "models", "org", "tiny"]:
            commit = self.commit(parts[5] if len(parts) > 5 else "main")
            return (
                (404, b"", {"X-Error-Code": "RevisionNotFound"}) if commit is None else self._told(parts[4:5], commit)
            )
        if parts[:3] == ["org", "tiny", "resolve"] and (commit := self.commit(parts[3])):
            data = self.commits[commit][parts[4]]
            return 200, data, {"ETag": f'"{hashlib.sha256(data).hexdigest()}"', "X-Repo-Commit": commit}
        return 404, b"", {"X-Error-Code": "RepoNotFound"}

    def _told(self, what: list[str], commit: str) -> tuple[int, bytes, dict[str, str]]:
        files = self.commits[commit]
        if what == ["tree"]:
            sums = {name: hashlib.sha1(data).hexdigest() for name, data in files.items()}  # noqa: S324 - as git has them
            tree = [{"type": "file", "path": n, "size": len(data), "oid": sums[n]} for n, data in files.items()]
            return 200, json.dumps(tree).encode(), {}
        siblings = [{"rfilename": name} for name in files]
        info = {"id": "org/tiny", "modelId": "org/tiny", "sha": commit, "siblings": siblings, "tags": []}
        return 200, json.dumps({**info, "private": False, "downloads": 0}).encode(), {}


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_: Any) -> None: ...

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        status, data, headers = self.server.hub.answer(self.path)  # type: ignore[attr-defined]
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(data)


@pytest.fixture
def served() -> Iterator[Hub]:
    found = Hub()
    thread = threading.Thread(target=found.server.serve_forever, daemon=True)
    thread.start()
    yield found
    found.server.shutdown()
    found.server.server_close()
    thread.join(10)


def ask(name: str, home: Path, url: str, **more: str) -> dict[str, Any]:
    """In a process of its own: huggingface_hub reads its environment once."""
    environment = {"HF_HOME": str(home), "HF_ENDPOINT": url, "HF_HUB_DISABLE_XET": "1", "PATH": "", **more}
    environment["PYTHONPATH"] = ":".join(path for path in sys.path if path)
    made = subprocess.run(
        [sys.executable, "-c", ASK, name], env=environment, capture_output=True, text=True, timeout=120, check=True
    )
    found: dict[str, Any] = json.loads(made.stdout)
    return found


def test_a_name_is_a_commit_and_only_what_is_read_is_fetched(served: Hub, tmp_path: Path) -> None:
    first = ask("hub:org/tiny", tmp_path, served.url)
    assert first["name"] == f"hub:org/tiny@{'1' * 40}"
    assert first["files"] == ["config.json", "model.safetensors", "tokenizer.json"]
    assert first["changed"] is None
    assert not any(".bin" in path or ".py" in path for path in served.asked if "/resolve/" in path)
    assert ask("hub:org/tiny@" + "1" * 40, tmp_path, served.url)["digest"] == first["digest"]
    other = ask("hub:org/tiny@next", tmp_path, served.url)
    assert other["name"].endswith("2" * 40)
    assert other["digest"] != first["digest"]


def test_a_branch_that_moves_is_another_base_and_offline_what_was_there_last(served: Hub, tmp_path: Path) -> None:
    before = ask("hub:org/tiny", tmp_path, served.url)
    served.branches["main"] = "2" * 40
    after = ask("hub:org/tiny", tmp_path, served.url)
    assert (before["digest"] != after["digest"], after["name"]) == (True, f"hub:org/tiny@{'2' * 40}")
    served.asked.clear()
    assert ask("hub:org/tiny", tmp_path, served.url, HF_HUB_OFFLINE="1") == after
    assert served.asked == []


def test_what_else_lies_in_the_cache_is_not_part_of_it(served: Hub, tmp_path: Path) -> None:
    before = ask("hub:org/tiny", tmp_path, served.url)
    (folder,) = tmp_path.rglob("snapshots/*")
    (folder / "pytorch_model.bin").write_bytes(b"of another program")
    assert ask("hub:org/tiny", tmp_path, served.url)["digest"] == before["digest"]


@pytest.mark.parametrize("name", ["hub:org/gone", "hub:org/tiny@gone"])
def test_what_the_hub_does_not_have(served: Hub, tmp_path: Path, name: str) -> None:
    error = ask(name, tmp_path, served.url, HF_TOKEN="hf_secret")["error"]
    assert error.startswith(f"the hub gives no {name.removeprefix('hub:')!r}: ")
    assert "Is the name right" in error
    assert "hf_secret" not in error


def test_without_a_network_and_without_a_copy(tmp_path: Path) -> None:
    assert "the hub gives no 'org/tiny'" in ask("hub:org/tiny", tmp_path, "http://127.0.0.1:9")["error"]


@pytest.mark.parametrize("name", ["", "tiny", "a/b/c", "../up/there", "org/tiny@", "org/ti ny"])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(UserError, match="not a model's name on a hub"):
        hub.snapshot(name)


def test_without_huggingface_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(UserError, match="a hub's names need huggingface_hub"):
        hub.snapshot("org/tiny")


def test_an_error_without_words_and_a_folder_without_a_commit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import huggingface_hub  # noqa: PLC0415 - costs a second

    def fail(*_: Any, **__: Any) -> str:
        raise TimeoutError

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
    with pytest.raises(UserError, match="the hub gives no 'org/tiny': TimeoutError"):
        hub.snapshot("org/tiny")
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *_, **__: str(tmp_path / "main"))
    with pytest.raises(UserError, match="the hub tells no commit of 'org/tiny'"):
        hub.snapshot("org/tiny")


def test_the_folder_is_known_by_its_content_and_its_commit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import huggingface_hub  # noqa: PLC0415 - costs a second

    from adaptline.core.sources import find_folder  # noqa: PLC0415 - one test's

    folder = tmp_path / ("a" * 40)
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *_, **__: str(folder))
    found = find_folder("hub:org/tiny@v1", tmp_path)
    assert found.name == f"hub:org/tiny@{'a' * 40}"
    (folder / "notes.txt").write_text("of another program")
    assert found.changed() is None
    (folder / "model.safetensors").write_bytes(b"other weights")
    assert found.changed() == found.name
