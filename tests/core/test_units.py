"""Units: found if they were ever done, else computed once and committed, here or in a worker."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
import work
from hypothesis import given
from hypothesis import strategies as st

from adaptline.core import keys, units
from adaptline.core.artifacts import Unit
from adaptline.core.engines.local import WORTH_A_WORKER, LocalEngine
from adaptline.core.rows import Ref
from adaptline.core.store import Store
from adaptline.core.units import StoreUnits
from adaptline.errors import UserError


class Noted:
    """Remembers what it is told: a real receiver."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def say(self, line: str) -> None:
        raise AssertionError(line)

    def at(self, task: str, done: float, total: float, note: str = "") -> None:
        self.told.append(f"{task}: {done:g} of {total:g}{note}")

    def end(self, task: str) -> None:
        self.told.append(f"{task} is over")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "store")


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Unit]:
    """A unit whose calls are written down in the file `calls`."""
    return lambda rows, meaning=None, **more: Unit(
        meaning or ["counted", rows], {"calls": tmp_path / "calls", "rows": rows, **more}
    )


def calls(store: Store) -> list[str]:
    path = store.root.parent / "calls"
    return path.read_text().split() if path.exists() else []


def test_results_come_in_the_order_of_the_units(store: Store, make: Callable[..., Unit]) -> None:
    found = StoreUnits(store, LocalEngine(1))
    refs = found.map(work.counted, [make(rows) for rows in (3, 1, 2)], "count")
    assert [ref.rows for ref in refs] == [3, 1, 2]
    assert [found.read(ref)["a"].to_pylist() for ref in refs] == [[0, 1, 2], [0], [0, 1]]
    assert refs[0].key == keys.key("unit", ["counted", 3])
    assert (found.ran, found.found) == ({"count": 3}, {"count": 0})


def test_what_was_ever_done_is_not_done_again(store: Store, make: Callable[..., Unit]) -> None:
    first = StoreUnits(store, LocalEngine(1)).map(work.counted, [make(1), make(2)], "count")
    again = StoreUnits(store, LocalEngine(1))
    assert again.map(work.counted, [make(2), make(3), make(1)], "count")[::2] == first[::-1]
    assert (again.ran, again.found) == ({"count": 1}, {"count": 2})
    assert calls(store) == ["1", "2", "3"]


def test_units_are_found_up_to_the_first_that_is_not_there(store: Store, make: Callable[..., Unit]) -> None:
    found, pieces = StoreUnits(store, LocalEngine(1)), [make(rows) for rows in range(1, 5)]
    made = found.map(work.counted, [pieces[0], pieces[1], pieces[3]], "count")
    meanings = [piece.meaning for piece in pieces]
    assert found.first_there(meanings) == made[:2]
    assert found.first_there(meanings[2:]) == found.first_there([]) == []


def test_units_of_one_meaning_are_one(store: Store, make: Callable[..., Unit]) -> None:
    found = StoreUnits(store, LocalEngine(1))
    refs = found.map(work.counted, [make(2), make(2), make(2)], "count")
    assert refs[0] == refs[1] == refs[2]
    assert calls(store) == ["2"]
    assert found.ran == {"count": 1}


def test_counts_add_up_over_calls(store: Store, make: Callable[..., Unit]) -> None:
    found = StoreUnits(store, LocalEngine(1))
    for rows in ([1], [1, 2], []):
        found.map(work.counted, [make(count) for count in rows], "count")
    found.map(work.counted, [make(9)], "other")
    assert found.ran == {"count": 2, "other": 1}
    assert found.found == {"count": 1, "other": 0}


def test_a_unit_reads_units(store: Store, make: Callable[..., Unit]) -> None:
    found = StoreUnits(store, LocalEngine(1))
    (text,) = found.map(work.counted, [make(2)], "count")
    (ref,) = found.map(work.counted, [make(1, ["after", text.digest], text=text)], "count")
    assert found.read(ref)["a"].to_pylist() == [0, 1, 0]


def test_progress_and_time_are_told(store: Store) -> None:
    noted = Noted()
    found = StoreUnits(store, LocalEngine(1), noted)
    found.map(work.refuses, [Unit([rows], {"rows": rows}) for rows in (0, 2)], "even")
    assert noted.told == ["even: 1 of 2", "even: 2 of 2", "even is over"]
    assert found.cpu_seconds_elsewhere == 0


def test_large_work_is_done_by_workers_with_the_same_result(
    store: Store, make: Callable[..., Unit], tmp_path: Path
) -> None:
    big = Ref("none", "none", WORTH_A_WORKER)
    with LocalEngine(2) as engine:
        (text,) = StoreUnits(store, engine).map(work.counted, [make(1)], "count")
        assert engine._pool is None
        heavy = [make(rows, ["heavy", rows], text=Ref(text.key, text.digest, big.rows)) for rows in range(4)]
        refs = StoreUnits(store, engine).map(work.counted, heavy, "count")
        assert engine._pool is not None
    other = Store.open(tmp_path / "other")
    StoreUnits(other, LocalEngine(1)).map(work.counted, [make(1)], "count")
    assert StoreUnits(other, LocalEngine(1)).map(work.counted, heavy, "count") == refs


def test_what_was_done_before_a_mistake_stays_done(store: Store) -> None:
    found = StoreUnits(store, LocalEngine(1))
    with pytest.raises(UserError, match="3 is odd"):
        found.map(work.refuses, [Unit([rows], {"rows": rows}) for rows in (2, 3, 4)], "even")
    again = StoreUnits(store, LocalEngine(1))
    again.map(work.refuses, [Unit([rows], {"rows": rows}) for rows in (2, 4)], "even")
    assert (again.ran, again.found) == ({"even": 1}, {"even": 1})


def test_a_damaged_unit_is_not_taken_for_a_result(store: Store, make: Callable[..., Unit]) -> None:
    (ref,) = StoreUnits(store, LocalEngine(1)).map(work.counted, [make(5)], "count")
    path = store.root / "units" / ref.key[:2] / ref.key
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UserError, match="missing or damaged"):
        StoreUnits(store, LocalEngine(1)).map(work.counted, [make(5)], "count")


def test_the_secret_is_the_stores(store: Store) -> None:
    assert StoreUnits(store, LocalEngine(1)).subject_secret() == store.subject_secret()


class Source:
    """Something with a size, as a block of a file."""

    size = 1000


@given(st.lists(st.integers(0, 1000), max_size=4))
def test_weight_counts_rows_and_sizes_wherever_they_are_listed(rows: list[int]) -> None:
    refs = [Ref("", "", count) for count in rows]
    expected = sum(rows) * units._ASSUMED_ROW_BYTES
    assert units._weight([Unit([], {"sketches": refs, "use": "x", "blocks": (Source(), 3)})]) == expected + 1000
    assert units._weight([Unit([], {"text": ref}) for ref in refs]) == expected
    assert units._weight([Unit([], {"table": pa.table({"a": rows}), "alive": b"\0"})]) == 0
