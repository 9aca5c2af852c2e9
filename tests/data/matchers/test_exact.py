"""The exact matcher, against a dictionary."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from adaptline.data.matchers.exact import exact, sketch
from adaptline.data.matching import SCHEMA, Start
from adaptline.data.text import fold
from adaptline.errors import UserError

TEXTS = st.lists(st.sampled_from(["a", "A", " a ", "b", "\uff41", "", "b\n", None]), max_size=30)
Line = tuple[int, int, int, int, float]


def match(
    shards: Sequence[Sequence[str | None]], alive: list[list[bool]] | None = None, **parameters: Any
) -> list[Line]:
    given = [pa.array(texts, pa.string()) for texts in shards]
    tables = [sketch(texts, **parameters) for texts in given]
    masks = [np.array(mask, bool) for mask in alive or [[True] * len(texts) for texts in shards]]
    return [tuple(line.values()) for line in exact(tables, masks).to_pylist()]


def cut(texts: list[Any], at: int) -> list[list[Any]]:
    return [texts[:at], texts[at:]]


def test_the_first_stays() -> None:
    assert match([["x", "y", "x"], ["y", "x"]]) == [(0, 2, 0, 0, 1.0), (1, 0, 0, 1, 1.0), (1, 1, 0, 0, 1.0)]


def test_case_form_and_white_space_make_no_difference_unless_asked() -> None:
    texts = ["Hello  World", " hello world\n", "ＨＥＬＬＯ world"]  # noqa: RUF001 - full-width letters
    assert [line[1] for line in match([texts])] == [1, 2]
    assert match([texts], normalise=False) == []
    assert match([["a", "a"]], normalise=False) == [(0, 1, 0, 0, 1.0)]


def test_a_null_text_matches_nothing_and_an_empty_one_matches_empty_ones() -> None:
    assert match([[None, "", None, "  "]]) == [(0, 3, 0, 1, 1.0)]


def test_a_row_that_is_out_neither_drops_nor_is_dropped() -> None:
    assert match([["x", "x", "x"]], [[False, True, True]]) == [(0, 2, 0, 1, 1.0)]
    assert match([["x", "x", "x"]], [[True, False, False]]) == []


def test_nothing_at_all() -> None:
    assert match([]) == []
    assert match([[], []]) == []
    assert match([[None]]) == []


@given(TEXTS, st.integers(0, 30), st.data())
def test_it_is_what_a_dictionary_would_say(texts: list[str | None], at: int, data: st.DataObject) -> None:
    alive = data.draw(st.lists(st.booleans(), min_size=len(texts), max_size=len(texts)))
    seen: dict[str, int] = {}
    expected = []
    for row, text in enumerate(texts):
        if text is not None and alive[row]:
            first = seen.setdefault(fold(text), row)
            if first != row:
                expected.append((row, first))
    shards = cut(texts, at)
    starts = [0, len(shards[0])]
    found = match(shards, cut(alive, at))
    assert [(starts[s] + r, starts[of_s] + of_r) for s, r, of_s, of_r, _ in found] == expected


@given(TEXTS, TEXTS)
def test_appending_changes_no_earlier_line(texts: list[str | None], more: list[str | None]) -> None:
    before = match([texts])
    assert match([texts, more])[: len(before)] == before


def test_the_sketch_is_16_bytes_a_text_and_null_for_null() -> None:
    column = sketch(pa.array(["a", None], pa.string()))["fingerprint"]
    assert column.type == pa.binary(16)
    assert column.null_count == 1


def test_texts_in_python_and_from_a_file_are_the_same(tmp_path: Any) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    texts = pa.array(["x", None, "x"], pa.string())
    table = sketch(texts)
    pq.write_table(table, tmp_path / "sketch.parquet")
    (line,) = exact([pq.read_table(tmp_path / "sketch.parquet")], [np.ones(3, bool)]).to_pylist()
    assert (line["row"], line["of_row"]) == (2, 0)


def test_a_hundred_thousand_rows_take_well_under_two_cpu_seconds() -> None:
    texts = [f"row number {row % 70_000}" for row in range(100_000)]
    started = time.process_time()
    found = match([texts[:50_000], texts[50_000:]])
    assert time.process_time() - started < 2
    assert len(found) == 30_000


def test_the_sketch_is_what_its_documentation_says() -> None:
    """So that anybody can compute it: BLAKE3 of the folded code points, four bytes each."""
    for text in ("Hello  World", "\ufdfa x", "", "\U0001f600\u00df"):
        (found,) = sketch(pa.array([text]))["fingerprint"].to_pylist()
        assert found == blake3(fold(text).encode("utf-32-le")).digest(16)
        (found,) = sketch(pa.array([text]), normalise=False)["fingerprint"].to_pylist()
        assert found == blake3(text.encode()).digest(16)


def test_long_and_short_texts_of_any_script() -> None:
    texts = ["\ufdfa" * 5000, "x", "\ufdfa" * 5000, "字" * 3000, "X", "字" * 3000 + " "]
    assert [line[1::2][:2] for line in match([texts])] == [(2, 0), (4, 1), (5, 3)]
    assert [line[1::2][:2] for line in match([texts], normalise=False)] == [(2, 0)]


@given(TEXTS, st.integers(0, 30), st.data())
def test_what_is_known_of_the_first_shards_changes_no_verdict(texts: list[str], at: int, data: st.DataObject) -> None:
    shards = cut(texts, at)
    alive = [data.draw(st.lists(st.booleans(), min_size=len(shard), max_size=len(shard))) for shard in shards]
    arrays = [pa.array(shard, pa.string()) for shard in shards]
    tables, masks = [sketch(array) for array in arrays], [np.array(mask, bool) for mask in alive]
    known = Start(1, exact(tables[:1], masks[:1]))
    more = exact(tables, masks, known)
    assert [tuple(line.values()) for line in [*known.drops.to_pylist(), *more.to_pylist()]] == match(shards, alive)


def test_where_there_is_no_room_it_says_how_much_is_enough() -> None:
    tables = [sketch(pa.array(["x"] * 100_000))]
    masks = [np.ones(100_000, bool)]
    with pytest.raises(UserError, match="100,000 rows"):
        exact(tables, masks, Start(0, SCHEMA.empty_table(), 1 << 20))
    assert exact(tables, masks, Start(0, SCHEMA.empty_table(), 1 << 30)).num_rows == 99_999
