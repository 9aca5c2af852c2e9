"""The gateway beside LiteLLM's proxy, nginx and the bare upstream: `python benchmarks/serve/gateway.py [--quick]`.

All stand before the same upstream, which answers at once, and get the same requests from the same load generator; in turn,
several rounds, so that a busy minute of the machine meets all of them. The upstream runs in a thread of this process,
which only waits; the generator is a process of its own; neither's CPU is counted. Ours and LiteLLM check a key, ours and
nginx write an access log. LiteLLM's proxy is installed the first time into a virtual environment of its own; while it is
measured, nothing but loopback can be reached from it.

Printed: medians over the rounds with the least and the most, and ratios within a round. Linux only.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

HELPERS = Path(__file__).resolve().parents[2] / "tests" / "helpers"
sys.path.insert(0, str(HELPERS))  # the load and the upstream that tests use

import servers  # noqa: E402 - beside this file
from servers import Server  # noqa: E402
from upstreams import Upstream  # noqa: E402

OURS, PEERS, BARE = "adaptline", ("LiteLLM", "nginx"), "upstream"
MOST, FEWEST = 20_000, 40  # requests of one measurement


@dataclass(frozen=True)
class Kind:
    """What is asked: by how many clients at once, and for a stream of how many chunks, so many seconds apart."""

    name: str
    clients: int
    chunks: int = 0
    apart: float = 0.0


@dataclass(frozen=True)
class Seen:
    """One measurement. CPU is that of the server with its children."""

    per_second: float
    cpu_us: float
    p50_ms: float
    p99_ms: float
    first_ms: float


ALONE, MANY = Kind("whole answer, 1 client", 1), Kind("whole answer, 32 clients", 32)
SHORT, LONG = Kind("stream of 5 at once, 32 clients", 32, 5), Kind("stream of 50 at once, 32 clients", 32, 50)
# Chunks that are written at once arrive together, so that a gateway may pass on many as one; a model's come one by one.
SHORT_APART = Kind("stream of 5, 2 ms apart, 8 clients", 8, 5, 0.002)
LONG_APART = Kind("stream of 50, 2 ms apart, 8 clients", 8, 50, 0.002)
KINDS = (ALONE, MANY, Kind("stream of 5 at once, 1 client", 1, 5), SHORT, LONG, SHORT_APART, LONG_APART)
CHUNKS = (("at once", SHORT, LONG), ("2 ms apart", SHORT_APART, LONG_APART))

Rounds = dict[tuple[str, Kind], list[Seen]]


def ask(server: Server, kind: Kind, requests: int) -> Seen:
    """So many requests; every one must be answered."""
    before = servers.cpu_seconds(server.process) if server.process else 0.0
    words = ["127.0.0.1", str(server.port), str(requests), str(kind.clients), *(["stream"] if kind.chunks else [])]
    environment = {**os.environ, "LOAD_KEY": server.key}
    done = subprocess.run(
        [sys.executable, HELPERS / "load.py", *words], env=environment, check=True, capture_output=True, text=True
    )
    spent = (servers.cpu_seconds(server.process) if server.process else 0.0) - before
    told = json.loads(done.stdout)
    if told["failed"] or told["statuses"] != {"200": requests}:
        raise RuntimeError(f"{server.name}: {told}")
    return Seen(
        told["requests_per_second"],
        1e6 * spent / requests,
        told["p50_ms"],
        told["p99_ms"],
        told["first_byte_p50_ms"],
    )


def measure(upstream: Upstream, compared: list[Server], *, rounds: int, seconds: float) -> Rounds:
    """Every server with every kind, in turn, so many rounds; each measurement takes about so many seconds."""
    found: Rounds = defaultdict(list)
    for kind in KINDS:
        upstream.tokens, upstream.token_delay = kind.chunks or 5, kind.apart
        counts = {}
        for server in compared:
            ask(server, kind, FEWEST)  # what is done once only
            quick = ask(server, kind, 2 * FEWEST)
            counts[server.name] = min(MOST, max(2 * kind.clients, FEWEST, int(seconds * quick.per_second)))
        for _ in range(rounds):
            for server in compared:
                found[server.name, kind].append(ask(server, kind, counts[server.name]))
        print(f"measured: {kind.name}", file=sys.stderr)
    return found


def chunk_us(found: Rounds, name: str, short: Kind, long: Kind) -> list[float]:
    """CPU of one more chunk, per round: what a long stream costs more than a short one."""
    pairs = zip(found[name, long], found[name, short], strict=True)
    return [(more.cpu_us - less.cpu_us) / (long.chunks - short.chunks) for more, less in pairs]


def spread(values: list[float], form: str = ",.0f") -> str:
    """Median, least and most."""
    middle, least, most = statistics.median(values), min(values), max(values)
    return f"{middle:{form}} ({least:{form}} to {most:{form}})"


def report(found: Rounds, names: list[str]) -> Iterator[str]:
    """The tables, in Markdown."""
    yield "| asked | of | per second | CPU-µs each | p50 ms | added p50 ms | p99 ms | first byte p50 ms |"
    yield "|---|---|---|---|---|---|---|---|"
    for kind in KINDS:
        bare = found[BARE, kind]
        for name in names:
            seen = found[name, kind]
            added = [one.p50_ms - other.p50_ms for one, other in zip(seen, bare, strict=True)]
            yield (
                f"| {kind.name} | {name} | {spread([one.per_second for one in seen])}"
                f" | {'' if name == BARE else spread([one.cpu_us for one in seen])}"
                f" | {spread([one.p50_ms for one in seen], '.2f')} | {'' if name == BARE else spread(added, '.2f')}"
                f" | {spread([one.p99_ms for one in seen], '.2f')} | {spread([one.first_ms for one in seen], '.2f')} |"
            )
    yield ""
    for how, short, long in CHUNKS:
        each = (f"{name} {spread(chunk_us(found, name, short, long), '.1f')}" for name in names if name != BARE)
        yield f"CPU-µs of one more chunk, {how}: {'; '.join(each)}"
    for peer in (name for name in PEERS if name in names):
        yield ""
        yield f"| adaptline beside {peer} | as many a second | as little CPU |"
        yield "|---|---|---|"
        for kind in KINDS:
            ours, theirs = found[OURS, kind], found[peer, kind]
            yield f"| {kind.name} | {_ratios(ours, theirs, _rate)} | {_ratios(theirs, ours, _cpu)} |"
        for how, short, long in CHUNKS:
            ours_us, theirs_us = (chunk_us(found, name, short, long) for name in (OURS, peer))
            chunks = [b / a for a, b in zip(ours_us, theirs_us, strict=True) if a > 0]
            yield f"| one more chunk, {how} | | {spread(chunks, '.2f') + ' x' if chunks else 'too short a run'} |"


def _rate(seen: Seen) -> float:
    return seen.per_second


def _cpu(seen: Seen) -> float:
    return seen.cpu_us


def _ratios(ones: list[Seen], others: list[Seen], of: Callable[[Seen], float]) -> str:
    """Times, round by round. Where a short run took less CPU than a clock's tick, there is no ratio."""
    found = [of(one) / of(other) for one, other in zip(ones, others, strict=True) if of(other)]
    return f"{spread(found, '.2f')} x" if found else "too short a run"


def main() -> None:
    """Starts the servers, measures and prints."""
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    given.add_argument("--litellm", type=Path, default=cache / "adaptline-benchmarks" / "litellm", metavar="FOLDER")
    given.add_argument("--without", action="append", default=[], choices=PEERS)
    given.add_argument("--rounds", type=int, default=5)
    given.add_argument("--quick", action="store_true", help="one short round, to see that it runs")
    asked = given.parse_args()
    nginx = servers.find_nginx() if "nginx" not in asked.without else None
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(Upstream())
        upstream.keep = False
        compared = [Server(BARE, upstream.port), stack.enter_context(servers.adaptline(upstream.port))]
        if "LiteLLM" not in asked.without:
            command = servers.install_litellm(asked.litellm)
            print(f"LiteLLM {servers.version_of_litellm(command)}")
            compared.append(stack.enter_context(servers.litellm(upstream.port, command)))
        if nginx is not None:
            print(f"nginx {servers.version_of_nginx(nginx)}")
            compared.append(stack.enter_context(servers.nginx(upstream.port, nginx)))
        elif "nginx" not in asked.without:
            print("nginx is not installed: left out")
        rounds, seconds = (1, 0.1) if asked.quick else (asked.rounds, 1.2)
        found = measure(upstream, compared, rounds=rounds, seconds=seconds)
    print("\n".join(report(found, [server.name for server in compared])))


if __name__ == "__main__":
    main()
