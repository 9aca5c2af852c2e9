"""Which rows a person looks at: every kind of them, the same ones each time, and no row twice."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import lines
import pytest

from adaptline.core import moves
from adaptline.core import recipe as recipes
from adaptline.core.history import History
from adaptline.core.run import run
from adaptline.core.store import Store
from adaptline.data import opinions, sampling

RECIPE = """
[raw]
step  = "ingest"
files = ["data/*.jsonl"]
[clean]
step = "curate"
from = "raw"
do   = [{ use = "length", min = 20 }, { use = "share", of = "letter", min = 0.8 }, "exact", { use = "length", max = 60 }]
"""


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("line")
    path = lines.make(folder, files=2, rows=80, recipe=RECIPE)
    lines.write(folder / "data" / "marks.jsonl", [{"text": f"?!?! {i} ?!?!?! 1234 5678 !?!?"} for i in range(6)])
    run(path)
    history = History.open(Store.open(folder / ".adaptline"), "recipe", [t.name for t in recipes.read(path).tables])
    return history.store, history.manifests["clean"][0]


Judged = tuple[Store, dict[str, Any]]


def test_every_kind_of_row_is_there_and_no_row_twice(judged: Judged) -> None:
    picks = sampling.sample(*judged, 60)
    kinds = Counter(pick.stratum for pick in picks)
    assert len({(pick.shard, pick.position) for pick in picks}) == len(picks) == 60
    assert kinds[sampling.KEPT] >= 15
    assert {"dropped by exact", sampling.DISAGREED, "near a bound of length", "near a bound of share"} <= kinds.keys()
    assert sum(count for kind, count in kinds.items() if kind.startswith("dropped")) >= 15


def test_the_strata_say_the_truth(judged: Judged) -> None:
    store, manifest = judged
    fates, names = opinions.fates(store, manifest), moves.rules(manifest)
    assert names == ["length", "share", "exact", "length#2"]
    for pick in sampling.sample(store, manifest, 60):
        fate = int(fates[pick.shard][pick.position])
        if pick.stratum == sampling.KEPT:
            assert fate == len(names)
        elif pick.stratum.startswith("dropped by "):
            assert pick.stratum == f"dropped by {names[fate]}"


def test_it_is_the_same_for_a_seed_and_another_for_another(judged: Judged) -> None:
    assert sampling.sample(*judged, 30, seed=3) == sampling.sample(*judged, 30, seed=3)
    assert sampling.sample(*judged, 30, seed=3) != sampling.sample(*judged, 30, seed=4)


def test_a_sample_larger_than_the_data_is_all_of_it(judged: Judged) -> None:
    store, manifest = judged
    total = sum(int((fate >= 0).sum()) for fate in opinions.fates(store, manifest))
    assert len(sampling.sample(store, manifest, 10_000)) == total
    assert sampling.sample(store, manifest, 0) == []


@pytest.mark.parametrize(
    ("sizes", "count", "given"),
    [([10, 10, 10], 9, [3, 3, 3]), ([1, 10, 10], 9, [1, 4, 4]), ([0, 2], 9, [0, 2]), ([5, 5], 3, [2, 1]), ([], 4, [])],
)
def test_what_one_lacks_the_others_have(sizes: list[int], count: int, given: list[int]) -> None:
    assert sampling.shared_out(sizes, count) == given


def test_a_filter_judges_rows_that_others_dropped(judged: Judged) -> None:
    store, manifest = judged
    said = {one.name: one for one in opinions.opinions(store, manifest)}
    assert said["share"].judged.sum() == 166
    assert (said["share"].out & said["length"].out).any()
    assert said["share"].out.sum() >= 6


def test_a_row_and_its_children_are_one_place_and_the_row_is_shown(tmp_path: Path) -> None:
    more = '[more]\nstep = "augment"\nfrom = "raw"\ndo = [{ use = "noise", share = 1.0, swap = 0.2, copies = 2 }]\n'
    recipe = RECIPE.replace("[clean]", f"{more}[clean]").replace('from = "raw"\ndo   =', 'from = "more"\ndo   =')
    path = lines.make(tmp_path, files=2, rows=20, recipe=recipe)
    run(path)
    history = History.open(Store.open(tmp_path / ".adaptline"), "recipe", ["raw", "more", "clean"])
    store, manifest, raw = history.store, history.manifests["clean"][0], history.manifests["raw"][0]
    given = [shard["text"][1] for shard in raw["shards"]]
    shards = [shard["text"] for shard in manifest["shards"]]
    assert sum(size for _, _, size in shards) > 60
    picks = sampling.sample(store, manifest, 1000)
    assert len(picks) == 40
    assert {shards[pick.shard][1] for pick in picks} == set(given)


@pytest.mark.parametrize("count", [1, 60, 100, 230, 300])
def test_the_sample_has_as_many_rows_as_are_asked_for_or_there_are(tmp_path: Path, count: int) -> None:
    texts = [*("x" * (21 + 10 * (i > 0) + i) for i in range(200)), *("x" * 19 for _ in range(30))]
    lines.write(tmp_path / "rows.jsonl", [{"text": text} for text in texts])
    path = tmp_path / "recipe.toml"
    rule = 'step = "curate"\nfrom = "raw"\ndo = [{ use = "length", min = 20 }]\n'
    path.write_text(f'[raw]\nstep = "ingest"\nfiles = "rows.jsonl"\n[clean]\n{rule}')
    run(path)
    history = History.open(Store.open(tmp_path / ".adaptline"), "recipe", ["raw", "clean"])
    picks = sampling.sample(history.store, history.manifests["clean"][0], count)
    assert len({(pick.shard, pick.position) for pick in picks}) == len(picks) == min(count, 230)
