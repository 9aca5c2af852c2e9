from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from adaptline.deploy import metrics
from adaptline.deploy.metrics import Metrics


def _samples(found: Metrics) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *(f"{key}={value}" for key, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(found.text().decode())
        for sample in family.samples
    }


def test_what_prometheus_reads() -> None:
    found = Metrics()
    found.load = lambda: {"queue": 3}
    found.refused[404] += 2
    tally = found.tally("support", "stable", 'r"1')
    tally.going_on = 1
    for seconds in (0.01, 0.02, 0.5):  # a bound counts below itself
        tally.ended(200, 10 + seconds, 10.0, 10.005, 7, 5)
    tally.ended(502, 11.0, 10.0, 0.0, 0, 0)
    samples = _samples(found)
    who = ("arm=stable", "channel=support")
    duration = "gen_ai_server_request_duration_seconds"
    assert samples[(f"{duration}_bucket", *who, "le=0.01", 'release=r"1')] == 1
    assert samples[(f"{duration}_bucket", *who, "le=+Inf", 'release=r"1')] == 4
    assert samples[(f"{duration}_count", *who, 'release=r"1')] == 4
    assert samples[("gen_ai_server_time_to_first_token_seconds_count", *who, 'release=r"1')] == 3
    assert samples[("gen_ai_server_time_per_output_token_seconds_count", *who, 'release=r"1')] == 3
    usage = "gen_ai_client_token_usage_sum"
    assert samples[("gen_ai_client_token_usage_sum", *who, "gen_ai_token_type=input", 'release=r"1')] == 21, usage
    assert samples[("adaptline_requests_total", *who, 'release=r"1', "status=502")] == 1
    assert samples[("adaptline_requests_in_progress", *who, 'release=r"1')] == 1
    assert samples[("adaptline_refused_total", "status=404")] == 2
    assert samples["adaptline_queue",] == 3
    state = tally.state(12.0)
    assert (state["requests"], state["errors"], state["ttft_p50_ms"]) == (4, 1, 5.0)
    assert tally.state(12.0 + metrics.RECENT_SECONDS)["ttft_p95_ms"] is None


def test_series_go_with_their_release() -> None:
    found = Metrics()
    kept = found.tally("c", "stable", "r")
    for number in range(1000):
        found.tally("c", "canary", f"r{number}")
        found.sweep({kept}, 10.0 * (number + 1))
        assert len(found.tallies) <= 2 + metrics.LINGER_SECONDS / 10
    assert found.tally("c", "stable", "r") is kept


def test_quantiles_are_nearest_ranks() -> None:
    tally = Metrics().tally("c", "stable", "r")
    for milliseconds in range(1, 101):
        tally.ended(200, 1.0, 0.0, milliseconds / 1000, 0, 0)
    state = tally.state(1.0)
    assert (state["ttft_p50_ms"], state["ttft_p95_ms"]) == (50.0, 95.0)
