"""The best of like rows stays: by its length or a filter's score, with its price told, and mistakes told early."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import adaptline as al
from adaptline.core.rows import Ref
from adaptline.core.store import Store
from adaptline.data import settled

LONG = "please book a table for two people tonight at eight, by the window, and tell us when it is done"
TEXTS = [f"{LONG} ok", f"{LONG} ok 12345", "where is my order?", f"{LONG} ok 123"]
MINE = "import adaptline as al\n\n@al.filter(version=1)\ndef few(texts: list[str]) -> list[float]:\n    return [-float(len(text)) for text in texts]\n"


def recipe(folder: Path, do: str, texts: list[str] = TEXTS) -> Path:
    (folder / "mine.py").write_text(MINE)
    (folder / "a.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    text = '[raw]\nstep = "ingest"\nfiles = "a.jsonl"\n[clean]\nstep = "curate"\nfrom = "raw"\n'
    (folder / "recipe.toml").write_text(f"{text}do = [{do}]\n")
    return folder / "recipe.toml"


def dropped(path: Path) -> tuple[list[tuple[int, int]], dict[str, Any]]:
    """(row, the kept row that it is dropped for) of the last method, and what is known of it."""
    al.run(path)
    store = Store.open(path.parent / ".adaptline")
    manifest = store.manifest(store.refs("recipe")["clean"][0]["key"])
    assert manifest is not None
    method = manifest["detail"]["methods"][-1]
    key, digest, rows = method["matches"]
    found = store.read(Ref(key, digest, rows)).to_pylist()
    return [(line["row"], line["of_row"]) for line in found], method


@pytest.mark.parametrize(
    ("do", "wanted"),
    [
        ('"minhash"', [(1, 0), (3, 0)]),
        ('{ use = "minhash", best = "length" }', [(0, 1), (3, 1)]),
        ('{ use = "minhash", best = "-length" }', [(1, 0), (3, 0)]),
        ('{ use = "length", unit = "words" }, { use = "minhash", best = "length" }', [(0, 1), (3, 1)]),
        ('"./mine.py:few", { use = "minhash", best = "./mine.py:few" }', [(1, 0), (3, 0)]),
        ('"./mine.py:few", { use = "minhash", best = "-./mine.py:few" }', [(0, 1), (3, 1)]),
        (
            f'{{ use = "./mine.py:few", min = -{len(LONG) + 8} }}, {{ use = "minhash", best = "-./mine.py:few" }}',
            [(0, 3)],
        ),
    ],
)
def test_a_recipe_keeps_the_best(tmp_path: Path, do: str, wanted: list[tuple[int, int]]) -> None:
    assert dropped(recipe(tmp_path, do))[0] == wanted


def test_an_append_may_take_the_place_of_a_kept_row_and_nothing_is_settled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settled, "GROUP", 1)
    do = '{ use = "minhash", best = "length" }'
    before, method = dropped(recipe(tmp_path, do))
    assert (before, method["settled"]) == ([(0, 1), (3, 1)], [])
    assert dropped(recipe(tmp_path, '"minhash"'))[1]["settled"] != []
    after, method = dropped(recipe(tmp_path, do, [*TEXTS, f"{LONG} ok 1234567"]))
    assert (after, method["settled"]) == ([(0, 4), (1, 4), (3, 4)], [])


def test_the_plan_tells_the_price(tmp_path: Path) -> None:
    (_, planned) = al.plan(recipe(tmp_path, '{ use = "minhash", best = "length" }'))
    assert "minhash keeps the best by 'length': appended rows may take the place" in planned.notes[0]
    (_, planned) = al.plan(recipe(tmp_path, '"minhash"'))
    assert planned.notes == ()


@pytest.mark.parametrize(
    ("do", "told"),
    [
        ('{ use = "minhash", best = "lenght" }', "or be 'length', not 'lenght'\n.*Did you mean 'length'"),
        ('"language", { use = "minhash", best = "language" }', "that gives numbers, or be 'length', not 'language'"),
        ('{ use = "minhash", best = "few" }, "./mine.py:few"', "must name a filter before minhash"),
        ('{ use = "minhash", best = 3 }', "best of minhash must be a string"),
        ('{ use = "exact", best = "length" }', "best is not a parameter of exact"),
    ],
)
def test_mistakes_are_told_before_any_work(tmp_path: Path, do: str, told: str) -> None:
    with pytest.raises(al.UserError, match=told):
        al.plan(recipe(tmp_path, do))
