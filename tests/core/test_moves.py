"""What moved between versions: shards compared whole give what rows compared one by one give."""

from __future__ import annotations

from pathlib import Path

import lines
import pyarrow as pa
import pytest

from adaptline.core import moves, versions
from adaptline.core.run import run
from adaptline.core.store import Store

CHANGES = {
    "a bound": ("min = 12", "min = 20"),
    "a rule that goes": ('"exact", ', ""),
    "a transform that goes": ('"unicode", ', ""),
    "splits": ("train = 0.8, validation = 0.2", "train = 0.5, validation = 0.5"),
}


@pytest.mark.parametrize("what", CHANGES)
@pytest.mark.parametrize("step", ["parts", "clean", "again"])
def test_both_ways_give_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, step: str) -> None:
    path = lines.make(tmp_path, files=2, rows=40)
    run(path)
    path.write_text(path.read_text("utf-8").replace(*CHANGES[what]), "utf-8")
    run(path)
    store = Store.open(tmp_path / ".adaptline")
    if len({entry["digest"] for entry in versions.log(store, "recipe", step)}) == 1:
        return  # the change did not reach this step
    whole = versions.diff(store, "recipe", step)
    monkeypatch.setattr(moves, "pairs", lambda *_: [])
    single = versions.diff(store, "recipe", step)
    assert {**whole, "samples": None} == {**single, "samples": None}
    assert {move: len(found) for move, found in whole["samples"].items()} == {
        move: len(found) for move, found in single["samples"].items()
    }


def test_shards_are_paired_by_what_came_in() -> None:
    def version(*came_in: str) -> dict[str, object]:
        written = [{"text": [f"k{digest}", f"after {digest}", 1]} for digest in came_in]
        method = {"use": "unicode", "texts": [[f"k{digest}", digest, 1] for digest in came_in]}
        return {"shards": written, "detail": {"methods": [method]}}

    assert moves.pairs(version("a", "b", "c"), version("c", "d", "a")) == [(2, 0), (0, 2)]
    plain = {"shards": [{"text": ["k", "a", 1]}], "detail": {}}
    assert moves.pairs(plain, version("a")) == [(0, 0)]
    assert moves.pairs(plain, version()) == []


def test_samples_are_few() -> None:
    found = moves.Moves()
    for number in range(4):
        found.add(None, "dropped by length", 3, [{"row": 3 * number + i} for i in range(3)])
    assert found.counts == {"kept -> dropped by length": 12}
    assert [sample["row"] for sample in found.samples["kept -> dropped by length"]] == [0, 1, 2, 3, 4]


def test_a_shard_without_splits_or_rules_says_nothing(tmp_path: Path) -> None:
    manifest = {"shards": [{"text": ["k", "d", 3], "split": None}], "detail": {}}
    assert moves.verdicts(Store.open(tmp_path), manifest, 0, []).equals(pa.nulls(3, pa.string()))
