"""Numbers of the gateway: counted as plain integers on the way, given to Prometheus when it asks.

Names follow OpenTelemetry's semantic conventions for generative AI where there is one, in Prometheus' spelling
(https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/), with its bounds of buckets. Series are by channel, arm
and release, and go with the release: there are never more of them than what was live in the last minute.
"""

from __future__ import annotations

import math
import time
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

DURATION = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
FIRST_TOKEN = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
PER_TOKEN = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5)
TOKENS = tuple(float(4**power) for power in range(14))
RECENT_SECONDS = 300.0  # what `state` calls recent
LINGER_SECONDS = 60.0  # a series stays so long after its release is gone: four scrapes
_FAILED = 400


class Histogram:
    """Counts between bounds."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds, self.counts, self.total = bounds, [0] * (len(bounds) + 1), 0.0

    def add(self, value: float) -> None:
        """Counts a value; a bound belongs to the bucket below it."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def buckets(self) -> list[tuple[str, float]]:
        """(upper bound, how many up to it), as Prometheus takes them."""
        found, so_far = [], 0
        for bound, count in zip((*map(str, self.bounds), "+Inf"), self.counts, strict=True):
            so_far += count
            found.append((bound, float(so_far)))
        return found


class Tally:
    """The numbers of one arm with one release."""

    def __init__(self, channel: str, arm: str, release: str) -> None:
        self.labels = [channel, arm, release]
        self.statuses: Counter[int] = Counter()
        self.duration = Histogram(DURATION)
        self.first_token = Histogram(FIRST_TOKEN)
        self.per_token = Histogram(PER_TOKEN)
        self.input = Histogram(TOKENS)
        self.output = Histogram(TOKENS)
        self.recent: deque[tuple[float, float]] = deque(maxlen=1000)  # (when, time to first token)
        self.going_on = 0
        self.unused_since = 0.0

    def ended(self, status: int, now: float, begun: float, first: float, prompt: int, completion: int) -> None:
        """An answer has ended. `first` is when its first bytes went out, 0 if none did; times in seconds of one clock."""
        self.statuses[status] += 1
        self.duration.add(now - begun)
        if status >= _FAILED or not first:
            return
        self.first_token.add(first - begun)
        self.recent.append((now, first - begun))
        if prompt:
            self.input.add(prompt)
        if completion:
            self.output.add(completion)
            if completion > 1 and now > first:
                self.per_token.add((now - first) / (completion - 1))

    def state(self, now: float) -> dict[str, Any]:
        """The numbers for a page. Times are in milliseconds, of the last five minutes."""
        recent = sorted(value for when, value in self.recent if when > now - RECENT_SECONDS)
        return {
            "channel": self.labels[0],
            "arm": self.labels[1],
            "release": self.labels[2],
            "requests": sum(self.statuses.values()),
            "errors": sum(count for status, count in self.statuses.items() if status >= _FAILED),
            "going_on": self.going_on,
            "prompt_tokens": int(self.input.total),
            "completion_tokens": int(self.output.total),
            "ttft_p50_ms": _quantile_ms(recent, 0.5),
            "ttft_p95_ms": _quantile_ms(recent, 0.95),
        }


class Metrics:
    """All tallies, and what belongs to no arm. `load` is the backend's; it and `queue` are asked for when scraped."""

    def __init__(self) -> None:
        self.tallies: dict[tuple[str, str, str], Tally] = {}
        self.refused: Counter[int] = Counter()  # requests that reached no arm, by status
        self.failed_loads = 0
        self.failed_moves = 0
        self.started = time.time()
        self.load: Callable[[], Mapping[str, float]] = dict

    def tally(self, channel: str, arm: str, release: str) -> Tally:
        """The tally of an arm with a release; the same one if it comes back soon."""
        key = (channel, arm, release)
        if key not in self.tallies:
            self.tallies[key] = Tally(*key)
        return self.tallies[key]

    def sweep(self, used: set[Tally], now: float) -> None:
        """Drops tallies that no arm has had for a while."""
        for key, tally in list(self.tallies.items()):
            if tally in used or tally.going_on:
                tally.unused_since = 0.0
            elif not tally.unused_since:
                tally.unused_since = now
            elif now - tally.unused_since > LINGER_SECONDS:
                del self.tallies[key]

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415 - only when scraped

        registry = CollectorRegistry()
        registry.register(self)
        return bytes(generate_latest(registry))

    def collect(self) -> Iterable[Any]:
        """What prometheus_client asks a collector for."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily  # noqa: PLC0415

        yield from self._histograms()
        requests = CounterMetricFamily(
            "adaptline_requests", "Requests that an arm answered", labels=[*_LABELS, "status"]
        )
        going_on = GaugeMetricFamily("adaptline_requests_in_progress", "Answers that go on", labels=_LABELS)
        for tally in self.tallies.values():
            going_on.add_metric(tally.labels, tally.going_on)
            for status, count in tally.statuses.items():
                requests.add_metric([*tally.labels, str(status)], count)
        yield requests
        yield going_on
        refused = CounterMetricFamily("adaptline_refused", "Requests that reached no arm", labels=["status"])
        for status, count in self.refused.items():
            refused.add_metric([str(status)], count)
        yield refused
        yield CounterMetricFamily("adaptline_failed_loads", "Releases that failed to load", value=self.failed_loads)
        yield CounterMetricFamily("adaptline_failed_moves", "Channel files that were damaged", value=self.failed_moves)
        yield GaugeMetricFamily("adaptline_start_time_seconds", "When the gateway started", value=self.started)
        for name, value in self.load().items():
            yield GaugeMetricFamily(f"adaptline_{name}", f"Of the gateway or its backend: {name}", value=value)

    def _histograms(self) -> Iterator[Any]:
        from prometheus_client.core import HistogramMetricFamily  # noqa: PLC0415

        for attribute, name, told in (
            ("duration", "gen_ai_server_request_duration_seconds", "From a request to the end of its answer"),
            ("first_token", "gen_ai_server_time_to_first_token_seconds", "From a request to its first bytes"),
            ("per_token", "gen_ai_server_time_per_output_token_seconds", "Per token after the first"),
        ):
            family = HistogramMetricFamily(name, told, labels=_LABELS)
            for tally in self.tallies.values():
                found = getattr(tally, attribute)
                family.add_metric(tally.labels, found.buckets(), found.total)
            yield family
        usage = HistogramMetricFamily(
            "gen_ai_client_token_usage", "Tokens per answer", labels=[*_LABELS, "gen_ai_token_type"]
        )
        for tally in self.tallies.values():
            usage.add_metric([*tally.labels, "input"], tally.input.buckets(), tally.input.total)
            usage.add_metric([*tally.labels, "output"], tally.output.buckets(), tally.output.total)
        yield usage


_LABELS = ["channel", "arm", "release"]


def _quantile_ms(ordered: list[float], share: float) -> float | None:
    """The smallest value that at least this share of the values does not exceed."""
    if not ordered:
        return None
    return round(1000 * ordered[math.ceil(share * len(ordered)) - 1], 3)
