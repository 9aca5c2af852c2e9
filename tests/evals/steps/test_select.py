from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adaptline.core import registry, signatures
from adaptline.core.artifacts import Desk, Report
from adaptline.errors import UserError
from adaptline.evals.compare import compare
from adaptline.evals.steps.select import select

ITEMS = 300
Cell = dict[str, Any]


def never(*_: object) -> NoReturn:
    raise AssertionError("select reads no rows")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    output, scratch = tmp_path / "output", tmp_path / "scratch"
    output.mkdir()
    scratch.mkdir()
    return Desk(output, scratch, never, lambda *_: None)


def right(rate: float, seed: int) -> list[float]:
    """Scores of 0 and 1; an item that is hard for one is hard for all."""
    hard = np.random.default_rng(0).random(ITEMS)
    own = np.random.default_rng(seed + 1).random(ITEMS)
    scores: list[float] = (np.where(own < 0.3, own / 0.3, hard) < rate).astype(float).tolist()
    return scores


def spoiled(scores: list[float], count: int) -> list[float]:
    """The same scores with some right answers turned wrong."""
    answers = [index for index, score in enumerate(scores) if score][:count]
    return [0.0 if index in answers else score for index, score in enumerate(scores)]


Write = Callable[..., Report]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """What evaluate leaves in the store: one folder per report."""

    def write_report(
        cell: Cell,
        scores: list[float] | None,
        *,
        validation: float | None = None,
        trainable: int = 1000,
        metrics: dict[str, float] | None = None,
        task: str = "route",
        labels: str = "label",
        weights: str | None = None,
    ) -> Report:
        name = weights or json.dumps(cell, sort_keys=True)
        folder = tmp_path / "store" / str(len(list(tmp_path.glob("store/*"))))
        folder.mkdir(parents=True)
        found = dict(metrics or {})
        if scores is not None:
            found[f"{task}.accuracy"] = float(np.mean(scores))
            order = np.random.default_rng(len(name)).permutation(len(scores))  # a report's rows may lie in any order
            table = pa.table(
                {
                    "task": [task] * len(scores) + ["other"] * 2,
                    "item": pa.array([*order.tolist(), 0, 1], pa.int64()),
                    "prediction": ["x"] * (len(scores) + 2),
                    "label": [f"{labels} {item}" for item in order] + ["x", "y"],
                    "accuracy": [scores[item] for item in order] + [0.0, 1.0],
                }
            )
            pq.write_table(table, folder / "items.parquet")
        facts = {
            "metrics": found,
            "weights": {"digest": f"digest of {name}"},
            "validation": {"score": validation},
            "parameters": {"trainable": trainable, "total": 10 * trainable},
        }
        (folder / "report.json").write_text(json.dumps(facts))
        return Report(folder, f"report of {name}", f"digest of report of {name}", cell)

    return write_report


def grid(write: Write) -> list[Report]:
    """full is better than lora by about ten points, and lora than head; the middle seed of full does best on validation."""
    reports = []
    for seed in range(3):
        reports += [
            write(
                {"method": "full", "seed": seed}, right(0.9, seed), validation=[0.7, 0.9, 0.8][seed], trainable=10_000
            ),
            write({"method": "lora", "rank": 4, "seed": seed}, right(0.75, 10 + seed), validation=0.7, trainable=1000),
            write({"method": "head", "seed": seed}, right(0.5, 20 + seed), validation=0.5, trainable=10),
        ]
    return reports


def read(desk: Desk) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((desk.output / "report.json").read_bytes())
    return found


def test_the_highest_mean_wins_and_its_best_run_on_validation_is_taken(write: Write, desk: Desk) -> None:
    record = select(grid(write), desk=desk, best="route.accuracy")
    found = read(desk)
    assert record == {"winner": "method=full", "verdict": found["verdict"]}
    assert found["winner"] == {
        "name": "method=full",
        "cell": {"method": "full", "seed": 1},
        "digest": 'digest of {"method": "full", "seed": 1}',
        "because": "the best of 3 runs on validation, 0.9",
        "interval": found["winner"]["interval"],
        "among": 3,
    }
    assert found["verdict"].startswith("method=full leads in route.accuracy with 0.")
    assert found["verdict"].endswith(", corrected for choosing among 3): better than method=lora rank=4, method=head")


def test_the_winners_interval_is_corrected_for_the_choice(write: Write, desk: Desk) -> None:
    select(grid(write), desk=desk, best="route.accuracy")
    found = read(desk)
    low, high = found["winner"]["interval"]
    own = next(line["interval"] for line in found["candidates"] if line["name"] == "method=full")
    assert low < own[0] < own[1] < high
    assert f"(95 % interval {low:.3f} to {high:.3f}, corrected for choosing among 3)" in found["verdict"]


def test_where_limits_leave_one_there_was_no_choice(write: Write, desk: Desk) -> None:
    select(limited(write), desk=desk, best="route.accuracy", limit={"latency_p95_ms": 102})
    found = read(desk)
    own = next(line["interval"] for line in found["candidates"] if line["name"] == "rank=4")
    assert (found["winner"]["interval"], found["winner"]["among"]) == (pytest.approx(own), 1)
    assert "corrected" not in found["verdict"]


def test_the_report_holds_what_compare_says(write: Write, desk: Desk) -> None:
    select(grid(write), desk=desk, best="route.accuracy", confidence=0.9)
    found = read(desk)
    systems = {
        "method=head": np.array([right(0.5, 20 + seed) for seed in range(3)]),
        "method=lora rank=4": np.array([right(0.75, 10 + seed) for seed in range(3)]),
        "method=full": np.array([right(0.9, seed) for seed in range(3)]),
    }
    expected = compare(systems, confidence=0.9)
    assert found["items"] == ITEMS
    assert [line["second"] for line in found["differences"]] == ["method=lora rank=4", "method=head"]
    for line in found["differences"]:
        pair = expected.of("method=full", line["second"])
        assert (line["low"], line["high"], line["p_corrected"]) == (pair.low, pair.high, pair.p_corrected)
        assert line["verdict"] == pair.verdict
    for line in found["candidates"]:
        alone = expected.systems[line["name"]]
        assert (line["mean"], line["interval"]) == (alone.mean, [alone.low, alone.high])
        assert [run["mean"] for run in line["runs"]] == pytest.approx(systems[line["name"]].mean(axis=1))
    assert found["metrics"] == {"route.accuracy": expected.systems["method=full"].mean}


def test_the_order_of_the_reports_does_not_matter(write: Write, desk: Desk, tmp_path: Path) -> None:
    reports = grid(write)
    select(reports, desk=desk, best="route.accuracy")
    other = Desk(tmp_path / "second", desk.scratch, never, lambda *_: None)
    other.output.mkdir()
    select(reports[::-1], desk=other, best="route.accuracy")
    assert (desk.output / "report.json").read_bytes() == (other.output / "report.json").read_bytes()
    text = (desk.output / "report.json").read_text()
    assert text == json.dumps(json.loads(text), sort_keys=True, indent=2) + "\n"


def test_the_test_score_never_chooses_the_run(write: Write, desk: Desk) -> None:
    reports = [
        write({"seed": 0}, right(0.6, 0), validation=0.9),
        write({"seed": 1}, right(0.95, 1), validation=0.1),
    ]
    select(reports, desk=desk, best="route.accuracy")
    assert read(desk)["winner"]["cell"] == {"seed": 0}


def test_without_validation_the_first_run_is_taken_and_said(write: Write, desk: Desk) -> None:
    select([write({"seed": seed}, right(0.8, seed)) for seed in (2, 0, 1)], desk=desk, best="route.accuracy")
    assert read(desk)["winner"]["cell"] == {"seed": 0}
    assert read(desk)["winner"]["because"] == "the first of 3 runs: none has a validation score"


def test_a_validation_score_of_zero_is_a_score(write: Write, desk: Desk) -> None:
    reports = [write({"seed": 0}, right(0.8, 0)), write({"seed": 1}, right(0.8, 1), validation=0.0)]
    select(reports, desk=desk, best="route.accuracy")
    assert read(desk)["winner"]["cell"] == {"seed": 1}


def test_one_seed_each_is_said_with_any_number_of_candidates(write: Write, desk: Desk) -> None:
    select(
        [write({"rank": rank}, right(0.5 + rank / 20, rank)) for rank in (2, 4, 8)], desk=desk, best="route.accuracy"
    )
    assert read(desk)["verdict"].endswith("one seed each: variation over seeds is not measured and may undo this")


def test_seeds_are_ordered_by_their_size(write: Write, desk: Desk) -> None:
    select([write({"seed": seed}, right(0.5, seed)) for seed in (10, 2)], desk=desk, best="route.accuracy")
    assert [run["cell"]["seed"] for run in read(desk)["candidates"][0]["runs"]] == [2, 10]


def test_one_candidate_has_nothing_to_be_compared_with(write: Write, desk: Desk) -> None:
    select([write({}, right(0.8, 0), weights="abcdefghijklmnop")], desk=desk, best="route.accuracy")
    found = read(desk)
    assert found["verdict"].endswith("; there is nothing to compare it with")
    assert (found["differences"], found["winner"]["because"]) == ([], "the only run")
    assert found["winner"]["name"] == "weights digest of ab"


def test_of_two_candidates_the_verdict_is_that_of_the_pair(write: Write, desk: Desk) -> None:
    reports = [write({"rank": rank, "seed": s}, right(0.8, 7 * rank + s)) for rank in (4, 8) for s in range(3)]
    select(reports, desk=desk, best="route.accuracy")
    found = read(desk)
    assert "no difference shown between rank=" in found["verdict"]
    assert found["verdict"].endswith(found["differences"][0]["verdict"])


# ---- candidates ----


def test_over_says_what_is_averaged(write: Write, desk: Desk) -> None:
    cells = [{"rank": rank, "fold": fold, "seed": seed} for rank in (4, 8) for fold in (0, 1) for seed in (0, 1)]
    reports = [write(cell, right(0.8, index)) for index, cell in enumerate(cells)]
    select(reports, desk=desk, best="route.accuracy", over=["seed", "fold"])
    found = read(desk)
    assert sorted(line["name"] for line in found["candidates"]) == ["rank=4", "rank=8"]
    assert [len(line["runs"]) for line in found["candidates"]] == [4, 4]
    assert found["differences"][0]["seeds"] == [4, 4]


def test_without_seeds_every_report_is_a_candidate(write: Write, desk: Desk) -> None:
    reports = [write({"rank": rank}, right(0.8, rank)) for rank in (2, 4, 8)]
    select(reports, desk=desk, best="route.accuracy")
    assert len(read(desk)["candidates"]) == 3
    assert "variation over seeds is not measured" in read(desk)["differences"][0]["verdict"]


def test_of_equal_means_the_one_that_trains_less_leads(write: Write, desk: Desk) -> None:
    scores = right(0.8, 0)
    reports = [write({"rank": 16}, scores, trainable=1600), write({"rank": 4}, scores, trainable=400)]
    select(reports, desk=desk, best="route.accuracy")
    assert read(desk)["winner"]["name"] == "rank=4"


def test_a_cheaper_candidate_that_is_as_good_is_named_and_does_not_win(write: Write, desk: Desk) -> None:
    reports = []
    for seed in range(3):
        scores = right(0.82, seed)
        reports += [
            write({"method": "full", "seed": seed}, scores, trainable=50_000),
            write({"method": "lora", "seed": seed}, spoiled(scores, 2), trainable=5000),
            write({"method": "head", "seed": seed}, spoiled(scores, 120), trainable=50),
        ]
    select(reports, desk=desk, best="route.accuracy")
    found = read(desk)
    assert found["winner"]["name"] == "method=full"
    assert found["notes"] == ["method=lora trains 10x fewer parameters than method=full and no difference was shown"]
    assert found["verdict"].endswith("): better than method=head; no difference shown to method=lora")


def test_a_base_that_trains_nothing_is_named_too(write: Write, desk: Desk) -> None:
    scores = right(0.8, 0)
    reports = [
        write({"method": "none"}, spoiled(scores, 2), trainable=0),
        write({"method": "lora"}, scores, trainable=9),
    ]
    select(reports, desk=desk, best="route.accuracy")
    found = read(desk)
    assert found["winner"]["name"] == "method=lora"
    assert found["notes"] == ["method=none trains no parameters and no difference to method=lora was shown"]


# ---- limits ----


def limited(write: Write) -> list[Report]:
    return [
        write(
            {"rank": rank, "seed": seed},
            right(rate, rank + seed),
            trainable=1000 * rank,
            metrics={"latency_p95_ms": ms + seed},
        )
        for rank, rate, ms in ((16, 0.95, 300.0), (8, 0.8, 200.0), (4, 0.6, 100.0))
        for seed in (0, 1)
    ]


def test_a_limit_is_an_upper_bound_for_every_run(write: Write, desk: Desk) -> None:
    select(limited(write), desk=desk, best="route.accuracy", limit={"latency_p95_ms": 201})
    found = read(desk)
    assert found["winner"]["name"] == "rank=8"
    assert found["notes"] == ["rank=16 is out: latency_p95_ms is 301, and the limit is 201"]
    out = next(line for line in found["candidates"] if line["name"] == "rank=16")
    assert (out["within_limits"], out["interval"], out["limits"]) == (False, None, {"latency_p95_ms": 301})
    assert [line["second"] for line in found["differences"]] == ["rank=4"]


def test_one_run_above_the_limit_is_enough(write: Write, desk: Desk) -> None:
    select(limited(write), desk=desk, best="route.accuracy", limit={"latency_p95_ms": 200})
    assert read(desk)["winner"]["name"] == "rank=4"


def test_parameters_can_be_limited(write: Write, desk: Desk) -> None:
    select(limited(write), desk=desk, best="route.accuracy", limit={"parameters.trainable": 4000})
    assert read(desk)["winner"]["name"] == "rank=4"


def test_another_report_about_the_same_weights_can_hold_what_is_limited(write: Write, desk: Desk) -> None:
    """As benchmark does, for one seed of each candidate and with keys of its own."""
    reports = [write({"rank": rank, "seed": s}, right(rate, s)) for rank, rate in ((8, 0.9), (4, 0.6)) for s in (0, 1)]
    for rank, latency in ((8, 90.0), (4, 30.0)):
        name = json.dumps({"rank": rank, "seed": 0}, sort_keys=True)
        cell = {"rank": rank, "seed": 0, "batch": 32}
        reports.append(write(cell, None, metrics={"latency_p95_ms": latency}, weights=name))
    select(reports, desk=desk, best="route.accuracy", limit={"latency_p95_ms": 50})
    assert read(desk)["winner"]["name"] == "rank=4"


def test_what_was_not_measured_is_not_within_a_limit(write: Write, desk: Desk) -> None:
    reports = [write({"rank": 8}, right(0.9, 0)), write({"rank": 4}, right(0.5, 1), metrics={"latency_p95_ms": 10.0})]
    select(reports, desk=desk, best="route.accuracy", limit={"latency_p95_ms": 50})
    found = read(desk)
    assert found["winner"]["name"] == "rank=4"
    assert found["notes"] == ["rank=8 is out: latency_p95_ms was not measured, and the limit is 50"]


def test_no_candidate_within_the_limits_is_a_mistake_with_values(write: Write, desk: Desk) -> None:
    with pytest.raises(UserError) as error:
        select(limited(write), desk=desk, best="route.accuracy", limit={"latency_p95_ms": 50})
    assert "no candidate is within the limits" in str(error.value)
    for line in ("rank=16 is out: latency_p95_ms is 301", "rank=8 is out", "rank=4 is out: latency_p95_ms is 101"):
        assert line in str(error.value)
    assert list(desk.output.iterdir()) == []


# ---- mistakes ----


def test_a_misspelt_metric_is_told_its_name(write: Write, desk: Desk) -> None:
    with pytest.raises(UserError, match=r"Did you mean 'route\.accuracy'"):
        select(grid(write), desk=desk, best="route.acuracy")


def test_a_misspelt_limit_is_told_its_name(write: Write, desk: Desk) -> None:
    with pytest.raises(UserError, match="Did you mean 'latency_p95_ms'"):
        select(limited(write), desk=desk, best="route.accuracy", limit={"latency_p95": 3})


@pytest.mark.parametrize("other", [{"labels": "another"}, {"fewer": True}])
def test_other_items_are_not_compared(write: Write, desk: Desk, other: dict[str, Any]) -> None:
    scores = right(0.8, 1)[: ITEMS - 1] if other.pop("fewer", False) else right(0.8, 1)
    reports = [write({"rank": 4}, right(0.8, 0)), write({"rank": 8}, scores, **other)]
    with pytest.raises(UserError, match="rank=8 was not evaluated on the same items of 'route'"):
        select(reports, desk=desk, best="route.accuracy")


def test_two_reports_of_one_cell_are_not_two_candidates(write: Write, desk: Desk) -> None:
    reports = [write({}, right(0.8, 0), weights="one"), write({}, right(0.8, 1), weights="two")]
    with pytest.raises(UserError, match="two reports are about the same cell: no grid"):
        select(reports, desk=desk, best="route.accuracy")


def test_a_metric_without_items_cannot_be_compared(write: Write, desk: Desk) -> None:
    reports = [write({"rank": 4}, None, metrics={"route.accuracy": 0.9})]
    with pytest.raises(UserError, match=r"holds route\.accuracy for no single item"):
        select(reports, desk=desk, best="route.accuracy")


def test_an_item_without_a_score_cannot_be_compared(write: Write, desk: Desk) -> None:
    scores = right(0.8, 0)
    scores[5] = float("nan")
    with pytest.raises(UserError, match="rank=4 has items without a score"):
        select([write({"rank": 4}, scores)], desk=desk, best="route.accuracy")


def test_its_signature_is_the_schema_of_a_recipe() -> None:
    signature = signatures.of_step("select")
    assert [(i.name, i.kind, i.gathers, i.optional) for i in signature.inputs] == [("reports", "report", True, False)]
    assert set(signature.parameters) == {"best", "over", "confidence", "limit"}
    assert registry.load("step", "select").options["output"] == "report"
    given = {"best": "route.accuracy", "limit": {"latency_p95_ms": 250}}
    assert signatures.bind_step("select", given, Path()) == {
        "best": "route.accuracy",
        "limit": {"latency_p95_ms": 250.0},
    }
    with pytest.raises(UserError, match="confidence"):
        signatures.bind_step("select", {"best": "x", "confidence": "high"}, Path())
