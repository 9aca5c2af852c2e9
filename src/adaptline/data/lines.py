"""Where rows end in files whose rows are lines or paragraphs. Knows bytes only; fields and records are the formats' own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from adaptline.data.cutting import Tape, cut

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adaptline.data.blocks import Block, Source

_LINE_END, _SPACE = b"\n "  # all of ASCII's white space is below the space
_BLANK_LINE = re.compile(rb"\n[ \t\r\x0b\x0c]*\n")


def cut_lines(source: Source) -> Iterator[Block]:
    """Blocks of whole lines; a line that is not blank is a row."""
    return cut(Tape(source), measure_lines)


def cut_paragraphs(source: Source) -> Iterator[Block]:
    """Blocks of whole paragraphs: runs of lines that are not blank."""
    return cut(Tape(source), measure_paragraphs)


def measure_lines(data: bytearray, at: int, final: bool) -> tuple[int, int] | None:
    """The first line end at or after `at`; see blocks.Measure."""
    end = data.find(b"\n", max(at - 1, 0)) + 1
    if not end and not final:
        return None
    end = end or len(data)
    codes = np.frombuffer(data, np.uint8)[:end]
    ends = codes == _LINE_END
    if end and codes[0] > _SPACE and not (ends[:-1] & (codes[1:] <= _SPACE)).any():  # no line is blank: most files
        return end, int(np.count_nonzero(ends)) + (not ends[-1])
    return end, sum(map(bool, map(bytes.strip, codes.tobytes().split(b"\n"))))


def measure_paragraphs(data: bytearray, at: int, final: bool) -> tuple[int, int] | None:
    """The first blank line that ends at or after `at`; see blocks.Measure."""
    start = max(data.rfind(b"\n", 0, max(at - 1, 0)), 0)
    found = _BLANK_LINE.search(data, start)
    while found is not None and found.end() < at:
        found = _BLANK_LINE.search(data, found.end() - 1)
    if found is None and not final:
        return None
    end = len(data) if found is None else found.end()
    filled = [bool(line.strip()) for line in data[:end].split(b"\n")]
    return end, sum(now and not before for before, now in zip([False, *filled], filled, strict=False))
