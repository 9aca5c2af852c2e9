"""What is read of a request before anything is done with it."""

from __future__ import annotations

import json
import tracemalloc

import pytest

from adaptline.deploy import asking
from adaptline.deploy.errors import RefusedError


@pytest.mark.parametrize(
    "data",
    [
        json.dumps({"messages": [{"role": "user", "content": "a word or two " * 20} for _ in range(200)]}).encode(),
        b'{"a": [' + b"[]," * 50_000 + b"0]}",
        b'{"a": [' + b'{"b":[]},' * 20_000 + b"0]}",
        b'{"a": [' + b"".join(b'{"%x":%d},' % (number, number + 300) for number in range(20_000)) + b"0]}",
        b'{"a": [' + b"1.5," * 50_000 + b"0]}",
        b'{"a": [' + b'"ab",' * 50_000 + b"0]}",
        b'{"a": "' + "\U0001f600".encode() + b"x" * 200_000 + b'"}',
    ],
    ids=["chat", "lists", "objects", "objects with keys of their own", "numbers", "strings", "wide text"],
)
def test_a_body_takes_no_more_memory_than_its_weight(data: bytes) -> None:
    tracemalloc.start()
    try:
        found = asking.parsed(data)
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found
    assert taken < asking.weight(data)


@pytest.mark.parametrize("brackets", [b"[]", b"{}"])
def test_levels_are_counted(brackets: bytes) -> None:
    opening, closing = (b'{"a":', b"}") if brackets == b"{}" else (b"[", b"]")
    whole = b'{"a":' + opening * 99 + b"1" + closing * 99 + b"}"
    assert asking.parsed(whole)
    assert asking.parsed(b'{"a": [' + b"[]," * 500 + b"[]]}")  # many, but not deep
    with pytest.raises(RefusedError, match="deeper than 100"):
        asking.parsed(whole.replace(b"1", opening + b"1" + closing))
