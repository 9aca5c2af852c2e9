from __future__ import annotations

import pytest

from adaptline.core import registry
from adaptline.evals.metrics.exact_match import exact_match


@pytest.mark.parametrize(
    ("said", "accepted", "compare", "expected"),
    [
        ("The Tin  Cherry!", ["tin cherry"], "squad", 1.0),
        ("a tin cherry tree", ["tin cherry"], "squad", 0.0),
        ("no", ["yes", "No."], "squad", 1.0),
        ("so he has 1,018 left", ["He adds.\n#### 1018"], "last_number", 1.0),
        ("it is 18.0", ["#### 18"], "last_number", 1.0),
        ("12 eggs, or 13", ["#### 12"], "last_number", 0.0),
        ("no number", ["none either"], "last_number", 0.0),
        ("-.5", ["-0.5"], "last_number", 1.0),
        ("No", ["no"], "none", 0.0),
        ("no", [], "squad", 0.0),
    ],
)
def test_what_counts_as_the_same(said: str, accepted: list[str], compare: str, expected: float) -> None:
    assert exact_match([said], [accepted], compare=compare) == [expected]  # type: ignore[arg-type]


def test_its_signature() -> None:
    assert registry.load("metric", "exact_match").options["signature"]([["a"]]) == "exact_match|any-ref|compare:squad"
