from __future__ import annotations

import math

import pytest

from adaptline.core.demands import Demand, above, at_least, between, needs
from adaptline.errors import UserError


@pytest.mark.parametrize(
    ("demand", "inside", "outside", "words"),
    [
        (at_least(1), [1, 2.5, 1e300], [0, 0.999, -1, math.nan, math.inf], "of at least 1"),
        (above(0), [1e-300, 1], [0, -1, math.nan, math.inf], "above 0"),
        (between(1, 1_000_000), [1, 1_000_000], [0, 1_000_001, math.inf], "from 1 to 1,000,000"),
        (between(0, 1), [0, 0.5, 1], [-1e-9, 1.1, math.nan], "from 0 to 1"),
        (between(0, 1, low_too=False), [0.1, 1], [0, 2], "above 0 to 1"),
        (between(0, 1, high_too=False), [0, 0.9], [1, -1], "from 0 to below 1"),
        (between(0, 1, low_too=False, high_too=False), [0.5], [0, 1], "above 0 to below 1"),
    ],
)
def test_numbers(demand: Demand, inside: list[float], outside: list[float], words: str) -> None:
    assert all(demand.holds(value) for value in inside)
    assert not any(demand.holds(value) for value in outside)
    assert demand.words == words


def test_a_missing_package_is_told_with_the_extra_that_brings_it() -> None:
    needs("json", extra="train")
    with pytest.raises(UserError, match="no_such_package_1, which is not installed") as told:
        needs("json", "no_such_package_1", extra="train")
    assert told.value.do == "pip install 'adaptline[train]'"
