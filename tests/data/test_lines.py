from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptline.data.lines import measure_lines, measure_paragraphs

TEXTS = st.text("ab \t\r\n", max_size=60).map(str.encode)


@pytest.mark.parametrize(
    ("data", "at", "final", "found"),
    [
        (b"one\ntwo\n", 1, False, (4, 1)),
        (b"one\ntwo\n", 4, False, (4, 1)),
        (b"one\ntwo\n", 5, False, (8, 2)),
        (b"one\ntwo", 5, False, None),
        (b"one\ntwo", 5, True, (7, 2)),
        (b"one\n\n \t\r\ntwo\n", 10, False, (13, 2)),
        (b"\n\n", 1, False, (1, 0)),
        (b"", 1, True, (0, 0)),
    ],
)
def test_lines_end_at_line_feeds(data: bytes, at: int, final: bool, found: tuple[int, int] | None) -> None:
    assert measure_lines(bytearray(data), at, final) == found


@pytest.mark.parametrize(
    ("data", "at", "final", "found"),
    [
        (b"one\ntwo\n\nthree\n", 1, False, (9, 1)),
        (b"one\ntwo\n\nthree\n", 9, False, (9, 1)),
        (b"one\ntwo\n\nthree\n", 10, False, None),
        (b"one\ntwo\n\nthree\n", 10, True, (15, 2)),
        (b"one\r\n \t\r\ntwo\r\n", 1, False, (9, 1)),
        (b"\n\n\none\n\n", 4, False, (8, 1)),
        (b"one\n\n\n\ntwo\n\n", 6, False, (6, 1)),
    ],
)
def test_paragraphs_end_at_blank_lines(data: bytes, at: int, final: bool, found: tuple[int, int] | None) -> None:
    assert measure_paragraphs(bytearray(data), at, final) == found


@given(TEXTS, st.integers(1, 60))
def test_a_line_block_ends_at_the_first_line_end_at_or_after(data: bytes, at: int) -> None:
    ends = [position + 1 for position, byte in enumerate(data) if byte == ord("\n") and position + 1 >= at]
    found = measure_lines(bytearray(data), at, False)
    assert (found and found[0]) == (ends[0] if ends else None)


@given(TEXTS, st.integers(1, 60))
def test_a_paragraph_block_never_ends_inside_a_paragraph(data: bytes, at: int) -> None:
    found = measure_paragraphs(bytearray(data), at, False)
    if found is None:
        return
    end, rows = found
    assert end >= at
    assert data[:end].endswith(b"\n")
    assert not data[:end].split(b"\n")[-2].strip()
    assert rows + count(data[end:]) == count(data)


def count(data: bytes) -> int:
    filled = [bool(line.strip()) for line in data.split(b"\n")]
    return sum(now and not before for before, now in zip([False, *filled], filled, strict=False))
