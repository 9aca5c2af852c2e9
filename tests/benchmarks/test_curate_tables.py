from __future__ import annotations

from dataclasses import replace

from scoring import BOUNDS, Pair, score
from tables import Result, bin_names, costs, markdown, quality
from watching import Cost

OURS = Result("adaptline", Cost(wall_seconds=4, cpu_seconds=2, memory_mb=300), 1.0, score({1}, [Pair(1, 0, 1.0)], {1}))
PEER = Result("peer", Cost(wall_seconds=10, cpu_seconds=8, memory_mb=1200.4), 2.5, score({2}, [Pair(1, 0, 1.0)], set()))


def test_rates_and_ratios() -> None:
    lines = costs([OURS, PEER], 1000, 16, "adaptline").splitlines()
    assert len(lines) == 4
    assert lines[2] == "| adaptline | 2.0 | 500 | 8.00 | 4.0 | 300 | 1.00 | 1.00 | 1.0 |"
    assert lines[3] == "| peer | 8.0 | 125 | 2.00 | 10.0 | 1,200 | 4.00 | 2.50 | 2.5 |"


def test_without_ours_there_are_no_ratios() -> None:
    assert (
        costs([PEER], 1000, 16, "adaptline").splitlines()[2] == "| peer | 8.0 | 125 | 2.00 | 10.0 | 1,200 |  |  | 2.5 |"
    )


def test_every_bin_has_a_name() -> None:
    assert bin_names()[0] == "under 0.5"
    assert bin_names()[3] == "0.7 to 0.75"
    assert len(bin_names()) == len(BOUNDS)


def test_bins_without_pairs_are_empty_and_the_unscored_are_left_out() -> None:
    lines = quality([OURS, PEER, replace(PEER, name="chain", score=None)]).splitlines()
    assert [line.count("|") for line in lines] == [len(BOUNDS) + 6] * 5
    assert lines[2].startswith("| planted pairs | 0 | 0 |")
    assert lines[3].endswith("|  | 1.000 | 1.0000 | 1.0000 | 1 | 0 |")
    assert lines[4].endswith("|  | 0.000 | 0.0000 | 0.0000 | 1 | 1 |")
    assert quality([replace(PEER, score=None)]) == ""


def test_markdown() -> None:
    assert markdown(["", "n"], [["a", "1"]]) == "|  | n |\n| --- | ---: |\n| a | 1 |"
