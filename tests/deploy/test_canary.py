"""A million users: the split is the percentage, nobody moves back, and another salt is another draw."""

from __future__ import annotations

import itertools
import math
import timeit
from hashlib import blake2b

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptline.deploy.canary import takes_canary

USERS = 1_000_000
PERCENTAGES = (1, 5, 20, 50, 99.9)


@pytest.fixture(scope="module")
def arms() -> dict[float, np.ndarray]:
    """Percentage -> who of a million takes the canary."""
    users = [f"user-{number}" for number in range(USERS)]
    return {p: np.array([takes_canary(user, "a salt", p) for user in users]) for p in PERCENTAGES}


def test_the_split_is_the_percentage_within_four_sigma(arms: dict[float, np.ndarray]) -> None:
    for percent, takes in arms.items():
        share = percent / 100
        assert abs(takes.sum() - USERS * share) < 4 * math.sqrt(USERS * share * (1 - share)), percent


def test_nobody_moves_back_as_the_percentage_grows(arms: dict[float, np.ndarray]) -> None:
    for smaller, larger in itertools.pairwise(PERCENTAGES):
        assert not (arms[smaller] & ~arms[larger]).any()


def test_another_salt_is_an_independent_draw(arms: dict[float, np.ndarray]) -> None:
    """Chi-square of the two-by-two table of two rollouts at 20 %: one degree of freedom, below its 99.99 % point."""
    first = arms[20]
    second = np.array([takes_canary(f"user-{number}", "another salt", 20) for number in range(USERS)])
    observed = np.array(
        [[(first & second).sum(), (first & ~second).sum()], [(~first & second).sum(), (~first & ~second).sum()]]
    )
    expected = np.outer(observed.sum(1), observed.sum(0)) / USERS
    assert ((observed - expected) ** 2 / expected).sum() < 15.14


@given(st.text(), st.text(max_size=16), st.floats(0, 100), st.floats(0, 100))
def test_it_is_sticky_and_monotone(unit: str, salt: str, one: float, other: float) -> None:
    smaller, larger = sorted((one, other))
    assert takes_canary(unit, salt, smaller) == takes_canary(unit, salt, smaller)
    assert takes_canary(unit, salt, smaller) <= takes_canary(unit, salt, larger)
    assert not takes_canary(unit, salt, 0)
    assert takes_canary(unit, salt, 100)


def test_the_ends_of_the_scale_hold_for_the_outermost_places() -> None:
    """Of places near 0 and near 2**64, found by search, nothing is lost to rounding."""
    places = sorted(
        (int.from_bytes(blake2b(b"%d" % n, digest_size=8, key=b"s").digest(), "big"), n) for n in range(20000)
    )
    (lowest, first), (highest, last) = places[0], places[-1]
    assert not takes_canary(str(first), "s", 0)
    assert takes_canary(str(last), "s", 100)
    assert takes_canary(str(first), "s", 100 * (lowest + 2**20) / 2**64)
    assert not takes_canary(str(last), "s", 100 * (highest - 2**20) / 2**64)


def test_where_a_salt_ends_and_a_unit_begins_makes_a_difference() -> None:
    at = (
        [(f"{n}a", "b") for n in range(2000)],
        [(f"{n}", "ab") for n in range(2000)],
        [(f"{n}ab", "") for n in range(2000)],
    )
    draws = [[takes_canary(unit, salt, 50) for unit, salt in pairs] for pairs in at]
    assert all(
        850 < sum(one == other for one, other in zip(draws[i], draws[j], strict=True)) < 1150
        for i, j in ((0, 1), (0, 2), (1, 2))
    )


def test_any_unit_has_a_place() -> None:
    assert takes_canary("\ud800", "salt", 100)
    assert takes_canary("", "", 100)


def test_it_is_quick() -> None:
    """A request waits for it. The bound is loose; 0.74 microseconds were measured on one core of a server."""
    best = min(
        timeit.repeat(
            lambda: takes_canary("user-1234567", "0123456789abcdef0123456789abcdef", 5), number=20_000, repeat=5
        )
    )
    assert best / 20_000 < 5e-6
