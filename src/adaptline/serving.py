"""Serving a recipe's channels: the verbs `serve` and `key` as Python functions.

Knows options, files and where a server listens. Loads the gateway only when it serves.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import inspect
import ipaddress
import logging
import os
import resource
import socket
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adaptline.core import hub
from adaptline.core import recipe as recipes
from adaptline.core.sources import Folder
from adaptline.core.store import Store
from adaptline.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from adaptline.deploy.api_keys import Keys
    from adaptline.deploy.calls import Backend
    from adaptline.deploy.limits import Limits

_OPEN_FILES = 1 << 16
_log = logging.getLogger("adaptline.deploy")
_BACKENDS = Path(__file__).parent / "deploy" / "backends"


def serve(
    source: Path | str,
    *,
    store: Path | str | None = None,
    host: str = "127.0.0.1",
    port: int = 8000,
    backend: str = "bank",
    upstream: str | None = None,
    upstream_key: str | None = None,
    aliases: Iterable[str] = (),
    keys: Path | str | None = None,
    limits: Limits | None = None,
    log: Path | str | None = None,
    log_text: bool = False,
    started: Callable[[str], None] | None = None,
) -> None:
    """Serves a recipe's channels until it is told to stop (SIGTERM or SIGINT).

    Args:
        source: the recipe.
        store: its store; .adaptline beside the recipe by default.
        host: where to listen; anywhere but on loopback, `keys` are needed.
        port: 0 takes a free one.
        backend: what computes answers, the name of a file in deploy/backends.
        upstream: of the backend openai, the base URL.
        upstream_key: its key as env:NAME.
        aliases: SERVED_OR_CHANNEL=UPSTREAM_MODEL each.
        keys: a file of API keys, as `new_key` writes it.
        limits: how much at once, how long and how large.
        log: a file for the access log; standard error by default.
        log_text: whether requests and answers themselves are logged.
        started: called with the base URL once the first request can be answered.

    Raises:
        UserError: an option that cannot be, keys that are missing, or an address that cannot be listened on.
    """
    import uvloop  # noqa: PLC0415 - loads only where it serves

    from adaptline.deploy import listening  # noqa: PLC0415
    from adaptline.deploy.access_log import AccessLog  # noqa: PLC0415
    from adaptline.deploy.gateway import Gateway  # noqa: PLC0415
    from adaptline.deploy.limits import Limits  # noqa: PLC0415
    from adaptline.web.console import Console  # noqa: PLC0415

    known = _keys(keys, host)
    found = recipes.read(Path(source))
    opened = _store(found, store)
    bounds = limits or Limits()
    options = {"upstream": upstream, "upstream_key": _secret(upstream_key), "aliases": _aliases(aliases) or None}
    chosen = _backend(backend, found, opened, options, bounds)
    _raise_open_files()
    _warn_of_silence(opened, source)
    with _listening(host, port) as listener:
        own_names = frozenset({"localhost", "127.0.0.1", "[::1]", host.lower()})
        gateway = Gateway(
            opened,
            chosen,
            limits=bounds,
            keys=known,
            hosts=None if known else own_names,
            log=AccessLog(Path(log) if log else None),
            log_text=log_text,
            beside=found.beside,
        )
        gateway.pages = Console(found, opened, gateway.state).page
        server = listening.Server(gateway)
        if started is not None:
            url = _base_url(listener)
            server.when_started = lambda: started(url)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(server.serve_on(listener))


def _backend(name: str, found: recipes.Recipe, store: Store, options: Mapping[str, Any], limits: Limits) -> Backend:
    """The backend, with what it takes of a gateway's bounds and a recipe's bases."""
    made = {
        "concurrency": lambda: limits.concurrency,
        "timeout": lambda: limits.timeout,
        "bases": lambda: bases(found),
    }
    return open_backend(name, store, options, made)


def _warn_of_silence(store: Store, source: Path | str) -> None:
    """Says so where there is nothing yet that could answer."""
    from adaptline.deploy import channels  # noqa: PLC0415 - start-up time

    if not channels.names(store):
        _log.warning(
            "no channel yet, so nothing answers: adaptline deploy %s RELEASE --channel NAME --percent 5", source
        )


def _base_url(listener: socket.socket) -> str:
    """Where programs ask."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}/v1" if ":" in host else f"http://{host}:{port}/v1"


def _keys(path: Path | str | None, host: str) -> Keys | None:
    """Who may ask; anybody where no file is named. Raises UserError where others than this machine could."""
    from adaptline.deploy import api_keys  # noqa: PLC0415 - start-up time

    if path is not None:
        return api_keys.read(Path(path))
    if not is_loopback(host):
        raise UserError(
            f"listening on {host} needs keys",
            do="adaptline key NAME --keys keys.txt, then --keys keys.txt; or leave --host out.",
        )
    return None


def _raise_open_files() -> None:
    """As many open files as this process may have: each connection is one, and the usual 1024 are soon used up."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):  # where the system knows a lower bound yet, it stays as it is
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _listening(host: str, port: int) -> socket.socket:
    """A listening socket. Raises UserError."""
    from adaptline.deploy import listening  # noqa: PLC0415 - start-up time

    try:
        return listening.listen(host, port)
    except OSError as error:
        raise UserError(
            f"cannot listen on {host}:{port}: {error.strerror or error}", do="Name another --port."
        ) from error


def new_key(keys: Path | str, name: str) -> str:
    """Makes an API key, appends its hash to a file and returns the key, which is nowhere else. Raises UserError."""
    from adaptline.deploy import api_keys  # noqa: PLC0415 - start-up time

    return api_keys.add(Path(keys), name)


def open_backend(
    name: str, store: Store, given: Mapping[str, Any], defaults: Mapping[str, Callable[[], Any]]
) -> Backend:
    """A backend by its name, with those options that it takes.

    Args:
        name: of a file in deploy/backends; only that one is imported.
        store: where releases are.
        given: options that the user may have given; None where not.
        defaults: what makes the options that a backend gets if it takes them.

    Raises:
        UserError: an unknown backend, or an option that it does not take.
    """
    names = sorted(path.stem for path in _BACKENDS.glob("[!_]*.py"))
    if name not in names:
        raise UserError(f"unknown backend {name!r}", do=did_you_mean(name, names))
    module = importlib.import_module(f"adaptline.deploy.backends.{name}")
    takes = inspect.signature(module.open).parameters
    asked = {key: value for key, value in given.items() if value is not None}
    for key in asked:
        if key not in takes:
            option = {"aliases": "--alias"}.get(key, "--" + key.replace("_", "-"))
            raise UserError(f"the backend {name} takes no {option}", do="Leave it out, or choose another --backend.")
    found: Backend = module.open(store, **{key: make() for key, make in defaults.items() if key in takes}, **asked)
    return found


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens on a host."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


@hub.one_look()
def bases(found: recipes.Recipe) -> dict[str, Path]:
    """Digest -> folder of every base that a recipe names. Raises UserError for one that is not there."""
    folders = [
        found.values(table, cell).get("base")
        for table in found.tables
        for cell in table.cells
        if "base" in {**table.parameters, **cell}
    ]
    return {folder.digest: folder.path for folder in folders if isinstance(folder, Folder)}


def _store(found: recipes.Recipe, store: Path | str | None) -> Store:
    root = Path(store) if store else found.beside / ".adaptline"
    if not (root / "store.json").exists():
        raise UserError("no store here", where=root, do=f"adaptline run {found.path}, then deploy a release.")
    return Store.open(root)


def _aliases(given: Iterable[str]) -> dict[str, str]:
    found = {}
    for entry in given:
        name, equals, model = entry.rpartition("=")
        if not (name and equals and model):
            raise UserError(f"not an alias: {entry!r}", do="--alias support=upstream-model")
        found[name] = model
    return found


def _secret(given: str | None) -> str | None:
    """The value of env:NAME. A key itself would be seen in a list of processes."""
    if given is None:
        return None
    prefix, _, name = given.partition(":")
    if prefix != "env" or not name:
        raise UserError("a key is not given on the command line", do="--upstream-key env:NAME")
    if not (value := os.environ.get(name)):
        raise UserError(f"the environment has no {name}", do=f"export {name}=...")
    return value


def say(base_url: str) -> None:
    """What `serve` prints once it answers: where programs ask, and where people look."""
    console = base_url.removesuffix("v1")
    print(f"serving on {base_url}, console on {console}", file=sys.stderr, flush=True)  # noqa: T201 - the verb's only word
