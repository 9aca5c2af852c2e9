"""Positions over shards, and the table of verdicts."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from adaptline.data import matching


def shard(values: list[bytes | None]) -> pa.Table:
    return pa.table({"value": pa.array(values, pa.binary(2))})


def test_living_rows_are_alive_and_not_null() -> None:
    shards = [shard([b"aa", None, b"bb"]), shard([]), shard([b"cc", b"dd"])]
    alive = [np.array([True, True, False]), np.array([], bool), np.array([False, True])]
    assert [rows.tolist() for rows in matching.living(shards, alive, "value")] == [[0], [], [1]]


def test_every_shard_has_a_mask() -> None:
    with pytest.raises(ValueError, match="shorter"):
        matching.living([shard([b"aa"])], [], "value")


def test_fixed_bytes_are_the_bytes_of_all_chunks_from_their_offsets() -> None:
    whole = pa.array([b"aa", b"bb", b"cc", b"dd"], pa.binary(2))
    column = pa.chunked_array([whole[1:3], whole[:0], whole[3:]])
    assert matching.fixed_bytes(column).tobytes() == b"bbccdd"
    assert matching.fixed_bytes(pa.chunked_array([whole])).shape == (4, 2)
    assert matching.fixed_bytes(pa.chunked_array([], pa.binary(2))).shape == (0, 2)
    assert matching.fixed_bytes(pa.chunked_array([whole[:0]])).shape == (0, 2)


def test_fixed_bytes_of_one_chunk_are_not_copied() -> None:
    column = pa.chunked_array([pa.array([b"aa", b"bb"], pa.binary(2))])
    assert matching.fixed_bytes(column).ctypes.data == column.chunk(0).buffers()[1].address


@pytest.mark.parametrize("valid", [[True, True, True], [True, False, True], [False, False, False]])
def test_to_fixed_binary_is_the_way_back(valid: list[bool]) -> None:
    values = np.arange(6, dtype=np.uint8).reshape(3, 2)
    column = matching.to_fixed_binary(values, np.array(valid))
    assert column.to_pylist() == [
        row.tobytes() if is_valid else None for row, is_valid in zip(values, valid, strict=True)
    ]
    back = matching.fixed_bytes(pa.chunked_array([column]))
    assert back[valid].tolist() == values[valid].tolist()


def test_drops_stand_in_order_of_shard_and_row() -> None:
    positions = [np.array([0, 2]), np.array([], np.int64), np.array([5, 6])]  # taking part: 0:0 0:2 2:5 2:6
    found = matching.drops(positions, np.array([3, 1]), np.array([2, 0]), np.array([0.9, 1.0]))
    assert found.schema.equals(matching.SCHEMA)
    assert found.to_pylist() == [
        {"shard": 0, "row": 2, "of_shard": 0, "of_row": 0, "score": 1.0},
        {"shard": 2, "row": 6, "of_shard": 2, "of_row": 5, "score": 0.9},
    ]


def test_no_drops_are_an_empty_table() -> None:
    none = np.array([], np.int64)
    assert matching.drops([], none, none, np.array([], float)).equals(matching.SCHEMA.empty_table())
