"""The servers that are compared: each as processes of its own on a free port of loopback, ended with the block.

Knows how each is set up and started, and the CPU-seconds of a process with its children. Knows nothing of load.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import production

from adaptline.serving import new_key

# Nothing but loopback can be reached; nothing is asked of a database, a price list or a home.
_OFFLINE = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_LOG": "ERROR",
    "http_proxy": "http://127.0.0.1:9",
    "https_proxy": "http://127.0.0.1:9",
    "no_proxy": "127.0.0.1,localhost",
}
_LITELLM = """model_list:
  - model_name: support
    litellm_params: {{model: openai/support, api_base: "http://127.0.0.1:{upstream}/v1", api_key: none}}
"""
_NGINX = """worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log {folder}/access.log combined buffer=32k flush=1s;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 1000000;
  upstream static {{ server 127.0.0.1:{upstream}; keepalive 64; keepalive_requests 1000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://static;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }}
  }}
}}
"""


@dataclass(frozen=True)
class Server:
    """Where one listens, the key that it wants, and its first process; none for the upstream itself."""

    name: str
    port: int
    key: str = ""
    process: int | None = None


@contextlib.contextmanager
def adaptline(upstream: int) -> Iterator[Server]:
    """`adaptline serve` with keys, an access log and one channel, as it goes into production."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        production.store(folder)
        key = new_key(folder / "keys.txt", "load")
        words = ("--upstream", f"http://127.0.0.1:{upstream}/v1", "--keys", str(folder / "keys.txt"))
        with production.serving(folder, *words, "--log", str(folder / "access.jsonl")) as (process, port):
            yield Server("adaptline", port, key, process.pid)


@contextlib.contextmanager
def litellm(upstream: int, command: Path) -> Iterator[Server]:
    """LiteLLM's proxy with one worker and a master key, without a database."""
    key, port = f"sk-{secrets.token_hex(16)}", _free_port()
    with tempfile.TemporaryDirectory() as name:
        config = Path(name, "config.yaml")
        config.write_text(_LITELLM.format(upstream=upstream))
        words = ["--config", str(config), "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
        environment = {**os.environ, **_OFFLINE, "LITELLM_MASTER_KEY": key}
        with _running([command, *words, "--telemetry", "False"], environment) as process:
            _wait_for(f"http://127.0.0.1:{port}/health/liveliness", process)
            yield Server("LiteLLM", port, key, process.pid)


@contextlib.contextmanager
def nginx(upstream: int, command: str) -> Iterator[Server]:
    """Nginx with one worker: connections to the upstream are kept, what comes is passed on at once, lines are logged."""
    port = _free_port()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "nginx.conf")
        config.write_text(_NGINX.format(folder=folder, upstream=upstream, port=port))
        with _running([command, "-c", config, "-e", Path(folder, "error.log")], os.environ) as process:
            _wait_for(f"http://127.0.0.1:{port}/", process)
            yield Server("nginx", port, process=process.pid)


def find_nginx() -> str | None:
    """The command, where there is one."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def install_litellm(folder: Path) -> Path:
    """LiteLLM's command in a virtual environment of its own, which is made the first time."""
    command = folder / "bin" / "litellm"
    if not command.exists():
        print(f"installing LiteLLM's proxy into {folder}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([folder / "bin" / "pip", "install", "--quiet", "litellm[proxy]"], check=True)
    return command


def version_of_litellm(command: Path) -> str:
    """As its package says."""
    asked = "import importlib.metadata as found; print(found.version('litellm'))"
    python = command.with_name("python")
    return subprocess.run([python, "-c", asked], check=True, capture_output=True, text=True).stdout.strip()


def version_of_nginx(command: str) -> str:
    """As it says itself."""
    told = subprocess.run([command, "-v"], check=True, capture_output=True, text=True).stderr
    return told.strip().rpartition("/")[2]


def cpu_seconds(process: int) -> float:
    """User and system time that a process and all that descend from it have taken (proc(5); Linux only)."""
    parents, spent = {}, {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
            fields = path.read_text().rpartition(")")[2].split()
            number = int(path.parent.name)
            parents[number] = int(fields[1])
            spent[number] = int(fields[11]) + int(fields[12])
    tree = {process}
    while more := {child for child, parent in parents.items() if parent in tree} - tree:
        tree |= more
    return sum(spent[number] for number in tree) / os.sysconf("SC_CLK_TCK")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
    return port


@contextlib.contextmanager
def _running(command: list[str | Path], environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_for(url: str, process: subprocess.Popen[bytes], seconds: float = 60.0) -> None:
    """Until it answers, whatever it answers."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    until = time.monotonic() + seconds
    while time.monotonic() < until and process.poll() is None:
        try:
            opener.open(url, timeout=5).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"{process.args!r} does not answer")
