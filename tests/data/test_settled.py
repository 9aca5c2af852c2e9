"""Verdicts of a match that are kept by groups of shards: a run after an append starts from them."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

import adaptline as al
from adaptline.core.rows import Ref
from adaptline.core.store import Store
from adaptline.data import matching, settled
from adaptline.data.loops import neighbours

RECIPE = """
[raw]
step = "ingest"
files = ["texts.jsonl"]
[clean]
step = "curate"
from = "raw"
do = ["exact", { use = "minhash", threshold = 0.7 }]
"""


def texts(count: int, seed: int) -> list[str]:
    """Texts of which a fifth are copies, whole or nearly, of any earlier one."""
    chance = random.Random(seed)  # noqa: S311 - a corpus, not a secret
    found: list[str] = []
    for number in range(count):
        if number % 5 == 4:
            words = chance.choice(found).split()
            words[chance.randrange(len(words))] = "changed" if number % 2 else words[0]
            found.append(" ".join(words))
        else:
            found.append(" ".join(str(chance.randrange(10**6)) for _ in range(60)))
    return found


def write(folder: Path, rows: list[str]) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "recipe.toml").write_text(RECIPE)
    (folder / "texts.jsonl").write_text("".join(json.dumps({"text": row}) + "\n" for row in rows))


def cleaned(folder: Path) -> tuple[Store, dict[str, Any]]:
    al.run(folder / "recipe.toml")
    store = Store.open(folder / ".adaptline")
    manifest = store.manifest(store.refs("recipe")["clean"][0]["key"])
    assert manifest is not None
    return store, manifest


def test_after_an_append_the_match_starts_from_what_it_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = texts(24_000, 1)  # 10 MB: some shards
    write(tmp_path / "one", rows[:-200])
    cleaned(tmp_path / "one")
    walked = []
    walk = neighbours.walk

    def counted(rows: neighbours.Rows, *given: Any, fresh: int, **named: Any) -> neighbours.Found:
        walked.append(len(rows.buckets) - fresh)
        return walk(rows, *given, fresh=fresh, **named)

    monkeypatch.setattr(neighbours, "walk", counted)
    write(tmp_path / "one", rows)
    store, manifest = cleaned(tmp_path / "one")
    write(tmp_path / "other", rows)
    _, anew = cleaned(tmp_path / "other")
    assert manifest["digest"] == anew["digest"]
    assert [method["dropped"] for method in manifest["detail"]["methods"]] == [
        method["dropped"] for method in anew["detail"]["methods"]
    ]
    few, all_of_them = walked
    assert 0 < few < all_of_them / 2
    for method in manifest["detail"]["methods"]:
        refs = [Ref(*triple) for triple in method["settled"]]
        assert len(refs) == len(manifest["shards"]) // settled.GROUP > 1
        known = settled.start(store.read, refs)
        matches = store.read(Ref(*method["matches"]))
        assert known.drops.to_pylist() == [
            line for line in matches.to_pylist() if line["shard"] < len(refs) * settled.GROUP
        ]


def test_what_is_settled_survives_gc(tmp_path: Path) -> None:
    write(tmp_path / "one", texts(12_000, 2))
    store, manifest = cleaned(tmp_path / "one")
    al.gc(tmp_path / "one" / ".adaptline")
    for method in manifest["detail"]["methods"]:
        assert method["settled"]
        assert all(store.find_unit(key) for key, _, _ in method["settled"])


def test_a_link_says_all_that_stands_before_its_end() -> None:
    shards = [["sketch", "mask", number] for number in range(3 * settled.GROUP + 1)]
    found = settled.links("meaning", shards)
    assert len(found) == 3
    assert settled.links("meaning", shards[: 2 * settled.GROUP]) == found[:2]
    assert not set(map(str, settled.links("other", shards))) & set(map(str, found))
    changed = [["other"], *shards[1:]]
    assert not set(map(str, settled.links("meaning", changed))) & set(map(str, found))
    assert settled.links("meaning", shards[:-2])[:2] == found[:2]


def test_nothing_is_known_of_nothing() -> None:
    known = settled.start(lambda _: matching.SCHEMA.empty_table(), [])
    assert known.shards == 0
    assert known.drops.num_rows == 0
