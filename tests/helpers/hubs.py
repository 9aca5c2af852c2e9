"""A hub on loopback, and a cache of models as a hub's client lays it out: for tests without a network."""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

_INFO = re.compile(r"/api/models/([^/]+/[^/]+)/revision/([^/]+)")
_FILE = re.compile(r"/([^/]+/[^/]+)/resolve/([0-9a-f]{40})/(.+)")


def commit_of(number: int) -> str:
    """A commit's name."""
    return hashlib.sha1(str(number).encode(), usedforsecurity=False).hexdigest()


def files_of(folder: Path) -> dict[str, bytes]:
    """Relative name -> content of every file of a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def write_cache(cache: Path, name: str, commit: str, files: dict[str, bytes], branch: str | None = "main") -> Path:
    """Lays out a commit as huggingface_hub does: blobs by their hash, links to them, and where a branch is."""
    root = cache / f"models--{name.replace('/', '--')}"
    snapshot = root / "snapshots" / commit
    for file, content in files.items():
        blob = root / "blobs" / hashlib.sha256(content).hexdigest()
        blob.parent.mkdir(parents=True, exist_ok=True)
        blob.write_bytes(content)
        link = snapshot / file
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(blob, link.parent))
    if branch:
        (root / "refs" / branch).parent.mkdir(parents=True, exist_ok=True)
        (root / "refs" / branch).write_text(commit)
    return snapshot


@dataclass
class Hub:
    """What a hub holds, and what it was asked."""

    url: str
    commits: dict[str, dict[str, dict[str, bytes]]] = field(default_factory=dict)  # name -> commit -> file -> content
    branches: dict[str, dict[str, str]] = field(default_factory=dict)  # name -> branch -> commit
    gated: set[str] = field(default_factory=set)
    fails: dict[str, int] = field(
        default_factory=dict
    )  # the last part of a path -> the status that it is answered with
    cuts: dict[str, int] = field(default_factory=dict)  # file -> bytes after which its next answer breaks off
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)  # method, path, headers

    def put(self, name: str, commit: str, files: dict[str, bytes], branch: str = "main") -> None:
        """Adds a commit and moves a branch to it."""
        self.commits.setdefault(name, {})[commit] = files
        self.branches.setdefault(name, {})[branch] = commit

    @property
    def fetched(self) -> list[str]:
        """The files whose content was asked for."""
        paths = [urlsplit(path).path for method, path, _ in self.asked if method == "GET"]
        return [found[3] for path in paths if (found := _FILE.fullmatch(path))]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        path = urlsplit(self.path).path
        self.hub.asked.append((self.command, self.path, dict(self.headers)))
        if status := self.hub.fails.get(path.rpartition("/")[2]):
            self._say(status, {}, b"", body=body)
        elif found := _INFO.fullmatch(path):
            self._info(found[1], unquote(found[2]))
        elif found := _FILE.fullmatch(path):
            self._file(found[1], found[2], found[3], body=body)
        else:
            self._say(404, {}, b"", body=body)

    def _info(self, name: str, revision: str) -> None:
        commits = self.hub.commits.get(name)
        if commits is None:
            return self._say(404, {"X-Error-Code": "RepoNotFound"}, b"")
        if name in self.hub.gated:
            return self._say(403, {"X-Error-Code": "GatedRepo"}, b"")
        commit = self.hub.branches[name].get(revision, revision)
        if commit not in commits:
            return self._say(404, {"X-Error-Code": "RevisionNotFound"}, b"")
        siblings = [{"rfilename": file, "size": len(content)} for file, content in commits[commit].items()]
        told = {"id": name, "sha": commit, "siblings": siblings}
        return self._say(200, {"Content-Type": "application/json"}, json.dumps(told).encode())

    def _file(self, name: str, commit: str, file: str, *, body: bool) -> None:
        content = self.hub.commits[name][commit][file]
        headers = {
            "ETag": f'"{hashlib.sha256(content).hexdigest()}"',
            "X-Repo-Commit": commit,
            "Accept-Ranges": "bytes",
        }
        start = int(found[1]) if (found := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))) else 0
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        cut = self.hub.cuts.pop(file, None) if body else None
        self._say(206 if start else 200, headers, content[start:], body=body, cut=cut)

    def _say(
        self, status: int, headers: dict[str, str], content: bytes, *, body: bool = True, cut: int | None = None
    ) -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(key, value)
        self.end_headers()
        if body:
            self.wfile.write(content[:cut])
        if cut is not None:
            self.close_connection = True


@contextmanager
def serving() -> Iterator[Hub]:
    """A hub that answers on a free port of this machine while the block runs."""
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    handler.hub = Hub(f"http://127.0.0.1:{server.server_port}")  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield handler.hub  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
