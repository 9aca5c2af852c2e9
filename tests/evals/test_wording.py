"""Claims in words."""

from __future__ import annotations

import math

import numpy as np
from comparing import draw, pair

from adaptline.evals.compare import compare
from adaptline.evals.wording import seeds_in_words


def test_a_shown_difference_in_words() -> None:
    random = np.random.default_rng(0)
    first, second = random.random((6, 1000)) < 0.9, random.random((6, 1000)) < 0.8
    found = pair(first.astype(float), second.astype(float))
    assert found.verdict == (
        f"A is better than B by {100 * found.mean:.1f} points "
        f"(95 % interval {100 * found.low:.1f} to {100 * found.high:.1f}, corrected p < 0.001)"
    )


def test_no_difference_in_words() -> None:
    found = pair(draw(5, (2, 40)), draw(6, (2, 40)))
    assert found.verdict == (
        f"no difference shown between {found.first} and {found.second} ({found.mean:+.2f}, "
        f"95 % interval {found.low:.2f} to {found.high:.2f}, corrected p = {found.p:.2g})"
    )


def test_small_differences_get_the_decimals_that_they_need() -> None:
    first = 0.5 + draw(1, (2, 4000)) * 1e-3
    assert "0.00" in pair(first + 1e-4, first).verdict


def test_holm_may_show_what_the_joint_interval_leaves_open() -> None:
    """Two clear pairs free the correction of the third, whose interval is still one of three together."""
    items, noise = draw(0, (1, 300)), draw(1, (1, 300))
    edge = noise - noise.mean() + 2.2 * noise.std() / math.sqrt(300)  # p is 0.03 alone
    found = compare({"A": items + 3, "B": items + edge, "C": items}).of("B", "C")
    assert found.low < 0 < found.p_corrected < 0.05
    assert found.better
    assert "but by how much is open" in found.verdict


def test_what_single_seeds_leave_open_is_said() -> None:
    assert seeds_in_words({"A": 3, "B": 2}) == ""
    assert seeds_in_words({"A": 1, "B": 1}) == "one seed each: variation over seeds is not measured and may undo this"
    assert seeds_in_words({"A": 1, "B": 2}).startswith("A has one seed: its variation")
    assert seeds_in_words({"A": 1, "B": 1, "C": 3}).startswith("A, B have one seed: their variation")
