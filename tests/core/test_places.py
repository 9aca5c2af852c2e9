"""Lines of tables and keys in TOML: known recipes, and generated ones in every layout that TOML allows."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptline.core.places import line_of

RECIPE = '''\
seed = 3                                   # [clean] outside
"quoted" = 4
[raw]
step  = "ingest"   # do = 1
files = ["data/*.jsonl",
         "more/*.jsonl"]
# do = 3
note = """
[clean]
do = "nothing" """"

[ clean ]
step = "curate"
from = "raw"
do   = [
    "exact",
    { use = "length", min = 20 },
    { use = "minhash", threshold = 0.8, min = 3 },
    [1],
    { use = "./mine.py:polite", min = 0.2 },
]
[clean.where]
seed = 0

["adapters"]
step = "train"
each = { method = ["lora"], "minhash.threshold" = [0.7], seed = [0] }
rank = 8
seed = 1
by.x = 1
[[tables.each]]
rank = [8]
[[tables.each]]
alpha = [8]
'''


def test_the_recipe_of_these_tests_is_toml() -> None:
    assert list(tomllib.loads(RECIPE)) == ["seed", "quoted", "raw", "clean", "adapters", "tables"]


@pytest.mark.parametrize(
    ("table", "path", "line"),
    [
        ("raw", None, 3),
        ("raw", "step", 4),
        ("raw", "files", 5),
        ("raw", ("files", "data/*.jsonl"), 5),
        ("raw", ("files", "more/*.jsonl"), 6),
        ("raw", "do", 3),
        ("clean", None, 12),
        ("clean", (), 12),
        ("clean", "nothing", 12),
        ("clean", "do", 15),
        ("clean", ("do", "exact"), 16),
        ("clean", ("do", "length", "min"), 17),
        ("clean", ("do", "minhash", "min"), 18),
        ("clean", ("do", "minhash", "gone"), 18),
        ("clean", ("do", "./mine.py:polite", "min"), 20),
        ("clean", "where", 22),
        ("clean", ("where", "seed"), 23),
        ("adapters", None, 25),
        ("adapters", "method", 27),
        ("adapters", ("each", "minhash.threshold"), 27),
        ("adapters", "threshold", 27),
        ("adapters", "seed", 29),
        ("adapters", ("method", "lora", "rank"), 28),
        ("adapters", ("rank", "lora"), 27),
        ("adapters", "x", 30),
        ("tables", None, 31),
        ("tables", "alpha", 34),
        ("gone", None, None),
        ("gone", "seed", None),
        (None, "seed", 1),
        (None, "quoted", 2),
    ],
)
def test_known_places(table: str | None, path: str | tuple[str, ...] | None, line: int | None) -> None:
    assert line_of(RECIPE, table, path) == line


def test_nothing_stands_in_an_empty_text() -> None:
    assert line_of("", "raw") is None
    assert line_of("", None, "seed") is None


NAMES = st.text("abcxyz_-019", min_size=1, max_size=3)
SCALARS = st.integers(0, 99) | st.booleans() | st.floats(0, 9) | st.text("ab#[]{}=,.'\\\" \n", max_size=8)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
LAYOUT = st.sampled_from(["", "\n", "# [abc]\n", '#x = 1, "\n\n', "  "])


def written(value: Any, breaks: bool) -> str:
    """A value as TOML; lists over several lines where `breaks`."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {written(entry, False)}" for name, entry in value.items()) + "}"
    if isinstance(value, list):
        glue = "\n  # [a] = {\n  " if breaks else " "
        return "[" + glue + ("," + glue).join(written(entry, breaks) for entry in value) + "]"
    return f"{value:.3f}" if isinstance(value, float) else json.dumps(value)


@given(
    st.dictionaries(NAMES, st.dictionaries(NAMES, VALUES, max_size=4), min_size=1, max_size=4),
    st.lists(LAYOUT, min_size=1, max_size=8),
    st.booleans(),
    st.sampled_from([str, json.dumps, lambda name: f"'{name}'"]),
)
def test_every_table_and_key_of_a_generated_text_is_found(
    tables: dict[str, dict[str, Any]], layout: list[str], breaks: bool, quote: Any
) -> None:
    text = ""
    expected: dict[tuple[str, str | None], int | None] = {}
    for i, (table, entries) in enumerate(tables.items()):
        text += layout[i % len(layout)]
        expected[table, None] = text.count("\n") + 1
        text += f"[{quote(table)}]  # {table}\n"
        for j, (name, value) in enumerate(entries.items()):
            text += layout[(i + j) % len(layout)]
            expected[table, name] = text.count("\n") + 1
            text += f"{quote(name)} = {written(value, breaks)}\n"
    assert set(tomllib.loads(text)) == set(tables)
    assert {place: line_of(text, *place) for place in expected} == expected


def test_the_fraction_of_a_number_is_no_key() -> None:
    text = "[a]\nx = 0.5\n5 = 1\ny.5 = 2\n"
    assert line_of(text, "a", "5") == 3
    assert line_of("[a]\nx = 0.0\n0 = []\n", "a", "0") == 3
