from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptline.data import cutting
from adaptline.data.opening import blocks_of, items_of, open_source
from adaptline.data.reading import read_table
from adaptline.data.schemas import Columns

Put = Callable[[str, bytes | str], Path]
TEXT = Columns(text="t")


def records(path: Path) -> list[Any]:
    """Each record's fields, or why it cannot be read."""
    source = open_source(path, path.name, columns=TEXT)
    return [item.error or item.value for block in blocks_of(source) for item in items_of(block)]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("- t: a\n  n: 1\n- t: >-\n    b\n    c\n", [{"t": "a", "n": 1}, {"t": "b c"}]),
        ("# one\n---\n- t: a\n\n# two\n- t: b\n...\n", [{"t": "a"}, {"t": "b"}]),
        ("t: a\nl:\n- 1\n- x: [y]\n---\nt: b\n--- # three\n---\nt: c", [{"t": "a", "l": [1, {"x": ["y"]}]}, {"t": "b"}, {"t": "c"}]),
        ("- {t: no, a: yes, b: true, c: 010, d: 1.5, e: '1', f: ~, g: 2001-01-01, h: 1_0}\n", [{"t": "no", "a": "yes", "b": True, "c": "010", "d": 1.5, "e": "1", "f": None, "g": "2001-01-01", "h": "1_0"}]),
        ("- {t: 1.10, a: 1.0e10, b: 123456789.123456789123, c: 0.1, d: -2.0}\n", [{"t": "1.10", "a": "1.0e10", "b": "123456789.123456789123", "c": 0.1, "d": -2.0}]),
        ("- t: a\n- - b\n  - c\n", [{"t": "a"}, {"0": "b", "1": "c"}]),
    ],
)  # fmt: skip
def test_reads_lists_and_documents(put: Put, content: str, expected: list[Any]) -> None:
    assert records(put("a.yaml", content)) == expected


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("- t: [a\n", "not YAML: "),
        ("- t: &a x\n  u: *a\n", "it has a tag, an anchor or an alias"),
        ("- t: !!python/object/apply:os.system [x]\n", "it has a tag, an anchor or an alias"),
        ("- ? [a]\n  : b\n", "a name is a list or an object"),
        ("- t: " + "[" * 100_000 + "\n", "nested too deeply"),
        ("- " + "- " * 100_000 + "x\n", "nested too deeply"),
        ("- t: a\n  u: {x: 1, x: 2}\n", "the name 'x' stands twice in one object"),
        ("- 1\n", "a number, not an object"),
        ("- t: \x07\n", "not YAML: unacceptable character #x0007: "),
        ("- t: \udcff\n", "the byte 0xff at character 6 is not utf-8"),
    ],
)
def test_a_bad_entry_costs_itself_only(put: Put, entry: str, why: str) -> None:
    path = put("a.yaml", ("- t: äöü\n" + entry + "- t: b\n").encode("utf-8", "surrogateescape"))
    first, second, third = records(path)
    assert (first, third) == ({"t": "äöü"}, {"t": "b"})
    assert second.startswith(why) or why in second


SCALAR = st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=8) | st.booleans() | st.none() | st.integers(-(10**17), 10**17)  # fmt: skip
VALUE = st.recursive(SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab:#- \"'", max_size=4), inner, max_size=3), max_leaves=6)  # fmt: skip


@given(st.lists(st.dictionaries(st.sampled_from("abc"), VALUE, min_size=1), min_size=1, max_size=4))
def test_json_is_yaml(tmp_path_factory: pytest.TempPathFactory, values: list[dict[str, Any]]) -> None:
    path = tmp_path_factory.mktemp("yaml") / "a.yaml"
    path.write_text("".join(f"- {json.dumps({**value, 't': 'x'}, ensure_ascii=False)}\n" for value in values), "utf-8")
    assert records(path) == [{**value, "t": "x"} for value in values]


def test_cutting_into_small_blocks_changes_no_row(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put("a.yaml", "# many\n" + "".join(f"- t: row {n}\n  n: |\n    a\n    - b\n\n" for n in range(2000)))
    whole = read_table(path, columns=TEXT)
    monkeypatch.setattr(cutting, "FIRST", 100)
    monkeypatch.setattr(cutting, "SMALLEST", 1000)
    assert len(list(blocks_of(open_source(path, "a.yaml", columns=TEXT)))) > 50
    assert read_table(path, columns=TEXT).equals(whole)
    assert whole["line"].to_pylist()[:2] == [2, 7]


def test_reads_the_same_as_json(real_data: Callable[[str], Path]) -> None:
    name = "instruct_gpteacher/roleplay-simple-deduped-roleplay-instruct"
    yaml, other = (read_table(real_data(f"{name}.{kind}.gz")) for kind in ("yaml", "json"))
    assert yaml.num_rows == other.num_rows == 1923
    assert yaml["unreadable"].null_count == 1923
    assert yaml["messages"].equals(other["messages"])
