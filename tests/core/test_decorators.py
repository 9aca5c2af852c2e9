"""A decorator keeps what it is told, and leaves the function as it is."""

from __future__ import annotations

import pyarrow as pa
import pytest

from adaptline.core import registry
from adaptline.core.registry import Method


def test_the_decorators_keep_what_they_are_told() -> None:
    def sketch(texts: pa.StringArray) -> None: ...
    def cut() -> None: ...
    def one(texts: list[str]) -> None: ...

    def facts(mark: object) -> Method:
        found: Method = mark(one).__adaptline__  # type: ignore[operator]
        assert found.function is one
        return found

    marked = facts(registry.filter(version=2, finds=["x"], cost="high", defaults={"max": 1}))
    assert (marked.kind, marked.version, marked.finds, marked.cost) == ("filter", 2, ("x",), "high")
    assert {name: value for name, value in marked.options.items() if value} == {"defaults": {"max": 1}}
    assert marked.cost_with({}) == "high"
    dear = facts(registry.filter(version=1, cost=lambda given: "high" if given.get("model") else "low"))
    assert (dear.cost_with({}), dear.cost_with({"model": "x"})) == ("low", "high")
    assert facts(registry.classifier(version=3)).kind == "classifier"
    assert facts(registry.matcher(version=1, sketch=sketch)).sketch is sketch
    assert facts(registry.transform(version=1, finds=("y",))).finds == ("y",)
    auto = {"precision": lambda: "bf16"}
    assert (
        facts(registry.step(version=1, output="rows", auto=auto)).options.items()
        >= {"output": "rows", "auto": auto}.items()
    )
    assert facts(registry.step(version=1, output="rows")).options["auto"] == {}
    assert facts(registry.format(version=1, suffixes=[".x"], cut=cut)).options == {
        "suffixes": (".x",),
        "cut": cut,
        "write": None,
    }
    assert facts(registry.adapter(version=1, lr=0.1)).options["lr"] == 0.1
    assert (facts(registry.guard(version=2)).kind, facts(registry.guard(version=2)).version) == ("guard", 2)
    assert facts(registry.metric(version=1)).kind == "metric"
    assert facts(registry.metric(version=1)).options == {"bounds": None, "signature": None}
    found = facts(registry.metric(version=1, bounds=(0, 100), signature=str)).options
    assert found == {"bounds": (0, 100), "signature": str}
    with pytest.raises(ValueError, match="the lowest comes first"):
        registry.metric(version=1, bounds=(1, 0))
